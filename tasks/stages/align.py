"""Align: gives every word of a song its start and end.

Times that come with lyrics are a claim. Words are always laid by listening; a claim for every word is
either kept, with the aligned words beside it for `check` to hold it against, or replaced by them. Times of
lines are never words' times: they only bound where the words of a line may lie.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pyarrow as pa
from pydantic import field_validator

from jam_model.words import Word, rows_of, words_of
from tasks.engine.columns import Column
from tasks.engine.song import Refused, Song, SongError
from tasks.engine.stage import Model, Section
from tasks.models.aligner import Line, aligner_identity, build_aligner, mean_score
from tasks.models.phonemizer import build_phonemizer, phonemizer_identity
from tasks.songs.columns import WORD
from tasks.stages.bases import VocalsStage


class AlignParams(Section):
    """`times`: ``given`` keeps a start and an end that the lyrics give every word, ``align`` replaces them.
    `times_grid_s`: every time becomes a multiple of it (the released model saw 0.08); null = as they are.
    """

    times: Literal["given", "align"]
    times_grid_s: float | None

    @field_validator("times_grid_s")
    @classmethod
    def _is_positive(cls, grid_s: float | None) -> float | None:
        if grid_s is not None and not 0.001 <= grid_s <= 1:
            raise ValueError(f"{grid_s} s is no grid for words; give 0.001 to 1 (released: 0.08), or null")
        return grid_s


class Align(VocalsStage):
    """Words with times: of the lyrics where there are any, else of the transcript."""

    name = "align"
    version = 2
    reads = VocalsStage.reads | {"lyrics", "lyrics_times", "lyrics_lines", "transcript"}
    packages = (*VocalsStage.packages, "phonemizer", "espeakng-loader")
    params: AlignParams
    aligner = Model(aligner_identity, build_aligner)
    phonemizer = Model(phonemizer_identity, build_phonemizer)
    writes = {
        "timed_words": Column(
            pa.list_(WORD),
            "the song's words with aligned times and scores in [0, 1]; 0 = cannot be said",
        ),
        "alignment_score": Column(pa.float64(), "mean word score"),
        "aligned_words": Column(
            pa.list_(WORD),
            "where the aligner places words that kept their given times; null = they have its",
        ),
    }

    def made_by(self, models: Sequence[str]) -> str:
        """With the grid, where the times lie on one."""
        grid_s = self.params.times_grid_s
        return super().made_by(models) + (f" grid={grid_s:g}" if grid_s else "")

    def one(self, song: Song) -> Song:
        """The song with its timed words; kept times have the scores of where the aligner places their words.

        Raises:
            SongError: ``no_words``, ``phoneme_unknown`` (none can be said), ``grid_too_coarse``, or the
                aligner's reason after ``alignment_``.
        """
        words = song["lyrics"] if song["lyrics"] is not None else song["transcript"]
        if not words:
            raise SongError(song.song_id, "no_words", "neither lyrics nor a transcript")
        laid = self._laid(song, words)
        _check(song, words, laid)
        kept = self.params.times == "given" and song["lyrics_times"] is not None
        claimed = words_of(song["lyrics_times"]) if kept else laid
        timed = [replace(word, score=found.score) for word, found in zip(claimed, laid, strict=True)]
        _check(song, words, timed)
        if self.params.times_grid_s is not None:
            try:
                timed = on_grid(timed, self.params.times_grid_s, song["duration_s"])
            except ValueError as error:
                raise SongError(song.song_id, "grid_too_coarse", str(error)) from error
        return song.with_columns(
            timed_words=rows_of(timed),
            aligned_words=rows_of(laid) if kept else None,
            alignment_score=mean_score(laid),
        )

    def _laid(self, song: Song, words: Sequence[str]) -> list[Word]:
        """Lays the words that can be said; the others get what is left between their neighbours.

        Lines bound them only where they are all the times there are: a claim is checked without it.
        """
        said = [
            (word, one.phonemes) for word, one in zip(words, self.phonemizer.phonemize(words), strict=True)
        ]
        sayable = [place for place, (_, phonemes) in enumerate(said) if phonemes]
        if not sayable:
            raise SongError(song.song_id, "phoneme_unknown", "no word has a phoneme")
        lines = lines_of(song["lyrics_lines"]) if song["lyrics_times"] is None else None
        try:
            laid = self.aligner.align(
                self.opened(song),
                [said[place] for place in sayable],
                None if lines is None else lines_among(lines, sayable),
            )
        except Refused as error:
            raise SongError(song.song_id, f"alignment_{error.reason}", error.detail) from error
        return with_gaps(words, dict(zip(sayable, laid, strict=True)))


def lines_of(rows: Sequence[dict[str, Any]] | None) -> list[Line] | None:
    """Timed lines, a row of `lyrics_lines` each, as ranges of word numbers."""
    if rows is None:
        return None
    lines, first = [], 0
    for line in words_of(rows):
        end = first + len(line.text.split(" "))
        lines.append(Line(first, end - 1, line.start_s, line.end_s))
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


def with_gaps(words: Sequence[str], laid: Mapping[int, Word]) -> list[Word]:
    """All words: those laid, by number, and the others between them, with the score 0."""
    timed: list[Word] = []
    for place, word in enumerate(words):
        if place in laid:
            timed.append(laid[place])
            continue
        before_s = timed[-1].end_s if timed else 0.0
        after_s = next((laid[later].start_s for later in range(place, len(words)) if later in laid), before_s)
        timed.append(Word(word, before_s, max(before_s, after_s), score=0.0))
    return timed


def on_grid(words: Sequence[Word], grid_s: float, duration_s: float) -> list[Word]:
    """The words on whole steps of a grid: in order, each at least a step long, none past the song's end.

    Every word starts a step or more after the one before; words that did not overlap still do not.

    Raises:
        ValueError: the song has fewer steps than words.
    """
    steps = math.floor(duration_s / grid_s + 1e-6)
    if steps < len(words):
        raise ValueError(f"{len(words)} words in {steps} steps of {grid_s:g} s; give a smaller times_grid_s")
    starts: list[int] = []
    for place, word in enumerate(words):
        first, last = starts[-1] + 1 if starts else 0, steps - len(words) + place
        starts.append(min(max(round(word.start_s / grid_s), first), last))
    snapped = []
    for place, (word, start) in enumerate(zip(words, starts, strict=True)):
        end = min(max(round(word.end_s / grid_s), start + 1), steps)
        if place + 1 < len(words) and word.end_s <= words[place + 1].start_s:
            end = min(end, starts[place + 1])
        snapped.append(replace(word, start_s=_on(start, grid_s), end_s=_on(end, grid_s)))
    return snapped


def _on(step: int, grid_s: float) -> float:
    return round(step * grid_s, 6)  # 0.24, not 0.24000000000000002


def _check(song: Song, words: Sequence[str], timed: Sequence[Word]) -> None:
    """Holds an aligner to its promise; times of the lyrics may overlap, but not go back.

    Raises:
        RuntimeError: other words than asked for, or times that are not in order.
    """
    if [word.text for word in timed] != list(words):
        raise RuntimeError(f"{song.song_id}: the aligner gave back other words than it was given")
    latest_s = 0.0
    for word in timed:
        if word.start_s < latest_s:
            raise RuntimeError(f"{song.song_id}: {word} starts before {latest_s} s")
        latest_s = word.start_s
