"""Archives of tensors of released nets (MuQ, MusicFM, SongFormer), read as tensors alone and held against the net they are for: names and shapes first.

So a file that asks for much takes no memory, and no object but tensors is built of a pickle.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

MAX_CLASSES = 200  # that a torch archive may name besides tensors
NOTHING = r"(?!)"
Net = TypeVar("Net", bound=nn.Module)


class Inert:
    """Stands in for every object of an archive that is no tensor: it keeps nothing and does nothing."""

    def __init__(self, *_: Any) -> None: ...
    def __setstate__(self, _: Any) -> None: ...
    def __setitem__(self, _: Any, __: Any) -> None: ...


def read_archive(path: Path) -> Any:
    """What a file of `torch.save` holds. Classes that a trainer's checkpoint names beside its tensors (its settings, its callbacks) are
    looked up nowhere: each is an `Inert` here.

    Raises:
        ValueError: no such file, a compressed one, or it names more classes than a checkpoint has.
        pickle.UnpicklingError: a pickle that does more than a checkpoint's.
    """
    with zipfile.ZipFile(path) as archive:
        packed = [entry.filename for entry in archive.infolist() if entry.compress_type != zipfile.ZIP_STORED]
    if packed:  # torch never compresses; whoever does could hide gigabytes
        raise ValueError(f"{packed[0][:100]!r} in it is compressed")
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    if len(names) > MAX_CLASSES:
        raise ValueError(f"it names {len(names)} classes beside its tensors, at most {MAX_CLASSES} are read")
    with torch.serialization.safe_globals([(Inert, name) for name in names]):
        return torch.load(path, map_location="cpu", weights_only=True)


def size(state: Mapping[str, Tensor], name: str, axis: int, rank: int) -> int:
    """The length of one axis of a tensor of so many.

    Raises:
        ValueError: it is not there, or has fewer or more axes.
    """
    if name not in state:
        raise ValueError(f"the file lacks {name}")
    shape = state[name].shape
    if len(shape) != rank:
        raise ValueError(f"{name} is {list(shape)}, and must have {rank} axes")
    return shape[axis]


def count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many layers there are: different numbers that the names have where `pattern` has its group."""
    return len({found[1] for name in state if (found := re.match(pattern, name))})


def filled(build: Callable[[], Net], state: Mapping[str, Tensor], unused: str = NOTHING) -> Net:
    """The net with the tensors of `state`, float32, for inference. `unused`: names that a file may have and nothing here needs.

    Raises:
        ValueError: tensors are missing, left over or of another shape, or no finite numbers; the message names the first.
    """
    with torch.device("meta"):
        net = build()
    asked = net.state_dict()
    surplus = [name for name in state if name not in asked and not re.fullmatch(unused, name)]
    for fault, names in (
        ("lacks", [name for name in asked if name not in state]),
        ("has more than the net:", surplus),
    ):
        if names:
            others = f" and {len(names) - 1} others" * (len(names) > 1)
            raise ValueError(f"the file {fault} {names[0][:200]}{others}")
    for name, of_net in asked.items():
        _check(name, state[name], of_net)
    net.load_state_dict({name: state[name].to(of_net.dtype) for name, of_net in asked.items()}, assign=True)
    return net.requires_grad_(False).eval()


def _check(name: str, tensor: Tensor, of_net: Tensor) -> None:
    if tensor.shape != of_net.shape:
        raise ValueError(f"{name} is {list(tensor.shape)}, and must be {list(of_net.shape)}")
    if tensor.is_floating_point() != of_net.is_floating_point():
        raise ValueError(f"{name} holds {str(tensor.dtype).removeprefix('torch.')}, not numbers of a net")
    held = tensor.untyped_storage().nbytes()
    if held < tensor.numel() * tensor.element_size():
        raise ValueError(f"{name} says {list(tensor.shape)} and holds {held} bytes")
    if not tensor.isfinite().all():
        raise ValueError(f"{name} holds what is no finite number")
