"""What is measured on one song of one system: counts, times and scores, each from the column that its stage wrote.

A stage that dropped the song leaves its own measures out and no other's: a song that the judge cannot score still has
its words. What nobody could hear, as the phones of a transcriber that writes only words, is no failure and no 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.metrics.aesthetics import METRICS as JUDGE_METRICS
from eval.metrics.aesthetics import SECOND_AXES, SECOND_METRICS
from eval.metrics.diversity import METRICS as DIVERSITY_METRICS
from eval.metrics.error_rates import ABOVE_ONE, ErrorCounts, count_errors, normalise
from eval.metrics.error_rates import METRICS as WORD_METRICS
from eval.metrics.fad import METRICS as FRECHET_METRICS
from eval.metrics.frechet import FrechetReference, WindowStatistics, window_statistics
from eval.metrics.genre_accuracy import METRICS as GENRE_METRICS
from eval.metrics.genre_accuracy import nearest_genre
from eval.metrics.levels import METRICS as SOUND_METRICS
from eval.metrics.onsets import METRICS as ONSET_METRICS
from eval.metrics.onsets import onset_scores
from eval.metrics.style_similarity import METRICS as SIMILARITY_METRICS
from eval.metrics.style_similarity import style_similarity
from eval.metrics.tail_energy import METRICS as ENERGY_METRICS
from eval.metrics.word_timing import TimingErrors, timing_errors
from jam_model.words import Word, words_of
from tasks.audio.read import array_of
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.prompts import Prompt

WORD_RATES = tuple(metric.name for metric in WORD_METRICS)
WER, PER, ACOUSTIC_PER = WORD_RATES
ONSET_F1 = ONSET_METRICS[0].name
STYLE, _, _, TEXT_STYLE = (metric.name for metric in SIMILARITY_METRICS)
GENRE = GENRE_METRICS[0].name
FRECHET, FRECHET_INFINITY, FRECHET_SONG = (metric.name for metric in FRECHET_METRICS)
DIVERSITY = DIVERSITY_METRICS[0].name
TAIL = ENERGY_METRICS[0].name
SOUND = tuple(metric.name for metric in SOUND_METRICS)
JUDGE_MEAN = JUDGE_METRICS[0].name
MEASURED_COLUMNS = (
    *("parent", "system", "take", "seed", "checkpoint", "recipe", "asked_words", "duration_s", "tail_energy"),
    *("transcript", "transcript_times", "heard_phones", "placed_words"),
    *("style_embedding", "window_embedding", "scores", "judged"),
    *SOUND,
)


@dataclass(frozen=True)
class TextStyles:
    """The styles of texts, [S] each: of every song's style text that the encoder reads, and of all listed genres."""

    of_song: Mapping[str, np.ndarray] = field(default_factory=dict)
    genres: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class SongMeasures:
    """All that was measured on one song of one system."""

    row: Mapping[str, Any]
    counts: Mapping[str, ErrorCounts] = field(default_factory=dict)  # wer, per, and acoustic_per where heard
    given: Mapping[str, ErrorCounts] = field(default_factory=dict)  # against what it was given to sing
    scores: Mapping[str, float | None] = field(default_factory=dict)
    timing: TimingErrors | None = None
    style_S: np.ndarray | None = None
    windows: WindowStatistics | None = None

    @property
    def failed(self) -> str | None:
        """Why a stage dropped it, or None."""
        return self.row["drop_reason"]

    @property
    def has_sound(self) -> bool:
        """Whether there is a mix to hear."""
        return self.row.get("duration_s") is not None

    def reason(self, metric: str) -> str | None:
        """Why this metric is missing, where the song was dropped before it."""
        return self.failed if self.failed and self.scores.get(metric) is None else None


@dataclass(frozen=True)
class Ruler:
    """What songs are measured with, beside the stages' columns."""

    phonemizer: Phonemizer
    reference: FrechetReference | None
    texts: TextStyles

    def measures(self, row: Mapping[str, Any], prompt: Prompt, asked_phones: Sequence[str]) -> SongMeasures:
        """Everything that the row's columns allow; `asked_phones` are those of the prompt's words."""
        counts: dict[str, ErrorCounts] = {}
        given: Mapping[str, ErrorCounts] = counts
        if row["transcript"] is not None:
            counts = given = word_counts(row, prompt.texts, asked_phones, self.phonemizer)
            given_texts = [word.text for word in words_of(row["asked_words"])]
            if given_texts != prompt.texts:
                given = word_counts(row, given_texts, self.phonemizer.phones(given_texts), self.phonemizer)
        timing = _timing(row, prompt)
        scores: dict[str, float | None] = {name: count.rate for name, count in counts.items()}
        if counts:
            scores[ABOVE_ONE.name] = float(counts[WER].rate > 1)
        if timing is not None:
            scores[ONSET_F1] = _onset_f1(row, prompt)
        style_S = None
        if row["style_embedding"] is not None:
            scores |= self._style_scores(row, prompt)
            style_S = np.asarray(row["style_embedding"], np.float64).mean(axis=0)
        windows = None
        if row["window_embedding"] is not None:
            windows_WD = array_of(row["window_embedding"])
            windows = window_statistics(windows_WD)
            if self.reference is not None:
                scores[FRECHET_SONG] = self.reference.distance_of_windows(windows_WD)
        scores |= _judged(row) | {name: row.get(name) for name in SOUND} | {TAIL: row["tail_energy"]}
        return SongMeasures(row, counts, given, scores, timing, style_S, windows)

    def _style_scores(self, row: Mapping[str, Any], prompt: Prompt) -> dict[str, float | None]:
        style_NS = np.asarray(row["style_embedding"], np.float32)
        scores: dict[str, float | None] = {}
        if prompt.is_style_heard:
            scores[STYLE] = style_similarity(style_NS, prompt.style_NS).mean
        if (text_S := self.texts.of_song.get(prompt.song_id)) is not None:
            scores[TEXT_STYLE] = style_similarity(style_NS, text_S).mean
        if self.texts.genres and prompt.genre is not None:
            scores[GENRE] = float(nearest_genre(style_NS, self.texts.genres) == prompt.genre)
        return scores


def word_counts(
    row: Mapping[str, Any], texts: Sequence[str], asked_phones: Sequence[str], phonemizer: Phonemizer
) -> dict[str, ErrorCounts]:
    """Errors of what was heard in a song against `texts`, by metric."""
    heard = list(row["transcript"])
    counts = {
        WER: count_errors(normalise(texts), normalise(heard)),
        PER: count_errors(asked_phones, phonemizer.phones(heard)),
    }
    if row["heard_phones"] is not None:
        counts[ACOUSTIC_PER] = count_errors(asked_phones, list(row["heard_phones"]))
    return counts


def _judged(row: Mapping[str, Any]) -> dict[str, float | None]:
    scores: dict[str, float | None] = {}
    if row["scores"] is not None:
        axes = list(row["scores"])
        scores |= dict(zip([m.name for m in JUDGE_METRICS], [float(np.mean(axes)), *axes], strict=True))
    seconds = dict(zip(SECOND_AXES, SECOND_METRICS, strict=True))
    for entry in row.get("judged") or ():
        if entry["axis"] in seconds:
            scores[seconds[entry["axis"]].name] = entry["score"]
    return scores


def _timing(row: Mapping[str, Any], prompt: Prompt) -> TimingErrors | None:
    """Of the words that were heard; None where none could be laid, or no times were asked for."""
    if row.get("placed_words") is None or not prompt.is_timed:
        return None
    asked, heard = (labels_and_intervals(words_of(row[name])) for name in ("asked_words", "placed_words"))
    return timing_errors(*asked, *heard)


def _onset_f1(row: Mapping[str, Any], prompt: Prompt) -> float:
    (_, asked_W2), (_, heard_W2) = (
        labels_and_intervals(words_of(row[name])) for name in ("asked_words", "placed_words")
    )
    return onset_scores(asked_W2[:, 0].tolist(), heard_W2[:, 0].tolist()).f1


def labels_and_intervals(words: Sequence[Word]) -> tuple[list[str], np.ndarray]:
    """The words as `normalise` has them, and their starts and ends in seconds [W, 2].

    A word that becomes several keeps its times in each, an empty one goes.
    """
    parts = [(part, word) for word in words for part in normalise([word.text])]
    return [part for part, _ in parts], np.array([(w.start_s, w.end_s) for _, w in parts]).reshape(-1, 2)
