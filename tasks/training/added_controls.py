"""Controls for weights that were trained without them: the same numbers at first, to the bit."""

from __future__ import annotations

from dataclasses import replace

import torch

from jam_model.checkpoint import build_model
from jam_model.controls.network import ControlFusion
from jam_model.dit import Jam

PREFIX = "transformer.control_fusion."
"""Of the names of all weights of controls."""


def with_controls(model: Jam, names: tuple[str, ...], seed: int) -> Jam:
    """The model with these controls, too: those it lacks drawn from the seed, with wide layers of zeros. It computes what it did.

    It shares the memory of the weights that were there.
    """
    known = model.config.controls
    lacking = [name for name in names if name not in known]
    if not lacking:
        return model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = ControlFusion(lacking, model.config.dim).state_dict()
    tensors = {**model.state_dict(), **{f"{PREFIX}{name}": tensor for name, tensor in drawn.items()}}
    return build_model(replace(model.config, controls=(*known, *lacking)), tensors)


def learn_controls_alone(model: Jam) -> Jam:
    """The same model, every weight frozen but those of its controls."""
    for name, weight in model.named_parameters():
        weight.requires_grad_(name.startswith(PREFIX))
    return model
