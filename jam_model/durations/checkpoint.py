"""The predictor on disk: `model.safetensors`, `config.json` and a card, in one folder."""

from __future__ import annotations

import json
import os
import uuid
from pathlib import Path

import torch

from jam_model.checkpoint import CONFIG_FILE, WEIGHTS_FILE, weights_hash
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from jam_model.shard_index import read_json

CARD_FILE = "README.md"
MAX_CONFIG_BYTES, MAX_WEIGHTS_BYTES = 1 << 20, 1 << 30


def save_durations(folder: Path, net: DurationNet, card: str) -> str:
    """Writes config, card and weights, the weights last, and returns their sha256."""
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / CONFIG_FILE, (json.dumps(net.config.to_dict(), indent=2) + "\n").encode())
    _write(folder / CARD_FILE, card.encode())
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in net.state_dict().items()}
    _write(folder / WEIGHTS_FILE, save(tensors))
    return weights_hash(folder)


def load_durations(folder: Path) -> DurationNet:
    """The predictor of a folder of `save_durations`, ready to predict.

    Raises:
        ValueError: there is none, or its files do not fit one another.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    config_file, weights_file = folder / CONFIG_FILE, folder / WEIGHTS_FILE
    if not (config_file.is_file() and weights_file.is_file()):
        raise ValueError(f"durations: no predictor at {folder}; `jam durations` trains one")
    if config_file.stat().st_size > MAX_CONFIG_BYTES or weights_file.stat().st_size > MAX_WEIGHTS_BYTES:
        raise ValueError(f"durations: {folder} holds larger files than a predictor has")
    values = read_json(config_file.read_bytes(), str(config_file))
    if not isinstance(values, dict):
        raise ValueError(f"{config_file} holds no fields; train the predictor again")
    config = DurationConfig.from_dict(values)
    try:
        tensors = load(weights_file.read_bytes())
    except SafetensorError as error:
        raise ValueError(
            f"{weights_file} is not a whole safetensors file ({error}); copy it again"
        ) from error
    with torch.device("meta"):
        net = DurationNet(config)
    wanted = {name: tensor.shape for name, tensor in net.state_dict().items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if wanted != found:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        raise ValueError(f"{weights_file} does not fit its config: {', '.join(wrong[:5])}; copy both again")
    if not all(bool(torch.isfinite(tensor.float()).all()) for tensor in tensors.values()):
        raise ValueError(f"{weights_file} holds values that are not finite; copy it again")
    net.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, assign=True)
    return net.eval()


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
