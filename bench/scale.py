"""What the engine itself takes: stages of a model that does nothing, over tables of 1,000 to 100,000 songs.

python bench/scale.py [--songs 1000 10000 100000] [--partition-size 500] [--workers 2]

Each partition of each stage reads its input, passes every song through the stage and commits its synced file, in
the workers of a real run; then the finished table is checked again over all stages. The first stage is timed with
its workers standing, so that starting Ray is told apart.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, write_result
from flows.settings.params_files import BASE, read_yaml
from tasks.engine.columns import Column
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.pool import connect
from tasks.engine.scheduler import StageReport, run_pipelines
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS

NUMBERS = (
    *("duration_s", "num_channels", "sample_rate_hz", "num_lines", "alignment_score", "phoneme_unknown"),
    *("num_frames", "tail_energy", "candidate"),
)


class Nothing(Section):
    """A model with nothing to choose."""


class Pass(Stage):
    """Reads one number (of the stage before) and writes one: a model that takes no time."""

    version = 1

    def one(self, song: Song) -> Song:
        """The song with the number."""
        return song.with_columns(**dict.fromkeys(self.writes, 1))


def pass_stages() -> list[Stage]:
    """One stage after another, each reading what the one before it wrote."""
    read = "title"
    stages: list[Stage] = []
    for number, column in enumerate(NUMBERS):
        facts = {
            "name": f"pass{number}",
            "reads": frozenset({read}),
            "writes": {column: Column(pa.float64(), "a number")},
        }
        stages.append(type(f"Pass{number}", (Pass,), {**facts, "__module__": __name__})(Nothing()))
        read = column
    return stages


def sources(count: int) -> list[Source]:
    """Songs with the facts that a listing gives."""
    return [
        Source(
            f"song-{number:07d}",
            (digest := hashlib.sha256(str(number).encode()).hexdigest()),
            {"title": f"Song number {number}", "content_hash": digest},
        )
        for number in range(count)
    ]


def measured(count: int, engine: EngineParams, root: Path) -> dict[str, Any]:
    """One table: admitted, run stage by stage, checked again."""
    start = time.perf_counter()
    Table(root / "table", SONG_COLUMNS).admit(sources(count), engine.partition_size)
    admitted_s = time.perf_counter() - start
    receipts = root / "receipts"
    reports: list[StageReport] = []
    stage_s = []
    for stage in pass_stages():
        start = time.perf_counter()
        reports += run_pipelines(
            [Pipeline(Table(root / "table", SONG_COLUMNS), pass_stages())],
            engine,
            receipts,
            only={stage.name},
        )
        stage_s.append(time.perf_counter() - start)
    start = time.perf_counter()
    again = run_pipelines([Pipeline(Table(root / "table", SONG_COLUMNS), pass_stages())], engine, receipts)
    checked_s = time.perf_counter() - start
    if any(report.receipts for report in again):
        raise RuntimeError("the finished table ran again")
    notes = [receipt for report in reports for receipt in report.receipts]
    inside_s = sum(receipt.working_s for receipt in notes)
    worker_s = sum(receipt.seconds for receipt in notes)
    return {
        "songs": count,
        "partitions": len(again and Table(root / "table", SONG_COLUMNS).partitions()),
        "admit_s": round(admitted_s, 3),
        "slowest_stage_s": round(max(stage_s), 2),
        "mean_stage_s": round(sum(stage_s) / len(stage_s), 2),
        "microseconds_a_song_and_stage": round(1e6 * worker_s / (count * len(stage_s)), 1),
        "share_outside_the_stage": round(1 - inside_s / worker_s, 3),
        "recheck_of_all_stages_s": round(checked_s, 3),
        "worker_peak_mb": round(max(receipt.peak_memory_mb for receipt in notes)),
        "driver_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Measure every size and write the result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--partition-size", type=int, default=500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    engine = EngineParams.model_validate(read_yaml(BASE)["engine"]).model_copy(
        update={"partition_size": options.partition_size, "num_workers": options.workers}
    )
    start = time.perf_counter()
    connect(engine)
    ray_s = time.perf_counter() - start
    sizes = []
    for count in options.songs:
        with tempfile.TemporaryDirectory() as folder:
            sizes.append(measured(count, engine, Path(folder)))
    write_result(
        "scale",
        {
            "machine": machine("ray", "pyarrow"),
            "stages": len(NUMBERS),
            "partition_size": options.partition_size,
            "workers": options.workers,
            "ray_start_s": round(ray_s, 1),
            "sizes": sizes,
        },
        options.out,
    )


if __name__ == "__main__":
    main()
