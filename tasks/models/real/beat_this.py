"""Beat This!: beats and downbeats by a transformer on a log mel spectrogram, with its own minimal peak picking, no DBN.

Source: F. Foscarin, J. Schlueter, G. Widmer, Beat This! Accurate Beat Tracking Without DBN Postprocessing (ISMIR 2024),
package beat-this 1.1.0. Unlike there, a checkpoint is a file that is here, never a name that is fetched, and a
downbeat stands among the beats.

Shapes: N samples, T frames (50 Hz), M mel bands.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import torch

from tasks.models.beats import RATE_HZ, Beats, BeatThisModel
from tasks.models.real.common import OnDevice, load_strictly, mono_at
from tasks.models.real.import_masks import import_foreign
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.beats.beat_this"
CARD = Card(
    name="Beat This!",
    section=SECTION,
    packages=("beat-this", "rotary-embedding-torch", "torch", "torchaudio", "soxr"),
    files=(),
    released_at="https://github.com/CPJKU/beat_this (final0, 81 MB, or small0, 8 MB)",
    licence="MIT",
)
CARDS = (CARD,)
CHUNK_FRAMES, BORDER_FRAMES = 1500, 6
PREFIX = "model."  # of the tensors in a checkpoint of its trainer


class BeatThisTracker(OnDevice[BeatThisModel]):
    """The net on chunks of 30 s, one after the other."""

    def __init__(self, settings: BeatThisModel, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        self._inference = import_foreign("beat_this.inference")
        self._net = self._load(settings).eval().to(self._device)
        self._mel = import_foreign("beat_this.preprocessing").LogMelSpect(device=self._device)
        self._pick = import_foreign("beat_this.model.postprocessor").Postprocessor(type="minimal")

    def track(self, mix_CN: np.ndarray) -> Beats:
        """See `BeatTracker.track`."""
        audio_N = torch.from_numpy(mono_at(mix_CN, RATE_HZ)).to(self._device)
        with self._computing():
            heard = self._inference.split_predict_aggregate(
                self._mel(audio_N), CHUNK_FRAMES, BORDER_FRAMES, "keep_first", self._net
            )
        beats, downbeats = self._pick(heard["beat"].float().cpu(), heard["downbeat"].float().cpu())
        return Beats(
            tuple(float(time) for time in sorted({*beats, *downbeats})),
            tuple(float(time) for time in downbeats),
        )

    def _load(self, settings: BeatThisModel) -> torch.nn.Module:
        with settings.loading(CARD) as path:
            held = torch.load(path, map_location="cpu", weights_only=True)
            if not isinstance(held, dict) or not {"hyper_parameters", "state_dict"} <= held.keys():
                raise ValueError("it is no checkpoint of beat_this: no hyper_parameters and state_dict")
            kind = self._inference.BeatThis
            known = inspect.signature(kind).parameters
            sizes: dict[str, Any] = {
                name: value for name, value in held["hyper_parameters"].items() if name in known
            }
            net: torch.nn.Module = kind(**sizes)
            state = {name.removeprefix(PREFIX): value for name, value in held["state_dict"].items()}
            load_strictly(net, state)
        return net


build = BeatThisTracker
