"""Ray Train around the loop: several workers, a worker that dies, an error that is told."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from jam_model.checkpoint import fresh_model, load_model, save_model
from tasks.trainer.loop import StepLoss, Worker, run_steps
from tasks.trainer.ray_train import FitFailed, fit
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import read_adapter
from tasks.training.train import FlowObjective
from tests.every import every
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.training.test_train import ENCODER, JAM, PARAMS, SILENCE


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
def test_two_workers_train_one_model_whose_parts_learn_what_whole_weights_learn_and_resume(
    shards: Path, tmp_path: Path
) -> None:
    found = {}
    for sharding in ("none", "full"):
        params = PARAMS.model_copy(
            update={
                "num_workers": 2,
                "gradient_accumulation_steps": 2,
                "activation_checkpointing": True,
                "sharding": sharding,
            }
        )
        out = tmp_path / sharding
        memory = tmp_path / "died" if sharding == "full" else tmp_path  # a file of that name is there already
        objective = FaultyObjective(
            params, JAM.config(16), None, str(shards), SILENCE, ENCODER, at_step=9, memory=str(memory)
        )
        done = fit(objective, params.model_copy(update={"max_failures": 1}), out, {})
        assert done["steps"] == len(losses(out)) == 6 and (out / "model.safetensors").is_file()
        found[sharding] = losses(out), load_model(out).state_dict()
    assert (tmp_path / "died").exists()
    assert found["full"][0] == pytest.approx(found["none"][0], rel=1e-4)
    for name, tensor in found["none"][1].items():
        torch.testing.assert_close(found["full"][1][name], tensor, atol=1e-4, rtol=1e-3)


@every(("setting", "value"), [("num_workers", 1), ("compile", True)])
def test_sharding_that_cannot_work_is_refused_by_name(setting: str, value: object) -> None:
    params = PARAMS.model_copy(update={"num_workers": 2, "sharding": "full", setting: value})
    with pytest.raises(ValueError, match=f"sharding: full .*{setting}"):
        params.rule()


@pytest.mark.slow
def test_adapters_in_parts_learn_what_whole_ones_learn_and_resume(shards: Path, tmp_path: Path) -> None:
    save_model(tmp_path / "base", fresh_model(JAM.config(16), 3))
    for kind, ways in (("lora", ("none", "full", "offloaded")), ("dora", ("none", "full"))):
        adapter = AdapterParams(kind=kind, rank=3, alpha=6.0, targets=("attention", "mlp", "fusion"))
        found = {}
        for sharding in ways:
            params = PARAMS.model_copy(update={"num_workers": 2, "sharding": sharding, "max_failures": 1})
            out = tmp_path / f"{kind}-{sharding}"
            objective = FaultyObjective(
                params,
                JAM.config(16),
                str(tmp_path / "base"),
                str(shards),
                SILENCE,
                ENCODER,
                adapter=adapter,
                at_step=4 if sharding == "full" else -1,
                memory=str(tmp_path / f"died-{kind}"),
            )
            fit(objective, params, out, {})
            tensors, facts = read_adapter(out / "adapter.safetensors")
            assert ("kind" in facts) == (kind == "dora")
            found[sharding] = losses(out), load_model(out).state_dict() | tensors
        assert (tmp_path / f"died-{kind}").exists()
        for sharding in ways[1:]:
            assert found[sharding][0] == pytest.approx(found["none"][0], rel=1e-6)
            for name, tensor in found["none"][1].items():
                torch.testing.assert_close(found[sharding][1][name], tensor, atol=1e-6, rtol=1e-5)
