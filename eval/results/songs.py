"""One song of one system (`SongRow`), as the report holds it: scores, words, sound, what each stage did; songs by genre, language, stratum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.metrics.error_rates import ErrorCounts
from eval.metrics.metric import Corpus, SongMetric
from eval.stats.intervals import Estimate


@dataclass(frozen=True)
class SongRow:
    """One song of one system: scores, reference and hypothesis words, and its sound.

    A word is its text and its start and end in seconds. `audio` is a compressed file's bytes (mp3, ogg, flac); `peaks` its outline (eval.pages.players.waveform_peaks).
    """

    song_id: str
    title: str
    system: str
    duration_s: float
    scores: Mapping[str, float | None] = field(default_factory=dict)  # by metric name
    reasons: Mapping[str, str] = field(default_factory=dict)  # why a score is None, by metric name
    reference: Sequence[tuple[str, float, float]] = ()
    hypothesis: Sequence[tuple[str, float, float]] = ()
    audio: bytes | None = None
    audio_type: str = "audio/mpeg"
    peaks: Sequence[float] = ()
    note: str = ""
    genre: str = ""
    counts: Mapping[str, ErrorCounts] = field(default_factory=dict)  # of error rates, by metric name
    language: str = ""
    facts: Sequence[tuple[str, str]] = ()  # what each stage did, as (stage, facts in a line)

    def value(self, metric: str) -> float | ErrorCounts | None:
        """What the metric measured on this song: its counts where it is an error rate."""
        return self.counts.get(metric) or self.scores.get(metric)


@dataclass(frozen=True)
class GenreRow:
    """One genre of one system: its estimates by metric name."""

    genre: str
    system: str
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class LanguageRow:
    """The songs of one language by one system: their error rates by metric name. `unit`: what WER counts of them."""

    language: str
    unit: str
    system: str
    estimates: Mapping[str, Estimate]


@dataclass(frozen=True)
class StratumRow:
    """The words of one system that are alike in a measure, from `low` to below `high` (None: without a border): the error rates of
    their phones by metric name, over the songs that have such words. `num_words`: how many were asked for.
    """

    measure: str
    low: float | None
    high: float | None
    system: str
    num_words: int
    estimates: Mapping[str, Estimate]


def language_rows(
    rows: Sequence[SongRow], metrics: Sequence[SongMetric], corpus: Corpus, units: Mapping[str, str]
) -> list[LanguageRow]:
    """A row for each language and system, in the order they come; none where all songs have one language, or none is told."""
    if len({row.language for row in rows} - {""}) < 2:
        return []
    by_language = _estimates([((row.language, row.system), row) for row in rows], metrics, corpus)
    return [
        LanguageRow(language or "unknown", units.get(language, "words"), system, estimates)
        for (language, system), estimates in by_language.items()
    ]


def genre_rows(rows: Sequence[SongRow], metrics: Sequence[SongMetric], corpus: Corpus) -> list[GenreRow]:
    """A row for each genre and system, in the order they come; songs without a genre are left out."""
    by_genre = _estimates([((row.genre, row.system), row) for row in rows if row.genre], metrics, corpus)
    return [GenreRow(genre, system, estimates) for (genre, system), estimates in by_genre.items()]


def _estimates(
    rows: Sequence[tuple[tuple[str, str], SongRow]], metrics: Sequence[SongMetric], corpus: Corpus
) -> dict[tuple[str, str], dict[str, Estimate]]:
    """Every metric over the songs of each group and system, in the order they come."""
    groups: dict[tuple[str, str], list[SongRow]] = {}
    for group, row in rows:
        groups.setdefault(group, []).append(row)
    return {
        group: {m.name: m.estimate([row.value(m.name) for row in of], corpus) for m in metrics}
        for group, of in groups.items()
    }
