"""Finished training runs of a work folder: `checkpoint_of`, the untrained model, `remove_superseded`; who validates and hears a training by ear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flows.run.progress import progress_bar
from flows.run.standing import before_work
from flows.settings.params import Params
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import WEIGHTS_FILE, save_model, weights_hash
from jam_model.config import JamConfig
from tasks.engine.fingerprint import fingerprint
from tasks.models.transcriber import check_apart
from tasks.storage.files import remove_tree
from tasks.storage.object_store import local_folder
from tasks.trainer.run_folder import TrainResult, finished_run
from tasks.training.hear import Hearing
from tasks.training.params import TrainParams
from tasks.training.validation_by_ear import ValidationByEar

if TYPE_CHECKING:
    from tasks.trainer.ray_train import Progress


def untrained_checkpoint(project: Project, config: JamConfig) -> Path:
    """A model of these sizes before its first step, as a checkpoint of its own."""
    params, work = project.params, project.work
    sizes = {name: value for name, value in config.to_dict().items() if name != "max_frames"}
    out = work.checkpoint("untrained") / fingerprint([sizes, config.max_frames, params.sft.seed])
    if not (out / WEIGHTS_FILE).is_file():
        before_work()
        from jam_model.checkpoint import fresh_model

        model = fresh_model(config, params.sft.seed)
        with local_folder(out) as folder:
            save_model(folder, model)
    remove_superseded(work.checkpoint("untrained"), out)
    return out


def remove_superseded(folder: Path, *current: Path) -> None:
    """Only what is current of a kind stays."""
    for old in folder.iterdir():
        if old.is_dir() and old not in current:
            remove_tree(old)


def run_fit(project: Project, name: str, out: Path, fit: Callable[[Progress], TrainResult]) -> TrainResult:
    """A run in its own folder `out` with a bar of its steps, unless it is finished; runs of anything else beside it are
    superseded and go.
    """
    result = finished_run(out)
    if result is None:
        before_work()
        from tasks.engine.pool import connect

        connect(project.params.engine)
        with progress_bar(name, "steps") as show:
            result = fit(lambda done, total, loss: show(done, total))
    remove_superseded(out.parent, out)
    return result


def checkpoint_of(folder: Path) -> Path:
    """The one finished run of ``checkpoints/<name>``.

    Raises:
        ValueError: there is none.
    """
    found = sorted(path.parent for path in folder.glob("*/done.json"))
    if not found:
        raise ValueError(f"checkpoint: no finished run in {folder}; run `jam train` first")
    return found[-1]


def checkpoint_with(work: WorkFolder, weights: str) -> Path:
    """A checkpoint of the work folder whose weights have this hash, of trainings or of rounds.

    Raises:
        ValueError: none has.
    """
    for pattern in ("checkpoints/*/*", "rounds/*/*/*"):
        for path in sorted(work.root.glob(f"{pattern}/model.safetensors")):
            if weights_hash(path.parent) == weights:
                return path.parent
    raise ValueError(
        f"checkpoint: no run in {work.root} has the weights {weights[:12]} any more; run `jam dpo` or `jam benchmark` again"
    )


def validation_by_ear_of(section: TrainParams, params: Params) -> ValidationByEar | None:
    """Who transcribes validation songs while this section trains: the recogniser that guards, never the one that measures."""
    return _ear_of(params) if section.validation_per_songs else None


def hearing_of(params: Params) -> Hearing | None:
    """Which songs are kept while a model trains, by the same ear; None where none are asked for."""
    return Hearing(params.hear, _ear_of(params)) if params.hear.every_steps else None


def _ear_of(params: Params) -> ValidationByEar:
    check_apart(params.models.guard_transcriber, params.models.transcriber)
    return ValidationByEar(
        params.sampler,
        params.models.style_encoder,
        params.models.codec,
        params.models.separator,
        params.models.guard_transcriber,
        params.models.phonemizer,
    )
