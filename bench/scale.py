"""What the engine itself takes: stages of a model that does nothing, over tables of 10 to 1,000,000 songs.

python bench/scale.py [--songs 10 100 1000 10000 100000 1000000] [--partition-size 64] [--workers 2]

Each partition of each stage reads its input, passes every song through the stage and commits its synced file, in
the workers of a real run; then the finished table is checked again over all stages. The first stage is timed with
its workers standing, so that starting Ray is told apart. Processor seconds of the driver (its threads of Ray among
them) and of the workers' partitions stand beside those of the wall, which other programs lengthen. Draws seconds
and memory a song over the sizes, beside the result (files of 64 songs).
"""

from __future__ import annotations

import hashlib
import math
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.curve import curve_svg
from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.pass_stages import KINDS, pass_stages
from eval.stats.intervals import Estimate
from flows.settings.params_files import BASE, read_yaml
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.pool import connect
from tasks.engine.scheduler import StageReport, run_pipelines
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.storage.files import write_bytes

PARTITION_SIZE = 64


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
    before_mb = _peak_mb()
    start, cpu = time.perf_counter(), time.process_time()
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
    driver_cpu_s = time.process_time() - cpu
    start, cpu = time.perf_counter(), time.process_time()
    again = run_pipelines([Pipeline(Table(root / "table", SONG_COLUMNS), pass_stages())], engine, receipts)
    checked_s, recheck_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    if any(report.receipts for report in again):
        raise RuntimeError("the finished table ran again")
    notes = [receipt for report in reports for receipt in report.receipts]
    inside_s = sum(receipt.working_s for receipt in notes)
    worker_s = sum(receipt.seconds for receipt in notes)
    worker_cpu_s = sum(receipt.cpu_s for receipt in notes)
    return {
        "songs": count,
        "partitions": len(again and Table(root / "table", SONG_COLUMNS).partitions()),
        "admit_s": round(admitted_s, 3),
        "all_stages_s": round(sum(stage_s), 1),
        "driver_cpu_s": round(driver_cpu_s, 2),
        "worker_cpu_s": round(worker_cpu_s, 2),
        "cpu_ms_a_song": round(1e3 * (driver_cpu_s + worker_cpu_s) / count, 4),
        "cpu_ms_a_partition_and_stage": round(1e3 * (driver_cpu_s + worker_cpu_s) / len(notes), 3),
        "slowest_stage_s": round(max(stage_s), 2),
        "mean_stage_s": round(sum(stage_s) / len(stage_s), 2),
        "microseconds_a_song_and_stage": round(1e6 * worker_s / (count * len(stage_s)), 1),
        "share_outside_the_stage": round(1 - inside_s / worker_s, 3),
        "recheck_of_all_stages_s": round(checked_s, 3),
        "recheck_cpu_s": round(recheck_cpu_s, 3),
        "worker_peak_mb": round(max(receipt.peak_memory_mb for receipt in notes)),
        "driver_peak_mb": round(_peak_mb()),
        "driver_kib_a_song": round(1024 * (_peak_mb() - before_mb) / count, 2),
        "load_average": round(os.getloadavg()[0], 1),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def draw(sizes: list[dict[str, Any]], folder: Path) -> None:
    """``scale_<what>.svg``: a figure a song over the sizes, both in powers of ten."""
    shown = {
        "seconds": ("seconds a song, all stages, by the clock, powers of ten", "all_stages_s"),
        "memory": ("MiB of the driver a song, powers of ten", "driver_peak_mb"),
    }
    for name, (title, key) in shown.items():
        points = [
            (
                math.log10(size["songs"]),
                Estimate(math.log10(size[key] / size["songs"]), None, None, size["songs"], 0),
            )
            for size in sizes
        ]
        write_bytes(folder / f"scale_{name}.svg", curve_svg(title, "songs, powers of ten", points).encode())


def main() -> None:
    """Measure every size and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[10, 100, 1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--partition-size", type=int, default=PARTITION_SIZE)
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
    name = "scale" if options.partition_size == PARTITION_SIZE else f"scale_{options.partition_size}"
    if name == "scale":
        draw(sizes, options.out)
    write_result(
        name,
        {
            "machine": machine("ray", "pyarrow"),
            "stages": len(KINDS),
            "partition_size": options.partition_size,
            "workers": options.workers,
            "ray_start_s": round(ray_s, 1),
            "sizes": sizes,
        },
        options.out,
    )


if __name__ == "__main__":
    main()
