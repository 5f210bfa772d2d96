"""What real models share: the device they run on and how precisely, what they listen to (mono, resampled), and how their weights (state) are read strictly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import safetensors.torch
import soxr
import torch

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.stage import BadModel
from tasks.models.base import RealModel

Settings = TypeVar("Settings", bound=RealModel)

COUNTED_ELSEWHERE = "position_ids"  # a buffer older releases of transformers saved, a constant by now


class OnDevice(Generic[Settings]):
    """A real model on the device that its settings name.

    Raises:
        BadModel: no such device on this machine.
    """

    def __init__(self, settings: Settings, identity: str, section: str) -> None:
        self.identity = identity
        self._settings = settings
        self._device = device_of(section, settings.device)

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """Around a forward pass: without gradients, in the precision that is asked for."""
        with torch.inference_mode(), in_precision(self._device, self._settings.precision):
            yield

    def _batches(self, rows: Sequence[Any] | np.ndarray) -> Iterator[Any]:
        """The rows in order, at most `batch_size` at a time."""
        return batches(rows, self._settings.batch_size)


def batches(rows: Sequence[Any] | np.ndarray, size: int) -> Iterator[Any]:
    """Slices of the rows in order, each of `size` but the last."""
    return (rows[first : first + size] for first in range(0, len(rows), size))


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


def mono_at(mix_CN: np.ndarray, rate_hz: int) -> np.ndarray:
    """The mean of the channels of a mix, resampled, float32 [N].

    Raises:
        ValueError: not [2, N] with N >= 1, or not finite.
    """
    if mix_CN.ndim != 2 or len(mix_CN) != 2 or not mix_CN.shape[1] or not np.isfinite(mix_CN).all():
        raise ValueError(f"a mix is finite [2, N] with N >= 1; got {list(mix_CN.shape)}")
    return np.ascontiguousarray(_resampled(mix_CN.mean(axis=0, dtype=np.float32), rate_hz), np.float32)


def vocals_at(vocals_N: np.ndarray, rate_hz: int) -> np.ndarray:
    """Mono vocals, resampled, float32 [N].

    Raises:
        ValueError: not [N] with N >= 1.
    """
    if vocals_N.ndim != 1 or not len(vocals_N):
        raise ValueError(f"vocals: shape {vocals_N.shape}; needed is [N] mono, not empty")
    return _resampled(vocals_N.astype(np.float32), rate_hz)


def _resampled(audio_N: np.ndarray, rate_hz: int) -> np.ndarray:
    return soxr.resample(audio_N, SAMPLE_RATE_HZ, rate_hz, quality="HQ")


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
