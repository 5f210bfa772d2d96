"""Reading the tensors of released weights, and putting every one of them into a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch

COUNTED_ELSEWHERE = "position_ids"  # a buffer older releases of transformers saved, a constant by now


def read_state(folder: Path, *names: str) -> dict[str, torch.Tensor]:
    """The tensors of the first of these files that is there: safetensors, or a torch archive without code.

    Raises:
        ValueError: a torch archive that holds other than tensors by name.
        pickle.UnpicklingError: a torch archive that holds objects.
    """
    path = next(folder / name for name in names if (folder / name).is_file())
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise ValueError(f"{path.name} holds other than tensors by name")
    return state


def load_strictly(model: torch.nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Fills every tensor of a model from `state`.

    Raises:
        ValueError: tensors are missing or left over; the message names the first.
        RuntimeError: a tensor has another shape.
    """
    result = model.load_state_dict(state, strict=False)
    surplus = [name for name in result.unexpected_keys if not name.endswith(COUNTED_ELSEWHERE)]
    for fault, names in (("lacks", result.missing_keys), ("has more than the model:", surplus)):
        if names:
            raise ValueError(
                f"the file {fault} {names[0]}{f' and {len(names) - 1} others' * (len(names) > 1)}"
            )
