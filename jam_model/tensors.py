"""Tensors out of foreign bytes: a `.pt` archive or `.npy` member becomes a float32 array, or says why not.

A `.pt` file is a zip archive with a pickle inside. Only plain tensors are built from it, no other code is
ever called, and what the archive and the tensor would take in memory is known before they take it. The pickle of
a contiguous float32 tensor is always the same bytes but for its sizes: where it is those, nothing is unpickled and
the numbers are taken where they lie.
"""

from __future__ import annotations

import io
import math
import re
import zipfile

import numpy as np

Buffer = bytes | bytearray | memoryview
MAX_MEMBER_BYTES = 64 * 2**20
MAX_VALUES = MAX_MEMBER_BYTES // 4
_COUNT = rb"(K.|M..|J....)"  # a pickled whole number of one, two or four bytes
_PLAIN = re.compile(
    rb"\x80\x02ctorch\._utils\n_rebuild_tensor_v2\nq\x00\(\(X\x07\0\0\0storageq\x01ctorch\nFloatStorage\nq\x02X\x01\0\0\x000"
    rb"q\x03X\x03\0\0\0cpuq\x04" + _COUNT + rb"tq\x05QK\x00"
    rb"(?:" + _COUNT + rb"\x85q\x06K\x01\x85|" + _COUNT + _COUNT + rb"\x86q\x06" + _COUNT + rb"K\x01\x86)"
    rb"q\x07\x89ccollections\nOrderedDict\nq\x08\)Rq\ttq\nRq\x0b\.",
    re.DOTALL,
)
_LOCAL_HEADER = 30  # bytes before a record's name in a zip archive
_DIRECTORY = 1 << 16  # more than the directory of an archive with one tensor takes


def read_tensor(data: Buffer, suffix: str, name: str) -> np.ndarray:
    """The floating-point tensor in a member's bytes as float32; `suffix` ends in ``.pt`` or ``.npy``.

    The array may lie in `data` itself; it can be written to where `data` can.

    Raises:
        ValueError: too large, no plain tensor, or with values that are not finite, naming the member.
    """
    if len(data) > MAX_MEMBER_BYTES:
        raise ValueError(f"{name} has {len(data)} bytes, limit {MAX_MEMBER_BYTES}")
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False) if suffix.endswith(".npy") else _from_pt(data)
    except Exception as error:  # damaged bytes make the readers raise anything; nothing of theirs has run
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{name} is not a plain tensor: {said[:200]}") from error
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise ValueError(f"{name} is not a plain tensor: it holds no floating-point numbers")
    if array.size > MAX_VALUES:
        raise ValueError(f"{name} has {array.size} values, limit {MAX_VALUES}")
    if not (
        np.isfinite(np.vdot(array, array)) or np.isfinite(array).all()
    ):  # the sum is quicker, but may overflow
        raise ValueError(f"{name} holds values that are not finite")
    return array.astype(np.float32, copy=False)


def _from_pt(data: Buffer) -> np.ndarray:
    cut = max(0, len(data) - _DIRECTORY)
    with zipfile.ZipFile(io.BytesIO(data[cut:])) as archive:  # what lies where stands at the end
        packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
        if packed:  # torch never compresses; whoever does could hide gigabytes
            raise ValueError(f"{packed[0]!r} is compressed")
        plain = _contiguous_view(data, archive, cut)
    if plain is not None:
        return plain
    import torch

    tensor = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_quantized:
        raise ValueError(f"it holds {type(tensor).__name__}, not one dense tensor")
    if tensor.device.type != "cpu" or not tensor.is_floating_point():
        raise ValueError(f"a {tensor.dtype} tensor on {tensor.device}")
    if tensor.numel() > MAX_VALUES:  # a view may repeat one value without end
        raise ValueError(f"{tensor.numel()} values, limit {MAX_VALUES}")
    return tensor.detach().float().contiguous().numpy()


def _contiguous_view(data: Buffer, archive: zipfile.ZipFile, cut: int) -> np.ndarray | None:
    """The tensor as a view of `data` where it is a contiguous float32 one of one or two sizes, else None.

    `archive` lacks the first `cut` bytes, which its offsets are short of.
    """
    records = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    needed = [records.get(name) for name in ("data.pkl", "byteorder", "data/0")]
    pickled, order, numbers = (
        _record(data, entry.header_offset + cut, entry.file_size) if entry else b"" for entry in needed
    )
    found = _PLAIN.fullmatch(pickled)
    if found is None or bytes(order) != b"little":
        return None
    count, *sizes = (
        int.from_bytes(number[1:], "little", signed=number[:1] == b"J") for number in found.groups() if number
    )
    shape = sizes[:2]  # of two sizes, then the stride of the first
    if math.prod(shape) != count or 4 * count != len(numbers) or sizes[2:] != shape[1:]:
        return None
    return np.frombuffer(numbers, "<f4").reshape(shape)


def _record(data: Buffer, header: int, size: int) -> memoryview:
    """The bytes of a stored record, where they lie behind its header."""
    lengths = (int.from_bytes(data[at : at + 2], "little") for at in (header + 26, header + 28))
    start = header + _LOCAL_HEADER + sum(lengths)
    return memoryview(data)[start : start + size]
