"""The songs of a partition as rows, from the column files that stand."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from tasks.engine.sources import Partition
from tasks.engine.table import BOOKKEEPING
from tasks.storage.files import parquet_file


def partition_rows(
    part: Partition, files: Iterable[Sequence[Path]], columns: Collection[str]
) -> list[dict[str, Any]]:
    """Every song as a dict of `song_id`, `drop_reason`, `dropped_by`, `partition`, `made_by` and `columns`.

    Args:
        files: of each stage in order, where its column file may stand; the first that does is read.
        columns: a column whose file is missing is absent from the rows.
    """
    rows: list[dict[str, Any]] = [
        {
            "song_id": source.song_id,
            "partition": part.number,
            "drop_reason": None,
            "dropped_by": None,
            "made_by": [],
        }
        for source in part.sources
    ]
    wanted = {*columns, *(name for name, _ in BOOKKEEPING)}
    for paths in files:
        found = next((read for path in paths if (read := _read(path, wanted)) is not None), None)
        for row, values in zip(rows, found or [], strict=found is not None):
            reason, by = values.pop("drop_reason"), values.pop("dropped_by")
            if made_by := values.pop("made_by", None):
                row["made_by"].append(made_by)
            if reason and not row["drop_reason"]:
                row.update(drop_reason=reason, dropped_by=by)
            row.update(values)
    return rows


def _read(path: Path, columns: Collection[str]) -> list[dict[str, Any]] | None:
    """The rows of a column file with those of these columns that it has; None where it does not stand."""
    try:
        file = parquet_file(path)
    except FileNotFoundError:
        return None
    with file:
        return file.read(columns=[name for name in file.schema_arrow.names if name in columns]).to_pylist()
