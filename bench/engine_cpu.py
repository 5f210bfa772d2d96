"""Processor time of the engine alone: a partition through a stage that does nothing, and a run that finds all standing.

python bench/engine_cpu.py [--partitions 150] [--size 64] [--standing 15625] [--repeats 3]

No Ray and no other process: a busy machine lengthens the wall, and these figures less. The standing table is of empty files,
since a run looks at names alone.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.pass_stages import pass_stages
from bench.scale import sources
from flows.settings.params_files import BASE, read_yaml
from tasks.engine.limits import Limits
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import run_partition
from tasks.engine.scheduler import run_pipelines
from tasks.engine.table import Table
from tasks.engine.work_item import WorkItem
from tasks.songs.columns import SONG_COLUMNS


def partition_ms(root: Path, partitions: int, size: int, repeats: int) -> list[float]:
    """Processor milliseconds a partition, in the first stages of a fresh table."""
    table = Table(root / "table", SONG_COLUMNS)
    table.admit(sources(partitions * size), size)
    pipeline = Pipeline(table, pass_stages())
    found = []
    for stage in list(pipeline.stages.values())[:repeats]:
        items = [WorkItem(pipeline, stage.name, number) for number in pipeline.partitions]
        works = [item.work(root / "receipts", 1, Limits(600.0, 0.0), None) for item in items]
        start = time.process_time()
        for work in works:
            run_partition(stage, work)
        found.append(round(1e3 * (time.process_time() - start) / len(works), 3))
    return found


def recheck_s(root: Path, partitions: int, repeats: int, engine: EngineParams) -> tuple[list[float], int]:
    """Processor seconds of runs that find everything standing, and how many cache keys they look at."""
    table = Table(root / "standing", SONG_COLUMNS)
    folder = table.root / "sources"
    folder.mkdir(parents=True)
    for number in range(partitions):
        made_of = hashlib.sha256(str(number).encode()).hexdigest()[:12]
        (folder / f"part-{number:05d}-{made_of}.parquet").touch()
    pipeline = Pipeline(table, pass_stages())
    for stage in pipeline.stages:
        (table.root / stage).mkdir()
        for number in pipeline.partitions:
            pipeline.path(stage, number).touch()
    found = []
    for _ in range(repeats):
        start = time.process_time()
        reports = run_pipelines([Pipeline(table, pass_stages())], engine, root / "receipts")
        found.append(round(time.process_time() - start, 3))
        if not all(report.fresh == partitions for report in reports):
            raise RuntimeError("the standing table would run again")
    return found, partitions * len(pipeline.stages)


def main() -> None:
    """Measure both and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--partitions", type=int, default=150)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--standing", type=int, default=15_625, help="partitions of the standing table")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--name", default="engine_cpu", help="of the result")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    engine = EngineParams.model_validate(read_yaml(BASE)["engine"])
    result: dict[str, Any] = {"machine": machine("pyarrow"), "songs_a_partition": options.size}
    with tempfile.TemporaryDirectory() as folder:
        result["partition_cpu_ms"] = partition_ms(
            Path(folder), options.partitions, options.size, options.repeats
        )
    with tempfile.TemporaryDirectory() as folder:
        result["recheck_cpu_s"], result["cache_keys"] = recheck_s(
            Path(folder), options.standing, options.repeats, engine
        )
    result["load_average"] = round(os.getloadavg()[0], 1)
    write_result(options.name, result, options.out)


if __name__ == "__main__":
    main()
