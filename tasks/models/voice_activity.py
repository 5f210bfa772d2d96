"""Voice activity: how long a voice is heard in a mix, by a net that needs no separator.

The embedded choice has no net: then the level of the separated vocals alone says whether there is a voice, which is
right of mixes that the separator was made for.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from tasks.models import base
from tasks.models.base import ModelChoice, RealModel

EMBEDDED = "embedded/vocals-level@1"


class SileroModel(RealModel):
    """`threshold`: the probability from which on a window of 32 ms is voice. `min_voice_s`: with so much of it the net
    has heard a voice; `min_words`: with so many words the recogniser has. It runs on the CPU alone.
    """

    device: Literal["cpu"]
    precision: Literal["float32"]
    threshold: float = Field(gt=0, lt=1)
    min_voice_s: float = Field(gt=0)
    min_words: int = Field(ge=1)


class VoiceActivityParams(ModelChoice):
    """Who hears, beside the level of the separated vocals, whether there is a voice."""

    section: ClassVar = "models.voice_activity"
    embedded: ClassVar = {base.EMBEDDED: EMBEDDED}
    real: ClassVar = {"silero": "tasks.models.real.silero"}

    silero: SileroModel


class VoiceActivity(Protocol):
    """Hears voices in a mix."""

    identity: str

    def voiced_s(self, mix_CN: np.ndarray) -> float:
        """Seconds of a mix [2, N] at 44.1 kHz in which a voice is heard."""

    def voiced_at(self, mix_CN: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        """Whether a voice is heard at each of these times of a sound [2, N], bool as they are; no time lies behind its end."""


def build_voice_activity(params: VoiceActivityParams) -> VoiceActivity:
    """The net that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.settings is None:
        raise ValueError(f"{params.section}.model is {params.model}, which listens to no mix; choose silero")
    return params.build_real()
