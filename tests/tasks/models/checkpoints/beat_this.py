"""A small Beat This! checkpoint with random weights, in the form of its trainer: hyper_parameters, and tensors under ``model.``."""

from __future__ import annotations

from pathlib import Path

import torch

from tasks.models.real.import_masks import import_foreign

SIZES = {"spect_dim": 128, "transformer_dim": 64, "ff_mult": 2, "n_layers": 1, "head_dim": 32, "stem_dim": 32}
OF_THE_TRAINER = {"fps": 50, "lr": 0.0008, "loss_type": "shift_tolerant_weighted_bce", "use_dbn": False}


def write_beat_this(path: Path, seed: int = 0) -> Path:
    """The file, as torch saves it."""
    torch.manual_seed(seed)
    net = import_foreign("beat_this.model.beat_tracker").BeatThis(**SIZES)
    state = {f"model.{name}": tensor for name, tensor in net.state_dict().items()}
    held = {
        "epoch": 1,
        "global_step": 2,
        "hyper_parameters": {**SIZES, **OF_THE_TRAINER},
        "state_dict": state,
    }
    torch.save(held, path)
    return path
