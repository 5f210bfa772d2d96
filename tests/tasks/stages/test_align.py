"""Align gives words times from the vocals, or from the lyrics when that is asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.audio.read import flac_bytes
from tasks.edits.times import SET_ASIDE, words_hash
from tasks.engine.song import Refused, Song, SongError
from tasks.models.aligner import Line
from tasks.models.phonemizer import Pronunciation
from tasks.stages.align import Align, AlignParams
from tasks.times.grid import on_grid
from tasks.times.line_times import lines_of
from tests.every import every
from tests.tasks.tiny import given

ALIGNER = load_params().models.aligner
PHONEMIZER = load_params().models.phonemizer


class Spells:
    """A phonemizer whose phonemes are the letters; it cannot say `?`."""

    identity = "fake/spells@1"

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        return [Pronunciation("" if word == "?" else word, 0) for word in words]


class Lays:
    """An aligner that lays one word a second from 5 s on, whatever its lines, and keeps what it was asked."""

    identity = "fake/lays@1"

    def __init__(self, score: float = 0.9, error: Exception | None = None, step_s: float = 1.0) -> None:
        self.score, self.error, self.step_s = score, error, step_s
        self.asked: tuple[Any, ...] | None = None

    def align(self, vocals_N: np.ndarray, words: list[tuple[str, str]], lines: Any = None) -> list[Word]:
        self.asked = (words, lines)
        if self.error:
            raise self.error
        return [
            Word(w, 5 + i * self.step_s, 5.5 + i * self.step_s, score=self.score)
            for i, (w, _) in enumerate(words)
        ]


def align(
    model: Lays, times: str = "align", grid_s: float | None = None, edited: Any = None, **columns: object
) -> Song:
    stage = Align(AlignParams(times=times, max_offset_s=0.04, times_grid=grid_s), ALIGNER, PHONEMIZER)  # type: ignore[arg-type]
    stage.__dict__.update(aligner=model, phonemizer=Spells())
    vocals = flac_bytes(np.zeros((1, 4096), np.float32), 44_100)
    facts = {"transcript": None, "duration_s": 60.0, **columns}
    return stage.one(replace(given("a.wav", vocals=vocals, **facts), edited=edited))


def test_align_gives_the_aligner_words_phonemes_and_lines() -> None:
    model = Lays()
    lines = [
        {"text": "hello moon", "start_s": 5.1, "end_s": 7.0},
        {"text": "la", "start_s": 7.0, "end_s": 9.0},
    ]
    song = align(model, lyrics=["hello", "moon", "la"], lyrics_lines=lines)
    assert model.asked == (
        [("hello", "hello"), ("moon", "moon"), ("la", "la")],
        [Line(0, 1, 5.1, 7.0), Line(2, 2, 7.0, 9.0)],
    )
    assert song["timed_words"][1] == {
        "text": "moon", "start_s": 6.0, "end_s": 6.5, "phonemes": None, "score": 0.9
    }  # fmt: skip
    assert song["alignment_score"] == pytest.approx(0.9)


def test_a_word_that_cannot_be_said_gets_the_time_between_its_neighbours() -> None:
    model = Lays()
    lines = [{"text": "?", "start_s": 0.0, "end_s": 5.0}, {"text": "moon ? la", "start_s": 5.0, "end_s": 9.0}]
    song = align(model, lyrics=["?", "moon", "?", "la"], lyrics_lines=lines)
    assert model.asked == ([("moon", "moon"), ("la", "la")], [Line(0, 1, 5.0, 9.0)])
    assert [(w["start_s"], w["end_s"], w["score"]) for w in song["timed_words"]] == [
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
    assert [w["text"] for w in align(model, lyrics=None, transcript=["moon"])["timed_words"]] == ["moon"]


CLAIMED = [
    {"text": "hello", "start_s": 5.01, "end_s": 6.1},
    {"text": "moon", "start_s": 5.98, "end_s": 7.0},
]


def test_given_times_are_kept_with_the_laid_ones_beside_them() -> None:
    song = align(Lays(score=0.7), "given", lyrics_times=CLAIMED)
    assert [(w["start_s"], w["end_s"], w["score"]) for w in song["timed_words"]] == [
        (5.01, 6.1, 0.7),
        (5.98, 7.0, 0.7),
    ]
    assert [w["start_s"] for w in song["aligned_words"]] == [5.0, 6.0]
    assert song["alignment_score"] == pytest.approx(0.7)


def test_given_times_are_replaced_when_that_is_asked_for() -> None:
    song = align(Lays(), "align", lyrics_times=CLAIMED)
    assert [w["start_s"] for w in song["timed_words"]] == [5.0, 6.0]
    assert song["aligned_words"] is None


def test_lyrics_without_word_times_are_always_aligned() -> None:
    song = align(Lays(), "given")
    assert (song["timed_words"][0]["start_s"], song["aligned_words"]) == (5.0, None)


def claimed(*starts_s: float | None) -> list[dict[str, Any] | None]:
    """Rows of words of 0.4 s; None: a word without a time."""
    rows = zip(("hello", "moon", "river", "la"), starts_s, strict=False)
    return [s and {"text": text, "start_s": s, "end_s": s + 0.4} for text, s in rows]


def test_given_times_that_are_late_are_shifted_and_the_song_says_so() -> None:
    song = align(Lays(), "given", lyrics=["hello", "moon"], lyrics_times=claimed(8.01, 9.01))
    assert [w["start_s"] for w in song["timed_words"]] == pytest.approx([5.0, 6.0])
    assert song["claim_offset_s"] == pytest.approx(3.01)
    assert song["claim_remark"] == "words are 3.0 s late, shifted"
    assert len(song["aligned_words"]) == 2


def test_given_times_that_fit_nowhere_are_the_aligners_and_the_song_says_so() -> None:
    class Objects(Lays):
        def align(self, vocals_N: np.ndarray, words: list[tuple[str, str]], lines: Any = None) -> list[Word]:
            return [
                replace(word, score=0.1 if lines else 0.9) for word in super().align(vocals_N, words, lines)
            ]

    lyrics = ["hello", "moon", "river", "la"]
    song = align(Objects(), "given", lyrics=lyrics, lyrics_times=claimed(1.0, 9.0, 9.5, 30.0))
    assert [w["start_s"] for w in song["timed_words"]] == [5.0, 6.0, 7.0, 8.0]
    assert (song["aligned_words"], song["claim_offset_s"]) == (None, None)
    assert song["claim_remark"] == "the times of words fit nowhere and are set aside"
    assert (
        align(Objects(), "align", lyrics=lyrics, lyrics_times=claimed(1.0, 9.0, 9.5, 30.0))["claim_remark"]
        is None
    )


def test_a_word_without_a_time_has_the_aligners_and_the_others_keep_theirs() -> None:
    song = align(Lays(), "given", lyrics=["hello", "moon", "river"], lyrics_times=claimed(5.02, None, 7.03))
    assert [(w["start_s"], w["end_s"]) for w in song["timed_words"]] == [
        (5.02, pytest.approx(5.42)),
        (6.0, 6.5),
        (7.03, pytest.approx(7.43)),
    ]
    assert [w and w["start_s"] for w in song["aligned_words"]] == [5.0, None, 7.0]
    assert (song["claim_offset_s"], song["claim_remark"]) == (None, None)


def test_an_end_that_is_not_stated_is_the_aligners() -> None:
    rows = [
        {"text": "hello", "start_s": 5.02, "end_s": None},
        {"text": "moon", "start_s": 6.01, "end_s": math.nan},
    ]
    song = align(Lays(), "given", lyrics=["hello", "moon"], lyrics_times=rows)
    assert [w["end_s"] for w in song["timed_words"]] == [5.5, 6.5]


def test_lines_bind_the_words_of_a_song_that_is_timed_in_part() -> None:
    model = Lays()
    lines = [{"text": "hello moon", "start_s": 5.0, "end_s": 8.0}]
    align(model, "given", lyrics=["hello", "moon"], lyrics_times=claimed(5.0, None), lyrics_lines=lines)
    assert model.asked is not None and model.asked[1] == [Line(0, 1, 5.0, 8.0)]


def test_lines_that_are_late_are_shifted_and_the_song_says_so() -> None:
    lines = [{"text": "hello", "start_s": 8.0, "end_s": 9.0}, {"text": "moon", "start_s": 9.0, "end_s": 11.0}]
    song = align(Lays(), lyrics=["hello", "moon"], lyrics_lines=lines)
    assert (song["claim_offset_s"], song["claim_remark"]) == (3.0, "lines are 3.0 s late, shifted")
    assert [w["start_s"] for w in song["timed_words"]] == [5.0, 6.0]


@every("times", ["given", "align"])
def test_a_claim_is_checked_and_repaired_without_the_lines_it_came_with(times: str) -> None:
    model = Lays()
    align(model, times, lyrics_times=CLAIMED, lyrics_lines=[{**CLAIMED[0], "text": "hello moon"}])
    assert model.asked is not None and model.asked[1] is None


def test_a_claim_that_cannot_be_checked_is_dropped_with_the_reason() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(error=Refused("too_many_words", "3 frames")), "given", lyrics_times=CLAIMED)
    assert error.value.reason == "alignment_too_many_words"


def test_times_lie_on_the_grid_and_the_row_says_so() -> None:
    song = align(Lays(step_s=0.63), grid_s=0.08)
    assert [(w["start_s"], w["end_s"]) for w in song["timed_words"]] == [(4.96, 5.52), (5.6, 6.16)]
    stage = Align(AlignParams(times="align", max_offset_s=0.04, times_grid=0.08), ALIGNER, PHONEMIZER)
    made_by = stage.made_by(stage.models)
    assert made_by.startswith("align-v3 ") and made_by.endswith(" grid=0.08")


def test_words_on_a_grid_stay_in_order_and_keep_some_length() -> None:
    close = [Word(w, i * 0.02, i * 0.02 + 0.02) for i, w in enumerate("abcd")]
    snapped = on_grid([*close, Word("e", 0.9, 1.2)], 0.08, 1.0)
    assert [(w.start_s, w.end_s) for w in snapped] == [
        (0.0, 0.08), (0.08, 0.16), (0.16, 0.24), (0.24, 0.32), (0.88, 0.96),
    ]  # fmt: skip


def test_words_crowded_at_the_end_are_moved_back_into_the_song() -> None:
    late = [Word(w, 0.95, 0.95) for w in "abc"]
    assert [w.start_s for w in on_grid(late, 0.08, 1.0)] == [0.72, 0.8, 0.88]


def test_more_words_than_the_grid_has_steps_are_dropped() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(), grid_s=0.5, lyrics=["a", "b", "c"], duration_s=1.2)
    assert error.value.reason == "grid_too_coarse"


@every("grid_s", [0.0, -0.08, 8.0])
def test_a_grid_that_is_none_is_refused(grid_s: float) -> None:
    with pytest.raises(ValueError, match="no grid for words"):
        AlignParams(times="align", max_offset_s=0.04, times_grid=grid_s)


def test_what_cannot_be_aligned_is_dropped_with_the_aligners_reason() -> None:
    with pytest.raises(SongError) as error:
        align(Lays(error=Refused("too_many_words", "3 frames")))
    assert error.value.reason == "alignment_too_many_words"


def test_a_song_without_words_is_dropped() -> None:
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


def test_a_song_in_a_language_that_the_aligner_does_not_hear_is_dropped_or_keeps_its_times_unchecked() -> (
    None
):
    def german(uncovered: str, **columns: object) -> Song:
        songs = PHONEMIZER.songs.model_copy(update={"uncovered": uncovered})
        phonemizer = PHONEMIZER.model_copy(update={"language": "de", "songs": songs})
        stage = Align(AlignParams(times="given", max_offset_s=0.04, times_grid=None), ALIGNER, phonemizer)
        stage.__dict__.update(aligner=Lays(), phonemizer=Spells())
        facts = {"transcript": None, "lyrics": ["liebe", "dich"], "lyrics_lines": None, "duration_s": 60.0}
        return stage.one(given("a.wav", vocals=b"", **facts, **columns))

    times = rows_of([Word("liebe", 1.0, 2.0), Word("dich", 2.5, 3.0)])
    for uncovered, rows, hint in (
        ("drop", times, "models.phonemizer.songs.uncovered: keep takes their given times"),
        ("keep", None, "with times of all words"),
        ("keep", [times[0], None], "with times of all words"),
    ):
        with pytest.raises(SongError, match=f"words are German and models.aligner hears en; {hint}") as error:
            german(uncovered, lyrics_times=rows)
        assert error.value.reason == "language_not_covered"
    kept = german("keep", lyrics_times=times)
    assert [word["start_s"] for word in kept["timed_words"]] == [1.0, 2.5]
    assert (kept["unchecked"], kept["song_language"], kept["alignment_score"]) == (True, "de", None)


def test_times_set_by_hand_are_kept_as_they_are_and_set_aside_where_the_words_are_others() -> None:
    edited = {"words": words_hash(["hello", "moon"]), "times": [[30.0, 31.0], [31.0, 99.0]]}
    for times in ("align", "given"):
        song = align(
            Lays(), times, edited=edited, lyrics_times=rows_of([Word("hello", 5, 6), Word("moon", 6, 7)])
        )
        found = [(word["start_s"], word["end_s"], word["score"]) for word in song["timed_words"]]
        assert found == [(30.0, 31.0, 0.9), (31.0, 60.0, 0.9)]  # cut at the song's end
        assert [word["start_s"] for word in song["aligned_words"]] == [5.0, 6.0]
        assert song["claim_remark"] is None and song["claim_offset_s"] is None
    other = align(Lays(), edited=edited, lyrics=["hello", "sun"])
    assert [word["start_s"] for word in other["timed_words"]] == [5.0, 6.0]
    assert other["claim_remark"] == SET_ASIDE
