"""PESTO: its checkpoint read without running it, and the pitch of a voice frame by frame with its confidence, by a net that learned it from sounds against their transpositions.

Nothing of the package's code is run, whose own reader builds any object that a checkpoint names. Frames lie about the middles of
latent frames; the transform, the encoder and the decision of each frame are as in pesto-pitch 2.0.1.

Shapes: N samples, T latent frames, L samples of a kernel, B bins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_samples
from tasks.models.melody import Melody, PestoModel
from tasks.models.real.common import OnDevice, load_strictly
from tasks.models.real.pesto_net import SEMITONES, PestoNet, kernels
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.melody.pesto"
CARD = Card(
    name="PESTO",
    section=SECTION,
    packages=("numpy", "torch"),
    files=(),
    released_at="package pesto-pitch 2.0.1 (pesto/weights/mir-1k_g7.ckpt)",
    licence="LGPL-3.0",
)
CARDS = (CARD,)
CLASSES = (  # that a checkpoint of its trainer names and of which nothing is needed
    *("omegaconf.base.ContainerMetadata", "omegaconf.base.Metadata", "omegaconf.dictconfig.DictConfig"),
    *("omegaconf.listconfig.ListConfig", "omegaconf.nodes.AnyNode", "typing.Any", "collections.defaultdict"),
    *("builtins.dict", "builtins.int", "builtins.list"),
)
QUIETEST = float(np.finfo(np.float32).eps) ** 2  # a power that stands for silence, so that it has a level
MAX_BINS, MAX_VALUES = 400, 1 << 22


class Inert:
    """Stands in for every object of a checkpoint that is none of ours: it keeps nothing and does nothing."""

    def __init__(self, *_: Any) -> None: ...
    def __setstate__(self, _: Any) -> None: ...
    def __setitem__(self, _: Any, __: Any) -> None: ...
    def append(self, _: Any) -> None:
        """As a list has it."""


class Pesto(OnDevice[PestoModel]):
    """The net on frames of a song, so many in a pass."""

    def __init__(self, settings: PestoModel, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        with settings.loading(CARD) as path:
            net, kernels_BL = read_checkpoint(path)
            self._net = net.eval().to(self._device)
            waves_BL = np.concatenate([kernels_BL.real, kernels_BL.imag])
            self._waves_LB = torch.from_numpy(np.ascontiguousarray(waves_BL.T)).to(self._device)

    def track(self, vocals_N: np.ndarray) -> Melody:
        """See `MelodyTracker.track`."""
        num_frames = frames_of_samples(len(vocals_N))
        if not num_frames:
            return Melody(np.zeros(0), np.zeros(0, bool), np.zeros(0))
        size = len(self._waves_LB)
        before = size // 2 - HOP_SAMPLES // 2
        padded_N = np.pad(
            vocals_N.astype(np.float32), (before, size), "reflect" if len(vocals_N) > size else "constant"
        )
        frames_TL = np.lib.stride_tricks.sliding_window_view(padded_N, size)[::HOP_SAMPLES][:num_frames]
        with self._computing():
            heard = [self._pass(some_TL) for some_TL in self._batches(frames_TL)]
        midi_T, sure_T = (np.concatenate(side).astype(np.float64) for side in zip(*heard, strict=True))
        return Melody(midi_T, sure_T >= self._settings.threshold, sure_T)

    def _pass(self, frames_TL: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        real_TB, imag_TB = (torch.from_numpy(frames_TL.copy()).to(self._device) @ self._waves_LB).chunk(
            2, dim=1
        )
        midi_T, sure_T = self._net((real_TB**2 + imag_TB**2).float().clamp(min=QUIETEST))
        return midi_T.float().cpu().numpy(), sure_T.float().cpu().numpy()


def read_checkpoint(path: Path) -> tuple[PestoNet, np.ndarray]:
    """The net of a checkpoint, and the kernels of its transform, on the CPU.

    Raises:
        ValueError: a field is missing, or not as its trainer writes it; no object in it is built but tensors.
    """
    with torch.serialization.safe_globals([(Inert, name) for name in CLASSES]):
        held = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(held, dict) or not isinstance(held.get("state_dict"), dict):
        raise ValueError("it is no checkpoint of PESTO: no tensors under state_dict")
    net = _net(held["state_dict"])
    facts = held.get("hcqt_params")
    if not isinstance(facts, dict) or facts.get("harmonics") != [1] or facts.get("center_bins") is not True:
        raise ValueError("hcqt_params are not those of a net on one harmonic with centred bins")
    numbers: list[Any] = [facts.get(name) for name in ("fmin", "bins_per_semitone", "n_bins", "gamma")]
    lowest_hz, per_semitone, num_bins, gamma = numbers
    if (
        any(type(number) not in (int, float) for number in (lowest_hz, gamma))
        or not 1 <= lowest_hz + gamma < 1e4
    ):
        raise ValueError(f"hcqt_params has fmin {lowest_hz} and gamma {gamma}, no frequencies")
    if type(num_bins) is not int or not 0 < num_bins <= MAX_BINS or per_semitone not in range(1, 10):
        raise ValueError(
            f"hcqt_params has {num_bins} bins (at most {MAX_BINS}), {per_semitone} a semitone (at most 9)"
        )
    if net.encoder.num_answers != SEMITONES * per_semitone:
        raise ValueError(f"it answers {net.encoder.num_answers} pitches, not {SEMITONES * per_semitone}")
    return net, kernels(SAMPLE_RATE_HZ, lowest_hz, per_semitone, num_bins, gamma)


def _net(state: dict[str, torch.Tensor]) -> PestoNet:
    if "confidence.conv.weight" not in state:
        raise ValueError("the file lacks confidence.conv.weight, which says where a voice is; give mir-1k_g7")
    with torch.device("meta"):  # what its sizes ask for takes no memory before it is known
        asked = PestoNet(state).state_dict()
    if sum(tensor.numel() for tensor in asked.values()) > MAX_VALUES:
        raise ValueError(f"its tensors ask for a net of more than {MAX_VALUES} numbers")
    net = PestoNet(state)
    load_strictly(net, state)
    return net


build = Pesto
