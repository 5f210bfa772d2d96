"""Word times on beats: the same batches but for when words are sung, order kept, and nothing at all where it is off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.batches import Batches, fixed_batches
from jam_model.shards import Shards
from jam_model.words import Word, beats_of
from tasks.times.grid import on_beats
from tasks.training.recipe import check_beats, run_name
from tasks.training.word_times import OnBeats, WordTimesParams
from tests.jam_model.test_shards import members_of, write_folder

QUANTISED = WordTimesParams(grid="beat/2", dequantise=False)
DEQUANTISED = WordTimesParams(grid="beat/2", dequantise=True)
SILENCE_C = np.zeros(64, np.float32)
BEATS_S = np.arange(0.05, 2.0, 0.2).tolist()


def with_beats(seed: int, beats_s: object) -> dict[str, bytes]:
    words = [
        {"word": w, "phoneme": w, "start": s, "end": e} for w, s, e in (("l", 0.12, 0.31), ("v", 0.52, 0.72))
    ]
    phones = [{"word": 0, "phone": "l", "start_s": 0.12, "end_s": 0.31, "score": None}]
    return members_of(seed, 40) | {
        "json": json.dumps({"word": words}).encode(),
        "beats.json": json.dumps(beats_s).encode(),
        "phones.json": json.dumps(phones).encode(),
    }


def test_words_on_beats_change_nothing_else_and_are_dequantised_within_their_step(tmp_path: Path) -> None:
    words = [Word(str(n), 0.21 * n, 0.21 * n + 0.2) for n in range(9)]
    drawn = np.array(
        [
            [(w.start_s, w.end_s) for w in on_beats(words, BEATS_S, 2, 2.0, np.random.default_rng(seed))]
            for seed in range(200)
        ]
    )
    quantised = np.array([(w.start_s, w.end_s) for w in on_beats(words, BEATS_S, 2, 2.0)])
    assert (np.diff(drawn.reshape(200, -1)) >= 0).all()
    off = (drawn - quantised)[:, 1:-1]
    assert np.abs(off).max() <= 0.05 + 1e-5 and np.abs(off).max() > 0.045 and abs(off.mean()) < 0.005

    folder = write_folder(tmp_path / "s", [{"a": with_beats(1, BEATS_S), "b": with_beats(2, [0.5])}])
    shards = Shards(folder, extras=("phones", "beats_s"))
    given = (SILENCE_C, 32, 0.5, 10, 3, None)
    plain, snapped, within = (
        Batches(shards, *given, retimed=times and OnBeats(times)).at(range(6))
        for times in (None, QUANTISED, DEQUANTISED)
    )
    for other in (snapped, within):
        assert torch.equal(plain.latents_BTC, other.latents_BTC) and plain.song_ids == other.song_ids
        same = (plain.conditions.lyric_tokens_BL == other.conditions.lyric_tokens_BL).all(dim=1).tolist()
        assert all(row for row, song in zip(same, plain.song_ids, strict=True) if song == "b") and not all(
            same
        )
    assert not torch.equal(snapped.conditions.lyric_tokens_BL, within.conditions.lyric_tokens_BL)

    times = OnBeats(QUANTISED)
    moved, kept = (times(shards[number], np.random.default_rng(0)) for number in (0, 1))
    assert [(w.start_s, w.end_s) for w in moved.words] == [(0.15, 0.35), (0.55, 0.75)]
    assert [(p.start_s, p.end_s) for p in (moved.phones or [])[0]] == [(0.15, 0.35)]
    assert kept is shards[1] or kept.words == shards[1].words
    assert times.off_share() == 0.5 and times.off_share() == 0.0
    (held,) = fixed_batches(shards, SILENCE_C, 40, 2, retimed=OnBeats(DEQUANTISED))
    (again,) = fixed_batches(shards, SILENCE_C, 40, 2, retimed=OnBeats(DEQUANTISED))
    assert torch.equal(held.conditions.lyric_tokens_BL, again.conditions.lyric_tokens_BL)


def test_runs_that_learn_from_the_times_as_they_are_keep_their_names_and_lacking_beats_are_one_line(
    tmp_path: Path,
) -> None:
    folder = write_folder(tmp_path / "s", [{"a": with_beats(1, BEATS_S), "b": members_of(2)}])
    params = load_params()
    given = (params.sft, params.jam, folder, SILENCE_C, None, None, None, None)
    names = [run_name(*given), *(run_name(*given, times) for times in (QUANTISED, DEQUANTISED))]
    assert params.word_times.chosen is None and len(set(names)) == 3
    assert run_name(*given, params.word_times) == names[0]
    check_beats(None, folder, 0)
    with pytest.raises(
        ValueError, match=r"grid is beat/2, but .*1 of 2 songs have no beats\.json; prepare with"
    ):
        check_beats(QUANTISED, folder, 0)
    for setting, why in (
        ("word_times.grid=beat/0", "no grid for words"),
        ("word_times.dequantise=true", "grid is null"),
        ("pack.extras=[beats_s]", "models.beats.model is none"),
    ):
        with pytest.raises(ValueError, match=why):
            load_params(None, [setting])
    assert beats_of(None, "a") == () and beats_of([0, 1.5], "a") == (0.0, 1.5)
    for rows, why in (
        ({}, "no list"),
        (["1"], "no list"),
        ([True], "no list"),
        ([1, 1], "1 is no second"),
        ([-1], "-1"),
    ):
        with pytest.raises(ValueError, match=why):
            beats_of(rows, "a")
