"""The column file (Parquet) a stage writes for one partition, and its shard where it writes one (`sink`): whole or not there, a row group a song for large columns, with its cache key inside.

Large columns are written one row group a song, so memory is bounded by a few songs.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.engine.fingerprint import CacheKey, canonical
from tasks.engine.song import Song
from tasks.engine.stage import Stage
from tasks.engine.table import BOOKKEEPING
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import atomic_path, parquet_file

SHARD_END = bytes(1024)  # two zero blocks end a tar file
SINK_FIELDS = (("shard", pa.string()), ("shard_bytes", pa.int64()))


class ColumnFile:
    """A column file (and shard) being written; committed on a clean exit after `close`, removed on any other."""

    def __init__(
        self, stage: Stage, path: Path, shard: Path | None, cache_key: CacheKey, inputs_sha256: dict[str, str]
    ) -> None:
        """`shard`: where the bytes of the stage's `sink` column go."""
        self.stage, self.path, self.shard_path = stage, path, shard
        self.made_by = stage.made_by(cache_key["models"])
        self.columns = sorted(stage.writes.keys() - {stage.sink})
        fields = [("song_id", pa.string()), *((name, stage.writes[name].type) for name in self.columns)]
        fields += [*(SINK_FIELDS if stage.sink else ()), *BOOKKEEPING]
        self.large = any(stage.writes[name].large for name in self.columns)
        self.schema = pa.schema(fields)
        self.metadata = {"cache_key": canonical(cache_key), "inputs_sha256": canonical(inputs_sha256)}
        self.rows: list[dict[str, Any]] = []
        self.shard: IO[bytes] | None = None
        self.shard_hash = hashlib.sha256()

    def __enter__(self) -> ColumnFile:
        self.stack = ExitStack()
        self.temporary = self.stack.enter_context(atomic_path(self.path))  # renamed last: it is the commit
        if self.stage.sink:
            if self.shard_path is None:
                raise ValueError(f"stage {self.stage.name} has a sink but the work names no shard")
            spool = self.stack.enter_context(atomic_path(self.shard_path))
            self.shard = self.stack.enter_context(spool.open("wb"))
        compression = "none" if self.large else "zstd"
        self.writer = pq.ParquetWriter(self.temporary, self.schema, compression=compression)
        return self

    def write(self, song: Song | None, song_id: str, reason: str | None, by: str | None) -> None:
        """The next row of the table: the song as the stage made it, or none and why."""
        row: dict[str, Any] = {name: song[name] if song else None for name in self.columns}
        if self.shard is not None and self.shard_path is not None:
            fragment = song[self.stage.sink] if song and self.stage.sink else b""
            self._append(fragment)
            row |= {"shard": self.shard_path.name if fragment else None, "shard_bytes": len(fragment)}
        row |= {"song_id": song_id, "drop_reason": reason, "dropped_by": by, "made_by": self.made_by}
        self.rows.append(row)
        if self.large:
            self._flush()

    def _append(self, data: bytes) -> None:
        if self.shard is not None and data:
            self.shard.write(data)
            self.shard_hash.update(data)

    def _flush(self) -> None:
        if self.rows:
            self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
            self.rows = []

    def close(self) -> dict[str, str]:
        """Everything is written: the sha256 of each file, by its kind. What is left is the commit."""
        self._flush()
        self._append(SHARD_END)
        if self.shard is not None:
            self.metadata["shard_sha256"] = self.shard_hash.hexdigest()
            self.shard.close()
        self.writer.add_key_value_metadata(self.metadata)
        self.writer.close()
        written = {"columns": sha256_of_file(self.temporary)}
        return written | ({"shard": self.shard_hash.hexdigest()} if self.shard is not None else {})

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is not None:
            with suppress(OSError):  # the disk may be full; what it holds of the file goes now
                self.writer.close()
        self.stack.__exit__(kind, error, trace)


def stored_cache_key(path: Path) -> CacheKey:
    """The cache key kept inside a column file."""
    with parquet_file(path) as file:
        return json.loads((file.metadata.metadata or {}).get(b"cache_key", b"{}"))
