"""Where a real model runs, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from tasks.engine.stage import BadModel


def device_of(setting: str, name: str) -> torch.device:
    """The device `name` (auto, cpu, cuda, cuda:N) stands for here; auto takes a GPU where there is one.

    Raises:
        BadModel: no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise BadModel(f"{setting}.device is {name!r}; choose auto, cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise BadModel(
            f"{setting}.device is {name!r}, but {torch.cuda.device_count()} GPUs are seen; use auto or cpu"
        )
    return device


def in_precision(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 or float16; float32 runs as it is."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, precision))
