"""JAM on disk: `model.safetensors` under the released names, and `config.json`, in one folder."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jam_model.config import JamConfig
from jam_model.shard_index import read_json

if TYPE_CHECKING:
    from torch import Tensor

    from jam_model.dit import Jam

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
NUM_SHOWN = 5


def save_model(folder: Path, model: Jam) -> str:
    """Writes config and weights (each whole or not at all) and returns the weights' sha256."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = json.dumps(model.config.to_dict(), indent=2) + "\n"
    _write(folder / CONFIG_FILE, lambda path: path.write_text(config, encoding="utf-8"))
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    _write(folder / WEIGHTS_FILE, lambda path: save_file(tensors, path))
    return weights_hash(folder)


def load_model(path: Path, config: JamConfig | None = None) -> Jam:
    """The model of a folder of `save_model`, or of a bare weights file (`jam-0_5.safetensors`) and its config;
    in an object store, too.

    Raises:
        ValueError: no such checkpoint, config and weights do not fit (names the keys), or a bare file
            without config.
    """
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load

    config = config or load_config(path)
    weights = _weights_path(path)
    try:
        if not isinstance(weights, os.PathLike):  # not on this machine: read at once
            return build_model(config, load(weights.read_bytes()))
        with safe_open(weights, framework="pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            check_shapes(shapes, config, weights)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{weights} is not a whole safetensors file ({error}); copy it again") from error
    return build_model(config, tensors)


def fresh_model(config: JamConfig, seed: int) -> Jam:
    """Untrained weights drawn from the seed."""
    import torch

    from jam_model.dit import Jam

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Jam(config)


def build_model(config: JamConfig, tensors: Mapping[str, Tensor]) -> Jam:
    """A float32 model made of exactly these tensors; nothing is initialised on the way.

    Tensors that are float32 already are taken over, not copied.

    Raises:
        ValueError: a key is missing or unknown, or a shape is wrong; names up to five.
    """
    import torch

    from jam_model.dit import Jam

    check_shapes({name: tuple(tensor.shape) for name, tensor in tensors.items()}, config, "the weights")
    with torch.device("meta"):
        model = Jam(config)
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return model


def weights_hash(path: Path) -> str:
    """sha256 (hex) of the weights file, or of the one in a checkpoint folder."""
    return sha256_of(_weights_path(path))


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a file's bytes, streamed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _weights_path(path: Path) -> Path:
    weights = path / WEIGHTS_FILE if path.is_dir() else path
    if not weights.is_file():
        raise ValueError(f"no checkpoint at {path}; give a folder with {WEIGHTS_FILE}, or a safetensors file")
    return weights


def load_config(folder: Path) -> JamConfig:
    """The config in a checkpoint folder.

    Raises:
        ValueError: there is none, or it is not whole.
    """
    file = folder / CONFIG_FILE
    if not file.is_file():
        raise ValueError(
            f"no {CONFIG_FILE} at {folder}; a bare weights file needs a config (JAM_0_5 for jam-0_5)"
        )
    values = read_json(file.read_bytes(), str(file))
    if not isinstance(values, dict):
        raise ValueError(f"{file} holds no fields; write it again with save_model")
    return JamConfig.from_dict(values)


def shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor in a safetensors file, by its name; no tensor is read.

    Raises:
        ValueError: it is not whole.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            return {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{file} is not a whole safetensors file ({error}); copy it again") from error


def check_shapes(shapes: Mapping[str, tuple[int, ...]], config: JamConfig, source: object) -> None:
    """Holds tensors, by name and shape, against those of a model of `config`; `source` names them.

    Raises:
        ValueError: one is missing, unknown or of a wrong shape; names up to five of each.
    """
    import torch

    from jam_model.dit import Jam

    with torch.device("meta"):
        wanted = {name: tuple(tensor.shape) for name, tensor in Jam(config).state_dict().items()}
    wrong = [
        f"{name} {shapes[name]} instead of {wanted[name]}"
        for name in wanted
        if name in shapes and shapes[name] != wanted[name]
    ]
    faults = [
        _some_names("missing", [name for name in wanted if name not in shapes]),
        _some_names("unknown", [name for name in shapes if name not in wanted]),
        _some_names("wrong shape", wrong),
    ]
    if any(faults):
        raise ValueError(
            f"{source}: no fit to the model config: {'; '.join(filter(None, faults))}; give the config the weights were "
            "trained with"
        )


def _some_names(what: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - NUM_SHOWN} more" if len(names) > NUM_SHOWN else ""
    return f"{len(names)} {what}: {', '.join(names[:NUM_SHOWN])}{more}" if names else ""


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Writes through a temporary name beside `path`, synced before it takes the name."""
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        write(temporary)
        _sync(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
