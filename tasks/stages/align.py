"""Align (`AlignParams`): gives every word of a song its start and end: given, checked or force-aligned in the song's language, then laid on a grid.

Times that come with lyrics are a claim. Words are always laid by listening; a word's claim is either kept, with
the aligned word beside it for `check` to hold it against, or replaced by it. Times of lines are never words' times:
they only bound where the words of a line may lie. Both are checked first: claims that are all off by a constant are
shifted, those that fit nowhere set aside, and the song says so. Times that a person set by hand are kept as they are,
as long as the words are those they were set on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import pyarrow as pa
from pydantic import Field, field_validator

from jam_model.words import Word, input_times_of, rows_of
from tasks.edits.times import times_by_hand
from tasks.engine.columns import Column
from tasks.engine.song import Refused, Song, SongError
from tasks.engine.stage import Model, Section
from tasks.languages.table import LANGUAGES
from tasks.models.aligner import AlignerParams, Line, build_aligner, for_song, mean_score
from tasks.models.phonemizer import PhonemizerParams, build_phonemizer, in_language
from tasks.songs.columns import WORD
from tasks.stages.bases import VocalsStage
from tasks.times.grid import MAX_PARTS, on_beats, on_grid, parts_of_beat
from tasks.times.line_times import Align as AlignWithin
from tasks.times.line_times import Aligned, align_within, lines_among, lines_of
from tasks.times.partly_timed import with_all_times
from tasks.times.word_times import Checked, check_words


class AlignParams(Section):
    """`times`: ``given`` keeps the starts and ends that the lyrics give words, ``align`` replaces them. `max_offset_s`:
    given ones that are off by more, in the median, are shifted; that scatter more must fit by their scores.
    `times_grid`: what every time is moved to: multiples of some seconds (the released model saw 0.08), or ``beat/4``, a
    quarter of the beats that `models.beats` hears; null = as they are.
    """

    times: Literal["given", "align"]
    max_offset_s: float = Field(gt=0)
    times_grid: float | str | None

    @field_validator("times_grid")
    @classmethod
    def _is_a_grid(cls, grid: float | str | None) -> float | str | None:
        if isinstance(grid, str):
            parts_of_beat(grid)
        elif grid is not None and not 0.001 <= grid <= 1:
            raise ValueError(
                f"{grid} s is no grid for words; give 0.001 to 1 (released: 0.08), beat/1 to beat/{MAX_PARTS}, or null"
            )
        return grid

    @property
    def needs_beats(self) -> bool:
        """Whether the grid is of beats."""
        return isinstance(self.times_grid, str)


class Align(VocalsStage):
    """Words with times: of the lyrics where there are any, else of the transcript."""

    name = "align"
    version = 3
    reads = VocalsStage.reads | {"lyrics", "lyrics_times", "lyrics_lines", "transcript"}
    reads |= {"lyrics_language", "language"}
    packages = (*VocalsStage.packages, "phonemizer", "espeakng-loader")
    params: AlignParams
    aligner = Model(build_aligner)
    phonemizer = Model(build_phonemizer)
    writes = {
        "timed_words": Column(
            pa.list_(WORD),
            "the song's words with aligned times and scores in [0, 1]; 0 = cannot be said",
        ),
        "alignment_score": Column(pa.float64(), "mean word score; null = unchecked"),
        "aligned_words": Column(
            pa.list_(WORD),
            "where the aligner places words that kept their given times; null = it, or all, have the aligner's",
        ),
        "claim_offset_s": Column(
            pa.float64(), "how late the given times were, and are shifted by; null = they were not shifted"
        ),
        "claim_remark": Column(pa.string(), "what of the given times did not fit; null = nothing"),
        "song_language": Column(
            pa.string(),
            "the language the words are read in: of the lyrics, else as the transcriber heard; null = all songs are read in one",
        ),
        "unchecked": Column(
            pa.bool_(), "the times are the lyrics' own, and no aligner here hears the language to check them"
        ),
    }

    def __init__(self, params: AlignParams, *more: Section) -> None:
        super().__init__(params, *more)
        self.reads = Align.reads | ({"beats_s"} if params.needs_beats else set())

    def made_by(self, models: Sequence[str]) -> str:
        """With the grid, where the times lie on one."""
        grid = self.params.times_grid
        return super().made_by(models) + (
            f" grid={grid if isinstance(grid, str) else f'{grid:g}'}" if grid else ""
        )

    def one(self, song: Song) -> Song:
        """The song with its timed words; kept times have the scores of where the aligner places their words.

        Raises:
            SongError: ``no_words``, ``phoneme_unknown`` (none can be said), ``language_not_covered``, ``grid_too_coarse``,
                ``grid_without_beats``, or the aligner's reason after ``alignment_``.
        """
        words = song["lyrics"] if song["lyrics"] is not None else song["transcript"]
        if not words:
            raise SongError(song.song_id, "no_words", "neither lyrics nor a transcript")
        rows = song["lyrics_times"]
        given = None if rows is None else input_times_of(rows)
        by_hand, aside = times_by_hand(song.edited, words, song["duration_s"])
        if by_hand:
            given = [*by_hand]
        language = self._language(song, words)
        if language is not None and not self._aligner.hears(language):
            return self._unchecked(song, language, given)
        align = self._align(song, words, language)
        try:
            bound = self._bound(song, words, align, given)
            checked = (
                Checked(list(by_hand), bound.words) if by_hand else self._checked(song, align, given, bound)
            )
        except Refused as error:
            raise SongError(song.song_id, f"alignment_{error.reason}", error.detail) from error
        _check(song, words, checked.aligned)
        timed = with_all_times(checked.given, checked.aligned, song["duration_s"])
        _check(song, words, timed)
        timed = self._on_grid(song, timed)
        beside = [found if word else None for word, found in zip(checked.given, checked.aligned, strict=True)]
        return song.with_columns(
            timed_words=rows_of(timed),
            aligned_words=[word and rows_of([word])[0] for word in beside] if any(beside) else None,
            alignment_score=mean_score(checked.aligned),
            claim_offset_s=checked.offset_s or bound.offset_s,
            claim_remark="; ".join(filter(None, (bound.remark, checked.remark, aside))) or None,
            song_language=language,
            unchecked=False,
        )

    def _language(self, song: Song, words: Sequence[str]) -> str | None:
        """The language that the words are read in, where songs have one of several."""
        languages = self._phonemizer.song_languages
        given = song.columns.get("lyrics_language") or song.columns.get("language")
        return None if languages is None else languages.of(words, given)

    def _unchecked(self, song: Song, language: str, given: Sequence[Word | None] | None) -> Song:
        """The song with its given times as they are, in a language that nobody here hears.

        Raises:
            SongError: ``language_not_covered``: it is not to be kept so, or not all words have a time. ``grid_too_coarse``.
        """
        why = f"its words are {LANGUAGES[language].name} and models.aligner hears {self._aligner.languages}"
        whole = given is not None and all(word and math.isfinite(word.end_s) for word in given)
        if self._phonemizer.songs.uncovered == "drop" or not whole:
            kept = "models.phonemizer.songs.uncovered: keep takes their given times unchecked"
            hint = kept if whole else "with times of all words they could be kept unchecked"
            raise SongError(song.song_id, "language_not_covered", f"{why}; {hint}")
        timed = self._on_grid(song, [replace(word, score=None) for word in given or () if word])
        return song.with_columns(
            timed_words=rows_of(timed),
            aligned_words=None,
            alignment_score=None,
            claim_offset_s=None,
            claim_remark=times_by_hand(song.edited, song["lyrics"] or song["transcript"], song["duration_s"])[
                1
            ],
            song_language=language,
            unchecked=True,
        )

    def _on_grid(self, song: Song, timed: list[Word]) -> list[Word]:
        grid, duration_s = self.params.times_grid, song["duration_s"]
        if grid is None:
            return timed
        try:
            if isinstance(grid, str):
                return on_beats(timed, song["beats_s"], parts_of_beat(grid), duration_s)
            return on_grid(timed, grid, duration_s)
        except Refused as error:
            raise SongError(song.song_id, error.reason, error.detail) from error

    def _align(self, song: Song, words: Sequence[str], language: str | None) -> AlignWithin:
        """How the words are laid, within lines or free; those that cannot be said get what is left between the others."""
        phonemized = in_language(self.phonemizer, words, language)
        said = [(word, one.phonemes) for word, one in zip(words, phonemized, strict=True)]
        sayable = [place for place, (_, phonemes) in enumerate(said) if phonemes]
        if not sayable:
            raise SongError(song.song_id, "phoneme_unknown", "no word has a phoneme")
        vocals_N, aligner = self.opened(song), for_song(self.aligner, language)

        def align(lines: Sequence[Line] | None) -> list[Word]:
            among = None if lines is None else lines_among(lines, sayable)
            laid = aligner.align(vocals_N, [said[place] for place in sayable], among)
            return with_gaps(words, dict(zip(sayable, laid, strict=True)))

        return align

    def _bound(
        self, song: Song, words: Sequence[str], align: AlignWithin, given: Sequence[Word | None] | None
    ) -> Aligned:
        """The words, within lines only where some have no claim of their own: a claim is checked without them."""
        lines = lines_of(song["lyrics_lines"])
        if lines is None or (given is not None and None not in given):
            return Aligned(align(None))
        return align_within(align, words, lines, song["duration_s"], self._line_tolerance_s / 2)

    def _checked(
        self, song: Song, align: AlignWithin, given: Sequence[Word | None] | None, bound: Aligned
    ) -> Checked:
        if given is None or self.params.times == "align":
            return Checked([None] * len(bound.words), bound.words)
        return check_words(
            align, given, bound.words, song["duration_s"], self.params.max_offset_s, self._line_tolerance_s
        )

    @property
    def _line_tolerance_s(self) -> float:
        return self._aligner.line_tolerance_s

    @property
    def _aligner(self) -> AlignerParams:
        return self.choices["aligner"]

    @property
    def _phonemizer(self) -> PhonemizerParams:
        return self.choices["phonemizer"]


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
