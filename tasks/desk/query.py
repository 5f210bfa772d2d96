"""Questions to the index in SQL: which songs (`Wanted`), in which order, how many of each kind, how a measure is spread (bins).

Every text from outside goes to SQLite as a parameter; every column's name is one of ours or refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.desk.index import KEPT, MEASURED

CHOICES = ("state", "reason", "language", "split", "license")
SHOWN = (
    "song_id",
    "title",
    "artist",
    "language",
    "split",
    "state",
    "reason",
    "dropped_by",
    "content_hash",
    *MEASURED,
)
SORTED_BY = ("title", "artist", "language", "split", "state", "reason", "song_id", *MEASURED)
MAX_PAGE, MAX_OFFSET, BINS, MAX_CHOICES = 200, 10_000_000, 32, 200
MAX_TEXT, MAX_CHOSEN = 200, 100


@dataclass(frozen=True)
class Wanted:
    """Which songs. `chosen`: values of a column of `CHOICES`, where None stands for none; `ranges`: least and most of a
    measure, both of them in; a song without the measure is in no range.
    """

    search: str = ""
    chosen: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Any) -> Wanted:
        """As the page asks.

        Raises:
            ValueError: names a column or a value that cannot be asked for.
        """
        value = {} if value is None else value
        if not isinstance(value, dict) or value.keys() - {"search", "chosen", "ranges"}:
            raise ValueError("where: give an object with search, chosen and ranges")
        search, chosen, ranges = value.get("search", ""), value.get("chosen", {}), value.get("ranges", {})
        if not isinstance(search, str) or len(search) > MAX_TEXT:
            raise ValueError(f"search: give a text of at most {MAX_TEXT} characters")
        if not isinstance(chosen, dict) or chosen.keys() - set(CHOICES):
            raise ValueError(f"chosen: give values of {', '.join(CHOICES)}")
        for name, values in chosen.items():
            known = isinstance(values, list) and len(values) <= MAX_CHOSEN
            if not known or not all(one is None or isinstance(one, str) for one in values):
                raise ValueError(f"chosen: {name} takes a list of at most {MAX_CHOSEN} texts")
        if not isinstance(ranges, dict) or ranges.keys() - set(MEASURED):
            raise ValueError(f"ranges: give ranges of {', '.join(MEASURED)}")
        for name, limits in ranges.items():
            if not isinstance(limits, list) or len(limits) != 2 or not all(map(_is_number, limits)):
                raise ValueError(f"ranges: {name} takes its least and its most")
        return cls(search, chosen, {name: (limits[0], limits[1]) for name, limits in ranges.items()})

    def sql(self, without: str = "") -> tuple[str, list[Any]]:
        """A WHERE clause and its parameters; `without`: a column whose own filter does not count."""
        parts: list[str] = []
        values: list[Any] = []
        if self.search.strip():
            like = "%" + self.search.strip().translate({ord(sign): f"!{sign}" for sign in "!%_"}) + "%"
            parts.append("(title LIKE ? ESCAPE '!' OR artist LIKE ? ESCAPE '!' OR song_id LIKE ? ESCAPE '!')")
            values += [like] * 3
        for name, chosen in self.chosen.items():
            if name != without and chosen:
                told = [one for one in chosen if one is not None]
                either = [f'"{name}" IN ({", ".join("?" * len(told))})'] if told else []
                either += [f'"{name}" IS NULL'] if None in chosen else []
                parts.append(f"({' OR '.join(either)})")
                values += told
        for name, (least, most) in self.ranges.items():
            if name != without:
                parts.append(f'"{name}" BETWEEN ? AND ?')
                values += [least, most]
        return (f" WHERE {' AND '.join(parts)}" if parts else ""), values


def songs_page(
    rows: sqlite3.Connection, wanted: Wanted, sort: str, descending: bool, offset: int, limit: int
) -> list[dict[str, Any]]:
    """Some of the songs, in order; those without a value come last either way.

    Raises:
        ValueError: no such column, or a page beyond its limits.
    """
    if sort not in SORTED_BY:
        raise ValueError(f"sort: {sort!r} is none of {', '.join(SORTED_BY)}")
    if not (0 <= offset <= MAX_OFFSET and 1 <= limit <= MAX_PAGE):
        raise ValueError(f"offset, limit: give 0 to {MAX_OFFSET}, and 1 to {MAX_PAGE}")
    where, values = wanted.sql()
    order = f'"{sort}" IS NULL, "{sort}" {"DESC" if descending else "ASC"}, song_id'
    names = ", ".join(f'"{name}"' for name in SHOWN)
    of_page = (
        f"SELECT song_id FROM songs{where} ORDER BY {order} LIMIT ? OFFSET ?"  # sorts ids, not whole rows
    )
    asked = f"SELECT {names} FROM songs WHERE song_id IN ({of_page}) ORDER BY {order}"
    return [dict(row) for row in rows.execute(asked, [*values, limit, offset])]


def count_songs(rows: sqlite3.Connection, wanted: Wanted) -> int:
    """How many songs are wanted."""
    where, values = wanted.sql()
    return int(rows.execute(f"SELECT count(*) FROM songs{where}", values).fetchone()[0])


def counts_of(rows: sqlite3.Connection, wanted: Wanted, name: str) -> list[tuple[str | None, int]]:
    """How many of the songs have each value of a column of `CHOICES`, the most frequent first; its own filter aside."""
    if name not in CHOICES:
        raise ValueError(f"counts: {name!r} is none of {', '.join(CHOICES)}")
    where, values = wanted.sql(without=name)
    asked = (
        f'SELECT "{name}", count(*) AS n FROM songs{where} GROUP BY 1 ORDER BY n DESC, 1 LIMIT {MAX_CHOICES}'
    )
    return [(row[0], row[1]) for row in rows.execute(asked, values)]


def histogram(rows: sqlite3.Connection, wanted: Wanted, name: str) -> dict[str, Any]:
    """How a measure is spread over the songs, its own filter aside: edges of equal bins, songs kept and others in each,
    and how many have no value.
    """
    if name not in MEASURED:
        raise ValueError(f"measure: {name!r} is none of {', '.join(MEASURED)}")
    where, values = wanted.sql(without=name)
    asked = f'SELECT min("{name}"), max("{name}"), count(*) - count("{name}") FROM songs{where}'
    least, most, absent = rows.execute(asked, values).fetchone()
    if least is None:
        return {"measure": name, "edges": [], "kept": [], "others": [], "absent": absent}
    width = (most - least) / BINS or 1.0
    kept, others = [0] * BINS, [0] * BINS
    also = f'{where} {"AND" if where else "WHERE"} "{name}" IS NOT NULL'
    asked = f'SELECT min(CAST(("{name}" - ?) / ? AS INTEGER), ?), state = ?, count(*) FROM songs{also} GROUP BY 1, 2'
    for place, is_kept, count in rows.execute(asked, [least, width, BINS - 1, KEPT, *values]):
        (kept if is_kept else others)[place] += count
    edges = [least + width * place for place in range(BINS)] + [max(most, least + width * BINS)]
    return {"measure": name, "edges": edges, "kept": kept, "others": others, "absent": absent}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e15
