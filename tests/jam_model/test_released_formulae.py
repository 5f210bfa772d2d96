"""The formulae that a GPU is measured beside, and the script that measures it."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from bench.released_formulae import released_loss, released_sample, released_velocity
from jam_model.config import Dropout, Guidance, ODESolver
from jam_model.flow import draw_flow, flow_error
from jam_model.sampler import sample

ROOT = Path(__file__).resolve().parents[2]
NEVER = Dropout(0.0, 0.0, "jam")
LOADED = "print(*sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names))"


@torch.no_grad()
def test_a_whole_call_of_the_released_formulae_gives_the_models_velocity(make_jam, make_conditions, normal):
    jam, conditions, x, time = make_jam(), make_conditions(2), normal(2, 12, 4), torch.tensor([0.2, 0.7])
    theirs = released_velocity(jam, x, time, conditions, conditions.style_BS)
    torch.testing.assert_close(theirs, jam(x, time, conditions), atol=1e-4, rtol=1e-4)
    unsung = released_velocity(jam, x, time, conditions, conditions.style_BS, keep_lyrics=False)
    dropped = jam(x, time, conditions, keep_lyrics_B=torch.zeros(2, dtype=torch.bool))
    torch.testing.assert_close(unsung, dropped, atol=1e-4, rtol=1e-4)


def test_songs_and_losses_of_the_released_formulae_are_ours(make_jam, make_conditions, normal):
    jam, conditions, noise, negative = make_jam(), make_conditions(2), normal(2, 12, 4), normal(8, seed=3)
    guidance = Guidance(2.0, 1.5, (0.3, 1.0), "dual")
    theirs = released_sample(jam, conditions, noise, 4, guidance, negative)
    ours = sample(jam, conditions, noise, ODESolver(4), guidance, negative)
    torch.testing.assert_close(theirs, ours, atol=5e-4, rtol=1e-4)
    latents, draw = normal(2, 12, 4, seed=5), draw_flow(noise, NEVER, torch.Generator().manual_seed(0))
    loss = released_loss(jam, latents, conditions, draw)
    torch.testing.assert_close(loss, flow_error(jam, latents, conditions, draw).mean(), atol=1e-4, rtol=1e-4)
    padless = dataclasses.replace(conditions, duration_rel_B=torch.ones(2))
    assert not torch.allclose(released_loss(jam, latents, padless, draw), loss)


def gpu_script(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHON": sys.executable}
    command = ["bash", str(ROOT / "bench" / "gpu.sh"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_gpu_the_script_says_so_in_one_line():
    refused = gpu_script()
    assert refused.returncode == 1 and refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1 and "no CUDA device" in refused.stderr


@pytest.mark.slow
def test_a_tiny_model_goes_through_the_gpu_script(tmp_path):
    ran = gpu_script("--tiny", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert (
        found["tiny"] and found["device"] and found["sampler"]["relative_difference_after_2_updates"] < 0.05
    )
    losses = found["training"]["first_loss"]
    assert losses["ours"] == pytest.approx(losses["released"], rel=0.01)
    assert found["measured"].keys() == {
        *(f"sampler {way}" for way in ("released", "exact", "trimmed")),
        *(f"training {side}" for side in ("released", "ours")),
    }
    assert all("no CUDA device" in line for line in found["left_out"]) and len(found["left_out"]) == 3


@pytest.mark.slow
def test_the_gpu_script_loads_nothing_beyond_torch_numpy_and_safetensors():
    def loaded(modules: str) -> set[str]:
        command = [sys.executable, "-c", f"import sys, {modules}\n{LOADED}"]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        return set(ran.stdout.split())

    alone = loaded("torch, numpy, safetensors.torch, torch.utils.flop_counter, torch.utils.checkpoint")
    assert loaded("bench.gpu") - alone == {"bench", "jam_model"}
