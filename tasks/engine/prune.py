"""What a work folder holds that no current fingerprint names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tasks.engine.table import SOURCES, Chain


def superseded(chain: Chain, receipts: Path) -> list[Path]:
    """Column files and shards made from other settings, of stages that are no more, and receipts of files that are gone.

    Nothing that the next run would use: a stage whose current file is missing makes it whether or not an old one stands.
    """
    found = [path for stage in chain.stages for path in _superseded(chain, stage)]
    known = {*chain.stages, SOURCES}
    for folder in sorted(chain.table.root.iterdir()):
        if folder.is_dir() and folder.name not in known:
            found += folder.glob("part-*.parquet")
    going = set(found)
    return [*found, *_receipts_left_over(chain, receipts, going)]


def _superseded(chain: Chain, stage: str) -> Iterator[Path]:
    standing = chain.standing(stage)
    current = {chain.name(stage, number) for number in chain.partitions}
    folders = [(chain.table.root / stage, standing.files)]
    if chain.shards is not None:
        folders.append((chain.shards, standing.shards))
    for folder, names in folders:
        old = (name for name in sorted(names) if Path(name).stem not in current)
        yield from (folder / name for name in old if name.startswith("part-"))


def _receipts_left_over(chain: Chain, receipts: Path, going: set[Path]) -> Iterator[Path]:
    for receipt in sorted(receipts.glob("*/part-*.json")):
        column_file = chain.table.root / receipt.parent.name / f"{receipt.stem}.parquet"
        if column_file in going or not column_file.exists():
            yield receipt
