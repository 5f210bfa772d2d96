"""One partition through one stage: read what it asks for, call it, commit the column file.

Runs inside a worker process. Memory is bounded by a few batches of songs.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tasks.engine.column_file import ColumnFile
from tasks.engine.feed import Inputs, Row, batches_by_length, duration_of, opened_ahead, take
from tasks.engine.files import TEMPORARY_PREFIX, write_json
from tasks.engine.fingerprint import Recipe
from tasks.engine.lease import Fence
from tasks.engine.limits import Limits, memory_limit
from tasks.engine.meter import Meter
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.engine.watchdog import time_limit, watched


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
    workers: int  # how many workers the stage's pool has
    limits: Limits
    poison: dict[str, str] = field(default_factory=dict)  # song id -> reason, found by failing alone
    fence: Fence | None = None  # checked before the commit

    @property
    def memory_note(self) -> Path:
        """What a worker leaves that needed too much memory; a temporary, whose first part is the partition."""
        return self.receipt.with_name(f"{TEMPORARY_PREFIX}{self.number:08x}-{self.receipt.stem}-memory")


@dataclass(frozen=True)
class Receipt:
    """What running a partition took, and on what; never part of any fingerprint.

    `waiting_s`: seconds in which the model waited for songs to be opened. `working_s`: seconds inside the stage,
    with the building of its model in a worker's first partition. `peak_gpu_memory_mb`: null without a GPU.
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
    audio_s: float
    workers: int
    device: str
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None
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
    with (
        memory_limit(work.limits.memory_mb, work.memory_note),
        Inputs(work.inputs) as inputs,
        ColumnFile(stage, work.out, work.shard, work.recipe, inputs.sha256) as output,
    ):
        order = _TableOrder(stage.name, output)
        live = order.admit(inputs, work.poison)
        with watched(), opened_ahead(stage, batches_by_length(live, stage.batch_songs)) as batches:
            for batch in batches:
                rows = {opening.row.song.song_id: opening.row for opening in batch}
                with meter.spending("waiting"), time_limit(work.limits.of(r.song for r in rows.values())):
                    songs, unopened = take(batch)
                with meter.spending("working"):
                    done, errors = call_stage(stage, songs, work.limits)
                for song in done:
                    rows[song.song_id].made = song
                for error in [*unopened, *errors]:
                    order.drop(rows[error.song_id], error.reason, error.detail)
                audio_s += sum(duration_of(row.song) for row in rows.values())
                order.write_settled()
        order.write_settled()
        receipt = Receipt(
            stage.name,
            work.number,
            order.songs,
            order.kept,
            dict(order.dropped),
            order.details,
            seconds=meter.seconds(),
            waiting_s=meter.spent["waiting"],
            working_s=meter.spent["working"],
            audio_s=audio_s,
            workers=work.workers,
            device=meter.device(),
            peak_memory_mb=meter.peak_memory_mb(),
            peak_gpu_memory_mb=meter.peak_gpu_memory_mb(),
            sha256=output.close(),
        )
        write_json(work.receipt, {**asdict(receipt), "real_time_factor": receipt.real_time_factor})
        if work.fence is not None:
            work.fence.check()
    return receipt


class _TableOrder:
    """Writes rows in the order of the table, whatever the order in which they settle, and counts them."""

    def __init__(self, stage: str, output: ColumnFile) -> None:
        self._stage, self._output = stage, output
        self._standing: deque[Row] = deque()  # the first is not settled, or was not yet looked at
        self.songs = self.kept = 0
        self.dropped: Counter[str] = Counter()  # by this stage
        self.details: dict[str, str] = {}

    def admit(self, rows: Iterable[Row], poison: Mapping[str, str]) -> Iterator[Row]:
        """The rows as they come; poisonous songs are dropped."""
        for row in rows:
            self._standing.append(row)
            if not row.settled and row.song.song_id in poison:
                self.drop(row, poison[row.song.song_id])
            yield row

    def drop(self, row: Row, reason: str, detail: str = "") -> None:
        """This stage drops the row's song."""
        row.reason, row.by = reason, self._stage
        self.dropped[reason] += 1
        if detail:
            self.details[row.song.song_id] = detail

    def write_settled(self) -> None:
        """Write as far as the first row that is not settled."""
        while self._standing and self._standing[0].settled:
            row = self._standing.popleft()
            self._output.write(row.made, row.song.song_id, row.reason, row.by)
            self.songs += 1
            self.kept += row.reason is None


def run_alone(stage: Stage, work: Work, song_id: str) -> None:
    """One song of a partition through the stage, the result thrown away: does it kill its worker?"""
    with memory_limit(work.limits.memory_mb, work.memory_note), Inputs(work.inputs) as inputs:
        for row in inputs:
            if row.song.song_id == song_id and not row.settled:
                call_stage(stage, [row.song], work.limits)


def call_stage(stage: Stage, songs: list[Song], limits: Limits) -> tuple[list[Song], list[SongError]]:
    """Call a stage and hold it to the law; a SongError drops its song and the others are called again.

    Raises:
        RuntimeError: the stage gave back other songs, or wrote a column it does not name.
    """
    errors: list[SongError] = []
    while songs:
        try:
            with time_limit(limits.of(songs)):
                out = stage(songs)
        except SongError as error:
            if error.song_id not in {song.song_id for song in songs}:
                raise RuntimeError(
                    f"stage {stage.name} dropped {error.song_id!r}, which it was not given"
                ) from error
            errors.append(error)
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
        return out, errors
    return [], errors
