"""Tensors of weights that were not written here: a bare `.safetensors`, or a `.pt` of a trainer, with or without EMA.

No pickle runs: a `.pt` is read with `weights_only`. Names are brought to the released ones: what wrappers put before them
goes. Of several sets of weights in a file the averaged one is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jam_model.checkpoint import WEIGHTS_FILE, shapes_in

if TYPE_CHECKING:
    from torch import Tensor

TORCH_ENDINGS = (".pt", ".pth", ".ckpt", ".bin")
ENDINGS = (".safetensors", *TORCH_ENDINGS)
TORCH_BEGINS = (b"PK", b"\x80")
"""What ``torch.save`` writes begins so: a zip, or of old a pickle."""
EMA_SETS = ("ema_model_state_dict", "ema_state_dict", "ema_model", "ema")
PLAIN_SETS = ("model_state_dict", "state_dict", "model", "module", "weights")
TRAINER_FILES = ("ema_model.safetensors", f"states/{WEIGHTS_FILE}", "states/pytorch_model.bin")
"""In a folder of jamify's trainer (``step_N`` or ``last``): EMA weights where it kept any, else those that were trained."""
WRAPPERS = ("module.", "_orig_mod.", "ema_model.", "model.")
FIRST = "transformer."
COUNTERS = ("initted", "step", "update", "num_updates", "decay")
"""What EMA wrappers keep beside the weights."""
MAX_TENSORS = 100_000


@dataclass(frozen=True)
class ForeignWeights:
    """Tensors by their released names, and what they were taken from, for people (``EMA weights of last.pt``)."""

    tensors: dict[str, Tensor]
    taken: str

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}


def weights_in(place: Path) -> Path:
    """The file that holds the weights of `place`: itself, or the one of a trainer's folder.

    Raises:
        ValueError: there is none, or a file of another kind.
    """
    if place.is_dir():
        names = (WEIGHTS_FILE, *TRAINER_FILES)
        found = [place / name for name in names if (place / name).is_file()]
        bare = sorted(place.glob("*.safetensors"))
        if not found and len(bare) == 1:
            return bare[0]
        if not found:
            raise ValueError(f"weights: {place} holds none of {', '.join(names)} and no single .safetensors")
        return found[0]
    if not place.is_file():
        raise ValueError(f"weights: {place} does not exist; give a file, a folder or a hub id")
    if place.suffix.lower() not in ENDINGS:
        raise ValueError(f"weights: {place} ends in none of {', '.join(ENDINGS)}")
    return place


def read_weights(file: Path) -> ForeignWeights:
    """The tensors of a weights file.

    Raises:
        ValueError: not whole, no weights, two tensors of one name, or a tensor that is no floating-point number.
    """
    found = _torch_file(file) if file.suffix.lower() in TORCH_ENDINGS else _safetensors_file(file)
    tensors: dict[str, Tensor] = {}
    for name, tensor in found.tensors.items():
        if not tensor.is_floating_point():
            if name.rpartition(".")[2] in COUNTERS:
                continue
            raise ValueError(
                f"weights: {name} of {file.name} holds {_dtype(tensor)}; float32, float16 or bfloat16 are read"
            )
        known = _released_name(name)
        if known in tensors:
            raise ValueError(f"weights: {file.name} holds {known} twice; give a file of one model")
        tensors[known] = tensor
    return ForeignWeights(tensors, found.taken)


def weights_shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a weights file by its released name; of a .safetensors no tensor is read.

    Raises:
        ValueError: it is not whole, or see `read_weights`.
    """
    if file.suffix.lower() in TORCH_ENDINGS:
        return read_weights(file).shapes
    return {
        _released_name(name): shape
        for name, shape in shapes_in(file).items()
        if name.rpartition(".")[2] not in COUNTERS
    }


def _safetensors_file(file: Path) -> ForeignWeights:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    taken = "EMA weights of" if file.name.startswith("ema") else "weights of"
    try:
        return ForeignWeights(load_file(file), f"{taken} {file.name}")
    except (SafetensorError, OSError) as error:
        raise ValueError(
            f"weights: {file} is not a whole safetensors file ({error}); copy it again"
        ) from error


def _torch_file(file: Path) -> ForeignWeights:
    import torch

    try:
        stored: Any = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its reader comes upon
        with file.open("rb") as opened:
            if not opened.read(2).startswith(TORCH_BEGINS):
                raise ValueError(
                    f"weights: {file} is no file of torch; give one that torch.save wrote, or a .safetensors"
                ) from None
        reason = " ".join(str(error).split())[:120]
        raise ValueError(
            f"weights: {file} cannot be read as tensors alone ({type(error).__name__}: {reason}); save its state_dict again"
        ) from error
    sets = {name: stored[name] for name in (*EMA_SETS, *PLAIN_SETS) if _is_state(stored, name)}
    name = next(iter(sets), "")
    tensors = sets[name] if sets else stored
    if not isinstance(tensors, Mapping) or not tensors or len(tensors) > MAX_TENSORS:
        raise ValueError(f"weights: {file} holds no state_dict; give one, or a .safetensors")
    kept = {str(key): value for key, value in tensors.items() if isinstance(value, torch.Tensor)}
    if name in EMA_SETS:  # beside the average such wrappers may keep the trained weights
        kept = {key: value for key, value in kept.items() if not key.startswith("online_model.")}
    what = "EMA weights" if name in EMA_SETS else "weights"
    return ForeignWeights(kept, f"{what} of {file.name}")


def _is_state(stored: Any, name: str) -> bool:
    """Whether a loaded file holds a set of tensors of this name."""
    import torch

    found = stored.get(name) if isinstance(stored, Mapping) else None
    return isinstance(found, Mapping) and any(isinstance(value, torch.Tensor) for value in found.values())


def _released_name(name: str) -> str:
    while not name.startswith(FIRST):
        wrapper = next((one for one in WRAPPERS if name.startswith(one)), None)
        if wrapper is None:
            return name
        name = name.removeprefix(wrapper)
    return name


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
