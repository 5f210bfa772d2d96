"""Every metric within every genre: the same estimates over fewer songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval.metrics.metric import Corpus, SongMetric
from eval.results.song_row import SongRow
from eval.stats.intervals import Estimate


@dataclass(frozen=True)
class GenreRow:
    """One genre of one system: its estimates by metric name."""

    genre: str
    system: str
    estimates: Mapping[str, Estimate]


def genre_rows(rows: Sequence[SongRow], metrics: Sequence[SongMetric], corpus: Corpus) -> list[GenreRow]:
    """A row for each genre and system, in the order they come; songs without a genre are left out."""
    groups: dict[tuple[str, str], list[SongRow]] = {}
    for row in rows:
        if row.genre:
            groups.setdefault((row.genre, row.system), []).append(row)
    return [
        GenreRow(
            genre, system, {m.name: m.estimate([row.value(m.name) for row in group], corpus) for m in metrics}
        )
        for (genre, system), group in groups.items()
    ]
