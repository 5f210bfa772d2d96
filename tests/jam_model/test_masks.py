"""Masked seconds: what is left between them, and that no crop of training ever holds one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jam_model.batches import Batches, Crop, draw_crop, draw_free_crop
from jam_model.frames import FRAME_RATE_HZ, SHORTEST_STRETCH, free_stretches, masks_of
from jam_model.lyric_grid import SONG_FILLER
from jam_model.shards import Shards
from tests.every import every
from tests.jam_model.test_shards import members_of, write_folder

SILENCE_C = np.zeros(64, np.float32)
MASKS = [(4.0, 5.5), (12.0, 13.0)]
NUM_FRAMES = 400


def masked_members() -> dict[str, bytes]:
    words = [
        {"start": s, "end": s + 0.4, "phoneme": "lˈʌv", "word": "love"} for s in np.arange(0.0, 18.0, 0.5)
    ]
    masked = [{"start_s": start, "end_s": end} for start, end in MASKS]
    return {
        **members_of(1, NUM_FRAMES),
        "json": json.dumps({"word": words}).encode(),
        "masked.json": json.dumps(masked).encode(),
    }


def folder(path: Path) -> Shards:
    return Shards(write_folder(path / "s", [{"a": masked_members()}]))


def test_stretches_lie_between_the_masks_and_short_ones_go() -> None:
    assert free_stretches([], 5) == [(0, 5)]
    assert free_stretches(MASKS, NUM_FRAMES) == [(0, 86), (119, 258), (280, 400)]
    assert free_stretches([(5.0, 5.5), (4.0, 6.0), (6.5, 7.0)], 200) == [(0, 86), (151, 200)]
    assert free_stretches([(0.5, 9.0)], 200) == [] and SHORTEST_STRETCH == 22


@pytest.mark.parametrize("max_frames", [30, 100, 500])
def test_no_crop_holds_a_masked_second_and_every_stretch_is_drawn(tmp_path: Path, max_frames: int) -> None:
    sample, rng = folder(tmp_path)[0], np.random.default_rng(1)
    assert sample.masked_s == tuple(MASKS)
    crops = [draw_free_crop(sample, max_frames, 0.3, rng) for _ in range(600)]
    for crop in crops:
        first_s, end_s = crop.start / FRAME_RATE_HZ, (crop.start + crop.num_frames) / FRAME_RATE_HZ
        assert all(end_s <= start or first_s >= end for start, end in MASKS), crop
        assert crop.start + crop.num_frames <= crop.total_frames
    assert {crop.total_frames for crop in crops} == {86, 258, 400}


def test_a_batch_of_a_masked_song_has_no_word_and_no_sound_of_the_masked_seconds(tmp_path: Path) -> None:
    shards = folder(tmp_path)
    batches = Batches(shards, SILENCE_C, 500, 0.0, shuffle_shards=1, seed=2)
    for position in range(12):
        batch = batches.at([position])
        used = int((batch.latents_BTC[0] != 0).any(1).sum())
        assert used in (86, 139, 120)
        assert (batch.conditions.lyric_tokens_BL[0, 4 * used :] == SONG_FILLER).all()


def test_crops_of_a_song_without_masks_are_as_before(tmp_path: Path) -> None:
    plain = Shards(write_folder(tmp_path / "p", [{"a": members_of(1, NUM_FRAMES)}]))[0]
    for seed in range(20):
        drawn = draw_free_crop(plain, 100, 0.3, np.random.default_rng(seed))
        assert drawn == draw_crop(NUM_FRAMES, 100, 0.3, np.random.default_rng(seed)) and isinstance(
            drawn, Crop
        )


@every(
    "rows", [{}, [1], [{}], [{"start_s": 2, "end_s": 1}], [{"start_s": -1, "end_s": 1}], [{"start_s": "0", "end_s": 1}],
             [{"start_s": 0, "end_s": float("nan")}], [{"start_s": True, "end_s": 2}]],
)  # fmt: skip
def test_masks_of_another_form_are_refused_by_name(rows: object) -> None:
    with pytest.raises(ValueError, match=r"a\.masked\.json.*pack again"):
        masks_of(rows, "a.masked.json")


def test_masks_that_leave_nothing_are_refused_by_the_song(tmp_path: Path) -> None:
    members = {**members_of(1, 60), "masked.json": b'[{"start_s": 0.5, "end_s": 2.5}]'}
    sample = Shards(write_folder(tmp_path / "s", [{"gone": members}]))[0]
    with pytest.raises(ValueError, match="gone: its masks leave no stretch"):
        draw_free_crop(sample, 30, 0.0, np.random.default_rng(0))
