"""One partition through one stage: read what it asks for, call it, commit the column file.

Runs inside a worker process. Memory is bounded by `batch_songs` songs: heavy columns are read and
written one row group a song.
"""

from __future__ import annotations

import faulthandler
import hashlib
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.engine.columns import COLUMNS
from tasks.engine.files import atomic_path, write_json
from tasks.engine.fingerprint import Recipe, canonical, sha256_of_file
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.engine.table import BOOKKEEPING

SHARD_END = bytes(1024)  # two zero blocks end a tar file
SINK_FIELDS = (("shard", pa.string()), ("shard_bytes", pa.int64()))


@dataclass(frozen=True)
class Limits:
    """How long one song may take: `base_s` plus `per_audio_s` for each second of audio, if known."""

    base_s: float
    per_audio_s: float

    def of(self, song: Song) -> float:
        """Seconds allowed for this song."""
        return self.base_s + self.per_audio_s * float(song.columns.get("duration_s") or 0.0)


@dataclass(frozen=True)
class Work:
    """Everything a worker needs to know about one partition of one stage."""

    stage: str
    number: int
    out: Path
    shard: Path | None
    inputs: dict[str, tuple[Path, list[str]]]  # stage -> its column file, the columns to read
    recipe: Recipe
    receipt: Path
    limits: Limits
    poison: dict[str, str] = field(default_factory=dict)  # song id -> reason, found by failing alone


@dataclass(frozen=True)
class Receipt:
    """What running a partition took; never part of any fingerprint."""

    stage: str
    number: int
    songs: int
    kept: int
    dropped: dict[str, int]  # reasons given by this stage
    seconds: float
    audio_s: float
    peak_memory_mb: float
    details: dict[str, str]  # song id -> why it was dropped, in words


def run_partition(stage: Stage, work: Work) -> Receipt:
    """Run every live song through the stage and commit the column file (and the shard, if any)."""
    started = time.perf_counter()
    dropped: dict[str, int] = {}
    details: dict[str, str] = {}
    count = kept = 0
    audio_s = 0.0
    with _Inputs(work) as inputs, _Output(stage, work, inputs.sha256) as output:
        for batch in _batches(inputs, stage.batch_songs):
            live = [song for song, reason, _ in batch if reason is None and song.song_id not in work.poison]
            audio_s += sum(float(song.columns.get("duration_s") or 0.0) for song in live)
            done, errors = call_stage(stage, live, work.limits)
            for song, reason, by in batch:
                if reason is None and song.song_id in work.poison:
                    reason, by = work.poison[song.song_id], stage.name
                elif reason is None and song.song_id in errors:
                    reason, by = errors[song.song_id].reason, stage.name
                    details[song.song_id] = errors[song.song_id].detail
                if by == stage.name and reason:
                    dropped[reason] = dropped.get(reason, 0) + 1
                count += 1
                kept += reason is None
                output.write(done.get(song.song_id), song.song_id, reason, by)
    receipt = Receipt(
        stage.name,
        work.number,
        count,
        kept,
        dropped,
        seconds=time.perf_counter() - started,
        audio_s=audio_s,
        peak_memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        details=details,
    )
    write_json(work.receipt, asdict(receipt))
    return receipt


def run_alone(stage: Stage, work: Work, song_id: str) -> None:
    """One song of a partition through the stage, the result thrown away: does it kill its worker?"""
    with _Inputs(work) as inputs:
        for song, reason, _ in inputs:
            if song.song_id == song_id and reason is None:
                call_stage(stage, [song], work.limits)


def call_stage(
    stage: Stage, songs: list[Song], limits: Limits
) -> tuple[dict[str, Song], dict[str, SongError]]:
    """Call a stage and hold it to the law; a SongError drops its song and the others are called again.

    Raises:
        RuntimeError: the stage gave back other songs, or wrote a column it does not name.
    """
    errors: dict[str, SongError] = {}
    while songs:
        try:
            with _time_limit(sum(limits.of(song) for song in songs)):
                out = stage(songs)
        except SongError as error:
            if error.song_id not in {song.song_id for song in songs}:
                raise RuntimeError(
                    f"stage {stage.name} dropped {error.song_id!r}, which it was not given"
                ) from error
            errors[error.song_id] = error
            songs = [song for song in songs if song.song_id != error.song_id]
            continue
        if [song.song_id for song in out] != [song.song_id for song in songs]:
            raise RuntimeError(
                f"stage {stage.name} broke the stage law: it gave back other songs than it was given"
            )
        for song in out:
            unwritten = stage.writes - song.columns.keys()
            foreign = song.columns.keys() - stage.writes - stage.reads
            if unwritten or foreign:
                raise RuntimeError(
                    f"stage {stage.name} broke the stage law on {song.song_id}: "
                    f"not written {sorted(unwritten)}, written without being named {sorted(foreign)}"
                )
        return {song.song_id: song for song in out}, errors
    return {}, errors


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """End the process when the body takes longer, even inside C code that holds the interpreter lock."""
    if seconds <= 0:
        yield
        return
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


class _Inputs:
    """The columns a stage reads, song by song, from several column files in step."""

    def __init__(self, work: Work) -> None:
        self.files = {name: pq.ParquetFile(path, memory_map=True) for name, (path, _) in work.inputs.items()}
        self.columns = {name: columns for name, (_, columns) in work.inputs.items()}
        self.sha256 = {name: sha256_of_file(path) for name, (path, _) in work.inputs.items()}

    def __enter__(self) -> _Inputs:
        return self

    def __exit__(self, *error: object) -> None:
        for file in self.files.values():
            file.close()

    def __iter__(self) -> Iterator[tuple[Song, str | None, str | None]]:
        """Each song with the earliest drop among the inputs: (song, drop_reason, dropped_by)."""
        streams = [_rows(file, self.columns[name]) for name, file in self.files.items()]
        for rows in zip(*streams, strict=True):
            reason = by = None
            columns: dict[str, Any] = {}
            for row in rows:
                song_id, drop_reason, dropped_by = (
                    row.pop("song_id"),
                    row.pop("drop_reason"),
                    row.pop("dropped_by"),
                )
                if drop_reason and reason is None:
                    reason, by = drop_reason, dropped_by
                columns.update(row)
            yield Song(song_id, columns), reason, by


def _rows(file: pq.ParquetFile, columns: list[str]) -> Iterator[dict[str, Any]]:
    names = ["song_id", "drop_reason", "dropped_by", *columns]
    for group in range(file.num_row_groups):
        yield from file.read_row_group(group, columns=names).to_pylist()


class _Output:
    """The column file (and shard) being written; committed on a clean exit, removed on any other."""

    def __init__(self, stage: Stage, work: Work, inputs_sha256: dict[str, str]) -> None:
        self.stage, self.work = stage, work
        self.columns = sorted(stage.writes - {stage.sink})
        fields = [("song_id", pa.string()), *((name, COLUMNS[name].type) for name in self.columns)]
        fields += [*(SINK_FIELDS if stage.sink else ()), *BOOKKEEPING]
        self.heavy = any(COLUMNS[name].heavy for name in self.columns)
        self.schema = pa.schema(fields)
        self.metadata = {"recipe": canonical(work.recipe), "inputs_sha256": canonical(inputs_sha256)}
        self.rows: list[dict[str, Any]] = []
        self.shard: IO[bytes] | None = None
        self.shard_hash = hashlib.sha256()

    def __enter__(self) -> _Output:
        self.stack = ExitStack()
        self.path = self.stack.enter_context(atomic_path(self.work.out))  # renamed last: it is the commit
        if self.stage.sink:
            if self.work.shard is None:
                raise ValueError(f"stage {self.stage.name} has a sink but the work names no shard")
            self.shard = self.stack.enter_context(
                self.stack.enter_context(atomic_path(self.work.shard)).open("wb")
            )
        self.writer = pq.ParquetWriter(self.path, self.schema, compression="none" if self.heavy else "zstd")
        return self

    def write(self, song: Song | None, song_id: str, reason: str | None, by: str | None) -> None:
        row: dict[str, Any] = {name: song[name] if song else None for name in self.columns}
        if self.shard is not None and self.work.shard is not None:
            fragment = song[self.stage.sink] if song and self.stage.sink else b""
            self._append(fragment)
            row |= {"shard": self.work.shard.name if fragment else None, "shard_bytes": len(fragment)}
        row |= {"song_id": song_id, "drop_reason": reason, "dropped_by": by, "made_by": self.stage.made_by}
        self.rows.append(row)
        if self.heavy:
            self._flush()

    def _append(self, data: bytes) -> None:
        if self.shard is not None and data:
            self.shard.write(data)
            self.shard_hash.update(data)

    def _flush(self) -> None:
        if self.rows:
            self.writer.write_table(pa.Table.from_pylist(self.rows, schema=self.schema))
            self.rows = []

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if kind is None:
            self._flush()
            self._append(SHARD_END)
            if self.shard is not None:
                self.metadata["shard_sha256"] = self.shard_hash.hexdigest()
            self.writer.add_key_value_metadata(self.metadata)
        self.writer.close()
        self.stack.__exit__(kind, error, trace)


def _batches(inputs: _Inputs, size: int) -> Iterator[list[tuple[Song, str | None, str | None]]]:
    batch: list[tuple[Song, str | None, str | None]] = []
    for item in inputs:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
