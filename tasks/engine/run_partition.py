"""One partition through one stage: read what it asks for, call it, commit the column file with its `Receipt`; a poison song found by running alone.

Runs inside a worker process. Memory is bounded by a few songs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.engine.column_file import ColumnFile
from tasks.engine.fingerprint import CacheKey
from tasks.engine.inputs import Inputs, Row, duration_of, opened_ahead
from tasks.engine.limits import Limits, memory_limit, time_limit, watchdog
from tasks.engine.resource_usage import Meter
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.storage.audio_cache import CACHE
from tasks.storage.files import TEMPORARY_PREFIX, write_json
from tasks.storage.lease import Fence


@dataclass(frozen=True)
class Work:
    """Everything a worker needs to know about one partition of one stage."""

    stage: str
    number: int
    out: Path
    shard: Path | None
    inputs: dict[str, tuple[Path, list[str]]]  # stage -> its column file, the columns to read
    cache_key: CacheKey
    receipt: Path
    workers: int  # how many workers the stage's pool has
    limits: Limits
    poison: dict[str, str] = field(default_factory=dict)  # song id -> reason, found by failing alone
    fence: Fence | None = None  # checked before the commit
    songs_root: str = ""  # where relative paths in the table start

    @property
    def partition(self) -> tuple[Path, int]:
        """What tells the partition from those of other tables."""
        return self.out.parent.parent, self.number

    @property
    def fitted(self) -> dict[str, Any]:
        """What the stage's fit says of the partition's songs, by song id."""
        return self.cache_key.get("songs", {})

    @property
    def edited(self) -> dict[str, Any]:
        """What a person says to the stage of the partition's songs, by song id."""
        return self.cache_key.get("edits", {})

    @property
    def memory_note(self) -> Path:
        """What a worker leaves that needed too much memory; a temporary, whose first part is the partition."""
        return self.receipt.with_name(f"{TEMPORARY_PREFIX}{self.number:08x}-{self.receipt.stem}-memory")


@dataclass(frozen=True)
class Receipt:
    """What running a partition took, and on what; never part of any fingerprint.

    `waiting_s`: seconds in which the model waited for songs to be opened. `working_s`: seconds inside the stage,
    with the building of its model in a worker's first partition. `cpu_s`: seconds of processors, over all threads;
    more than `seconds` where songs are opened beside the model. `peak_gpu_memory_mb`: null without a GPU. `decodes`:
    mixes decoded; `reads`: audio files of songs that were fetched for it.
    """

    stage: str
    number: int
    songs: int
    kept: int
    dropped: dict[str, int]  # reasons given by this stage
    details: dict[str, str]  # song id -> why it was dropped, in words
    seconds: float
    waiting_s: float
    working_s: float
    cpu_s: float
    audio_s: float
    workers: int
    device: str
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None
    decodes: int
    reads: int
    sha256: dict[str, str]  # of what was written: the column file, and the shard if there is one

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of audio a second of one worker; None where the stage is not told how long songs are."""
        return self.audio_s / self.seconds if self.audio_s else None


def run_partition(stage: Stage, work: Work) -> Receipt:
    """Run every live song through the stage and commit the column file (and the shard, if any).

    The receipt is written first, so that every file that stands has one; a file that does not stand may.

    Raises:
        LeaseLost: the work folder is another process's by now; nothing was committed.
    """
    meter = Meter()
    audio_s = 0.0
    decodes, reads = CACHE.decodes, CACHE.reads
    CACHE.work_on(work.partition)
    with (
        memory_limit(work.limits.memory_mb, work.memory_note),
        Inputs(work.inputs, work.songs_root, work.fitted, work.edited) as inputs,
        ColumnFile(stage, work.out, work.shard, work.cache_key, inputs.sha256) as output,
    ):
        tally = _Tally()
        with watchdog(), opened_ahead(stage, _without_poison(inputs, stage.name, work.poison)) as rows:
            for row in rows:
                if not row.settled:
                    try:
                        with meter.spending("waiting"), time_limit(work.limits.of(row.song)):
                            song = row.opened_song()
                        with meter.spending("working"):
                            row.made = call_stage(stage, song, work.limits)
                    except SongError as error:
                        row.reason, row.by, row.detail = error.reason, stage.name, error.detail
                    audio_s += duration_of(row.song)
                output.write(row.made, row.song.song_id, row.reason, row.by)
                tally.count(row, stage.name)
        receipt = Receipt(
            stage.name,
            work.number,
            tally.songs,
            tally.kept,
            dict(tally.dropped),
            tally.details,
            seconds=meter.seconds(),
            waiting_s=meter.spent["waiting"],
            working_s=meter.spent["working"],
            cpu_s=meter.cpu_seconds(),
            audio_s=audio_s,
            workers=work.workers,
            device=meter.device(),
            peak_memory_mb=meter.peak_memory_mb(),
            peak_gpu_memory_mb=meter.peak_gpu_memory_mb(),
            decodes=CACHE.decodes - decodes,
            reads=CACHE.reads - reads,
            sha256=output.close(),
        )
        write_json(work.receipt, {**vars(receipt), "real_time_factor": receipt.real_time_factor})
        if work.fence is not None:
            work.fence.check()
    return receipt


class _Tally:
    """What became of the rows so far."""

    def __init__(self) -> None:
        self.songs = self.kept = 0
        self.dropped: Counter[str] = Counter()  # by this stage
        self.details: dict[str, str] = {}

    def count(self, row: Row, stage: str) -> None:
        """One more row, which is settled."""
        self.songs += 1
        self.kept += row.reason is None
        if row.by == stage and row.reason:
            self.dropped[row.reason] += 1
            if row.detail:
                self.details[row.song.song_id] = row.detail


def _without_poison(rows: Iterable[Row], stage: str, poison: Mapping[str, str]) -> Iterator[Row]:
    """The rows as they come; songs that ended workers are dropped."""
    for row in rows:
        if not row.settled and row.song.song_id in poison:
            row.reason, row.by = poison[row.song.song_id], stage
        yield row


def run_alone(stage: Stage, work: Work, song_id: str) -> None:
    """One song of a partition through the stage, the result thrown away: does it kill its worker?"""
    with (
        memory_limit(work.limits.memory_mb, work.memory_note),
        Inputs(work.inputs, work.songs_root, work.fitted, work.edited) as inputs,
    ):
        for row in inputs:
            if row.song.song_id == song_id and not row.settled:
                with suppress(SongError):
                    call_stage(stage, row.song, work.limits)


def call_stage(stage: Stage, song: Song, limits: Limits) -> Song:
    """Call a stage on one song and hold it to the law.

    Raises:
        SongError: the song cannot go on.
        RuntimeError: the stage gave back another song, or wrote a column it does not name.
    """
    try:
        with time_limit(limits.of(song)):
            out = stage([song])
    except SongError as error:
        if error.song_id != song.song_id:
            raise RuntimeError(
                f"stage {stage.name} dropped {error.song_id!r}, which it was not given"
            ) from error
        raise
    if [made.song_id for made in out] != [song.song_id]:
        raise RuntimeError(
            f"stage {stage.name} broke the stage law: it gave back other songs than it was given"
        )
    (made,) = out
    unwritten = stage.writes.keys() - made.columns.keys()
    foreign = made.columns.keys() - stage.writes.keys() - stage.reads
    if unwritten or foreign:
        raise RuntimeError(
            f"stage {stage.name} broke the stage law on {song.song_id}: "
            f"not written {sorted(unwritten)}, written without being named {sorted(foreign)}"
        )
    return made
