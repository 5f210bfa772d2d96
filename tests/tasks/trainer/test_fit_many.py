"""Runs side by side end as each would alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from flows.settings.params import load_params
from tasks.trainer.fit_many import fit_all
from tasks.trainer.loop import Worker, run_steps
from tasks.trainer.ray_train import FitFailed, Run
from tests.tasks.trainer.test_ray_train import PARAMS, faulty, losses, shards  # noqa: F401 (a fixture)

ENGINE = load_params().engine


def run_of(shards: Path, out: Path, **fault: object) -> Run:  # noqa: F811
    return Run(faulty(shards, out.with_suffix(".died"), **fault), PARAMS, out, {"name": out.name})  # type: ignore[arg-type]


def test_several_workers_for_one_of_them_are_refused(shards: Path, tmp_path: Path) -> None:  # noqa: F811
    wide = PARAMS.model_copy(update={"num_workers": 2})
    with pytest.raises(ValueError, match="a: num_workers is 2"):
        fit_all([Run(run_of(shards, tmp_path / "a").objective, wide, tmp_path / "a", {})], ENGINE)


@pytest.mark.slow
def test_runs_side_by_side_end_as_alone_and_are_found_again(
    shards: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = PARAMS.model_copy(update={"max_failures": 1})
    runs = [
        Run(faulty(shards, tmp_path / f"{name}.died", at_step=at), once, tmp_path / name, {"name": name})
        for name, at in (("whole", -1), ("dies", 4))
    ]
    told: list[tuple[int, int]] = []
    done = fit_all(runs, ENGINE, lambda count, total: told.append((count, total)))
    alone = tmp_path / "alone"
    alone.mkdir()
    run_steps(run_of(shards, alone, at_step=-1).objective, PARAMS, alone, Worker(0, 1, torch.device("cpu")))
    assert (tmp_path / "dies.died").exists()
    assert losses(tmp_path / "whole") == losses(tmp_path / "dies") == losses(alone)
    assert done[0]["weights"] == done[1]["weights"] and told[0] == (0, 2)
    monkeypatch.setattr("tasks.trainer.fit_many._started", None)  # nothing may be started again
    assert fit_all(runs, ENGINE) == done
    with pytest.raises(ValueError, match="another recipe"):
        fit_all([Run(runs[0].objective, PARAMS, runs[0].out, {"name": "other"})], ENGINE)


@pytest.mark.slow
def test_error_of_a_run_names_it_and_is_told_in_its_own_words(shards: Path, tmp_path: Path) -> None:  # noqa: F811
    with pytest.raises(FitFailed, match=r"(?s)bad: .*the latents of song 17 are spoilt"):
        fit_all([run_of(shards, tmp_path / "bad", fault="raise", at_step=0)], ENGINE)
