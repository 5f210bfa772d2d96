"""Demucs: HTDemucs and its elders, one model or a bag of them (a .yaml names them) from .th or .safetensors, without random shifts.

Source: Rouard, Massa and Defossez, Hybrid Transformers for Music Source Separation, ICASSP 2023; demucs 4.1,
whose `apply_model(shifts=0)` this equals, with the segments of a song in batches.

Neither form of released weights may run code here. A .th file is a pickle: it is read with `weights_only` and
the classes of `CLASSES` and `Fraction` (the length of a segment) besides tensors. A .safetensors file names its
class in its metadata, which demucs would import and call whatever it is: only those of `CLASSES` go through.

Shapes: B segments in a batch, S sources, C channels, N samples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.stage import BadModel
from tasks.models.real.common import OnDevice
from tasks.models.released_weights import Card
from tasks.models.separator import VOCALS, DemucsModel
from tasks.storage.file_hashes import sha256_of_file

VERSION = 1
CARD = Card(
    name="Demucs",
    section="models.separator.demucs",
    packages=("demucs", "torch"),
    files=("*.yaml", "*.safetensors|*.th"),
    released_at="hub adefossez/HTDemucs",
    licence="MIT",
)
CARDS = (CARD,)
CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
NEEDED = {VOCALS, "drums", "bass"}  # what `separate.stems` asks for by name
SIGNATURE = re.compile(r"\w+")
QUIET = 1e-8  # added to the mix's deviation, as demucs has it


class Demucs(OnDevice[DemucsModel]):
    """A bag of Demucs models; each source is the mean of the models' estimates, by the bag's weights."""

    def __init__(self, settings: DemucsModel, identity: str) -> None:
        super().__init__(settings, identity, CARD.section)
        with settings.loading(CARD) as folder:
            self._bag = load_bag(folder)
        self._bag.to(self._device).eval()

    def separate(self, mix_CN: np.ndarray) -> np.ndarray:
        """Vocals, float32 mono [N]."""
        return self._estimates(mix_CN, [VOCALS])[0].mean(axis=0)

    def stems(self, mix_CN: np.ndarray) -> dict[str, np.ndarray]:
        """All the sources of the bag."""
        names = list(self._bag.sources)
        return dict(zip(names, self._estimates(mix_CN, names), strict=True))

    @torch.inference_mode()
    def _estimates(self, mix_CN: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """The sources of these names, [S, C, N], at the level they have in the mix."""
        mix = torch.from_numpy(np.ascontiguousarray(mix_CN, np.float32))
        mono_N = mix.mean(0)
        mean, deviation = mono_N.mean(), mono_N.std() + QUIET
        sources = [self._bag.sources.index(name) for name in names]
        shares_MS = torch.tensor(self._bag.weights)[:, sources]
        total_SCN = torch.zeros(len(names), *mix.shape)
        for model, shares_S in zip(self._bag.models, shares_MS, strict=True):
            if shares_S.any():
                total_SCN += shares_S[:, None, None] * self._overlapped(
                    model, (mix - mean) / deviation, sources
                )
        total_SCN /= shares_MS.sum(0)[:, None, None]
        return (total_SCN * deviation + mean).numpy()

    def _overlapped(self, model: Any, mix_CN: torch.Tensor, sources: Sequence[int]) -> torch.Tensor:
        """Estimates of one model, [S, C, N]: segments faded into each other by a triangle."""
        from demucs.apply import TensorChunk, center_trim

        num_samples = mix_CN.shape[-1]
        length = int(model.samplerate * model.segment)
        stride = int((1 - self._settings.overlap) * length)
        rise_N = torch.arange(1, length // 2 + 1)
        weight_N = torch.cat([rise_N, torch.arange(length - length // 2, 0, -1)])
        weight_N = weight_N / weight_N.max()
        total_SCN = torch.zeros(len(sources), *mix_CN.shape)
        total_N = torch.zeros(num_samples)
        chunks = [TensorChunk(mix_CN[None], first, length) for first in range(0, num_samples, stride)]
        for batch, padded in self._alike(model, chunks):
            heard_BSCN = torch.cat([chunk.padded(padded) for chunk in batch]).to(self._device)
            with self._computing():
                out_BSCN = model(heard_BSCN)[:, sources].float().cpu()
            for chunk, out_SCN in zip(batch, out_BSCN, strict=True):
                place = slice(chunk.offset, chunk.offset + chunk.length)
                total_SCN[..., place] += weight_N[: chunk.length] * center_trim(out_SCN, chunk.length)
                total_N[place] += weight_N[: chunk.length]
        return total_SCN / total_N

    def _alike(self, model: Any, chunks: Sequence[Any]) -> Iterator[tuple[Sequence[Any], int]]:
        """Neighbours of one padded length, at most `batch_size` at a time, with that length."""

        def padded(chunk: Any) -> int:
            return model.valid_length(chunk.length) if hasattr(model, "valid_length") else chunk.length

        for length, group in groupby(chunks, padded):
            for batch in self._batches(list(group)):
                yield batch, length


build = Demucs


def load_bag(folder: Path) -> Any:
    """The `demucs.apply.BagOfModels` that the .yaml file of this folder lists.

    Raises:
        BadModel: not one .yaml, a file it lists is missing or damaged, or the models cannot separate vocals of
            44.1 kHz stereo.
    """
    from demucs.apply import BagOfModels

    bags = sorted(folder.glob("*.yaml"))
    if len(bags) != 1:
        raise _bad(folder, f"holds {len(bags)} .yaml files; give a folder with one bag")
    bag = yaml.safe_load(bags[0].read_text(encoding="utf-8"))
    signatures = bag.get("models") if isinstance(bag, dict) else None
    if not signatures or not all(isinstance(s, str) and SIGNATURE.fullmatch(s) for s in signatures):
        raise _bad(bags[0], "lists no models; give the .yaml of a released bag")
    models = [_load_model(folder, signature) for signature in signatures]
    found = BagOfModels(models, bag.get("weights"), bag.get("segment"))
    lacks = NEEDED - set(found.sources)
    if (found.samplerate, found.audio_channels) != (SAMPLE_RATE_HZ, 2) or lacks:
        raise _bad(
            bags[0],
            f"separates {', '.join(found.sources)} in {found.audio_channels} channels at {found.samplerate} Hz; "
            f"give a bag that separates {', '.join(sorted(NEEDED))} in 2 channels at {SAMPLE_RATE_HZ} Hz",
        )
    return found


def _load_model(folder: Path, signature: str) -> Any:
    """One model of a bag; a folder that holds both forms is read in the one its revision stands for."""
    load, files = _from_safetensors, list(folder.glob("*.safetensors"))
    if not files:
        load, files = _from_pickle, list(folder.glob("*.th"))
    found = [path for path in files if path.stem.split("-")[0] == signature]
    if len(found) != 1:
        raise _bad(folder, f"holds {len(found)} files of model {signature}; get the folder again")
    return load(found[0])


def _from_safetensors(path: Path) -> Any:
    """A model in the form of the hub, after a look at the class its metadata names."""
    from demucs.hf import load_safetensors_model
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    named = metadata.get("klass")
    if named not in CLASSES or not isinstance(json.loads(metadata["args"]), list):
        raise _bad(path, f"is of class {named}, not {', '.join(CLASSES)}; give the weights of a Demucs")
    if "structure" in metadata:
        raise _bad(path, "holds quantised weights; give a model that is not quantised")
    return load_safetensors_model(path)


def _from_pickle(path: Path) -> Any:
    """A model in the form of demucs' local repositories: ``<signature>-<first digits of its sha256>.th``."""
    from demucs.states import load_model

    _, _, checksum = path.stem.partition("-")
    digest = sha256_of_file(path)
    if not digest.startswith(checksum):
        raise _bad(
            path, f"has the checksum {digest[: len(checksum)]}, its name says {checksum}; get it again"
        )
    classes = _classes()
    with torch.serialization.safe_globals([*classes, Fraction]):
        package = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(package, dict) or package.get("klass") not in classes:
        raise _bad(path, f"holds no model of {', '.join(CLASSES)}; give the weights of a Demucs")
    if package["state"].get("__quantized"):
        raise _bad(path, "holds quantised weights; give a model that is not quantised")
    return load_model(package)


def _classes() -> list[Any]:
    return [
        getattr(import_module(module), name) for module, _, name in (path.rpartition(".") for path in CLASSES)
    ]


def _bad(path: Path, fault: str) -> BadModel:
    return BadModel(f"{CARD.setting}: {path} {fault}")
