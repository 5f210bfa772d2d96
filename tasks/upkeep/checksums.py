"""The sha256 of every file a work folder keeps: how it is recorded when a command ends, and where it stands.

A column file and its shard have theirs in their receipt, written before they stand. All other files (songs' lists,
indexes, checkpoints, rounds, reports) are recorded in ``receipts/checksums.json`` by the command that wrote them. A
file that changed without a command of ours keeps its old record, and so is found by `tasks.upkeep.verify`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tasks.engine.fingerprint import sha256_of_file
from tasks.engine.table import SOURCES
from tasks.storage.files import write_json
from tasks.storage.lease import Lease

CHECKSUMS = Path("receipts/checksums.json")
KEPT = ("table", "shards", "checkpoints", "rounds", "benchmark", "reports", "ingest.jsonl", "forgotten.jsonl")
VIEWS = ("reports/songs/",)  # pages that `jam look` writes: made again by looking
TRACKED = ("tensorboard", "wandb")  # folders of other programs
COLUMN_FILE = re.compile(r"part-(\d+)-[0-9a-f]+\.(parquet|tar)")
RUN_FOLDER = re.compile(
    r"(checkpoints/[^/]+/[^/]+|rounds/[^/]+/[^/]+/[0-9a-f]+)/"
)  # beside a round's runs: tables

Records = dict[str, str]
"""Path below the work folder -> sha256."""


def record_checksums(lease: Lease) -> None:
    """Record what was written under this lease since it was taken or recorded, and what has no record yet.

    Records of files that are gone go with them, but for those of a training run that stands.
    """
    if not lease.fence.stands():
        return
    root, standing = lease.root, recorded_checksums(lease.root)
    found = {place_in(path, root): path for path in kept_files(root) if not has_receipt(path)}
    records = {name: digest for name, digest in standing.items() if name in found or _of_a_run(root, name)}
    for name, path in found.items():
        if name not in records or path.stat().st_mtime_ns >= lease.holder.opened_ns:
            records[name] = sha256_of_file(path)
    if records or standing:  # a run that was refused leaves no folder behind
        write_json(root / CHECKSUMS, records)
    lease.opened()


def recorded_checksums(root: Path) -> Records:
    """What ``checksums.json`` says; empty when nothing was recorded yet.

    Raises:
        ValueError: it cannot be read.
    """
    path = root / CHECKSUMS
    return json.loads(path.read_bytes()) if path.is_file() else {}


def kept_files(root: Path) -> Iterator[Path]:
    """Every file of a work folder that counts: no temporary, no receipt, nothing the user put there."""
    for name in KEPT:
        top = root / name
        for path in [top] if top.is_file() else files_below(top):
            if not place_in(path, root).startswith(VIEWS):
                yield path


def place_in(path: Path, root: Path) -> str:
    """A path below the work folder, as records name it."""
    return str(path.relative_to(root))


def has_receipt(path: Path) -> bool:
    """Whether a file is one that a stage writes for a partition."""
    return COLUMN_FILE.fullmatch(path.name) is not None and path.parent.name != SOURCES


def files_below(folder: Path) -> Iterator[Path]:
    """Every file in a folder at any depth, without hidden ones and those of other programs."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if entry.name.startswith(".") or entry.name in TRACKED:
            continue
        if entry.is_dir():
            yield from files_below(entry)
        else:
            yield entry


def _of_a_run(root: Path, name: str) -> bool:
    run = RUN_FOLDER.match(name)
    return run is not None and (root / run[0]).is_dir()
