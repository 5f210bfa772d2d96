"""Which checkpoint is meant: by a folder that a person names (`checkpoint_at`), or by a work folder alone (`kept_checkpoint`)."""

from __future__ import annotations

import json
from pathlib import Path

from flows.pipelines.runs import checkpoint_of
from flows.settings.project import WorkFolder
from jam_model.checkpoint import WEIGHTS_FILE

START = "start"
"""The folder of checkpoints for weights that were not trained here."""
KEPT = "kept.json"
"""In the folder of rounds, once all have run: which one was kept, why, and where its weights lie."""


def checkpoint_at(path: Path) -> Path:
    """A weights file or the folder that holds one, as it is given; of a folder of runs, such as ``checkpoints/sft``,
    the one in it, or the one that is finished.

    Raises:
        ValueError: there is no such checkpoint, or the folder holds several.
    """
    if path.is_file() or (path / WEIGHTS_FILE).is_file():
        return path
    below = sorted(file.parent for file in path.glob(f"*/{WEIGHTS_FILE}"))
    found = [run for run in below if (run / "done.json").is_file()] or below
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"checkpoint: {path} holds {len(found)} of them; name one: {', '.join(one.name for one in found)}"
        )
    within = sorted({file.parent.parent.name for file in path.glob(f"*/*/{WEIGHTS_FILE}")})
    more = f"; it lies in {' or '.join(within)} there" if within else f"; give a folder with {WEIGHTS_FILE}"
    if (path / "checkpoints").is_dir():
        more = f"; --work {path} alone means its kept one"
    raise ValueError(f"checkpoint: none at {path}{more}")


def kept_checkpoint(work: WorkFolder) -> Path:
    """What a work folder alone means: the policy of the round that was kept, or, without rounds, the fine-tuned model.

    Raises:
        ValueError: nothing was trained there.
    """
    note = work.rounds / KEPT
    if note.is_file():
        kept: Path = work.root / json.loads(note.read_text())["checkpoint"]
        if (kept / WEIGHTS_FILE).is_file():  # else fine-tuning ran again since, and no round has
            return kept
    return tuned_checkpoint(work)


def tuned_checkpoint(work: WorkFolder) -> Path:
    """The fine-tuned model; where nothing was trained, the foreign weights that rounds began with.

    Raises:
        ValueError: there is neither.
    """
    start = work.checkpoint(START)
    kept = sorted(path.parent for path in start.glob(f"*/{WEIGHTS_FILE}"))
    if len(kept) == 1 and not any(work.checkpoint("sft").glob("*/done.json")):
        return kept[0]
    return checkpoint_of(work.checkpoint("sft"))
