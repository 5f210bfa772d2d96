"""Runs of words that are written and not sung: by hand, and in toy songs whose lyrics get some."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.models.transcriber import build_transcriber
from tasks.quality.checked_song import CheckedSong
from tasks.quality.unheard import UnheardRun, run_rows, runs_beyond, unheard_runs
from tests.every import every
from tests.tasks.models.sung import PHONEMIZER, lyrics, scores, separated, songs

PARAMS = load_params()
LIMIT = PARAMS.filter.max_unheard_run
CREDITS = ["produced", "by", "john", "smith", "mixed", "at", "big", "studio"]
SILENCE_N = np.zeros(10, np.float32)


def test_a_run_is_where_words_were_missed_and_one_heard_by_chance_does_not_cut_it() -> None:
    assert unheard_runs(np.array([0, 0, 1, 1, 0.3, 1, 0, 0])) == [UnheardRun(2, 6, pytest.approx(2.6))]
    assert unheard_runs(np.array([1, 0, 0, 1, 1])) == [UnheardRun(0, 1, 1.0), UnheardRun(3, 5, 2.0)]
    assert unheard_runs(np.array([0.6, 0.6, 0, 0.5, 0.9])) == []
    assert unheard_runs(np.array([])) == [] and unheard_runs(np.ones(3)) == [UnheardRun(0, 3, 3.0)]
    thousands = np.tile([1.0, 0.0, 0.0], 2000)
    assert len(unheard_runs(thousands)) == 2000


def test_rows_have_the_times_the_words_are_kept_with_and_long_texts_are_cut() -> None:
    words = [Word(f"w{i}", float(i), i + 0.5) for i in range(20)]
    (row,) = run_rows([UnheardRun(3, 14, 9.0)], words)
    assert (row["start_s"], row["end_s"], row["num_words"]) == (3.0, 13.5, 11)
    assert row["text"] == "w3 w4 w5 w6 w7 w8 w9 w10 ..."
    assert runs_beyond([row], 9.0) == [] and runs_beyond([row], 8.9) == [row] == runs_beyond([row], 0.0)
    assert runs_beyond([row], None) == runs_beyond(None, 1.0) == []


@cache
def transcripts() -> list[Any]:
    transcriber = build_transcriber(PARAMS.models.transcriber, PARAMS.transcribe.min_confidence)
    return [transcriber.transcribe(vocals_N) for vocals_N in separated(2)]


def checked(number: int, written: list[str], phones: bool = True) -> CheckedSong:
    """The song of this number with these words written, at one a second."""
    heard = transcripts()[number]
    said = PHONEMIZER.phonemize(written)
    words = [
        Word(text, float(i), i + 0.5, one.phonemes)
        for i, (text, one) in enumerate(zip(written, said, strict=True))
    ]
    columns = {
        "lyrics": written,
        "words": rows_of(words),
        "transcript": [word.text for word in heard.words],
        "transcript_phones": heard.phones if phones else None,
    }
    return CheckedSong(columns, np.stack([SILENCE_N] * 2), SILENCE_N, PARAMS.check)


def heaviest(song: CheckedSong) -> UnheardRun:
    assert song.unheard is not None
    return max(song.unheard, key=lambda run: run.weight, default=UnheardRun(0, 0, 0.0))


def test_no_clean_toy_song_has_a_run_beyond_the_limit() -> None:
    for number, song in enumerate(songs(2)):
        assert heaviest(checked(number, lyrics(song))).weight <= LIMIT


@every("phones", [True, False])
@every("num_words", [3, 5, 8])
def test_words_that_nobody_sings_are_found_at_their_place_in_every_toy_song(
    num_words: int, phones: bool
) -> None:
    for number, (song, score) in enumerate(zip(songs(2), scores(2), strict=True)):
        if not phones and [word.text for word in transcripts()[number].words] != lyrics(song):
            continue  # a misread song has a run of its own
        words, place = lyrics(song), score.lines[number % len(score.lines)][0]
        run = heaviest(checked(number, words[:place] + CREDITS[:num_words] + words[place:], phones))
        assert run.weight > LIMIT
        assert abs(run.first - place) <= 1 and abs(run.end - place - num_words) <= 1


def test_a_line_written_once_more_than_it_is_sung_is_found_and_one_sung_twice_is_not_missed() -> None:
    for number, (song, score) in enumerate(zip(songs(2), scores(2), strict=True)):
        words, (first, end) = lyrics(song), score.lines[0]
        again = checked(number, words[:end] + words[first:end] + words[end:])
        assert heaviest(again).weight > min(LIMIT, end - first - 1)
        assert heaviest(checked(number, words[end:])).weight <= LIMIT, (
            "what is sung and not written is another limit's"
        )
