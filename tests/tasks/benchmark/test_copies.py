"""Does it copy? A training song passed off as a generated one is found, one like no other is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tasks.audio.read import npy_bytes
from tasks.benchmark.copies import CopyParams, References, copies_in
from tasks.dedup.landmarks import landmarks
from tasks.dedup.shingles import shingles
from tasks.stages.dedup_features import DedupFeaturesParams
from tests.tasks.benchmark.test_system_metrics import RESAMPLING, measured, row
from tests.tasks.dedup.test_near_duplicates import PARAMS

SKETCHES = DedupFeaturesParams(shingle_words=3, max_shingles=512, max_landmarks=512)
LOOK = CopyParams(check="always", max_share=None)


def notes(seed: int, noise: float = 0.0) -> np.ndarray:
    """Eight seconds of 80 short notes, two channels."""
    random = np.random.default_rng(seed)
    mix_N = np.zeros(8 * 44_100, np.float32)
    for start, hz in zip(
        random.integers(0, len(mix_N) - 9000, 80), random.uniform(150, 4000, 80), strict=True
    ):
        mix_N[start : start + 9000] += (
            0.1 * np.hanning(9000) * np.sin(2 * np.pi * hz * np.arange(9000) / 44_100)
        )
    mix_N += noise * np.random.default_rng(99).standard_normal(len(mix_N)).astype(np.float32)
    return mix_N[None].repeat(2, 0)


def words(seed: int) -> list[str]:
    return [f"w{number}" for number in np.random.default_rng([1, seed]).integers(0, 1000, 40)]


def reference(song_id: str, seed: int) -> dict[str, Any]:
    return {
        "song_id": song_id,
        "lyrics_shingles": npy_bytes(shingles(words(seed), 3, 512)),
        "audio_landmarks": npy_bytes(landmarks(notes(seed), 512)),
        "style_embedding": [[0.6, 0.8]],
    }


def prepared(splits: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"song_id": name, "split": split, "drop_reason": None, "duplicate_group": name}
        for name, split in splits.items()
    ]


def test_a_training_song_passed_off_as_generated_is_found_and_an_unrelated_one_is_not() -> None:
    known = {"t1": 1, "t2": 2, "t3": 3, "h1": 11, "s1": 21, "s22": 22}
    splits = {name: "train" if name[0] == "t" else "benchmark" for name in known}
    references = References.of(prepared(splits))
    assert (len(references.training), len(references.drawn), len(references.held_out)) == (3, 3, 3)
    sounds = {  # what each system made of the two prompts, and the words that were heard in it
        "s1-copy": (notes(2, 0.001), words(50)),
        "s22-copy": (notes(60), words(3)),
        "s1-fresh": (notes(61), words(61)),
        "s22-fresh": (notes(22), words(22)),  # its own prompt's song again: nothing it was trained on
        "s1-loud": (0.3 * notes(2), words(2)),
        "s22-loud": (notes(11), words(62)),
    }
    rows = [
        row(name.split("-")[0], name.split("-")[1], heard, "ab", duration_s=8.0)
        for name, (_, heard) in sounds.items()
    ]
    rows += [
        row("s1", "none", [], "", "timed_out", duration_s=8.0),
        row("s22", "none", ["ab"], "ab", duration_s=8.0),
    ]
    sounds["s22-none"] = notes(63), ["ab"]

    def passing() -> Iterator[dict[str, Any]]:
        yield from (reference(name, seed) for name, seed in known.items() if name in references.all)

    found = copies_in(
        measured(rows).systems,
        lambda song_id: sounds[song_id][0],
        references,
        passing(),
        PARAMS,
        SKETCHES,
        LOOK,
        RESAMPLING,
    )
    by_name = {one.system: one for one in found.rows}
    assert by_name["copy"].near == [("s1", "t2"), ("s22", "t3")]
    assert (by_name["copy"].of_training.value, by_name["copy"].of_held_out.value) == (1.0, 0.0)
    assert by_name["copy"].difference.value == 1.0
    assert by_name["fresh"].of_training.value == by_name["fresh"].of_held_out.value == 0.0
    assert by_name["loud"].near == [("s1", "t2")]
    assert by_name["loud"].of_held_out.value == 0.5  # s22 sounds like h1, which nobody trained on
    failed = by_name["none"].of_training
    assert (failed.value, failed.n, failed.n_failed) == (0.0, 1, 1)
    many = [row("s1", f"m{number}", words(80 + number), "ab", duration_s=8.0) for number in range(12)]
    many += [row("s22", f"m{number}", words(180 + number), "ab", duration_s=8.0) for number in range(12)]
    all_alike = copies_in(
        measured(many).systems,
        lambda song_id: notes(1),
        references,
        passing(),
        PARAMS,
        SKETCHES,
        LOOK,
        RESAMPLING,
    )
    assert all(one.of_training.value == 1.0 for one in all_alike.rows)  # also the ninth copy of one song
