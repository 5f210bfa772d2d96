"""The checksum manifest (`record_checksums`): which files a work folder keeps and their sha256, recorded under the lease by the command that wrote them.

A column file and its shard have their hash in their receipt, written before they stand: ``receipts/checksums.json``
only names the three. Of all other files (songs' lists, indexes, checkpoints, rounds, reports) it holds the hash. A file
that changed or went without a command of ours keeps its record, and so is found by `tasks.upkeep.verify`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.engine.table import SOURCES
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import write_json
from tasks.storage.lease import Lease, hold
from tasks.upkeep.missing import missed

CHECKSUMS = Path("receipts/checksums.json")
KEPT = (
    *(
        "table",
        "shards",
        "checkpoints",
        "rounds",
        "benchmark",
        "sweep",
        "study",
        "reports",
        "edits",
        "choices",
    ),
    *("ingest.jsonl", "forgotten.jsonl"),
)
VIEWS = ("reports/songs/",)  # pages that `jam look` writes: made again by looking
TRACKED = ("tensorboard", "wandb")  # folders of other programs
COLUMN_FILE = re.compile(r"part-(\d+)-[0-9a-f]+\.(parquet|tar)")
RECEIPT = re.compile(r"part-\d+-[0-9a-f]+\.json")
RUN_FOLDER = re.compile(
    r"(checkpoints/[^/]+/[^/]+|rounds/[^/]+/[^/]+/[0-9a-f]+)/"
)  # beside a round's runs: tables

Records = dict[str, str | None]
"""Path below the work folder -> sha256; None for a column file or shard, whose receipt has it, and for a receipt."""


@contextmanager
def recording(root: Path, command: str, tell: Callable[[str], None]) -> Iterator[Lease]:
    """Hold a work folder (see `hold`); however the body ends, what it wrote is recorded.

    What the body removed loses its record. What was gone before keeps it: no command hides that a file is missing.

    Raises:
        ValueError: the records cannot be read.
    """
    with hold(root, command, tell) as lease:
        gone = set() if lease.taken_over else _gone(lease.root)
        try:
            yield lease
        finally:
            record_checksums(lease, gone)


def record_checksums(lease: Lease, gone: Collection[str] = frozenset()) -> None:
    """Record what was written under this lease since it was taken or recorded, and what has no record yet.

    Records of files that do not stand go, but for those of `gone` that are missed. A folder that was removed as a whole
    was meant to go.
    """
    if not lease.fence.stands():
        return
    root, standing = lease.root, recorded_checksums(lease.root)
    found = {place_in(path, root): path for path in _recorded_files(root)}
    folders = {"", *(_folder(name) for name in found)}
    records = {name: digest for name, digest in standing.items() if name in found}
    still_gone = {name for name in gone if name not in found and _folder(name) in folders}
    records |= {name: standing[name] for name in missed(still_gone, found)}
    stems = {path.stem for path in found.values() if RECEIPT.fullmatch(path.name)}
    for name, path in found.items():
        if RECEIPT.fullmatch(path.name) or (has_receipt(path) and path.stem in stems):
            records[name] = None
        elif records.get(name) is None or path.stat().st_mtime_ns >= lease.holder.opened_ns:
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
    try:
        found = json.loads(path.read_bytes()) if path.is_file() else {}
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"work: {path} cannot be read; `jam verify --repair --work {root}` removes it")
    return found


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


def receipts_in(root: Path) -> Iterator[Path]:
    """Every receipt of a work folder."""
    return (path for path in files_below(root / "receipts") if RECEIPT.fullmatch(path.name))


def _recorded_files(root: Path) -> Iterator[Path]:
    yield from kept_files(root)
    yield from receipts_in(root)


def _gone(root: Path) -> set[str]:
    """What has a record and does not stand."""
    return recorded_checksums(root).keys() - {place_in(path, root) for path in _recorded_files(root)}


def _folder(name: str) -> str:
    """The run, report, round or stage that a file belongs to; empty for one that belongs to none."""
    run, parts = RUN_FOLDER.match(name), name.split("/")
    return run[0] if run else "/".join(parts[:-1][:2])
