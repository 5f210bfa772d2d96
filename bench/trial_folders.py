"""Work folders to try preference training in: the songs and the model of a given one, nothing copied."""

from __future__ import annotations

from pathlib import Path

from flows.settings.project import WorkFolder

SHARED = ("table", "shards", "checkpoints")


def trial_folder(given: Path, trial: Path) -> WorkFolder:
    """A work folder whose songs, shards and checkpoints are those of `given`; what is made lies in `trial`."""
    trial.mkdir(parents=True, exist_ok=True)
    for name in SHARED:
        if not (given / name).is_dir():
            raise SystemExit(f"{given} has no {name}; give a work folder with a fine-tuned model")
        if not (trial / name).exists():
            (trial / name).symlink_to((given / name).resolve())
    return WorkFolder(trial)
