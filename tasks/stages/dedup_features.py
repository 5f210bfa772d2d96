"""DedupFeatures: what it takes to know a song again, in a few kilobytes: its words as shingles, its sound as landmarks."""

from __future__ import annotations

import pyarrow as pa
from pydantic import field_validator

from tasks.audio.read import npy_bytes
from tasks.dedup.landmarks import landmarks
from tasks.dedup.near_duplicates import words_hash
from tasks.dedup.shingles import shingles
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Section
from tasks.stages.bases import MixStage


class DedupFeaturesParams(Section):
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


class DedupFeatures(MixStage):
    """The given words, or else what was heard, and the mix, each as sorted integers."""

    name = "dedup_features"
    version = 1
    reads = MixStage.reads | {"lyrics", "transcript"}
    params: DedupFeaturesParams
    writes = {
        "lyrics_hash": Column(pa.string(), "sha256 of the given words; null = none were given"),
        "lyrics_shingles": Column(pa.binary(), "npy int64, sorted: hashed runs of the words, given or heard"),
        "audio_landmarks": Column(
            pa.binary(), "npy int64, sorted: pairs of spectral peaks, key << 24 | frame"
        ),
    }

    def one(self, song: Song) -> Song:
        """The song with its sketches; `lyrics_hash` is of given words only, since what is heard may vary."""
        params, given = self.params, song["lyrics"]
        words = given or song["transcript"] or []
        return song.with_columns(
            lyrics_hash=words_hash(given),
            lyrics_shingles=npy_bytes(shingles(words, params.shingle_words, params.max_shingles)),
            audio_landmarks=npy_bytes(landmarks(self.opened(song), params.max_landmarks)),
        )
