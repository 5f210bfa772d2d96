"""Align: gives every word of a song its start and end, by the vocals or by the times its lyrics claim."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tasks.audio import read_bytes
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Section, Stage
from tasks.models.aligner import (
    Aligner,
    AlignerParams,
    Line,
    TimedWord,
    Unalignable,
    aligner_identity,
    build_aligner,
)
from tasks.models.phonemizer import Phonemizer, PhonemizerParams, build_phonemizer, phonemizer_identity


class AlignParams(Section):
    """`times`: ``given`` takes word times as the lyrics claim them, where they do, ``align`` never does.
    `min_score`: the least mean score of a song's words, in [0, 1].
    """

    times: Literal["given", "align"]
    min_score: float


class Align(Stage):
    """Words with times: of the lyrics where there are any, else of the transcript."""

    name = "align"
    version = 1
    reads = frozenset({"vocals", "duration_s", "lyrics", "lyrics_times", "lyrics_lines", "transcript"})
    writes = frozenset({"words", "alignment_score"})
    packages = ("numpy", "torch", "phonemizer", "espeakng-loader", "soundfile", "soxr")

    def __init__(self, params: AlignParams, aligner: AlignerParams, phonemizer: PhonemizerParams) -> None:
        super().__init__(params)
        self.params: AlignParams = params
        self.aligner_params = aligner
        self.phonemizer_params = phonemizer

    @property
    def models(self) -> tuple[str, ...]:
        return aligner_identity(self.aligner_params), phonemizer_identity(self.phonemizer_params)

    @property
    def facts(self) -> dict[str, Any]:
        """The sections of both models; the weights are in the identity, by hash and not by path."""
        return {
            "aligner": self.aligner_params.decides(),
            "phonemizer": self.phonemizer_params.decides(),
        }

    @cached_property
    def aligner(self) -> Aligner:
        """Built once a worker."""
        return build_aligner(self.aligner_params)

    @cached_property
    def phonemizer(self) -> Phonemizer:
        """Built once a worker."""
        return build_phonemizer(self.phonemizer_params)

    def open(self, song: Song) -> np.ndarray:
        """The vocals, float32 [N] at 44.1 kHz."""
        return read_bytes(song["vocals"])[0][0]

    def one(self, song: Song) -> Song:
        """The song with its timed words. Claimed times get the score 1.

        Raises:
            SongError: ``no_words``, ``phoneme_unknown`` (none can be said), ``low_alignment``, or the aligner's
                reason after ``alignment_``.
        """
        words = song["lyrics"] if song["lyrics"] is not None else song["transcript"]
        if not words:
            raise SongError(song.song_id, "no_words", "neither lyrics nor a transcript")
        if self.params.times == "given" and song["lyrics_times"] is not None:
            timed = [TimedWord(w["word"], w["start_s"], w["end_s"], 1.0) for w in song["lyrics_times"]]
        else:
            timed = self._aligned(song, words)
        _check(song, words, timed)
        score = sum(word.score for word in timed) / len(timed)
        if score < self.params.min_score:
            raise SongError(song.song_id, "low_alignment", f"{score:.3f}, at least {self.params.min_score}")
        return song.with_columns(
            words=[{"word": w.word, "start_s": w.start_s, "end_s": w.end_s, "score": w.score} for w in timed],
            alignment_score=score,
        )

    def _aligned(self, song: Song, words: Sequence[str]) -> list[TimedWord]:
        """Lays the words that can be said; the others get what is left between their neighbours."""
        said = [pronunciation.phonemes for pronunciation in self.phonemizer.phonemize(words)]
        sayable = [place for place, phonemes in enumerate(said) if phonemes]
        if not sayable:
            raise SongError(song.song_id, "phoneme_unknown", "no word has a phoneme")
        lines = lines_of(song["lyrics_lines"])
        try:
            laid = self.aligner.align(
                self.opened(song),
                [words[place] for place in sayable],
                [said[place] for place in sayable],
                None if lines is None else lines_among(lines, sayable),
            )
        except Unalignable as error:
            raise SongError(song.song_id, f"alignment_{error.reason}", str(error)) from error
        return with_gaps(words, dict(zip(sayable, laid, strict=True)))


def lines_of(rows: Sequence[dict[str, Any]] | None) -> list[Line] | None:
    """Timed lines (`word` holds a line's words, joined by blanks) as ranges of word numbers."""
    if rows is None:
        return None
    lines, first = [], 0
    for row in rows:
        end = first + len(row["word"].split(" "))
        lines.append(Line(first, end - 1, row["start_s"], row["end_s"]))
        first = end
    return lines


def lines_among(lines: Sequence[Line], places: Sequence[int]) -> list[Line]:
    """The same lines over the words at `places` (ascending) only; a line of which none is left goes."""
    kept = []
    for line in lines:
        first, end = bisect_left(places, line.first), bisect_right(places, line.last)
        if first < end:
            kept.append(Line(first, end - 1, line.start_s, line.end_s))
    return kept


def with_gaps(words: Sequence[str], laid: Mapping[int, TimedWord]) -> list[TimedWord]:
    """All words: those laid, by number, and the others between them, with the score 0."""
    timed: list[TimedWord] = []
    for place, word in enumerate(words):
        if place in laid:
            timed.append(laid[place])
            continue
        before_s = timed[-1].end_s if timed else 0.0
        after_s = next((laid[later].start_s for later in range(place, len(words)) if later in laid), before_s)
        timed.append(TimedWord(word, before_s, max(before_s, after_s), 0.0))
    return timed


def _check(song: Song, words: Sequence[str], timed: Sequence[TimedWord]) -> None:
    """Holds an aligner to its promise; times of the lyrics may overlap, but not go back.

    Raises:
        RuntimeError: other words than asked for, or times that are not in order.
    """
    if [word.word for word in timed] != list(words):
        raise RuntimeError(f"{song.song_id}: the aligner gave back other words than it was given")
    latest_s = 0.0
    for word in timed:
        if not latest_s <= word.start_s <= word.end_s:
            raise RuntimeError(f"{song.song_id}: {word} starts before {latest_s} s or ends before it starts")
        latest_s = word.start_s
