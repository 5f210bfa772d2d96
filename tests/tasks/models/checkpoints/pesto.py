"""A small PESTO checkpoint with random weights, in the form of its trainer: tensors, facts of its transform, and objects of omegaconf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

BINS, EDGE, ANSWERS = 251, 16, 384
FACTS = {
    "harmonics": [1],
    "fmin": 27.5,
    "fmax": None,
    "bins_per_semitone": 3,
    "n_bins": BINS,
    "center_bins": True,
    "gamma": 7,
    "center": True,
}


def checkpoint(seed: int = 0) -> dict[str, Any]:
    """What the file holds."""
    torch.manual_seed(seed)
    bins = BINS - 2 * EDGE
    sizes = {
        "encoder.layernorm.weight": (1, bins),
        "encoder.layernorm.bias": (1, bins),
        "encoder.conv1.0.weight": (4, 1, 5),
        "encoder.conv1.0.bias": (4,),
        "encoder.prefilt_layers.0.0.weight": (4, 4, 5),
        "encoder.prefilt_layers.0.0.bias": (4,),
        "encoder.conv_layers.0.weight": (3, 4, 1),
        "encoder.conv_layers.0.bias": (3,),
        "encoder.conv_layers.3.weight": (2, 3, 1),
        "encoder.conv_layers.3.bias": (2,),
        "encoder.fc.weight": (1, 1, 2 * bins + ANSWERS - 1),
        "confidence.conv.weight": (1, 1, 39),
        "confidence.conv.bias": (1,),
        "confidence.linear.weight": (1, 72),
        "confidence.linear.bias": (1,),
    }
    state = {name: torch.randn(size) for name, size in sizes.items()} | {"shift": torch.tensor(1.0)}
    hparams = {
        "encoder": {"n_chan_layers": OmegaConf.create([4, 3, 2]), "n_bins_in": bins},
        "pitch_shift": OmegaConf.create({"min_steps": -EDGE, "max_steps": EDGE}),
        "reduction": "alwa",
    }
    return {"epoch": 1, "state_dict": state, "hparams": hparams, "hcqt_params": FACTS}


def write_pesto(path: Path) -> Path:
    """The file, as torch saves it."""
    torch.save(checkpoint(), path)
    return path
