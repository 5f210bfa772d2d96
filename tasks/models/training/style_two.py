"""What the style encoder of world two is told of toy songs: how loud the kick is against the bass in each genre, and how voices differ.

Songs of seed `SEED` say it, those of `HELD_OUT_SEED` how often it is right of songs that said nothing; both stand in the constants.

Shapes: D statistics, M songs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded import singer
from tasks.models.embedded.drums_and_bass import as_window, balance
from tasks.models.separator import MidSidePitchSeparator
from tasks.toy.composition import song_seed
from tasks.toy.sound.drums import kick
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.score import GENRES, Score

SEED, HELD_OUT_SEED = 900_003, 900_004
NUM_SONGS, NUM_HELD_OUT = 60, 24
LEAST_PART_S = 3.0
LEAST_SPREAD = 0.03  # nats
SHRINK = 0.2  # of the covariance of voices, towards its diagonal
DIGITS = 5
WOMAN = "female voice"
NOT_SUNG = {"two_languages", "modulation", "second_singer", "spoken", "backing", "ad_libs", "hums"}
WORLD_TWO = Features(
    min_duration_s=12.0,
    max_duration_s=40.0,
    languages=("en",),
    faults=(),
    **{
        name: name not in NOT_SUNG
        for name, field in Features.model_fields.items()
        if field.annotation is bool
    },
)


@dataclass(frozen=True)
class Heard:
    """A song: its genre, whether a woman sings, the log ratio of kick to bass of the whole and of its parts, and its voice [D]."""

    genre: str
    is_woman: bool
    log_ratio: float | None
    of_parts: tuple[float | None, ...]
    voice_D: np.ndarray | None


def measure_drums_and_bass() -> dict[str, Any]:
    """The kick as the low band has it, the median log ratio of kick to bass in each genre, and how far songs lie from theirs."""
    songs = heard(SEED, NUM_SONGS)
    medians = {
        genre: float(np.median([s.log_ratio for s in songs if s.genre == genre and s.log_ratio is not None]))
        for genre in GENRES
    }
    away = [abs(s.log_ratio - medians[s.genre]) for s in songs if s.log_ratio is not None]
    held_out = heard(HELD_OUT_SEED, NUM_HELD_OUT, by_part=True)
    whole = [(s.genre, s.log_ratio) for s in held_out]
    of_parts = [(s.genre, log_ratio) for s in held_out for log_ratio in s.of_parts]
    return {
        "seed": SEED,
        "num_songs": NUM_SONGS,
        "held_out": {
            "seed": HELD_OUT_SEED,
            "songs": len(whole),
            "songs_right": _right(whole, medians),
            "parts": len(of_parts),
            "parts_right": _right(of_parts, medians),
        },
        "spread": round(max(1.4826 * float(np.median(away)), LEAST_SPREAD), DIGITS),
        "genres": {
            name: {"words": [name, genre.description.split()[0]], "log_ratio": round(medians[name], DIGITS)}
            for name, genre in GENRES.items()
        },
        "kick_W": as_window(kick(1.0)).round(DIGITS).tolist(),
    }


def measure_singer() -> dict[str, Any]:
    """The linear discriminant of women and men: half of the log odds is (statistics - mean_D) @ weight_D."""
    voices_MD, is_woman_M = _voices(heard(SEED, NUM_SONGS))
    means = [voices_MD[is_woman_M == woman].mean(axis=0) for woman in (False, True)]
    residual_MD = voices_MD - np.stack(means)[is_woman_M.astype(int)]
    covariance_DD = residual_MD.T @ residual_MD / (len(residual_MD) - 2)
    shrunk_DD = (1 - SHRINK) * covariance_DD + SHRINK * np.diag(np.diag(covariance_DD))
    mean_D, weight_D = (means[0] + means[1]) / 2, np.linalg.solve(shrunk_DD, means[1] - means[0]) / 2
    held_out_MD, held_out_M = _voices(heard(HELD_OUT_SEED, NUM_HELD_OUT, by_part=True))
    right = ((held_out_MD - mean_D) @ weight_D > 0) == held_out_M
    return {
        "seed": SEED,
        "num_songs": NUM_SONGS,
        "held_out": {"seed": HELD_OUT_SEED, "songs": len(right), "songs_right": int(right.sum())},
        "mean_D": mean_D.round(DIGITS).tolist(),
        "weight_D": weight_D.round(DIGITS).tolist(),
    }


@cache
def heard(seed: int, num_songs: int, by_part: bool = False) -> list[Heard]:
    """What is heard of the first songs of a set that have a form of the wanted length; of their parts only where it is asked."""
    songs: list[Heard] = []
    index = 0
    while len(songs) < num_songs:
        try:
            score = compose(song_seed(seed, index), WORLD_TWO)
        except ValueError:
            index += 1
            continue
        index += 1
        songs.append(heard_song(score, by_part))
    return songs


def heard_song(score: Score, by_part: bool) -> Heard:
    """What is heard of one song."""
    kick_W = as_window(kick(1.0))
    mix_CN = perform(score).mix_CN.astype(np.float32)
    mid_N = mix_CN.mean(axis=0)
    spans = [
        slice(round(part.start_s * SAMPLE_RATE_HZ), round(part.end_s * SAMPLE_RATE_HZ))
        for part in score.parts
        if by_part and part.end_s - part.start_s >= LEAST_PART_S
    ]
    found = [balance(piece_N, kick_W) for piece_N in (mid_N, *(mid_N[span] for span in spans))]
    whole, *of_parts = (None if one is None else one.log_ratio for one in found)
    voice_D = singer.statistics(MidSidePitchSeparator().separate(mix_CN))
    return Heard(score.genre, score.style_text.endswith(WOMAN), whole, tuple(of_parts), voice_D)


def _right(told: Iterable[tuple[str, float | None]], medians: dict[str, float]) -> int:
    """How many are nearest to their own genre."""
    return sum(
        log_ratio is not None and genre == min(medians, key=lambda name: abs(medians[name] - log_ratio))
        for genre, log_ratio in told
    )


def _voices(songs: list[Heard]) -> tuple[np.ndarray, np.ndarray]:
    """Voices [M, D] and whether each is a woman's [M], where a voice was heard."""
    told = [(song.voice_D, song.is_woman) for song in songs if song.voice_D is not None]
    return np.stack([voice_D for voice_D, _ in told]), np.array([woman for _, woman in told])
