"""What `likeness` is told of toy songs, and the limit beyond which a song is unlike them, set on sounds that are none.

Sounds that are none: noise of three colours, voices alone, bands alone, and tunes of other instruments, pressed as mixes are.

Shapes: C channels, N samples, D statistics, M songs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.likeness import EXCERPT_S, statistics, whitening
from tasks.toy.languages.all import LANGUAGES
from tasks.toy.sheets import sheets
from tasks.toy.world_two.features import Features

SEED = 900_002
NUM_SONGS, NUM_HELD_OUT, NUM_UNLIKE = 150, 30, 20  # of a world, of a world, of a kind
RIDGE, LEAST_VARIANCE = 0.2, 1e-2  # share of the covariance that is replaced by its diagonal
DIGITS = 5
WORLD_TWO = Features(
    min_duration_s=12.0,
    max_duration_s=25.0,
    languages=tuple(LANGUAGES),
    faults=(),
    **{
        name: name != "two_languages"
        for name, field in Features.model_fields.items()
        if field.annotation is bool
    },
)


def measure_likeness() -> dict[str, Any]:
    """Mean and whitening of each world, and the limit: the geometric mean of the largest distance of a toy song that was held
    out and the least of the kinds' medians.
    """
    songs = [_toy_songs(features) for features in (None, WORLD_TWO)]
    worlds = [
        _world(np.stack([statistics(mix_CN) for mix_CN, _, _ in islice(of_world, NUM_SONGS)]))
        for of_world in songs
    ]
    first, second = (list(of_world) for of_world in songs)
    held_out = [statistics(mix_CN) for mix_CN, _, _ in (*first, *second)]
    farthest = max(_distance(song_D, worlds) for song_D in held_out)
    medians = {
        kind: float(
            np.median([_distance(statistics(mix_CN), worlds) for mix_CN in islice(mixes, NUM_UNLIKE)])
        )
        for kind, mixes in _unlike(first).items()
    }
    limit = float(np.sqrt(farthest * min(medians.values())))
    print(f"likeness: toy songs at most {farthest:.3f}, others {medians}, limit {limit:.3f}")
    return {
        "seed": SEED,
        "num_songs": NUM_SONGS,
        "toy_at_most": round(farthest, 3),
        "unlike_medians": {kind: round(value, 3) for kind, value in medians.items()},
        "limit": round(limit, 3),
        "worlds": worlds,
    }


def _toy_songs(features: Features | None) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(mix_CN, vocals_N, band_CN) of the songs of a world."""
    for sheet in sheets(NUM_SONGS + NUM_HELD_OUT, SEED, features):
        song = sheet.perform()
        yield song.vocals_N + song.band_CN, song.vocals_N, song.band_CN


def _world(statistics_MD: np.ndarray) -> dict[str, Any]:
    covariance_DD = np.cov(statistics_MD.T)
    own_DD = np.diag(np.diag(covariance_DD) + LEAST_VARIANCE)
    whiten_DD = whitening((1 - RIDGE) * covariance_DD + RIDGE * own_DD)
    return {
        "mean_D": statistics_MD.mean(axis=0).round(DIGITS).tolist(),
        "whiten_DD": whiten_DD.round(DIGITS).tolist(),
    }


def _distance(statistics_D: np.ndarray, worlds: list[dict[str, Any]]) -> float:
    away = [(statistics_D - np.asarray(world["mean_D"])) @ np.asarray(world["whiten_DD"]) for world in worlds]
    return min(float(np.sqrt(np.square(white_D).mean())) for white_D in away)


def _unlike(songs: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[str, Iterator[np.ndarray]]:
    """Endless or long series of mixes that are no toy songs, by kind."""
    return {
        "noise": _noises(np.random.default_rng(SEED)),
        "voices": (np.stack([vocals_N, vocals_N]) for _, vocals_N, _ in songs),
        "bands": (band_CN for _, _, band_CN in songs),
        "instruments": _tunes(np.random.default_rng(SEED)),
    }


def _noises(random: np.random.Generator) -> Iterator[np.ndarray]:
    """White, pink and brown noise in turn."""
    length = round(EXCERPT_S * SAMPLE_RATE_HZ)
    bins = np.maximum(np.arange(length // 2 + 1), 1)
    while True:
        for slope in (0.0, 0.5, 1.0):
            spectra_CK = np.fft.rfft(random.standard_normal((2, length))) / bins**slope
            yield np.fft.irfft(spectra_CK, length)


def _tunes(random: np.random.Generator) -> Iterator[np.ndarray]:
    """Four instruments of harmonic partials, each at a place between left and right, that play notes of any length; the mix
    is pressed (tanh).
    """
    length = round(EXCERPT_S * SAMPLE_RATE_HZ)
    time_N = np.arange(length) / SAMPLE_RATE_HZ
    while True:
        mix_CN = np.zeros((2, length))
        for _ in range(4):
            place, steepness = random.uniform(), random.uniform(0.5, 2.5)
            first = 0
            while first < length:
                last = min(length, first + round(random.uniform(0.2, 1.0) * SAMPLE_RATE_HZ))
                hz = 110 * 2 ** (random.integers(36) / 12)
                of_note_N = time_N[first:last] - time_N[first]
                partials = range(1, min(20, int(16_000 / hz) + 1))
                note_N = sum(np.sin(2 * np.pi * hz * p * of_note_N) / p**steepness for p in partials)
                note_N = note_N * np.exp(-of_note_N * random.uniform(0.5, 5.0))
                mix_CN[:, first:last] += np.outer([place, 1 - place], note_N)
                first = last
        yield np.tanh(3 * mix_CN / np.abs(mix_CN).max())
