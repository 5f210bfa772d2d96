"""Every detector on sound and words where its number can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word
from tasks.quality.detectors.adverts import adverts_in
from tasks.quality.detectors.heard_loops import looped_words, silent_words
from tasks.quality.detectors.sound import (
    bandwidth_hz,
    flat_share,
    longest_silence_s,
    noise_floor_db,
    spectrum,
)
from tasks.quality.detectors.sound_loops import loop_spans
from tasks.quality.unheard import invented_words
from tests.every import every

NOISE = np.random.default_rng(3)
TIME_N = np.arange(6 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def bursts_N(low: float = 0.0) -> np.ndarray:
    """Six seconds of noise in bursts of a quarter of a second, each drawn anew; `low` is the level between them."""
    gate_N = np.where(np.sin(2 * np.pi * 4 * TIME_N) > 0, 0.3, low)
    return (gate_N * NOISE.standard_normal(len(TIME_N))).astype(np.float32)


def looped_N(piece_s: float, times: int) -> np.ndarray:
    """The bursts, where from 2 s on the piece before comes again."""
    out_N, length, first = bursts_N(), round(piece_s * SAMPLE_RATE_HZ), 2 * SAMPLE_RATE_HZ
    for place in range(first, first + times * length, length):
        out_N[place : place + length] = out_N[first - length : first]
    return out_N


def looped_s(audio_N: np.ndarray) -> float:
    return sum(end_s - start_s for start_s, end_s in loop_spans(audio_N))


def repeated_bar_N() -> np.ndarray:
    """Bars of half a second whose strikes are alike in level, and drawn anew."""
    shape_N = np.tile(np.exp(-np.linspace(0, 8, SAMPLE_RATE_HZ // 2)), 12)
    return (shape_N * NOISE.standard_normal(len(shape_N))).astype(np.float32)


def floor_of(audio_N: np.ndarray) -> float:
    found = noise_floor_db(spectrum(audio_N))
    assert found is not None
    return found


def tone_N(hz: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * TIME_N)).astype(np.float32)


def cut_CN(share: float) -> np.ndarray:
    tone = tone_N(200.0)
    return np.stack([np.clip(tone, -share * 0.5, share * 0.5)] * 2)


def gapped_N() -> np.ndarray:
    out_N = tone_N(200.0)
    out_N[: SAMPLE_RATE_HZ // 2] = 0
    out_N[2 * SAMPLE_RATE_HZ : 3 * SAMPLE_RATE_HZ] = 0
    return out_N


def said(*times_s: float) -> list[Word]:
    return [Word("moon", time_s, time_s + 0.3) for time_s in times_s]


MADE_UP = ["you", "know", "we", "are", "so", "glad"]
LA = ["la", "la", "la", "la", "la"]
CASES: dict[str, tuple[Callable[[], Any], Any]] = {
    "a piece of 0.433 s, four times more": (
        lambda: looped_s(looped_N(0.433, 4)),
        pytest.approx(1.73, abs=0.1),
    ),
    "bars alike, samples drawn anew": (lambda: looped_s(repeated_bar_N()), 0.0),
    "a held tone repeats nothing": (lambda: looped_s(tone_N(220.0)), 0.0),
    "shorter than any piece": (lambda: looped_s(tone_N(220.0)[:100]), 0.0),
    "bursts leave silence": (lambda: floor_of(bursts_N()) < -60, True),
    "bursts over noise of a tenth": (lambda: floor_of(bursts_N(0.03)), pytest.approx(-18, abs=1.5)),
    "silence has no floor": (lambda: noise_floor_db(spectrum(np.zeros(9000, np.float32))), None),
    "noise reaches the end of the band": (lambda: bandwidth_hz(spectrum(bursts_N())), 22050.0),
    "a tone of 3 kHz": (lambda: bandwidth_hz(spectrum(tone_N(3000.0))), pytest.approx(3000, abs=300)),
    "silence has no bandwidth": (lambda: bandwidth_hz(spectrum(np.zeros(9000, np.float32))), None),
    "half of a sine is cut at half": (lambda: flat_share(cut_CN(0.5)), pytest.approx(2 / 3, abs=0.01)),
    "a whole sine is hardly flat": (lambda: flat_share(cut_CN(1.0)) < 0.07, True),
    "one peak is no cut": (lambda: flat_share(tone_N(5.0)[None, : SAMPLE_RATE_HZ // 10]), 0.0),
    "nothing is not flat": (lambda: flat_share(np.zeros((2, 10))), 0.0),
    "the beginning is no gap": (lambda: longest_silence_s(gapped_N(), -60.0), 1.0),
    "five la, one written": (lambda: looped_words(LA, ["la"]), 4),
    "five la, written": (lambda: looped_words(LA, LA), 0),
    "three words, thrice": (
        lambda: looped_words(["we", "go", "on", "we", "go", "on", "we", "go", "on", "home"], ["home"]),
        6,
    ),
    "a line twice, misheard twice alike": (
        lambda: looped_words(
            ["but", "they", "oh", "my", "but", "they", "oh", "my"],
            ["but", "they", "know", "my", "but", "they", "know", "my"],
        ),
        0,
    ),
    "once alone": (lambda: looped_words(["moon"], None), 0),
    "six made-up words before those of the song": (
        lambda: invented_words([*MADE_UP, "moon", "over", "the", "water"], ["moon", "over", "the", "water"]),
        6.0,
    ),
    "a misheard line is not made up": (
        lambda: invented_words(["noon", "over", "a", "waiter"], ["moon", "over", "the", "water"]) == 1.0,
        True,
    ),
    "nobody wrote any": (lambda: invented_words(["moon"], None), None),
    "nothing was heard": (lambda: invented_words([], ["moon"]), 0.0),
    "one of two where nothing sounds": (lambda: silent_words(said(2.4, 4.0), gapped_N()), 0.5),
    "no word was heard": (lambda: silent_words([], gapped_N()), None),
    "an address, spoken and written": (
        lambda: adverts_in([["visit", "us", "at", "songs", "dot", "com"], ["see", "songs.com"]]),
        3,
    ),
    "a song of the night": (
        lambda: adverts_in([["i", "follow", "you", "on", "the", "road", "by", "the", "sea"], None]),
        0,
    ),
}


@every("name", CASES)
def test_a_detector_gives_the_number_that_can_be_worked_out(name: str) -> None:
    of, expected = CASES[name]
    assert of() == expected
