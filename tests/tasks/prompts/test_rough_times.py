"""Rough word times: lines on bars, a note a syllable, rests between, and a file that can be edited."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from flows.settings.params import load_params
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import build_phonemizer
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams, fitted_times, num_syllables, rough_times
from tests.every import every

PARAMS = RoughTimesParams(
    intro_bars=1, section_bars=2, outro_bars=1, rest_beats=1.0, min_syllable_s=0.2, max_syllables_per_s=7.0
)
ENGLISH = build_phonemizer(load_params().models.phonemizer)
TEXT = "[Verse]\nHello moon\nWe are singing\n\nChorus:\nStay forever\n"


def timed(text: str = TEXT, bpm: float = 120.0) -> RoughTimes:
    return rough_times(read_lyrics(text.encode(), 10_000, 1_000), bpm, ENGLISH, PARAMS)


def test_every_line_starts_on_a_bar_and_sections_rest() -> None:
    starts = {word.text: word.start_s for word in timed().words}
    assert (starts["hello"], starts["we"]) == (2.0, 4.0)  # bars of two seconds, one before the first
    assert starts["stay"] == 10.0  # two bars after the bar that "we are singing" fills


def test_words_last_a_note_a_syllable_and_a_line_ends_on_a_long_one() -> None:
    lengths = [round(word.end_s - word.start_s, 6) for word in timed().words]
    assert lengths == [0.5, 0.5, 0.25, 0.25, 0.75, 0.25, 1.0]


def test_words_follow_each_other_and_leave_the_rest_of_the_last_bar_free() -> None:
    times = timed("la la la la la la la la\nla la la la la la la\n")
    assert all(first.end_s <= second.start_s for first, second in pairwise(times.words))
    assert times.words[7].end_s == pytest.approx(2.0 + 9 * 0.25)
    assert times.words[8].start_s == 6.0  # nine notes and a beat's rest need two bars
    assert times.duration_s == pytest.approx(
        6.0 + 4.0 + 2.0
    )  # eight notes fill a bar, the rest opens the next


@every(("bpm", "note_s"), [(60, 0.25), (120, 0.25), (149, 60 / 149 / 2), (160, 60 / 160), (299, 60 / 299)])
def test_syllables_stay_singable_at_every_tempo(bpm: float, note_s: float) -> None:
    first = timed("one two three\n", bpm).words[0]
    assert first.end_s - first.start_s == pytest.approx(note_s)


@every(("word", "syllables"), [("moon", 1), ("forever", 3), ("fire", 2), ("beautiful", 3), ("day", 1)])
def test_syllables_are_the_vowels_that_are_said(word: str, syllables: int) -> None:
    assert num_syllables(ENGLISH.phonemize([word])[0].phonemes) == pytest.approx(syllables, abs=0)


def test_the_written_form_is_read_back_as_jamifys() -> None:
    times = timed()
    read = read_lyrics(json.dumps(times.to_json()).encode(), 10_000, 100)
    assert read.times is not None
    assert [word.text for word in read.times] == [word.text for word in times.words]
    assert [word.start_s for word in read.times] == [round(word.start_s, 3) for word in times.words]
    assert read.line_starts == [0, 2, 5]


@pytest.mark.parametrize(("duration_s", "first_s"), [(14.0, 2.0), (4.0, 0.0), (1.0, 0.0), (600.0, 3.2)])
def test_a_length_in_place_of_a_tempo_is_filled_and_never_left(duration_s: float, first_s: float) -> None:
    times = fitted_times(read_lyrics(TEXT.encode(), 10_000, 1_000), duration_s, ENGLISH, PARAMS)
    assert times.duration_s == duration_s and times.words[0].start_s == pytest.approx(first_s)
    assert all(first.end_s <= second.start_s for first, second in pairwise(times.words))
    assert times.words[-1].end_s <= duration_s
    lengths = [word.end_s - word.start_s for word in times.words]
    assert max(lengths) <= 2 * 2 * PARAMS.min_syllable_s * 2, (
        "a syllable is held for twice the shortest at most"
    )


def test_the_same_text_and_tempo_give_the_same_times() -> None:
    assert timed() == timed() != timed(bpm=121.0)


@pytest.mark.parametrize(("text", "bpm", "words"), [(TEXT, 10.0, "bpm"), ("[Verse]\n\n", 120.0, "no word")])
def test_lyrics_that_cannot_be_timed_are_refused(text: str, bpm: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        timed(text, bpm)
