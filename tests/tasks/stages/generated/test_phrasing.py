"""A planted fault of phrasing moves its own measure and leaves the others where they were."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from eval.metrics.levels import energy_after_end
from eval.metrics.phrasing import beat_hold, length_spread, pitch_spread
from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.stages.generated.phrasing import Phrasing

STAGE = Phrasing(load_params().phrasing)
BEATS_S = np.arange(0, 24.1, 0.5)
RNG, WORDS = np.random.default_rng(5), 40
LENGTHS_S = RNG.choice([0.25, 0.5, 1.0], WORDS, p=[0.4, 0.4, 0.2])
STARTS_S = np.concatenate([[0.0], np.cumsum(LENGTHS_S)])[:-1]
NOTES = RNG.choice([0, 2, 4, 5, 7, 9, 12], WORDS)
VOWELS = RNG.uniform(400, 2500, (WORDS, 2))
END_S = float(LENGTHS_S.sum())


def sung(notes: Sequence[int] = NOTES, tail: float = 0.0) -> np.ndarray:
    """A buzz a word, at its note and with two formants of its own; `tail`: noise of this level behind the end."""
    voice = []
    for note, length_s, formants in zip(notes, LENGTHS_S, VOWELS, strict=True):
        time = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        pitch = 150 * 2 ** (note / 12)
        partials = pitch * np.arange(1, 25)
        level = sum(np.exp(-0.5 * ((partials - f) / 150) ** 2) for f in formants) + 0.02
        tone = (level[:, None] * np.sin(2 * np.pi * partials[:, None] * time)).sum(axis=0)
        voice.append(tone * np.minimum(1, np.minimum(time, time[::-1]) / 0.02))
    rest = tail * np.random.default_rng(1).standard_normal(SAMPLE_RATE_HZ)
    return (0.1 * np.concatenate([*voice, rest])).astype(np.float32)


def measures(
    voice_N: np.ndarray, starts_s: np.ndarray = STARTS_S, lengths_s: np.ndarray = LENGTHS_S
) -> dict[str, float]:
    """All that JAM's failures are told by."""
    found = {
        **STAGE.measured(voice_N),
        "length_spread": length_spread(list(lengths_s)),
        "beat_hold": beat_hold(list(starts_s), list(BEATS_S)),
        "energy_after_end": energy_after_end(voice_N[None], SAMPLE_RATE_HZ, END_S),
    }
    assert None not in found.values()
    return found  # type: ignore[return-value]


def looped() -> np.ndarray:
    """The voice whose last half is stuck: two seconds of it, again and again."""
    voice_N, piece, end = sung(), 2 * SAMPLE_RATE_HZ, round(END_S * SAMPLE_RATE_HZ)
    half = end // 2
    stuck_N = np.resize(voice_N[half : half + piece], end - half)
    return np.concatenate([voice_N[:half], stuck_N, voice_N[end:]])


def test_each_failure_moves_its_own_measure_and_no_other() -> None:
    well = measures(sung())
    assert well["beat_hold"] > 0.9 and well["repeated_share"] < 0.2 and well["pitch_spread"] > 3
    off_beat = STARTS_S + RNG.uniform(-0.25, 0.25, len(STARTS_S))
    failures = {
        "beat_hold": measures(sung(), starts_s=off_beat),
        "length_spread": measures(sung(), lengths_s=np.full(WORDS, LENGTHS_S.mean())),
        "pitch_spread": measures(sung(notes=np.repeat([4], WORDS))),
        "energy_after_end": measures(sung(tail=0.5)),
        "repeated_share": measures(looped()),
    }
    least = {"beat_hold": 0.5, "length_spread": 0.5, "pitch_spread": 2.0, "energy_after_end": 0.1}
    least["repeated_share"] = 0.2
    moved = {
        fault: {name for name, value in found.items() if abs(value - well[name]) > least[name]}
        for fault, found in failures.items()
    }
    assert moved == {fault: {fault} for fault in failures}


def test_too_little_to_measure_is_none_and_never_a_number() -> None:
    assert pitch_spread(np.full(30, 200.0), np.zeros(30, bool)) is None
    assert length_spread([1.0] * 7) is None
    assert beat_hold([0.0] * 20, [0.0, 1.0]) is None and beat_hold([9.0] * 20, list(BEATS_S[:8])) is None
    silence = STAGE.measured(np.zeros(5 * SAMPLE_RATE_HZ, np.float32))
    assert silence == {"pitch_spread": None, "repeated_share": None}
    assert STAGE.measured(np.zeros(SAMPLE_RATE_HZ, np.float32))["repeated_share"] is None


def test_hold_on_the_beat_is_nothing_for_starts_anywhere_whatever_their_number() -> None:
    rng = np.random.default_rng(0)
    for count in (8, 40):
        holds = [beat_hold(list(rng.uniform(0, 16, count)), list(BEATS_S)) for _ in range(2000)]
        assert np.mean(holds) == pytest.approx(0.0, abs=0.01)
    assert beat_hold(list(BEATS_S[:20] + 0.07), list(BEATS_S)) == pytest.approx(1.0)
