"""A sweep trains every arm on one set of pairs, goes on after a kill, and writes what each arm changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import flows.sweep
from flows.settings.project import Project, WorkFolder
from flows.sweep import run_sweep
from tasks.preference.sweep import ARMS, CONTRASTS
from tasks.trainer.loop import run_steps
from tasks.trainer.ray_train import Run, result, stands
from tests.flows.pipelines.test_rounds import Killed, in_process, params_of, prepared_rows, work_folder  # noqa: F401 (a fixture)
from tests.tasks.training.test_train import ALONE

pytestmark = pytest.mark.slow

PARAMS = params_of("sweep.seeds=[1]", "sweep.num_prompts=2", "sweep.num_resamples=200")


class Trainer:
    """`fit_all` without Ray; killed before its run of number `kill_at`."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at, self.trained = kill_at, list[str]()

    def __call__(self, runs: Sequence[Run], engine: Any, progress: Any = None) -> list[dict[str, Any]]:
        for run in runs:
            if not stands(run.out, run.params, run.recipe):
                if len(self.trained) == self.kill_at:
                    raise Killed("train")
                run_steps(run.objective, run.params, run.out, ALONE)
                self.trained.append(run.out.parent.name)
        return [result(run.out) for run in runs]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory, in_process: pytest.MonkeyPatch) -> WorkFolder:  # noqa: F811
    work = work_folder(tmp_path_factory.mktemp("swept"))
    in_process.setattr(flows.sweep, "finished_rows", prepared_rows)
    in_process.setattr(flows.sweep, "fit_all", Trainer())
    run_sweep(Project(PARAMS, work))
    return work


def record(work: WorkFolder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((work.root / "sweep" / "sweep.json").read_text())
    return found


def test_every_arm_and_contrast_is_told_with_its_seeds(swept: WorkFolder) -> None:
    found = record(swept)
    assert [row["name"] for row in found["arms"]] == [arm.name for arm in ARMS]
    assert len(found["contrasts"]) == len(CONTRASTS)
    for row in (*found["arms"], *found["contrasts"]):
        reward = row["changes"]["reward"]
        assert reward["estimate"]["n"] == 2 and len(reward["seeds"]) == 1
        assert row["changes"]["fad"]["estimate"]["reason"]  # a second of song has too few windows
    assert all(row["held_out_accuracy"] is not None for row in found["arms"])
    assert any(name.startswith("embedded/signal-judge@") for name in found["made_by"])
    assert "stand-in" in (swept.root / "sweep" / "sweep.html").read_text()


def test_arms_start_from_one_model_and_end_apart(swept: WorkFolder) -> None:
    results = {path.stem: json.loads(path.read_text()) for path in (swept.root / "sweep/results").iterdir()}
    assert results.keys() == {f"{arm.name}-s1" for arm in ARMS}
    assert len({one["weights"] for one in results.values()}) == len(ARMS)
    recipes = [
        json.loads(path.read_text()) for path in (swept.root / "sweep" / "runs").glob("*/*/train.json")
    ]
    assert len(recipes) == len(ARMS) and len({recipe["policy"] for recipe in recipes}) == 1
    assert not list((swept.root / "sweep" / "runs").glob("*/*/steps"))


def test_a_sweep_that_was_killed_trains_only_what_is_missing_and_ends_the_same(
    swept: WorkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(swept.root, tmp_path / "W")
    work = WorkFolder(tmp_path / "W")
    for name in ("runs", "songs", "results", "sweep.json"):
        path = work.root / "sweep" / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    monkeypatch.setattr(flows.sweep, "fit_all", Trainer(kill_at=6))
    with pytest.raises(Killed):
        run_sweep(Project(PARAMS, work))
    trainer = Trainer()
    monkeypatch.setattr(flows.sweep, "fit_all", trainer)
    run_sweep(Project(PARAMS, work))
    assert trainer.trained == [f"{arm.name}-s1" for arm in ARMS[6:]]
    assert record(work) == record(swept)
