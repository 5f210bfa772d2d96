"""Parts of a song with their times, as files state them: JSON of structure models and annotators, and labels in time.

A part without an end lasts to the next one, the last to the song's (inf). Parts that overlap are cut where the next begins.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from jam_model.words import Word
from tasks.lyrics.parts.json_value import clean, has_time, times, unit_of
from tasks.lyrics.parts.section_labels import section_label
from tasks.lyrics.parts.unsung import is_label

LISTS = ("sections", "structure", "segments", "parts", "music_structure", "functional", "labels")
NAMES = ("label", "section", "structure", "part", "section_label", "type", "name")
BESIDE = ("start", "end", "silence", "other")
"""Names of structure models for what is no part of the song, beside those that people write."""
MAX_PARTS = 500
LONGEST_NAME = 40
MAX_DEPTH = 3


def parts_of_json(value: Any, depth: int = 0) -> tuple[Word, ...]:
    """The parts in time of a JSON value: a list of rows with a label and times, or of pairs of a start and a label, as SongFormer's
    annotations have them, or an object that holds one; else none.
    """
    if isinstance(value, list):
        said = [_of_pair(row) if isinstance(row, list) else row for row in value]
        rows = [row for row in said if isinstance(row, dict) and has_time(row) and _name(row)]
        if len(rows) > len(value) / 2 and all(is_part(_name(row)) or _is_end(_name(row)) for row in rows):
            unit_s = unit_of(rows)
            parts = in_time((_name(row), *times(row, 0, [], unit_s)) for row in rows[:MAX_PARTS])
            return parts[:-1] if parts and _is_end(parts[-1].text) and parts[-1].end_s == math.inf else parts
        return parts_of_json(value[0], depth + 1) if len(value) == 1 and depth < MAX_DEPTH else ()
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return ()
    inside = [value[key] for key in LISTS if isinstance(value.get(key), list | dict)]
    inside += [value[key] for key in ("result", "data", "output") if isinstance(value.get(key), list | dict)]
    return next((found for one in inside if (found := parts_of_json(one, depth + 1))), ())


def _of_pair(row: Sequence[Any]) -> Mapping[str, Any] | None:
    """``[12.5, "verse"]`` as a row; None of any other list."""
    if len(row) != 2 or isinstance(row[0], bool) or not isinstance(row[0], int | float):
        return None
    return {"start": row[0], "label": row[1]} if isinstance(row[1], str) else None


def _is_end(name: str) -> bool:
    """Whether a name says where the last part ends, and is none itself."""
    return name.lower() == "end"


def is_part(name: str) -> bool:
    """Whether a name in a list of labels is that of a part."""
    return is_label(name.replace("_", "-"), marked=True) or name in BESIDE or section_label(name) != "other"


def in_time(rows: Iterable[tuple[str, float | None, float | None]]) -> tuple[Word, ...]:
    """Parts (name, start, end) in the order of their starts, without overlap; an end before its start is none, and a part without a start is left out."""
    stated = sorted(
        (
            Word(name, start_s, math.inf if end_s is None or end_s < start_s else end_s)
            for name, start_s, end_s in rows
            if start_s is not None
        ),
        key=lambda part: part.start_s,
    )
    apart = [replace(part, end_s=min(part.end_s, after.start_s)) for part, after in pairwise(stated)]
    return tuple(part for part in [*apart, *stated[-1:]] if part.end_s > part.start_s)


def _name(row: Mapping[str, Any]) -> str:
    found: Sequence[str] = [row[key] for key in NAMES if isinstance(row.get(key), str)]
    return clean(found[0]).strip()[:LONGEST_NAME] if found else ""
