"""Readers of weights to begin with, of adapters and of SongFormer's nets, on files that are whole and lie: about dtypes, shapes, names, bases and their own length.

Where `hostile_tensors.py` flips bytes, these know the format. A refusal is one line and leaves nothing written behind; what is taken
is a model of the sizes that were told.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hostile_inputs import Canary, damaged
from hostile_scratch import Reader, Scratch, Unaccounted
from hostile_tensors import SIZES, START, TINY
from safetensors.torch import load_file, save_file
from torch import Tensor

from flows.console.adapters import merge_adapter
from jam_model.checkpoint import load_model, save_model, weights_hash
from jam_model.dit import Jam
from tasks.models.real.songformer.musicfm import STATE as MUSICFM
from tasks.models.real.songformer.musicfm import STATISTICS, read_musicfm
from tasks.models.real.songformer.net import STATE, read_net
from tasks.models.real.songformer.segmenter import CARDS
from tasks.models.real.songformer.tensors import read_archive
from tasks.models.released_weights import loading
from tasks.trainer.run_folder import ADAPTER_NAME
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import OF_WEIGHT, add_adapters
from tasks.training.start import bring_start
from tests.tasks.models.checkpoints.songformer import write_musicfm, write_songformer

DTYPES = (torch.int64, torch.int8, torch.bool, torch.float64, torch.float16, torch.bfloat16)
Tensors = dict[str, Tensor]


class WeightReaders(Scratch):
    """Each reads one file that lies, or one that does not."""

    def targets(self) -> dict[str, Reader]:
        """The readers by name."""
        return {
            "weights that lie": self.weights,
            "adapters that lie": self.adapter,
            "nets of parts": self.nets_of_parts,
        }

    def weights(self, random: np.random.Generator) -> None:
        folder = self.fresh("lying weights")
        tensors, file, out = dict(_parts(self.folder)[0]), folder / "theirs.safetensors", folder / "start"
        write_lying(tensors, {}, file, random)
        refused_whole(lambda: load_model(bring_start(str(file), START, SIZES, 8, out).checkpoint), out)

    def adapter(self, random: np.random.Generator) -> None:
        folder = self.fresh("lying adapter")
        _, tensors, base = _parts(self.folder)
        facts = {"base": weights_hash(base), "rank": "2", "alpha": "4.0"}
        name = str(random.choice(["none", *facts, "kind"]))
        if name != "none":
            odd = ("", "0", "-1", "1e9", "nan", "inf", "99999999999", "dora", "controls", "\n", "f" * 64)
            facts[name] = str(random.choice(odd))
        file, out = folder / ADAPTER_NAME, folder / "merged"
        write_lying(dict(tensors), facts, file, random)
        refused_whole(lambda: merge_adapter(base, file, 1.0, out), out)

    def nets_of_parts(self, random: np.random.Generator) -> None:
        folder, out = self.fresh("nets of parts"), self.folder / "nowhere"
        state, held, statistics = _nets_of_parts(self.folder)
        if random.integers(2):
            write_lying(dict(state), {}, folder / STATE, random)
            with loading(CARDS[0], folder):
                refused_whole(lambda: read_net(folder), out)
            return
        tensors = dict(held["state_dict"])
        if random.integers(2):
            lie = IN_TENSORS[str(random.choice(list(IN_TENSORS)))]
            lie(tensors, str(random.choice(list(tensors))), random)
        odd = Canary(str(self.canary)) if random.integers(2) else None
        torch.save(held | {"state_dict": tensors, "callbacks": odd}, folder / MUSICFM)
        (folder / STATISTICS).write_bytes(statistics)
        if random.integers(2):
            spoilt = folder / (STATISTICS if random.random() < 0.3 else MUSICFM)
            data = spoilt.read_bytes()
            spoilt.write_bytes(damaged(data, [data, statistics], random))
        with loading(CARDS[1], folder):
            refused_whole(lambda: read_musicfm(folder), out)


def refused_whole(read: Callable[[], object], out: Path) -> None:
    """Reads; a refusal must be one line and leave no file in `out`.

    Raises:
        Unaccounted: it is more lines, or something was written.
        ValueError: the refusal.
    """
    try:
        read()
    except ValueError as error:
        left = [path for path in out.rglob("*") if path.is_file()]
        if left:
            raise Unaccounted(f"refused, and {left[0].name} was written") from error
        if "\n" in str(error):
            raise Unaccounted("a refusal of more than one line") from error
        raise


def write_lying(tensors: Tensors, facts: dict[str, str], file: Path, random: np.random.Generator) -> None:
    """A safetensors file of the tensors with one lie; one in ten has none."""
    lie = str(random.choice([*IN_TENSORS, *IN_BYTES, "none"]))
    name = str(random.choice(list(tensors)))
    if lie in IN_TENSORS:
        IN_TENSORS[lie](tensors, name, random)
    save_file({key: value.contiguous() for key, value in tensors.items()}, file, facts)
    if lie in IN_BYTES:
        file.write_bytes(IN_BYTES[lie](file.read_bytes(), name, random))


def _other_dtype(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    dtype = DTYPES[int(random.integers(len(DTYPES)))]
    for one in [name] if random.integers(2) else list(tensors):
        tensors[one] = tensors[one].to(dtype)


def _missing(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    del tensors[name]


def _unknown(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    tensors[f"{name}.more"] = torch.zeros(3)


def _reshaped(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    shape = list(tensors[name].shape)
    shape[int(random.integers(len(shape)))] = int(random.choice([0, 1, 3, 2048]))
    tensors[name] = torch.zeros(shape)


def _flat(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    tensors[name] = tensors[name].flatten() if random.integers(2) else tensors[name][None].clone()


def _of_another_net(tensors: Tensors, name: str, random: np.random.Generator) -> None:
    prefix = str(random.choice(["unet.", "module.", "transformer.", "lm_head."]))
    renamed = {f"{prefix}{key}": value for key, value in tensors.items()}
    tensors.clear()
    tensors.update(renamed)


IN_TENSORS: dict[str, Callable[[Tensors, str, np.random.Generator], None]] = {
    "another dtype": _other_dtype,
    "one missing": _missing,
    "one unknown": _unknown,
    "another shape": _reshaped,
    "another rank": _flat,
    "another architecture": _of_another_net,
}


def _cut(data: bytes, name: str, random: np.random.Generator) -> bytes:
    return data[: int(random.choice([0, 4, 8, len(data) // 2, len(data) - 1]))]


def _header(data: bytes, name: str, random: np.random.Generator) -> bytes:
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    entry = header[name]
    what = int(random.integers(4))
    if what == 0:
        entry["shape"] = [int(random.choice([0, 1, 2**31, 2**62])), *entry["shape"][1:]]
    elif what == 1:
        entry["dtype"] = str(random.choice(["F64", "F16", "I8", "F8_E4M3", "Q4"]))
    elif what == 2:
        entry["data_offsets"] = [0, int(random.choice([1, 2**40, entry["data_offsets"][1] + 4]))]
    else:
        entry["shape"] = entry["shape"][::-1]
    told = json.dumps(header).encode()
    return struct.pack("<Q", len(told)) + told + data[8 + size :]


def _length(data: bytes, name: str, random: np.random.Generator) -> bytes:
    return struct.pack("<Q", int(random.choice([0, 1, 2**20, 2**40, 2**63]))) + data[8:]


IN_BYTES: dict[str, Callable[[bytes, str, np.random.Generator], bytes]] = {
    "half a file": _cut,
    "a header that lies": _header,
    "a length that lies": _length,
}


@cache
def _parts(folder: Path) -> tuple[Tensors, Tensors, Path]:
    """Tensors of a tiny model, those of an adapter of it, and its folder."""
    base = folder / "good-base"
    model = Jam(TINY)
    save_model(base, model)
    params = AdapterParams(kind="lora", rank=2, alpha=4.0, targets=("attention", "fusion"))
    learned = add_adapters(model, params, 1).named_parameters()
    of_adapter = {name: value.detach().clone() for name, value in learned if OF_WEIGHT in name}
    return load_file(base / "model.safetensors"), of_adapter, base


@cache
def _nets_of_parts(folder: Path) -> tuple[Tensors, dict[str, Any], bytes]:
    """The tensors of a tiny SongFormer, what a tiny MusicFM's archive holds, and its statistics."""
    good = folder / "good-parts"
    of_parts, musicfm = write_songformer(good), write_musicfm(good)
    return load_file(of_parts / STATE), read_archive(musicfm / MUSICFM), (musicfm / STATISTICS).read_bytes()
