"""The kinds of models, and what tells the name of the one that the params choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.settings.params import Params
from tasks.models.aligner import aligner_identity
from tasks.models.codec import codec_identity
from tasks.models.judge import judge_identity
from tasks.models.phonemizer import phonemizer_identity
from tasks.models.separator import separator_identity
from tasks.models.style_encoder import style_encoder_identity
from tasks.models.transcriber import transcriber_identity

IDENTITY: dict[str, Callable[[Any], str]] = {
    "separator": separator_identity,
    "transcriber": transcriber_identity,
    "aligner": aligner_identity,
    "phonemizer": phonemizer_identity,
    "style_encoder": style_encoder_identity,
    "codec": codec_identity,
    "judge": judge_identity,
    "guard_transcriber": transcriber_identity,
}
"""Each kind by its entry of `models`, and what tells the chosen model's name and revision without building it."""


def measuring_models(params: Params) -> tuple[str, str]:
    """The models whose values the limits of `filter` are for: the aligner and the recogniser."""
    return aligner_identity(params.models.aligner), transcriber_identity(params.models.transcriber)
