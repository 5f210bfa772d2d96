"""Which controls a training step leaves out: all of them at times, of the others each by itself (JASCO)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jam_model.controls.known import PAINTING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class ControlDropout:
    """With probability `of_all` a sample loses all of `names`, else each with probability `of_each`, painting with `of_painting`."""

    names: tuple[str, ...]
    of_all: float
    of_each: float
    of_painting: float = 0.0

    def __post_init__(self) -> None:
        for name, share in (
            ("dropout_all", self.of_all),
            ("dropout_each", self.of_each),
            ("dropout_painting", self.of_painting),
        ):
            if not 0 <= share <= 1:
                raise ValueError(f"controls.{name} is {share}; give a share from 0 to 1")

    @property
    def drops_all(self) -> bool:
        """Whether samples without any control are learned at times."""
        return bool(self.names) and (self.of_all > 0 or self.of_each > 0)

    def draw(self, batch: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Which samples keep each control, boolean [B]; a call takes (1 + names) * batch numbers of the generator, none
        without names.
        """
        import torch

        if not self.names:
            return {}
        all_B, *each = torch.rand(1 + len(self.names), batch, generator=generator, device=generator.device)
        return {
            name: (all_B >= self.of_all) & (one_B >= (self.of_painting if name == PAINTING else self.of_each))
            for name, one_B in zip(self.names, each, strict=True)
        }
