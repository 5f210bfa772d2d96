"""Every metric of one song of one system (`SongMeasures`), from the columns that its stages wrote.

A stage that dropped the song leaves its own values out and no other's: a song that the judge cannot score still has
its words. What nobody could hear, as the phones of a transcriber that writes only words, is no failure and no 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eval.metrics.frechet import FrechetReference
from eval.metrics.metric import Measurable, known
from eval.metrics.song import Song
from eval.report.catalogue import measured_metrics
from jam_model.words import words_of
from tasks.audio.read import array_of
from tasks.models.phonemizer import Phonemizer, for_song
from tasks.prompts.prompts import Prompt


def columns_of(metrics: Iterable[Measurable]) -> tuple[str, ...]:
    """The columns of the stages that these metrics read."""
    return tuple(dict.fromkeys(column for metric in metrics for column in metric.columns))


MEASURED_COLUMNS = (
    *("parent", "system", "candidate", "seed", "checkpoint", "recipe", "reference_words", "duration_s"),
    *("audio_remarks", "unstated_delay_s"),
    *("transcript_times", *columns_of(measured_metrics())),
)


@dataclass(frozen=True)
class TextStyles:
    """The styles of texts, [S] each: of every song's style text that the encoder reads, and of all listed genres."""

    of_song: Mapping[str, np.ndarray] = field(default_factory=dict)
    genres: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class SongMeasures:
    """All that was measured on one song of one system: values by metric."""

    song: Song
    given: Song  # the same against the words that it was given
    values: Mapping[str, Any]

    @property
    def row(self) -> Mapping[str, Any]:
        """Its columns."""
        return self.song.row

    @property
    def failed(self) -> str | None:
        """Why a stage dropped it, or None."""
        return self.song.failed

    @property
    def has_sound(self) -> bool:
        """Whether there is a mix to hear."""
        return self.row.get("duration_s") is not None

    def value(self, metric: str) -> Any:
        """The value of a metric; None where there is none, for whatever reason."""
        return known(self.values[metric])

    def reason(self, metric: str) -> str | None:
        """Why this metric is missing, where the song was dropped before it."""
        return self.failed if self.failed and self.value(metric) is None else None


def song_of(row: Mapping[str, Any], prompt: Prompt) -> Song:
    """The row as metrics take it that need no phones, no texts' styles and no reference songs."""
    windows = row.get("window_embedding")
    return Song(
        row=row,
        texts=prompt.texts,
        is_timed=prompt.is_timed,
        style_RS=prompt.style_NS if prompt.is_style_heard else None,
        genre=prompt.genre,
        windows_WD=None if windows is None else array_of(windows),
    )


@dataclass(frozen=True)
class Ruler:
    """What songs are measured with, beside the stages' columns. `words_asked`: whether any of them asks for words."""

    phonemizer: Phonemizer
    reference: FrechetReference | None = None
    texts: TextStyles = field(default_factory=TextStyles)
    words_asked: bool = True

    def song(self, row: Mapping[str, Any], prompt: Prompt, reference_phones: Sequence[str]) -> Song:
        """The row as all metrics take it; `reference_phones` are those of the prompt's words."""
        transcript, language = row.get("transcript"), prompt.language
        return replace(
            song_of(row, prompt),
            words_asked=self.words_asked,
            phones=reference_phones,
            transcript_phones=None
            if transcript is None
            else for_song(self.phonemizer, language).phones(list(transcript)),
            text_S=self.texts.of_song.get(prompt.song_id),
            genres=self.texts.genres,
            reference=self.reference,
        )

    def measures(
        self, row: Mapping[str, Any], prompt: Prompt, reference_phones: Sequence[str]
    ) -> SongMeasures:
        """Every metric of the catalogue that the row's columns allow."""
        song = given = self.song(row, prompt, reference_phones)
        given_texts = [word.text for word in words_of(row["reference_words"])]
        if given_texts != prompt.texts:
            phones = for_song(self.phonemizer, prompt.language).phones(given_texts)
            given = replace(song, texts=given_texts, phones=phones)
        return SongMeasures(song, given, {metric.name: metric.measure(song) for metric in measured_metrics()})
