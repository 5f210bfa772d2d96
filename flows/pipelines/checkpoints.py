"""Which checkpoint is meant: a named folder (`checkpoint_at`), the kept or tuned one of a work folder, the first of rounds, foreign weights that it begun from (`brought`)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from flows.pipelines.runs import checkpoint_of, checkpoint_with
from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import CONFIG_FILE, WEIGHTS_FILE, load_config, weights_hash
from jam_model.training_facts import BegunFrom, read_facts
from tasks.models.released_weights import HUB_ID
from tasks.storage.files import remove_tree
from tasks.storage.object_store import StorePath
from tasks.training.start import Start, bring_start

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


@contextmanager
def whole_or_nothing(work: WorkFolder) -> Iterator[None]:
    """Where the body refuses what was asked (`ValueError`), the foreign weights that it brought go again, and folders that were made
    for them; those that stood before stay.
    """
    folder = work.checkpoint(START)
    stood = {path.parent for path in folder.glob("*/*")}
    missing = [path for path in (folder, folder.parent, work.root) if not path.is_dir()]
    try:
        yield
    except ValueError:
        for made in {path.parent for path in folder.glob("*/*")} - stood:
            remove_tree(made)
        for path in missing:
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        raise


def brought(project: Project, weights: str, what: str) -> Start:
    """Foreign weights as a checkpoint of the work folder, in ``checkpoints/start``; what there is to say of it is said.

    Raises:
        ValueError: see `bring_start`.
    """
    params = project.params
    start = bring_start(
        named(weights), params.start, params.jam, params.sft.max_frames, project.work.checkpoint(START)
    )
    for line in start.lines:
        say(f"{what}: {line}")
    return start


def named(weights: str) -> str:
    """Of a folder of runs, or of a folder that such a one lies in, the checkpoint that is meant; else as it is.

    Raises:
        ValueError: the folder holds none of ours, or several, and nothing that foreign weights could be.
    """
    place = Path(weights).expanduser()
    return str(checkpoint_at(place)) if place.is_dir() and _is_ours(place) else weights


def first_checkpoint(project: Project) -> Path:
    """What preference training begins with: the weights of `start.dpo`, else the fine-tuned model.

    Raises:
        ValueError: there is none, or it takes longer songs than preference training would leave it. Nothing is left then.
    """
    given, least = project.params.start.dpo, project.params.dpo.max_frames
    with whole_or_nothing(project.work):
        found = brought(project, given, "dpo").checkpoint if given else tuned_checkpoint(project.work)
        longest = load_config(found).max_frames
        if least < longest:
            raise ValueError(shorter_than(least, longest))
    return found


def shorter_than(frames: int, begun_with: int) -> str:
    """What to say of rounds that train at fewer frames than the model takes that they begin with."""
    return (
        f"dpo.max_frames: it is {frames}, and the model to begin with takes songs of {begun_with} frames, which no round's model "
        f"would then; set dpo.max_frames={begun_with}"
    )


def reported_checkpoint(work: WorkFolder, began_with: str | None) -> Path:
    """What a benchmark calls trained: the weights that the shown rounds began with, while they are there, else as
    `tuned_checkpoint`.
    """
    if began_with is not None:
        try:
            return checkpoint_with(work, began_with)
        except ValueError:
            pass
    return tuned_checkpoint(work)


def begun_from(checkpoint: Path) -> BegunFrom | None:
    """The foreign weights that a checkpoint goes back to, if any."""
    return read_facts(checkpoint).begun_from


def is_foreign(work: WorkFolder, checkpoint: Path) -> bool:
    """Whether these weights are as they came: nothing here has trained them."""
    return checkpoint.parent == work.checkpoint(START)


def start_behind(work: WorkFolder, checkpoint: Path) -> Path | None:
    """The foreign weights, as they came, of a checkpoint that was fine-tuned here; None where it began with none, or they
    are gone.
    """
    begun = begun_from(checkpoint)
    if begun is None or is_foreign(work, checkpoint):
        return None
    for path in sorted(work.checkpoint(START).glob(f"*/{WEIGHTS_FILE}")):
        if begun_from(path.parent) == begun and weights_hash(path.parent) != weights_hash(checkpoint):
            return path.parent
    return None


def any_checkpoint(given: Path, params: Params, work: WorkFolder) -> Path:
    """A checkpoint that a person names in any form: one of ours (see `checkpoint_at`), or foreign weights, which are brought
    into `work`.

    Raises:
        ValueError: there are no such weights.
    """
    here = given.exists()
    if isinstance(given, StorePath) or (here and _is_ours(given)):
        return checkpoint_at(given)
    if not here and not HUB_ID.fullmatch(str(given)):
        return checkpoint_at(given)  # which says what is there instead
    return brought(Project(params, work), str(given), "checkpoint").checkpoint


def _is_ours(given: Path) -> bool:
    """A checkpoint folder, or a folder in which there is nothing that foreign weights could be."""
    from tasks.training.foreign_weights import weights_in

    if given.is_file():
        return False
    try:
        weights_in(given)
    except ValueError:
        return True
    return (given / CONFIG_FILE).is_file()


def each_checkpoint(given: Mapping[str, Path], project: Project) -> dict[str, Path]:
    """Each of several by its name; see `any_checkpoint`."""
    return {name: any_checkpoint(path, project.params, project.work) for name, path in given.items()}
