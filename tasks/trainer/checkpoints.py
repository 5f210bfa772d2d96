"""The checkpoints of a run, ``steps/step-000123/``: which is the newest whole one, which are damaged, which are old."""

from __future__ import annotations

from pathlib import Path

from jam_model.train_state import DamagedCheckpoint, check_checkpoint
from tasks.storage.files import remove_tree
from tasks.trainer.run_folder import STEPS_NAME


def newest_checkpoint(out: Path) -> Path | None:
    """The newest checkpoint whose files are all as written."""
    damaged = damaged_checkpoints(out)
    whole = [folder for folder in _checkpoints(out) if folder not in damaged]
    return whole[-1] if whole else None


def damaged_checkpoints(out: Path) -> list[Path]:
    """Checkpoints newer than the newest whole one."""
    found = []
    for folder in reversed(_checkpoints(out)):
        try:
            check_checkpoint(folder)
            break
        except DamagedCheckpoint:
            found.append(folder)
    return found


def remove_old(out: Path, keep: int) -> None:
    """All but the newest `keep`."""
    for old in _checkpoints(out)[:-keep]:
        remove_tree(old)


def _checkpoints(out: Path) -> list[Path]:
    return sorted((out / STEPS_NAME).glob("step-*"))
