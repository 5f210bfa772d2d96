"""Songs to train and test a recogniser on, rendered once: files of twenty songs each in a folder that is kept or not."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from jam_model.words import rows_of, words_of
from tasks.models.training.recogniser_songs import VARIANTS, TrainingPhone, TrainingSong, render
from tasks.models.training.recogniser_songs_two import render_two

SONGS_A_BATCH = 20  # in one file of the cache

RENDERERS: dict[str, Callable[[int], TrainingSong]] = {
    "uniform": partial(render, uniform=True),
    "grammar": partial(render, uniform=False),
    "two-drawn": partial(render_two, drawn=True),
    "two-sung": partial(render_two, drawn=False),
}
"""Kinds of songs: of world one to train on and to measure on, and of world two."""


def training_songs(seeds: Sequence[int], kind: str, cache: Path, num_workers: int) -> list[TrainingSong]:
    """Songs of these seeds, from `cache` where it holds them, else rendered by `num_workers` processes."""
    cache.mkdir(parents=True, exist_ok=True)
    batches = [tuple(seeds[i : i + SONGS_A_BATCH]) for i in range(0, len(seeds), SONGS_A_BATCH)]
    tasks = [(batch, kind, cache / _name(batch, kind)) for batch in batches]
    missing = [task for task in tasks if not task[2].exists()]
    if missing:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the workers: they are the parallel ones
        with multiprocessing.get_context("spawn").Pool(num_workers) as pool:
            for _ in pool.imap(_render_batch, missing, chunksize=1):
                pass
    return [song for _, _, path in tasks for song in _read_batch(path)]


def _name(batch: Sequence[int], kind: str) -> str:
    return f"{kind}-{batch[0]}-{batch[-1]}-{len(batch)}.npz"


def _render_batch(task: tuple[Sequence[int], str, Path]) -> None:
    seeds, kind, path = task
    songs = [RENDERERS[kind](seed) for seed in seeds]
    arrays = {f"{i}/{name}": power for i, song in enumerate(songs) for name, power in song.power.items()}
    facts = [
        [
            song.seed,
            song.voice,
            rows_of(song.words),
            [[p.phone, p.first, p.end, p.word, p.start_s] for p in song.phones],
            song.strata,
        ]
        for song in songs
    ]
    partial = path.with_suffix(".partial.npz")
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def _read_batch(path: Path) -> list[TrainingSong]:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        return [
            TrainingSong(
                seed,
                voice,
                {variant: file[f"{i}/{variant}"] for variant in VARIANTS},
                tuple(words_of(words)),
                tuple(TrainingPhone(*phone) for phone in phones),
                tuple(map(tuple, strata)),
            )
            for i, (seed, voice, words, phones, strata) in enumerate(facts)
        ]
