"""One song out of the column files of its partition: the light columns of its row, a large one when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.engine.column_file import stored_cache_key
from tasks.storage.files import parquet_file


@dataclass
class SongRow:
    """A song as the column files have it. `made_by` and `files` by stage; `reason`, `dropped_by`: its first drop."""

    song_id: str
    columns: dict[str, Any] = field(default_factory=dict)
    made_by: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    reason: str | None = None
    dropped_by: str | None = None

    def get(self, *names: str) -> Any:
        """The first of these columns that has a value."""
        return next((value for name in names if (value := self.columns.get(name)) is not None), None)


def song_row(song_id: str, files: Mapping[str, Path], large: Iterable[str]) -> SongRow:
    """A song's row. `files`: of its partition, by stage, in order; `large`: columns that are left out.

    Raises:
        KeyError: the partition has no such song.
        FileNotFoundError: a run replaced a file meanwhile.
    """
    row, left_out = SongRow(song_id, files=dict(files)), set(large)
    for stage, path in files.items():
        with parquet_file(path) as file:
            names = [name for name in file.schema_arrow.names if name not in left_out]
            table = file.read(columns=names, use_threads=False)
        place = _place(table["song_id"].to_pylist(), song_id)
        values = table.slice(place, 1).to_pylist()[0]
        reason, by = values.pop("drop_reason", None), values.pop("dropped_by", None)
        if reason and row.reason is None:
            row.reason, row.dropped_by = reason, by
        if made_by := values.pop("made_by", None):
            row.made_by[stage] = made_by
        row.columns.update({name: value for name, value in values.items() if value is not None})
    return row


def large_value(path: Path, song_id: str, column: str) -> Any:
    """A large column of one song, from its own row group; None where it was evicted or never made."""
    with parquet_file(path) as file:
        if column not in file.schema_arrow.names:
            return None
        place = _place(file.read(columns=["song_id"], use_threads=False)["song_id"].to_pylist(), song_id)
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if place < size:
                read = file.read_row_group(group, columns=[column], use_threads=False)
                return read.slice(place, 1).to_pylist()[0][column]
            place -= size
    return None


def applied_edits(files: Mapping[str, Path], song_id: str, stages: Iterable[str]) -> dict[str, Any]:
    """What the column files of these stages were made with by hand, for one song; nothing for a file that is not there."""
    found = {
        stage: stored_cache_key(files[stage]).get("edits", {}).get(song_id)
        for stage in stages
        if stage in files
    }
    return {stage: said for stage, said in found.items() if said is not None}


def drop_sentence(receipts: Path, row: SongRow) -> str:
    """Why the song was dropped, in the words of the receipt; empty where there are none."""
    path = row.files.get(row.dropped_by or "")
    receipt = receipts / (row.dropped_by or "") / f"{path.name.partition('.')[0]}.json" if path else None
    if receipt is None or not receipt.is_file():
        return ""
    return str(json.loads(receipt.read_text()).get("details", {}).get(row.song_id, ""))


def _place(ids: list[str], song_id: str) -> int:
    try:
        return ids.index(song_id)
    except ValueError:
        raise KeyError(song_id) from None
