"""What a work folder holds that no current setting needs (superseded files and runs), and large columns to evict, of which everything was made already."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pyarrow.parquet as pq

from tasks.engine.columns import Column
from tasks.engine.pipeline import STUB, Pipeline
from tasks.engine.table import SOURCES
from tasks.storage.files import atomic_path, parquet_file
from tasks.trainer.params import FitParams
from tasks.trainer.run_folder import DONE_NAME, RECIPE_NAME


def superseded(pipeline: Pipeline, receipts: Path) -> list[Path]:
    """Column files and shards made from other settings, of stages that are no more, and receipts of files that are gone.

    Nothing that the next run would use: a stage whose current file is missing makes it whether or not an old one stands.
    """
    found = [path for stage in pipeline.stages for path in pipeline.superseded(stage)]
    known = {*pipeline.stages, SOURCES}
    for folder in sorted(pipeline.table.root.iterdir()):
        if folder.is_dir() and folder.name not in known:
            found += folder.glob("part-*.parquet")
    going = set(found)
    return [*found, *_receipts_left_over(pipeline, receipts, going)]


def superseded_runs(runs: Path, params: FitParams) -> list[Path]:
    """Folders of training runs of other settings: unfinished ones, and finished ones beside one of these settings.

    Until a run of these settings is finished, the flows after it use the one before.
    """
    recipes = {path.parent: json.loads(path.read_bytes()) for path in sorted(runs.glob(f"*/{RECIPE_NAME}"))}
    settings = json.loads(params.model_dump_json())
    others = [run for run, recipe in recipes.items() if recipe["params"] != settings]
    done = {run for run in recipes if (run / DONE_NAME).is_file()}
    return [run for run in others if run not in done or done - set(others)]


def large_files(pipeline: Pipeline, stages: Collection[str]) -> list[Path]:
    """Column files of these stages whose large columns nothing will read any more.

    Raises:
        ValueError: one of them writes none.
    """
    found = []
    for stage in stages:
        if stage not in pipeline.stages or not any(
            column.large for column in pipeline.stages[stage].writes.values()
        ):
            raise ValueError(f"engine.evict: {stage} writes no large column; give separate, encode or none")
        existing, needed = pipeline.existing(stage), pipeline.needed(stage)
        paths = [pipeline.path(stage, number) for number in pipeline.partitions if number not in needed]
        found += [path for path in paths if path.name in existing]
    return found


def evict(path: Path, columns: Mapping[str, Column]) -> None:
    """A column file goes on without its large columns, as `columns` tell them: who was dropped, and by what it was made, stays known."""
    with parquet_file(path) as file:
        light = [name for name in file.schema_arrow.names if name not in columns or not columns[name].large]
        table, metadata = file.read(columns=light).replace_schema_metadata(), file.metadata.metadata
    with (
        atomic_path(path.with_suffix(STUB)) as temporary,
        pq.ParquetWriter(temporary, table.schema, compression="zstd") as writer,
    ):
        writer.write_table(table)
        writer.add_key_value_metadata({name: metadata[name] for name in (b"cache_key", b"inputs_sha256")})
    path.unlink()


def _receipts_left_over(pipeline: Pipeline, receipts: Path, going: set[Path]) -> Iterator[Path]:
    for receipt in sorted(receipts.glob("*/part-*.json")):
        column_file = pipeline.table.root / receipt.parent.name / f"{receipt.stem}.parquet"
        files = (column_file, column_file.with_suffix(STUB))
        if not any(path.exists() and path not in going for path in files):
            yield receipt
