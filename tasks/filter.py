"""Filter: the one place where a song that every stage could handle is still refused, with its reason."""

from __future__ import annotations

import itertools

from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage


class FilterParams(Section):
    """Which songs are worth training on."""

    min_duration_s: float
    max_duration_s: float
    min_words: int
    max_words_per_s: float
    max_word_s: float
    max_overlap_share: float


class Filter(Stage):
    """Keeps a song or drops it.

    It reads a column of every branch before it, so that a kept song passed all stages.
    """

    name = "filter"
    version = 1
    reads = frozenset({"duration_s", "words", "phonemes", "style_embedding", "num_frames"})
    writes = frozenset({"kept"})

    def __init__(self, params: FilterParams) -> None:
        super().__init__(params)
        self.params: FilterParams = params

    def one(self, song: Song) -> Song:
        """The song with `kept`.

        Raises:
            SongError: ``duration_short``, ``duration_long``, ``words_few``, ``words_fast``, ``word_long`` or
                ``words_overlap``; the first that holds.
        """
        reason = self.reason(song)
        if reason is not None:
            raise SongError(song.song_id, reason[0], reason[1])
        return song.with_columns(kept=True)

    def reason(self, song: Song) -> tuple[str, str] | None:
        """Why this song is dropped, in a word and in detail, or None."""
        params, words = self.params, song["words"]
        duration_s = song["duration_s"]
        if duration_s < params.min_duration_s:
            return "duration_short", f"{duration_s:.2f} s, at least {params.min_duration_s}"
        if duration_s > params.max_duration_s:
            return "duration_long", f"{duration_s:.2f} s, at most {params.max_duration_s}"
        if len(words) < params.min_words:
            return "words_few", f"{len(words)} words, at least {params.min_words}"
        sung_s = words[-1]["end_s"] - words[0]["start_s"]
        if len(words) > params.max_words_per_s * max(sung_s, 1.0):
            return (
                "words_fast",
                f"{len(words)} words in {sung_s:.1f} s, at most {params.max_words_per_s} a second",
            )
        longest_s = max(word["end_s"] - word["start_s"] for word in words)
        if longest_s > params.max_word_s:
            return "word_long", f"a word of {longest_s:.1f} s, at most {params.max_word_s}"
        overlaps = sum(after["start_s"] < before["end_s"] for before, after in itertools.pairwise(words))
        if overlaps > params.max_overlap_share * len(words):
            return (
                "words_overlap",
                f"{overlaps} of {len(words)} words, share at most {params.max_overlap_share}",
            )
        return None
