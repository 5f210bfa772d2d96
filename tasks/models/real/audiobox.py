"""Audiobox Aesthetics by its own package: content enjoyment, content usefulness, production complexity, production quality, windows of 10 s weighed by how much of each is song.

As the package's own predictor does: 16 kHz mono, 10 s windows one after another, the last one filled with zeros
that are masked, the windows' scores weighted by how much of each is song.

Shapes: C channels, N samples, W windows, A axes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.models.judge import Audiobox
from tasks.models.real.common import OnDevice, load_strictly, mono_at, read_state
from tasks.models.real.import_masks import import_foreign
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.judge.audiobox"
STATE, CHECKPOINT = "model.safetensors", "checkpoint.pt"
CARDS = (
    Card(
        name="Audiobox Aesthetics",
        section=SECTION,
        packages=("audiobox-aesthetics", "torch"),
        files=(f"config.json|{CHECKPOINT}", f"{STATE}|{CHECKPOINT}"),
        released_at="hub facebook/audiobox-aesthetics",
        licence="CC-BY-4.0",
    ),
)
AXES = Audiobox.axes
RATE_HZ = 16_000
WINDOW_S = 10
PRECISIONS = {"float32": "32", "bfloat16": "bf16", "float16": "16"}  # as the package names them


class AudioboxJudge(OnDevice[Audiobox]):
    """Meta's four axes of audio aesthetics, in their own range."""

    axes: tuple[str, ...] = AXES
    low, high = 1.0, 10.0

    def __init__(self, settings: Audiobox, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        self._model = _load(settings).eval().to(self._device)
        self._model.enable_autocast = settings.precision != "float32"
        targets = self._model.target_transform
        self._mean_A = np.array([targets[axis]["mean"] for axis in AXES])
        self._std_A = np.array([targets[axis]["std"] for axis in AXES])

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        """CE, CU, PC and PQ, float64 [4], 1 to 10 as they were rated (a prediction may lie a little outside).

        Raises:
            ValueError: not [2, N] or not finite.
        """
        audio_N = mono_at(mix_CN, RATE_HZ)
        window = WINDOW_S * RATE_HZ
        lengths_W = np.minimum(len(audio_N) - np.arange(0, len(audio_N), window), window)
        windows_WN = np.pad(audio_N, (0, len(lengths_W) * window - len(audio_N))).reshape(-1, window)
        batches = range(0, len(lengths_W), self._settings.batch_size)
        raw_WA = np.concatenate([self._raw(windows_WN, lengths_W, at) for at in batches])
        scores_WA = raw_WA * self._std_A + self._mean_A
        return np.average(scores_WA, axis=0, weights=lengths_W)

    def _raw(self, windows_WN: np.ndarray, lengths_W: np.ndarray, at: int) -> np.ndarray:
        """What the network says of a batch of windows, on its standardised scale, float64 [W, A]."""
        batch = slice(at, at + self._settings.batch_size)
        wav = torch.from_numpy(windows_WN[batch])[:, None].to(self._device)
        lengths = torch.from_numpy(lengths_W[batch])[:, None, None].to(self._device)
        mask = torch.arange(wav.shape[-1], device=self._device) < lengths
        with torch.inference_mode():
            heard = self._model({"wav": wav, "mask": mask})
        return np.stack([heard[axis].double().cpu().numpy() for axis in AXES], axis=1)


def _load(settings: Audiobox) -> Any:
    """The model of a hub folder (config.json, model.safetensors) or of the package's checkpoint.pt."""
    package = import_foreign("audiobox_aesthetics.model.aes")
    with settings.loading(CARDS[0]) as path:
        config, state = _config_and_state(path)
        known = {
            key: value for key, value in config.items() if key in package.AesMultiOutput.__dataclass_fields__
        }
        model = package.AesMultiOutput(**{**known, "precision": PRECISIONS[settings.precision]})
        load_strictly(model, state)
        if not set(AXES) <= set(model.target_transform or {}):
            raise ValueError(f"its target_transform names {sorted(model.target_transform or {})}")
    return model


def _config_and_state(folder: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    if (folder / "config.json").is_file() and (folder / STATE).is_file():
        return json.loads((folder / "config.json").read_text(encoding="utf-8")), read_state(folder, STATE)
    checkpoint = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    state = {re.sub(r"^model\.", "", name): value for name, value in checkpoint["state_dict"].items()}
    return {**checkpoint["model_cfg"], "target_transform": checkpoint["target_transform"]}, state


build = AudioboxJudge
