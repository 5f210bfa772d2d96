"""Sketch: what it takes to know a song again, in a few kilobytes: its words as shingles, its sound as landmarks."""

from __future__ import annotations

import numpy as np
from pydantic import field_validator

from tasks.audio.mix import mix_of
from tasks.audio.read import npy_bytes
from tasks.dedup.landmarks import landmarks
from tasks.dedup.near_duplicates import words_hash
from tasks.dedup.shingles import shingles
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage


class SketchParams(Section):
    """`shingle_words`: words in a shingle. The limits bound a sketch, whatever the song's length."""

    shingle_words: int
    max_shingles: int
    max_landmarks: int

    @field_validator("*")
    @classmethod
    def _is_count(cls, count: int) -> int:
        if count < 1:
            raise ValueError(f"{count} would leave nothing to compare; give 1 or more")
        return count


class Sketch(Stage):
    """The given words, or else what was heard, and the mix, each as sorted integers."""

    name = "sketch"
    version = 1
    reads = frozenset({"audio", "lyrics", "transcript", "duration_s"})
    writes = frozenset({"lyrics_hash", "lyrics_sketch", "audio_sketch"})
    packages = ("av", "numpy", "scipy", "soundfile", "soxr")

    def __init__(self, params: SketchParams, songs_root: str) -> None:
        super().__init__(params)
        self.params: SketchParams = params
        self.songs_root = songs_root

    def open(self, song: Song) -> np.ndarray:
        """The mix."""
        return mix_of(song.song_id, song["audio"], self.songs_root)

    def one(self, song: Song) -> Song:
        """The song with its sketches; `lyrics_hash` is of given words only, since what is heard may vary."""
        params, given = self.params, song["lyrics"]
        words = given or song["transcript"] or []
        return song.with_columns(
            lyrics_hash=words_hash(given),
            lyrics_sketch=npy_bytes(shingles(words, params.shingle_words, params.max_shingles)),
            audio_sketch=npy_bytes(landmarks(self.opened(song), params.max_landmarks)),
        )
