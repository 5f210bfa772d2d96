"""What a model adds to its fused input for the controls of its songs: nothing, until it has learned to.

Each control goes through a narrow layer of its own and a wide one that is zero at first, bias too. The sum of the wide layers is what
one wide layer over the narrow ones side by side would give, and a control can be added later without moving the columns of
others. A control that is not given adds exactly 0, the bias included: the bias stands for "given", so that no chord and no
chord asked for are two things, and the velocity without controls stays that of the model before it had any.

Shapes: B batch, T frames, D model width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from jam_model.controls.known import KNOWN, Control


class ControlEmbedding(nn.Module):
    """One control, a vector a frame [B, T, D]. A row of the table is what a linear layer makes of a one-hot index."""

    narrow: nn.Module

    def __init__(self, control: Control, dim: int) -> None:
        super().__init__()
        if control.width == control.size:
            self.narrow = nn.Identity()
        else:
            narrow = nn.Embedding if control.is_index else nn.Linear
            self.narrow = narrow(control.size, control.width)
        self.wide = nn.Linear(control.width, dim)
        for parameter in self.wide.parameters():
            nn.init.zeros_(parameter)

    def forward(self, values: Tensor) -> Tensor:
        if values.is_floating_point():
            values = values.to(self.wide.weight.dtype)
        return self.wide(self.narrow(values))


class ControlFusion(nn.ModuleDict):
    """The controls of a model, by name."""

    def __init__(self, names: Sequence[str], dim: int) -> None:
        super().__init__({name: ControlEmbedding(KNOWN[name], dim) for name in names})

    def forward(self, values: Mapping[str, Tensor] | None, given: Mapping[str, Tensor] | None) -> Tensor:
        """What is added to the fused input, [B, T, D]; [1, 1, D] of zeros where nothing is given.

        `values` and `given` by name, as `jam_model.controls.known.batched` makes them. Every control takes part,
        given or not: workers that add up gradients wait for each weight's.
        """
        parts = []
        for name, embedding in self.items():
            if values is None or given is None or name not in values:
                parts.append(embedding(_nothing(KNOWN[name], next(embedding.parameters()))) * 0)
            else:
                part_BTD = embedding(values[name])
                parts.append(part_BTD * given[name].to(part_BTD.dtype)[:, None, None])
        return sum(parts[1:], parts[0])


def _nothing(control: Control, like: Tensor) -> Tensor:
    """A frame of zeros for a control, on the device of `like`."""
    if control.is_index:
        return torch.zeros((1, 1), dtype=torch.int64, device=like.device)
    return torch.zeros((1, 1, control.size), device=like.device)
