"""Transcribe listens where it must, and never makes words up for a song it cannot read."""

from __future__ import annotations

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.audio.read import flac_bytes
from tasks.engine.song import Song, SongError
from tasks.models.transcriber import Transcript
from tasks.stages.transcribe import Transcribe, TranscribeParams
from tests.tasks.tiny import given

TRANSCRIBER = load_params().models.transcriber


class Hears:
    """A transcriber that hears the same words in everything, and counts how often it was asked."""

    identity = "fake/hears@1"

    def __init__(self, *words: str) -> None:
        self.words = words
        self.asked = 0

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        self.asked += 1
        assert vocals_N.ndim == 1
        return Transcript(
            [Word(w, i, i + 0.5, score=0.9) for i, w in enumerate(self.words)], ["m", "uː"], "en"
        )


def transcribe(when: str, model: Hears, lyrics: list[str] | None) -> Song:
    stage = Transcribe(TranscribeParams(when=when, min_confidence=0.0), TRANSCRIBER)  # type: ignore[arg-type]
    stage.__dict__["transcriber"] = model
    vocals = flac_bytes(np.zeros((1, 4096), np.float32), 44_100)
    return stage.one(given("a.wav", vocals=vocals, lyrics=lyrics))


def test_transcribe_listens_only_where_lyrics_are_missing() -> None:
    model = Hears("moon")
    song = transcribe("missing", model, ["hello"])
    assert [song[column] for column in sorted(Transcribe.writes)] == [None] * 4
    assert model.asked == 0
    assert transcribe("missing", model, None)["transcript"] == ["moon"]


def test_transcribe_always_listens_when_songs_are_judged() -> None:
    song = transcribe("always", Hears("blue", "moon"), ["hello"])
    assert song["transcript"] == ["blue", "moon"]
    assert song["transcript_times"][1] == rows_of([Word("moon", 1, 1.5, score=0.9)])[0]
    assert song["transcript_phones"] == ["m", "uː"]
    assert song["language"] == "en"


def test_a_song_without_lyrics_and_words_is_dropped_no_transcript() -> None:
    with pytest.raises(SongError) as error:
        transcribe("missing", Hears(), None)
    assert error.value.reason == "no_transcript"


def test_a_judged_song_in_which_nothing_is_heard_stays_with_an_empty_transcript() -> None:
    assert transcribe("always", Hears(), ["hello"])["transcript"] == []
