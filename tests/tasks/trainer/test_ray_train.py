"""Ray Train around the loop: several workers, a worker that dies, an error that is told."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from jam_model.checkpoint import fresh_model, load_model, save_model
from tasks.trainer.loop import StepLoss, Worker, run_steps
from tasks.trainer.ray_train import FitFailed, fit, stands
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import read_adapter
from tasks.training.train import FlowObjective
from tests.every import every
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.trainer.two_workers import Steps, on_two_workers
from tests.tasks.training.test_train import ENCODER, JAM, PARAMS, SILENCE

ALONE = Worker(0, 1, torch.device("cpu"))


@dataclass(frozen=True)
class FaultyObjective(FlowObjective):
    """Ends its process (or raises) at `at_step`, once: a file remembers."""

    at_step: int = -1
    memory: str = ""
    fault: str = "exit"

    def start(self, worker: Worker) -> StepLoss:
        good_loss = super().start(worker)

        def step_loss(model: Any, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            if step == self.at_step and not Path(self.memory).exists():
                if self.fault == "raise":
                    raise ValueError("the latents of song 17 are spoilt")
                Path(self.memory).touch()
                os._exit(1)
            return good_loss(model, step, generator)

        return step_loss


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "shards", [{f"s{n}": members_of(n, 12 + 3 * n) for n in range(6)}])


def faulty(shards: Path, memory: Path, fault: str = "exit", at_step: int = 4) -> FaultyObjective:
    return FaultyObjective(
        PARAMS,
        JAM.config(16),
        None,
        str(shards),
        SILENCE,
        ENCODER,
        at_step=at_step,
        memory=str(memory),
        fault=fault,
    )


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()]


def apart(one: Path, other: Path) -> float:
    """The largest difference of a weight."""
    first, second = (load_model(out).state_dict() for out in (one, other))
    return max(float((tensor - second[name]).abs().max()) for name, tensor in first.items())


@pytest.mark.slow
def test_worker_that_dies_is_replaced_and_the_run_ends_as_if_undisturbed(
    shards: Path, tmp_path: Path
) -> None:
    alone, out = tmp_path / "alone", tmp_path / "out"
    alone.mkdir()
    run_steps(faulty(shards, tmp_path), PARAMS, alone, Worker(0, 1, torch.device("cpu")))
    told: list[tuple[int, int]] = []
    params = PARAMS.model_copy(update={"max_failures": 1})
    done = fit(
        faulty(shards, tmp_path / "died"),
        params,
        out,
        {},
        lambda step, steps, loss: told.append((step, steps)),
    )
    assert (tmp_path / "died").exists()
    assert losses(out) == losses(alone) and len(losses(out)) == 6
    assert done == json.loads((alone / "done.json").read_text())
    assert told[-1] == (6, 6)
    assert not (out / ".ray").exists()


@pytest.mark.slow
def test_error_of_a_worker_is_told_in_its_own_words(shards: Path, tmp_path: Path) -> None:
    with pytest.raises(FitFailed, match="the latents of song 17 are spoilt"):
        fit(faulty(shards, tmp_path / "never", fault="raise", at_step=0), PARAMS, tmp_path / "out", {})


@pytest.mark.slow
def test_a_run_that_one_worker_began_is_ended_by_two_of_which_one_dies(shards: Path, tmp_path: Path) -> None:
    by_song = {"draws_by": "song", "gradient_accumulation_steps": 2}
    one = PARAMS.model_copy(update={**by_song, "batch_size": 4})
    parts = {"num_workers": 2, "sharding": "full", "activation_checkpointing": one.activation_checkpointing}
    two = PARAMS.model_copy(update={**by_song, **parts, "max_failures": 1})
    alone, out = tmp_path / "alone", tmp_path / "out"
    alone.mkdir(), out.mkdir()
    objective = replace(faulty(shards, tmp_path / "died", at_step=9), params=two)
    begun = replace(objective, params=one, at_step=-1)
    assert not stands(out, one.model_copy(update={"max_failures": 1}), {})
    run_steps(begun, one, out, ALONE, stop_at=3)
    run_steps(begun, one, alone, ALONE)
    with pytest.raises(ValueError, match="another recipe"):
        fit(objective, two.model_copy(update={"batch_size": 4}), out, {})
    done = fit(objective, two, out, {})
    assert (tmp_path / "died").exists() and done["steps"] == len(losses(out)) == 6
    assert losses(out) == pytest.approx(losses(alone), rel=1e-6)
    assert apart(out, alone) < 1e-6


@pytest.mark.slow
def test_two_workers_learn_within_a_millionth_what_one_learns_of_the_same_songs(
    shards: Path, tmp_path: Path
) -> None:
    save_model(tmp_path / "base", fresh_model(JAM.config(16), 3))
    base, plain = str(tmp_path / "base"), faulty(shards, tmp_path, at_step=-1)
    linears = ("attention", "mlp", "fusion")
    lora, dora = (AdapterParams(kind=kind, rank=3, alpha=6.0, targets=linears) for kind in ("lora", "dora"))
    ways: dict[str, tuple[AdapterParams | None, tuple[str, ...]]] = {
        "all": (None, ("none", "full")),
        "lora": (lora, ("none", "full", "offloaded")),
        "dora": (dora, ("full",)),
    }
    runs: list[Steps] = []
    for name, (adapter, shardings) in ways.items():
        begun = replace(plain, init=base, adapter=adapter)
        one = PARAMS.model_copy(update={"draws_by": "song", "batch_size": 4})
        (tmp_path / name).mkdir()
        run_steps(replace(begun, params=one), one, tmp_path / name, ALONE)
        for sharding in shardings:
            two = {"num_workers": 2, "batch_size": 2, "sharding": sharding}
            out = tmp_path / f"{name}-{sharding}"
            out.mkdir()
            objective = replace(begun, params=one.model_copy(update=two))
            runs += [(objective, out, 4), (objective, out, None)]
    on_two_workers(runs, tmp_path / "store")
    for name, (adapter, shardings) in ways.items():
        for sharding in shardings:
            out = tmp_path / f"{name}-{sharding}"
            assert losses(out) == pytest.approx(losses(tmp_path / name), rel=1e-6)
            assert apart(out, tmp_path / name) < 1e-6
            if adapter:
                (tensors, facts), (others, _) = (
                    read_adapter(folder / "adapter.safetensors") for folder in (out, tmp_path / name)
                )
                assert ("kind" in facts) == (name == "dora")
                assert all(
                    float((tensor - others[key]).abs().max()) < 1e-6 for key, tensor in tensors.items()
                )


@every(("setting", "value"), [("num_workers", 1), ("compile", True)])
def test_sharding_that_cannot_work_is_refused_by_name(setting: str, value: object) -> None:
    params = PARAMS.model_copy(update={"num_workers": 2, "sharding": "full", setting: value})
    with pytest.raises(ValueError, match=f"sharding: full .*{setting}"):
        params.rule()
