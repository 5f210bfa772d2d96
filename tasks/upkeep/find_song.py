"""Which songs a person means: by id, by title, by how either begins, or by near spellings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])
MAX_COMPARED = 50_000  # songs whose names are held against a misspelt one
MAX_NEAR, CUTOFF = 3, 0.6


def songs_called(rows: Sequence[Row], name: str) -> list[Row]:
    """The songs of this id, else of this title, else those whose id or title begins so; case does not count.

    Args:
        rows: with `song_id` and perhaps a `title`.
    """
    wanted = name.casefold()
    return (
        [row for row in rows if row["song_id"] == name]
        or [row for row in rows if _title(row).casefold() == wanted]
        or [row for row in rows if any(text.casefold().startswith(wanted) for text in _names(row))]
    )


def not_found(rows: Sequence[Row], name: str) -> str:
    """What to say where no song is called so: with the nearest names, if any are near."""
    wanted = name.casefold()
    compared = rows[:MAX_COMPARED]
    owner = {text.casefold(): row for row in reversed(compared) for text in _names(row) if text}
    owner |= {row["song_id"].rpartition("-")[0]: row for row in reversed(compared)}  # without the hash
    near = [owner[key] for key in get_close_matches(wanted, owner, MAX_NEAR, CUTOFF)]
    near = near or [row for row in compared if wanted in _title(row).casefold()][:MAX_NEAR]
    shown = ", ".join(listed({row["song_id"]: row for row in near}.values()))
    hint = f"near: {shown}" if shown else "`jam table` counts the songs, shards/ids.jsonl lists those kept"
    return f"song: no song's id or title is {name!r} or begins so; {hint}"


def listed(rows: Iterable[Row]) -> list[str]:
    """Each song as its id and, where it has another name, its title."""
    return [f"{row['song_id']} ({row['title']})" if row.get("title") else row["song_id"] for row in rows]


def _title(row: Mapping[str, Any]) -> str:
    return row.get("title") or ""


def _names(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["song_id"], _title(row)
