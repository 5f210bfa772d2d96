"""What became of the songs of each language (the one a row was read in, else the stated one), where a table holds songs of several."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from eval.results.data_set import LanguageFate
from tasks.languages.table import code_of

LANGUAGE_COLUMNS = ("song_language", "lyrics_language", "stated_language", "duration_s")
"""What `fates_by_language` reads of a song, besides its drop."""
UNTOLD = "unknown"


def fates_by_language(rows: Sequence[Mapping[str, Any]]) -> list[LanguageFate]:
    """Songs in, kept and dropped, and hours kept, the language with most songs first; none where all have one language.

    A song's language is the one its words are read in, else of its lyrics, else, where it was dropped before anybody looked, the
    one that its manifest gives; ``unknown`` where nothing told it.
    """
    told = {_read_in(row) for row in rows} - {None}
    if len(told) < 2:
        return []
    groups: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[_read_in(row) or _stated(row) or UNTOLD].append(row)
    return [
        _fate(language, group)
        for language, group in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0]))
    ]


def _fate(language: str, rows: Sequence[Mapping[str, Any]]) -> LanguageFate:
    kept = [row for row in rows if not row["drop_reason"]]
    drops = Counter(row["drop_reason"] for row in rows if row["drop_reason"])
    hours = round(sum(row["duration_s"] for row in kept) / 3600, 4)
    return LanguageFate(language, len(rows), len(kept), hours, dict(sorted(drops.items())))


def _read_in(row: Mapping[str, Any]) -> str | None:
    return row.get("song_language") or row.get("lyrics_language")


def _stated(row: Mapping[str, Any]) -> str | None:
    stated = row.get("stated_language")
    return code_of(stated) if stated else None
