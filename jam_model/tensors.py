"""Tensors out of foreign bytes: a `.pt` or `.npy` member becomes a float32 array, or says why not.

A `.pt` file is a zip archive with a pickle inside. Only plain tensors are built from it, no other code is
ever called, and what the archive and the tensor would take in memory is known before they take it.
"""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import torch

MAX_MEMBER_BYTES = 64 * 2**20
MAX_VALUES = MAX_MEMBER_BYTES // 4


def read_tensor(data: bytes, suffix: str, name: str) -> np.ndarray:
    """The floating-point tensor in a member's bytes as float32; `suffix` ends in ``.pt`` or ``.npy``.

    Raises:
        ValueError: too large, no plain tensor, or with values that are not finite, naming the member.
    """
    if len(data) > MAX_MEMBER_BYTES:
        raise ValueError(f"{name} has {len(data)} bytes, limit {MAX_MEMBER_BYTES}")
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False) if suffix.endswith(".npy") else _from_pt(data)
    except (pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, ValueError, EOFError, AttributeError, KeyError,
            MemoryError) as error:  # fmt: skip
        raise ValueError(f"{name} is not a plain tensor: {_first_line(error)}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ValueError(f"{name} is not a plain tensor: it holds no floating-point numbers")
    if array.size > MAX_VALUES:
        raise ValueError(f"{name} has {array.size} values, limit {MAX_VALUES}")
    if not (
        np.isfinite(np.vdot(array, array)) or np.isfinite(array).all()
    ):  # the sum is quicker, but may overflow
        raise ValueError(f"{name} holds values that are not finite")
    return array.astype(np.float32, copy=False)


def _from_pt(data: bytes) -> np.ndarray:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        if packed:  # torch never compresses; whoever does could hide gigabytes
            raise ValueError(f"{packed[0]!r} is compressed")
    tensor = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_quantized:
        raise ValueError(f"it holds {type(tensor).__name__}, not one dense tensor")
    if tensor.device.type != "cpu" or not tensor.is_floating_point():
        raise ValueError(f"a {tensor.dtype} tensor on {tensor.device}")
    if tensor.numel() > MAX_VALUES:  # a view may repeat one value without end
        raise ValueError(f"{tensor.numel()} values, limit {MAX_VALUES}")
    return tensor.detach().float().contiguous().numpy()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
