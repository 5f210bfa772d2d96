"""Every file of a work folder read again and held against the sha256 in its record; what is damaged can be taken away.

Records are those of `tasks.upkeep.checksums`, of receipts, of the shards' index and of checkpoints. What they name must
stand, unless a command of ours removed it. Where there is no record (of a file made before records were kept, or by a
run that was killed), the file is counted as unrecorded.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.edits.store import damaged_edits
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.lease import LEASE_NAME
from tasks.trainer.run_folder import DONE_NAME
from tasks.upkeep.checksums import CHECKSUMS, Records, has_receipt, kept_files, place_in, receipts_in
from tasks.upkeep.missing import missed

RUNS = ("checkpoints/*/*", "rounds/*/*/*")
CHANGED, MISSING, UNREADABLE = "not the bytes that were written", "missing", "cannot be read"


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was written; `place` is its path below the work folder, `known` what it should be."""

    place: str
    fault: str
    known: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.place}: {self.fault}"


@dataclass(frozen=True)
class Verification:
    """What a look at every file found. `unrecorded`: files that nothing says anything about."""

    num_files: int
    num_bytes: int
    unrecorded: tuple[str, ...]
    damages: tuple[Damage, ...]


def verify_folder(root: Path) -> Verification:
    """Read every file a work folder keeps."""
    damages: list[Damage] = []
    records = _Records(root, damages)
    num_bytes = 0
    unrecorded = []
    places = []
    for path in kept_files(root):
        place = place_in(path, root)
        places.append(place)
        num_bytes += path.stat().st_size
        if known := records.of(place):
            if sha256_of_file(path) not in known:
                damages.append(Damage(place, CHANGED, frozenset(known)))
        elif place not in records:
            unrecorded.append(place)
    damages += [Damage(place_in(path, root), told) for path, told in damaged_edits(root)]
    gone = sorted(records.missing({*places, *(place_in(path, root) for path in receipts_in(root))}))
    damages += [Damage(place, MISSING, frozenset(records.of(place))) for place in gone]
    if places and not (root / CHECKSUMS).is_file() and not (root / LEASE_NAME).is_file():
        damages.append(Damage(str(CHECKSUMS), MISSING))  # a command that ended has written it
    return Verification(len(places), num_bytes, tuple(unrecorded), tuple(damages))


class _Records:
    """What is known of each file, from everything in a work folder that says so."""

    def __init__(self, root: Path, damages: list[Damage]) -> None:
        """Files with records that cannot be read go to `damages`."""
        self._root, self._damages = root, damages
        self._recorded: Records = self._read(root / CHECKSUMS) or {}
        self._written = self._from_receipts()
        self._inside = dict([*self._from_index(), *self._from_checkpoints()])

    def __contains__(self, place: str) -> bool:
        """Whether a command recorded this file as standing."""
        return place in self._recorded

    def missing(self, standing: Collection[str]) -> set[str]:
        """Files that must be there, and are not among those that stand."""
        return missed(self._recorded.keys() - standing, standing) | (self._inside.keys() - standing)

    def of(self, place: str) -> set[str]:
        """The sha256 that a file may have; several where attempts on GPUs wrote different bytes."""
        path = Path(place)
        if has_receipt(path):
            kind = "shard" if path.suffix == ".tar" else "columns"
            folder = "" if kind == "shard" else path.parent.name
            if known := self._written.get((kind, folder, path.stem)):
                return known
        found = self._recorded.get(place) or self._inside.get(place)
        return {found} if found else set()

    def _from_receipts(self) -> dict[tuple[str, str, str], set[str]]:
        written: dict[tuple[str, str, str], set[str]] = {}
        for path in receipts_in(self._root):
            for kind, digest in ((self._read(path) or {}).get("sha256") or {}).items():
                folder = "" if kind == "shard" else path.parent.name
                written.setdefault((kind, folder, path.stem), set()).add(digest)
        return written

    def _from_index(self) -> Iterator[tuple[str, str]]:
        for entry in (self._read(self._root / "shards" / "index.json") or {}).get("shards", []):
            yield f"shards/{entry['name']}", entry["sha256"]

    def _from_checkpoints(self) -> Iterator[tuple[str, str]]:
        found = (path for runs in RUNS for path in self._root.glob(f"{runs}/{DONE_NAME}"))
        for done in sorted(found):
            run = done.parent
            if weights := (self._read(done) or {}).get("weights"):
                yield place_in(run / "model.safetensors", self._root), weights
            for state in sorted(run.glob("steps/step-*/state.json")):
                for name, digest in (self._read(state) or {}).get("files", {}).items():
                    yield place_in(state.parent / name, self._root), digest

    def _read(self, path: Path) -> dict[str, Any] | None:
        """A JSON object; None where there is no file, or none that can be read."""
        if not path.is_file():
            return None
        try:
            value = json.loads(path.read_bytes())
        except (UnicodeDecodeError, json.JSONDecodeError):
            value = None
        if isinstance(value, dict):
            return value
        self._damages.append(Damage(place_in(path, self._root), UNREADABLE))
        return None
