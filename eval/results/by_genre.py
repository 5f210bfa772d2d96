"""Every metric within every genre: the same estimates over fewer songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.metrics.error_rates import corpus_rate
from eval.results.song_row import SongRow
from eval.stats.intervals import Estimate, Resampling, mean


@dataclass(frozen=True)
class GenreRow:
    """One genre of one system: its estimates by metric name."""

    genre: str
    system: str
    estimates: Mapping[str, Estimate]


def genre_rows(rows: Sequence[SongRow], metrics: Sequence[str], resampling: Resampling) -> list[GenreRow]:
    """A row for each genre and system, in the order they come; songs without a genre are left out."""
    groups: dict[tuple[str, str], list[SongRow]] = {}
    for row in rows:
        if row.genre:
            groups.setdefault((row.genre, row.system), []).append(row)
    return [
        GenreRow(genre, system, {metric: _estimate(group, metric, resampling) for metric in metrics})
        for (genre, system), group in groups.items()
    ]


def _estimate(group: Sequence[SongRow], metric: str, resampling: Resampling) -> Estimate:
    if any(metric in row.counts for row in group):
        return corpus_rate([row.counts.get(metric) for row in group], resampling)
    return mean([row.scores.get(metric) for row in group], resampling)
