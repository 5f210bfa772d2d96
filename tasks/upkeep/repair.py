"""Taking damaged files (column files, steps of a training) away, with as little else as will let the next run make them again.

A column file, a shard, an index, a report: removed, and the next run makes it; for a receipt, its column file with it.
The list of a partition's songs keeps who is in it. A training run goes back to a step from which what is damaged can be
made again. What nothing makes again (a run's log, the list of takedowns) is left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from tasks.edits.store import EDITS
from tasks.engine.sources import write_partition
from tasks.engine.table import SOURCES, Source
from tasks.storage.files import parquet_file, remove_tree
from tasks.trainer.log import LOG_NAME, VALIDATION_NAME
from tasks.trainer.run_folder import BEST_NAME, DONE_NAME, RECIPE_NAME, STEPS_NAME
from tasks.upkeep.checksums import RECEIPT, RUN_FOLDER, has_receipt, kept_files, place_in
from tasks.upkeep.takedown import FORGOTTEN_NAME
from tasks.upkeep.verify import Damage

LOGS = (f"/{LOG_NAME}", f"/{VALIDATION_NAME}")
REPORT_RECIPE = "recipe.json"  # without it a report does not stand
STEP = re.compile(r"steps/step-(\d+)/")


def repair(root: Path, damages: Iterable[Damage]) -> tuple[list[str], list[str]]:
    """Take the damaged files away; returns what went, and what was left because nothing can make it again."""
    gone: set[str] = set()
    left: list[str] = []
    for damage in damages:
        path = root / damage.place
        by_hand = damage.place.startswith(f"{EDITS}/")
        if damage.place.endswith(LOGS) or damage.place == FORGOTTEN_NAME or by_hand:
            left.append(damage.place)
            continue
        if path.parent.name == SOURCES:
            _write_members(path)
            gone.add(damage.place)
        for each in _condemned(root, damage):
            if each.exists():
                gone.add(place_in(each, root))
                remove_tree(each) if each.is_dir() else each.unlink()
    return sorted(gone), left


def _condemned(root: Path, damage: Damage) -> list[Path]:
    """What must go for the damaged file to be made again; parents come before what is in them."""
    path = root / damage.place
    if run := RUN_FOLDER.match(damage.place):
        return _of_run(root / run[0], damage.place[run.end() :])
    if path.parent.name == SOURCES:
        return []
    if RECEIPT.fullmatch(path.name):
        return [path, *(file for file in kept_files(root) if file.name.partition(".")[0] == path.stem)]
    if path.suffix == ".parquet" and has_receipt(path):
        return [path, *_made_from(path, damage.known)]
    if damage.place.startswith("reports/"):
        return [path, root / "reports" / damage.place.split("/")[1] / REPORT_RECIPE]
    return [path]


def _made_from(path: Path, known: frozenset[str]) -> list[Path]:
    """Column files of the same songs that were made of the damaged bytes, and those made of them in turn."""
    number, table = path.name.split("-")[1], path.parent.parent
    read = {file: _inputs_of(file) for file in table.glob(f"*/part-{number}-*.parquet") if file != path}
    stage = path.parent.name
    spoilt = {
        file for file, inputs in read.items() if known and stage in inputs and inputs[stage] not in known
    }
    count = -1
    while count < len(spoilt):
        count, stages = len(spoilt), {file.parent.name for file in spoilt}
        spoilt |= {file for file, inputs in read.items() if stages & inputs.keys()}
    return sorted(spoilt)


def _inputs_of(path: Path) -> dict[str, str]:
    """sha256 of each column file as it was when this one was made; nothing where the file cannot be read."""
    try:
        with parquet_file(path) as file:
            metadata = file.metadata.metadata or {}
        return json.loads(metadata.get(b"inputs_sha256", b"{}"))
    except (OSError, pa.ArrowException, ValueError):
        return {}


def _write_members(path: Path) -> None:
    """A partition's list of songs again, from any of its column files, with nothing but who is in it.

    The next listing of the songs fills in the rest. Nothing is written where nothing was made of the partition yet.
    """
    number, table = int(path.stem.split("-")[1]), path.parent.parent
    path.unlink(missing_ok=True)
    for file in sorted(table.glob(f"*/part-{number:05d}-*.parquet")):
        try:
            with parquet_file(file) as columns:
                ids = columns.read(columns=["song_id"])["song_id"].to_pylist()
        except (OSError, pa.ArrowException):
            continue
        write_partition(
            table / SOURCES, number, [Source(song_id, "", {"refused": "source_gone"}) for song_id in ids], {}
        )
        return


def _of_run(run: Path, inside: str) -> list[Path]:
    """A run goes on from a step before the damage; without one, from the start."""
    done = run / DONE_NAME
    if inside != RECIPE_NAME and not (run / RECIPE_NAME).is_file() and not (run / STEPS_NAME).is_dir():
        return [run]  # no steps made it: the untrained model
    if step := STEP.match(inside):
        return [done, *_steps_from(run, int(step[1]))]
    if inside.startswith(f"{BEST_NAME}/"):
        return [done, run / BEST_NAME, *_steps_from(run, _best_step(done))]
    return [run / inside, done]


def _steps_from(run: Path, first: int) -> list[Path]:
    return [folder for folder in sorted((run / STEPS_NAME).glob("step-*")) if int(folder.name[5:]) >= first]


def _best_step(done: Path) -> int:
    try:
        return int(json.loads(done.read_bytes())["best"]["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0
