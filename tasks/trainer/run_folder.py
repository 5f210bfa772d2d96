"""The folder of a training run (`RunFolder`), also in a store: names in it, what a finished one gave (`TrainResult`), and where it is worked on.

That is the folder itself, or, when it is in a store, one of this machine beside it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.storage.object_store import StorePath, download, upload
from tasks.storage.shard_cache import cache_folder, locked

RECIPE_NAME, DONE_NAME, STEPS_NAME, BEST_NAME = "train.json", "done.json", "steps", "best"
ADAPTER_NAME = "adapter.safetensors"  # of a run that learned adapters alone, beside the merged weights
RAY_NAME = ".ray"  # what Ray Train keeps while a run goes
LAST = ("state.json", DONE_NAME)  # they say that what lies beside them is whole


@dataclass(frozen=True)
class TrainResult:
    """A finished run: the folder with ``model.safetensors`` (EMA weights), their hash and the figures."""

    checkpoint: Path
    weights: str
    figures: dict[str, Any]


def result_of(out: Path, done: dict[str, Any]) -> TrainResult:
    """The result of a finished run from its ``done.json``."""
    return TrainResult(out, done["weights"], done["figures"])


def finished_run(out: Path) -> TrainResult | None:
    """The result of the run in `out`; None where it has not ended, or where Ray's own files are still to go."""
    done = out / DONE_NAME
    if not done.is_file() or (out / RAY_NAME).is_dir():
        return None
    return result_of(out, json.loads(done.read_text()))


def hash_of(value: Any) -> str:
    """sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class RunFolder:
    """`here` is worked on; `bring` and `send` keep it and the store equal, and do nothing without a store.

    The workers of a machine share `here`. The first worker of the run sends what is new at each checkpoint: the
    files that vouch for others go up last, so that a checkpoint that was cut off counts as damaged.
    """

    def __init__(self, place: Path, attempt: str) -> None:
        """`attempt`: equal for all workers of one attempt, and for no other."""
        self.place = place
        self.here = cache_folder(place) / attempt if isinstance(place, StorePath) else place
        self._sent: dict[Path, tuple[int, int]] = {}

    def bring(self) -> None:
        """What earlier attempts left in the store, once a machine."""
        if not isinstance(self.place, StorePath):
            return
        self.here.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.here.with_name(f".lock-{self.here.name}")):
            brought = self.here / ".brought"
            if not brought.exists():
                for source in self.place.files_below():
                    target = self.here / str(source.relative_to(self.place))
                    download(source, target)
                self.here.mkdir(exist_ok=True)
                brought.touch()
        self._sent = {path: _version(path) for path in self._files()}

    def send(self) -> None:
        """Put new and changed files into the store, and remove old checkpoints there."""
        if not isinstance(self.place, StorePath):
            return
        files = self._files()
        for path in sorted(
            files, key=lambda path: (LAST.index(path.name) + 1 if path.name in LAST else 0, path)
        ):
            if self._sent.get(path) != (version := _version(path)):
                upload(path, self.place / path.relative_to(self.here).as_posix())
                self._sent[path] = version
        kept = {path.relative_to(self.here).as_posix() for path in files}
        for old in (self.place / "steps").files_below():
            if str(old.relative_to(self.place)) not in kept:
                old.unlink(missing_ok=True)

    def leave(self) -> None:
        """The run has ended: everything is in the store."""
        if isinstance(self.place, StorePath):
            shutil.rmtree(self.here, ignore_errors=True)

    def _files(self) -> list[Path]:
        found = (path for path in self.here.rglob("*") if path.is_file())
        return [
            path
            for path in found
            if not any(part.startswith(".") for part in path.relative_to(self.here).parts)
        ]


def _version(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns
