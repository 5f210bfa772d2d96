"""Batches: the order is seeded, disjoint and resumable; crops, padding and conditions are as released."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.batches import Batches, Crop, draw_crop, fixed_batches, padded
from jam_model.conditions import duration_conditions
from jam_model.lyric_grid import SONG_FILLER, lyric_grid
from jam_model.order import EndlessOrder
from jam_model.shards import Shards
from tests.jam_model.test_shards import members_of, write_folder

SILENCE_C = np.linspace(-3, 3, 64, dtype=np.float32)


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    lengths = (20, 37, 24, 50, 31)
    songs = {f"s{n}": members_of(n, length, num_styles=2) for n, length in enumerate(lengths)}
    names = list(songs)
    return Shards(
        write_folder(tmp_path / "s", [{n: songs[n] for n in names[:2]}, {n: songs[n] for n in names[2:]}])
    )


def batches_of(shards: Shards, max_frames: int = 32, past_end_share: float = 0.5, seed: int = 3) -> Batches:
    return Batches(shards, SILENCE_C, max_frames, past_end_share, shuffle_shards=10, seed=seed)


def test_batch_depends_on_seed_and_position_alone(shards: Shards) -> None:
    once, again = batches_of(shards).at(range(6, 12)), batches_of(shards).at(range(9, 12))
    assert torch.equal(once.latents_BTC[3:], again.latents_BTC)
    assert once.song_ids[3:] == again.song_ids
    assert not torch.equal(again.latents_BTC, batches_of(shards, seed=4).at(range(9, 12)).latents_BTC)


def test_latent_is_drawn_anew_in_every_epoch(shards: Shards) -> None:
    order, batches = EndlessOrder(shards.shard_sizes(), 3, 10), batches_of(shards, max_frames=60)
    positions = [p for p in range(10) if order[p] == 0]
    first, second = (batches.at([p]).latents_BTC[0, :20].numpy() for p in positions)
    sample = shards[0]
    assert not np.array_equal(first, second)
    assert np.abs((first - sample.mean_TC) / sample.std_TC).mean() < 2


def test_song_that_fits_is_taken_whole_and_padded_with_silence(shards: Shards) -> None:
    batch = next(iter(fixed_batches(shards, SILENCE_C, 60, batch_size=5)))
    for row, (latent_TC, rel) in enumerate(
        zip(batch.latents_BTC, batch.conditions.duration_rel_B, strict=True)
    ):
        sample = shards[row]
        np.testing.assert_array_equal(latent_TC[: sample.num_frames], sample.mean_TC)
        assert (latent_TC[sample.num_frames :] == torch.from_numpy(SILENCE_C)).all()
        assert int(60 * rel) == sample.num_frames
        start_time, duration_abs, _ = duration_conditions(sample.num_frames, 60)
        assert batch.conditions.start_time_B[row] == start_time == 0
        assert batch.conditions.duration_abs_B[row] == pytest.approx(duration_abs)


def test_lyrics_follow_the_crop(shards: Shards) -> None:
    sample = shards[3]
    batch = batches_of(shards, max_frames=32, past_end_share=0.0)
    found = []
    for position in range(20):
        one = batch.at([position])
        if one.song_ids == (sample.song_id,):
            start = round(float(one.conditions.start_time_B[0]) * sample.num_frames)
            expected = lyric_grid(sample.words, 32, start, sample.num_frames)
            assert torch.equal(one.conditions.lyric_tokens_BL[0], torch.from_numpy(expected))
            found.append(start)
    assert len(set(found)) > 1


def test_stated_share_of_crops_runs_past_the_end() -> None:
    rng = np.random.default_rng(0)
    crops = [draw_crop(200, 72, 0.25, rng) for _ in range(4000)]
    past = [crop for crop in crops if crop.num_frames < 72]
    assert 0.2 < len(past) / len(crops) < 0.3
    assert all(crop.start + crop.num_frames == 200 and crop.num_frames >= 18 for crop in past)
    assert (
        min(crop.start for crop in crops) == 0
        and max(crop.start for crop in crops if crop not in past) == 128
    )
    assert not any(draw_crop(200, 72, 0.0, rng).num_frames < 72 for _ in range(200))


def test_frames_after_the_crop_are_silence_even_if_the_song_goes_on() -> None:
    latent_TC = np.ones((50, 64), np.float32)
    padded_TC = padded(latent_TC, Crop(30, 20, 50), 32, SILENCE_C)
    assert (padded_TC[:20] == 1).all() and (padded_TC[20:] == SILENCE_C).all()
    assert (padded(latent_TC[:40], Crop(30, 20, 50), 32, SILENCE_C)[10:] == SILENCE_C).all()


def test_lyric_slots_after_the_song_hold_the_song_filler(shards: Shards) -> None:
    batch = next(iter(fixed_batches(shards, SILENCE_C, 60, batch_size=1)))
    assert (batch.conditions.lyric_tokens_BL[0, 4 * 20 :] == SONG_FILLER).all()


def test_style_rows_are_all_used(shards: Shards) -> None:
    batches = batches_of(shards)
    drawn = {
        (b.song_ids[0], float(b.conditions.style_BS[0, 0])) for b in (batches.at([p]) for p in range(40))
    }
    assert len({style for song, style in drawn if song == "s0"}) == 2
