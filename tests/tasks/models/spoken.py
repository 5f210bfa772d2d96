"""A stage for tests: the words of a song's title, a second each. A module of its own so that workers import it."""

from __future__ import annotations

from tasks.engine.song import Song
from tasks.engine.stage import Stage


class Spoken(Stage):
    """Writes `words` from the title."""

    name = "spoken"
    version = 1
    reads = frozenset({"title"})
    writes = frozenset({"words"})

    def one(self, song: Song) -> Song:
        words = [
            {"word": word, "start_s": float(i), "end_s": i + 1.0, "score": 1.0}
            for i, word in enumerate(song["title"].split())
        ]
        return song.with_columns(words=words)
