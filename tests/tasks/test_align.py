"""Align gives words times from the vocals, or from the lyrics when that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from flows.params import load_params
from tasks.align import Align, AlignParams, lines_of
from tasks.audio import flac_bytes
from tasks.engine.song import Song, SongError
from tasks.models.aligner import AlignerParams, Line, TimedWord, Unalignable
from tasks.models.phonemizer import Pronunciation
from tests.tasks.tiny import given

ALIGNER = AlignerParams(model="embedded", weights="recogniser", filler_penalty=1.0, line_tolerance_s=0.5)
PHONEMIZER = load_params().phonemizer


class Spells:
    """A phonemizer whose phonemes are the letters; it cannot say `?`."""

    identity = "fake/spells@1"

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        return [Pronunciation("" if word == "?" else word, 0) for word in words]


class Lays:
    """An aligner that lays one word a second and keeps what it was asked."""

    identity = "fake/lays@1"

    def __init__(self, score: float = 0.9, error: Exception | None = None, step_s: float = 1.0) -> None:
        self.score, self.error, self.step_s = score, error, step_s
        self.asked: tuple[Any, ...] | None = None

    def align(
        self, vocals_N: np.ndarray, words: list[str], said: list[str], lines: Any = None
    ) -> list[TimedWord]:
        self.asked = (words, said, lines)
        if self.error:
            raise self.error
        return [
            TimedWord(w, 5 + i * self.step_s, 5.5 + i * self.step_s, self.score) for i, w in enumerate(words)
        ]


def align(model: Lays, times: str = "align", min_score: float = 0.5, **columns: object) -> Song:
    stage = Align(AlignParams(times=times, min_score=min_score), ALIGNER, PHONEMIZER)  # type: ignore[arg-type]
    stage.__dict__.update(aligner=model, phonemizer=Spells())
    vocals = flac_bytes(np.zeros((1, 4096), np.float32), 44_100)
    return stage.one(given("a.wav", vocals=vocals, **{"transcript": None, **columns}))


def test_align_gives_the_aligner_words_phonemes_and_lines() -> None:
    model = Lays()
    lines = [
        {"word": "hello moon", "start_s": 1.0, "end_s": 2.0},
        {"word": "la", "start_s": 3.0, "end_s": 4.0},
    ]
    song = align(model, lyrics=["hello", "moon", "la"], lyrics_lines=lines)
    assert model.asked == (
        ["hello", "moon", "la"],
        ["hello", "moon", "la"],
        [Line(0, 1, 1.0, 2.0), Line(2, 2, 3.0, 4.0)],
    )
    assert song["words"][1] == {"word": "moon", "start_s": 6.0, "end_s": 6.5, "score": 0.9}
    assert song["alignment_score"] == pytest.approx(0.9)


def test_a_word_that_cannot_be_said_gets_the_time_between_its_neighbours() -> None:
    model = Lays()
    lines = [{"word": "?", "start_s": 0.0, "end_s": 1.0}, {"word": "moon ? la", "start_s": 1.0, "end_s": 9.0}]
    song = align(model, min_score=0.4, lyrics=["?", "moon", "?", "la"], lyrics_lines=lines)
    assert model.asked == (["moon", "la"], ["moon", "la"], [Line(0, 1, 1.0, 9.0)])
    assert [(w["start_s"], w["end_s"], w["score"]) for w in song["words"]] == [
        (0.0, 5.0, 0.0),
        (5.0, 5.5, 0.9),
        (5.5, 6.0, 0.0),
        (6.0, 6.5, 0.9),
    ]


def test_a_song_of_which_no_word_can_be_said_is_dropped_phoneme_unknown() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(), lyrics=["?", "?"])
    assert error.value.reason == "phoneme_unknown"


def test_align_uses_the_transcript_where_there_are_no_lyrics() -> None:
    model = Lays()
    assert [w["word"] for w in align(model, lyrics=None, transcript=["moon"])["words"]] == ["moon"]


@pytest.mark.parametrize(("times", "start_s"), [("given", 1.0), ("align", 5.0)])
def test_claimed_times_are_taken_only_when_asked(times: str, start_s: float) -> None:
    claimed = [
        {"word": "hello", "start_s": 1.0, "end_s": 2.0},
        {"word": "moon", "start_s": 1.5, "end_s": 3.0},
    ]
    song = align(Lays(), times, lyrics_times=claimed)
    assert song["words"][0]["start_s"] == start_s


def test_given_times_that_are_missing_are_aligned() -> None:
    assert align(Lays(), "given")["words"][0]["start_s"] == 5.0


def test_what_cannot_be_aligned_is_dropped_with_the_aligners_reason() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(error=Unalignable("too_many_words", "3 frames")))
    assert error.value.reason == "alignment_too_many_words"


def test_low_scores_and_missing_words_drop_the_song() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(score=0.4))
    assert error.value.reason == "low_alignment"
    with pytest.raises(SongError) as error:
        align(Lays(), lyrics=None)
    assert error.value.reason == "no_words"


def test_a_bug_of_an_aligner_is_no_drop() -> None:
    with pytest.raises(RuntimeError, match="starts before"):
        align(Lays(step_s=-1.0))
    with pytest.raises(ZeroDivisionError):
        align(Lays(error=ZeroDivisionError()))


def test_no_lines_are_no_windows() -> None:
    assert lines_of(None) is None
