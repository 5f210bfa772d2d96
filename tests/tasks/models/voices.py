"""Params that choose the real separator, transcriber and aligner, with tiny checkpoints written for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from flows.settings.params import load_params
from tasks.models.aligner import AlignerParams
from tasks.models.base import ModelChoice
from tasks.models.separator import SeparatorParams
from tasks.models.transcriber import TranscriberParams
from tests.tasks.models.sung import songs

Choice = TypeVar("Choice", bound=ModelChoice)


def choosing(choice: Choice, model: str, weights: Path | str, **settings: Any) -> Choice:
    """The same section with this real model, on the CPU, with these weights and settings."""
    real = getattr(choice, model).model_copy(update={"weights": str(weights), "device": "cpu", **settings})
    return choice.model_copy(update={"model": model, model: real})


def demucs_params(weights: Path | str, **settings: Any) -> SeparatorParams:
    return choosing(load_params().models.separator, "demucs", weights, **{"batch_size": 2, **settings})


def whisper_params(weights: Path | str, **settings: Any) -> TranscriberParams:
    return choosing(load_params().models.transcriber, "whisper", weights, **settings)


def whisperx_params(weights: Path | str, **settings: Any) -> AlignerParams:
    return choosing(load_params().models.aligner, "whisperx", weights, **settings)


def mix(seconds: float) -> np.ndarray:
    """The beginning of a toy song, float32 [2, N]."""
    return songs()[0].mix_CN[:, : round(seconds * 44_100)]


def vocals(seconds: float) -> np.ndarray:
    """A toy song's singer, again and again, float32 [N]."""
    sung_N = songs()[0].vocals_N
    return np.resize(sung_N, round(seconds * 44_100))
