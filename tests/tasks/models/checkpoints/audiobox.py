"""Audiobox Aesthetics with random weights. Its package knows one size only: 94 million parameters, 16 bits each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from tasks.models.real.import_masks import import_foreign

TARGETS = {
    "CE": {"mean": 5.2, "std": 1.3},
    "CU": {"mean": 5.9, "std": 1.4},
    "PC": {"mean": 3.6, "std": 1.7},
    "PQ": {"mean": 6.4, "std": 1.2},
}
CONFIG: dict[str, Any] = {
    "proj_num_layer": 1,
    "proj_ln": False,
    "proj_act_fn": "gelu",
    "proj_dropout": 0,
    "nth_layer": 13,
    "use_weighted_layer_sum": True,
    "precision": "32",
    "normalize_embed": True,
    "output_dim": 1,
}


def audiobox_state(seed: int) -> dict[str, torch.Tensor]:
    """Every tensor of the model as it begins, float16."""
    package = import_foreign("audiobox_aesthetics.model.aes")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = package.AesMultiOutput(**CONFIG, target_transform=TARGETS)
    return {name: value.half() for name, value in model.state_dict().items()}


def write_audiobox(folder: Path, seed: int = 0) -> Path:
    """The folder of a hub repository: config.json and model.safetensors."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, "target_transform": TARGETS}))
    save_file(audiobox_state(seed), folder / "model.safetensors")
    return folder


def write_audiobox_checkpoint(folder: Path, seed: int = 0) -> Path:
    """The other form: one checkpoint.pt, whose names begin with ``model.``."""
    folder.mkdir(parents=True)
    state = {f"model.{name}": value for name, value in audiobox_state(seed).items()}
    torch.save(
        {"state_dict": state, "model_cfg": CONFIG, "target_transform": TARGETS}, folder / "checkpoint.pt"
    )
    return folder
