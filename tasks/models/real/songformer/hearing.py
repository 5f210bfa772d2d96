"""What MusicFM and MuQ hear of a song, as SongFormer takes it: the tenth layer of each over 30 s and over 420 s, side by side.

Source: ASLP-lab/SongFormer, infer/infer.py. A rest behind the last window that is too short for a spectrum or a step is left out here.

Shapes: N samples at 24 kHz, P mel bands, M frames of 100 Hz, T frames of 25 Hz, D numbers of a frame of one net.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tasks.models.real.common import in_precision, load_strictly, read_state
from tasks.models.real.import_masks import import_foreign
from tasks.models.real.songformer.conformer import Conformer, conformer_of
from tasks.models.real.songformer.musicfm import MusicFM
from tasks.models.real.songformer.net import STEP

RATE_HZ = 24_000
FAR, NEAR = 420 * RATE_HZ, 30 * RATE_HZ
SHORTEST = 1025  # samples that a spectrum can be taken of
MOST_APART = 4  # frames
CHUNK, ASIDE, FOLD = 3000, 16, 4
"""Frames of 100 Hz whose convolutions are made at once, what is heard to either side of them, and how many become one. A result sees nine
to either side, so that chunks are what the whole would be.
"""
MUQ_STATE = ("model.safetensors", "pytorch_model.bin")
MUQ_CONFORMER, LEVELS = "model.conformer.", "melspec_2048"
AS_RELEASED = {"position_embeddings_type": "rotary", "hidden_act": "swish"}


@dataclass(frozen=True)
class Ear:
    """One of the two nets: its levels of [1, N] samples [1, P, M], its convolutions, and what the tenth layer says of them."""

    net: Any
    levels: Callable[[Tensor], Tensor]
    conformer: Conformer

    @classmethod
    def of_musicfm(cls, net: MusicFM) -> Ear:
        """MusicFM's."""
        return cls(net, net.levels, net.conformer)

    @classmethod
    def of_muq(cls, net: Any, conformer: Conformer) -> Ear:
        """MuQ's, by its package but for the conformer."""

        def levels(audio_1N: Tensor) -> Tensor:
            told: Tensor = net.normalize(net.preprocessing(audio_1N, [LEVELS]))[LEVELS]
            return told

        return cls(net, levels, conformer)

    def to(self, device: torch.device) -> Ear:
        """This one, moved there."""
        return Ear(self.net.to(device), self.levels, self.conformer.to(device))

    def hear(self, audio_1N: Tensor, precision: str) -> Tensor:
        """Frames [1, T, D], T = N / 960 rounded up; levels are always float32."""
        level_1PM = self.levels(audio_1N)
        with in_precision(audio_1N.device, precision):
            told: Tensor = self.conformer(subsampled(self.net.conv, level_1PM))
        return told.float()


def heard(ears: tuple[Ear, Ear], audio_N: Tensor, precision: str) -> Iterator[Tensor]:
    """What both nets hear of each window of 420 s, [1, T, 4 D]: MusicFM and MuQ near, then both far.

    Raises:
        ValueError: near and far are of different length.
    """
    for first in range(0, len(audio_N), FAR):
        window_1N = audio_N[None, first : first + FAR]
        if window_1N.shape[1] < SHORTEST:
            continue
        pieces = [piece for piece in window_1N.split(NEAR, dim=1) if piece.shape[1] >= SHORTEST]
        near = [torch.cat([ear.hear(piece, precision) for piece in pieces], dim=1) for ear in ears]
        far = [ear.hear(window_1N, precision) for ear in ears]
        lengths = [told.shape[1] for told in (*near, *far)]
        if max(lengths) - min(lengths) > MOST_APART:
            raise ValueError(f"of one window {min(lengths)} to {max(lengths)} frames were heard")
        if min(lengths) >= STEP:
            yield torch.cat([told[:, : min(lengths)] for told in (*near, *far)], dim=2)


def subsampled(conv: nn.Module, level_1PM: Tensor) -> Tensor:
    """What convolutions that take four frames to one make of levels, [1, T, D], in chunks."""
    frames, parts = level_1PM.shape[2], []
    for first in range(0, frames, CHUNK):
        start = max(first - ASIDE, 0)
        told_1TD = conv(level_1PM[..., start : first + CHUNK + ASIDE])
        skipped = (first - start) // FOLD
        parts.append(told_1TD[:, skipped : skipped + CHUNK // FOLD])
    return torch.cat(parts, dim=1)


def read_muq(folder: Path) -> Ear:
    """MuQ's ear of a folder with config.json and its weights, on the CPU: every tensor in its package's net, then its conformer in ours.

    Raises:
        ValueError: the config is of another kind of net, or tensors are missing, left over or misshapen.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    inner = config.get("w2v2_config") if isinstance(config, dict) else None
    if not isinstance(inner, Mapping):
        raise ValueError("config.json has no w2v2_config; it is none of MuQ")
    for name, value in AS_RELEASED.items():
        if inner.get(name) != value:
            raise ValueError(f"config.json has {name} {str(inner.get(name))[:50]!r}, and must have {value!r}")
    state = read_state(folder, *MUQ_STATE)
    net = import_foreign("muq").MuQ(config)
    load_strictly(net, state)
    of_conformer = {
        name.removeprefix(MUQ_CONFORMER): of for name, of in state.items() if name.startswith(MUQ_CONFORMER)
    }
    conformer = conformer_of(of_conformer)
    net = net.model.requires_grad_(False).eval()
    net.conformer = nn.Identity()
    return Ear.of_muq(net, conformer)
