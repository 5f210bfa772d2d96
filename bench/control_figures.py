"""Figures of rows of songs: each score with its interval, and adherence as a share of what can be told (`bench/control_adherence.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bench.measuring import rounded
from bench.toy2_causes import RESAMPLING
from eval.stats.intervals import mean, rate

Found = dict[str, float | None]


def figures(rows: Mapping[str, Sequence[Found]]) -> dict[str, Any]:
    """Each score of each row with its interval over songs, PER, adherence of the row `both` and of each control alone, and what asking for one's own melody
    in place of another's changes, song by song."""
    told: dict[str, Any] = {}
    for name, songs in rows.items():
        errors, phones = zip(*((one["phone errors"], one["phones"]) for one in songs), strict=True)
        per = rate(errors, phones, RESAMPLING)
        keys = [key for key in songs[0] if not key.startswith("phone")]
        told[name] = {"per": rounded(per)} | {
            key: rounded(mean([one[key] for one in songs if one[key] is not None], RESAMPLING))
            for key in keys
        }
    adherence = {
        f"{name}: {key}": adherence_of([(rows["floor"], rows[name], rows["other"])], key)
        for name, key in _asked(rows)
    }
    contour = {
        f"{name} - {other}: {key}": rounded(mean(_differences(rows[name], rows[other], key), RESAMPLING))
        for name, other in (("melody", "other melody"), ("both", "other"))
        if name in rows and other in rows
        for key in rows["floor"][0]
        if key.startswith("own melody")
    }
    return {"rows": told, "adherence": adherence, "paired": contour}


def _differences(ones: Sequence[Found], others: Sequence[Found], key: str) -> list[float]:
    pairs = ((one[key], other[key]) for one, other in zip(ones, others, strict=True))
    return [one - other for one, other in pairs if one is not None and other is not None]


def _asked(rows: Mapping[str, Sequence[Found]]) -> Iterator[tuple[str, str]]:
    """The rows that have an adherence, each with the scores of it."""
    for name in ("chords", "melody", "both"):
        if name in rows:
            for key in rows["floor"][0]:
                if key.startswith("own") and (name == "both" or f"own {name}" in key):
                    yield name, key


Three = tuple[Sequence[Found], Sequence[Found], Sequence[Found]]


def adherence_of(seeds: Sequence[Three], key: str) -> list[float] | None:
    """(own - other) / (floor - other) of means, with its interval; None where the floor is no higher than the other.

    Args:
        seeds: floor, own and other of the same songs, a triple a seed. One seed: the interval is over songs; several: over songs and seeds, each
            drawn anew. A song that lacks a value in any is left out of all.
    """
    values_KN3 = np.array(
        [
            [[np.nan if one[key] is None else one[key] for one in song] for song in zip(*three, strict=True)]
            for three in seeds
        ],
        float,
    ).reshape(len(seeds), -1, 3)
    values_KN3 = values_KN3[:, np.isfinite(values_KN3).all(axis=(0, 2))]
    num_seeds, num_songs = values_KN3.shape[:2]
    if not num_songs:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, num_songs, (RESAMPLING.num_resamples, num_songs))
    if num_seeds == 1:
        resampled = values_KN3[0][drawn].mean(axis=1)
    else:
        seeds_drawn = rng.integers(0, num_seeds, (RESAMPLING.num_resamples, num_seeds))
        resampled = np.array(
            [values_KN3[k][:, n].mean(axis=(0, 1)) for k, n in zip(seeds_drawn, drawn, strict=True)]
        )
    means = np.concatenate([values_KN3.mean(axis=(0, 1))[None], resampled])
    room = means[:, 0] - means[:, 2]
    if room[0] <= 0:
        return None
    shares = (means[:, 1] - means[:, 2]) / np.where(room > 0, room, np.nan)
    low, high = np.nanpercentile(shares[1:], [2.5, 97.5])
    return [round(float(value), 3) for value in (shares[0], low, high)] + [num_songs]


def pooled(seeds: Sequence[Mapping[str, Sequence[Found]]]) -> dict[str, list[float] | None]:
    """Adherence of a model over several seeds, which sing the same songs: of means over both, its interval of songs and seeds drawn anew."""
    return {
        f"{name}: {key}": adherence_of([(one["floor"], one[name], one["other"]) for one in seeds], key)
        for name, key in _asked(seeds[0])
    }
