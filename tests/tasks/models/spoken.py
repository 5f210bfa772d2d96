"""Stages for tests: a song's title as its words, and a hummed stem. A module of its own so that workers import it."""

from __future__ import annotations

from tasks.audio.read import flac_bytes
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.songs.columns import DURATION_S
from tasks.stages.align import Align
from tasks.stages.separate import Separate
from tests.tasks.tiny import RATE_HZ, timed, tones_CN


class Spoken(Stage):
    """Writes `timed_words` from the title, a second each."""

    name = "spoken"
    version = 1
    reads = frozenset({"title"})
    writes = {"timed_words": Align.writes["timed_words"]}

    def one(self, song: Song) -> Song:
        words = [(word, float(i), i + 1.0) for i, word in enumerate(song["title"].split())]
        return song.with_columns(timed_words=timed(*words))


class Hummed(Stage):
    """Writes `vocals`; drops a song called "silence"."""

    name = "hummed"
    version = 1
    reads = frozenset({"title"})
    writes = {"vocals": Separate.writes["vocals"], "duration_s": DURATION_S}

    def one(self, song: Song) -> Song:
        if song["title"] == "silence":
            raise SongError(song.song_id, "no_vocals", "made for the test")
        return song.with_columns(vocals=flac_bytes(tones_CN(2.0)[0], RATE_HZ), duration_s=2.0)
