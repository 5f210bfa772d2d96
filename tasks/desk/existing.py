"""Which column files of a table there are now, whatever settings they were made with: a listing a folder.

The desk shows what is there, also while a run replaces it; a file made before the last edit is told, not hidden.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from tasks.engine.pipeline import STUB

_COLUMN_FILE = re.compile(r"part-(\d{5,})-[0-9a-f]+(\.stub)?\.parquet")

Files = dict[int, dict[str, Path]]
"""Partition -> stage, in order -> its column file."""


def column_files(table: Path, stages: Iterable[str], only: int | None = None) -> Files:
    """The column files of every partition, or of one; of several of a stage the one written last, a whole one before a
    stub.
    """
    found: Files = {}
    for stage in stages:
        folder = table / stage
        try:
            names = os.listdir(folder)
        except FileNotFoundError:
            continue
        for name in names:
            match = _COLUMN_FILE.fullmatch(name)
            if match and only in (None, int(match[1])):
                of_part = found.setdefault(int(match[1]), {})
                path = folder / name
                if stage not in of_part or _rank(path) > _rank(of_part[stage]):
                    of_part[stage] = path
    return dict(sorted(found.items()))


def changed_at(table: Path, stages: Iterable[str]) -> tuple[int, ...]:
    """Something that changes whenever a column file comes or goes: the folders' times."""
    return tuple(changed_ns(table / stage) for stage in stages)


def _rank(path: Path) -> tuple[bool, int]:
    return not path.name.endswith(STUB), changed_ns(path)


def changed_ns(path: Path) -> int:
    """When a file or folder last changed; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
