"""Demucs bags of tiny random models, as the hub and as demucs' local repositories hold them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from safetensors.torch import save_file

SOURCES = ("drums", "bass", "other", "vocals")


def tiny_htdemucs(seed: int = 0, sources: Sequence[str] = SOURCES) -> Any:
    """A random HTDemucs with segments of half a second; its arguments are those a released file names."""
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    shape = {"channels": 8, "depth": 4, "t_layers": 1, "t_heads": 2, "bottom_channels": 8, "nfft": 4096}
    return HTDemucs(list(sources), segment=Fraction(1, 2), samplerate=44_100, **shape).eval()


def write_demucs(
    folder: Path,
    form: Literal["safetensors", "th"] = "safetensors",
    weights: Sequence[Sequence[float]] | None = None,
    sources: Sequence[str] = SOURCES,
) -> Path:
    """A bag with a model for each row of `weights` (one without), in the form of the hub or of a local repository."""
    folder.mkdir(parents=True, exist_ok=True)
    bag: dict[str, Any] = {"models": []}
    for number in range(1 if weights is None else len(weights)):
        signature = f"{number:08x}"
        bag["models"].append(signature)
        model = tiny_htdemucs(number, sources)
        write_safetensors(
            folder / f"{signature}.safetensors", model
        ) if form == "safetensors" else write_pickle(folder, signature, package_of(model))
    if weights is not None:
        bag["weights"] = [list(row) for row in weights]
    (folder / "tiny.yaml").write_text(yaml.safe_dump(bag))
    return folder


def write_safetensors(path: Path, model: Any) -> None:
    """One model as `tools/export_hf.py` of demucs writes it."""
    args, kwargs = model._init_args_kwargs
    segment = kwargs["segment"]
    fraction = {"_type": "fraction", "numerator": segment.numerator, "denominator": segment.denominator}
    metadata = {
        "klass": f"{type(model).__module__}.{type(model).__qualname__}",
        "args": json.dumps(list(args)),
        "kwargs": json.dumps({**kwargs, "segment": fraction}),
    }
    tensors = {name: tensor.half().contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file(tensors, path, metadata=metadata)


def package_of(model: Any) -> dict[str, Any]:
    """What `demucs.states.serialize_model` puts into a .th file; weights in half precision."""
    args, kwargs = model._init_args_kwargs
    state = {name: tensor.half() for name, tensor in model.state_dict().items()}
    training = {"optim": {"lr": 3e-4}, "dset": {"wav": None}}
    return {"klass": type(model), "args": args, "kwargs": kwargs, "state": state, "training_args": training}


def write_pickle(folder: Path, signature: str, package: Any) -> Path:
    """The package as ``<signature>-<sha8>.th``."""
    buffer = io.BytesIO()
    torch.save(package, buffer)
    checksum = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    path = folder / f"{signature}-{checksum}.th"
    path.write_bytes(buffer.getvalue())
    return path
