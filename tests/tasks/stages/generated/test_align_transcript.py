"""Heard words are laid where they are; what cannot be laid is null and drops nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flows.settings.params import load_params
from jam_model.words import Word
from tasks.audio.read import flac_bytes
from tasks.engine.song import Refused, Song
from tasks.models.phonemizer import Pronunciation
from tasks.stages.generated.align_transcript import AlignTranscript
from tests.tasks.tiny import tones_CN


class Evenly:
    """Lays words a tenth of a second apart, but not this one."""

    identity = "test/evenly@1"

    def align(self, vocals_N: np.ndarray, words: Sequence[tuple[str, str]]) -> list[Word]:
        if "impossible" in dict(words):
            raise Refused("too_many_words", "no room")
        return [Word(word, n / 10, n / 10 + 0.05, score=1.0) for n, (word, _) in enumerate(words)]


class Letters:
    """Says letters and nothing else."""

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        return [Pronunciation(word if word.isalpha() else "", 0) for word in words]


def placed(*heard: str) -> Song:
    params = load_params()
    stage = AlignTranscript(params.models.aligner, params.models.phonemizer)
    stage.__dict__ |= {"aligner": Evenly(), "phonemizer": Letters()}
    vocals = flac_bytes(tones_CN(0.5).mean(axis=0), 44_100)
    return stage.one(Song("a", {"vocals": vocals, "transcript": list(heard), "duration_s": 0.5}))


def test_heard_words_get_times_and_unsayable_ones_go() -> None:
    words = placed("hello", "\u2603", "moon")["aligned_transcript"]
    assert [(word["text"], word["start_s"]) for word in words] == [("hello", 0.0), ("moon", 0.1)]


def test_nothing_heard_or_no_room_is_null() -> None:
    assert placed()["aligned_transcript"] is None
    assert placed("impossible")["aligned_transcript"] is None
