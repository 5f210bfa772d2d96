"""Separators (`SeparatorParams`): the stems of a mix, its vocals above all. The embedded one masks by place (mid, side) and a comb at the pitch.

Shapes: C channels, N samples, F frames, K bins.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from tasks.models import base
from tasks.models.base import ModelChoice, RealModel
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import bin_hz, istft, stft

EMBEDDED = "embedded/mid-side-pitch@1"
SIZE, HOP = 4096, 1024
SIDE_WEIGHT = 1.2  # how much of the mid a bin's side level takes away
FLOOR = 0.05  # the least gain of the stereo mask
COMB_FLOOR = 0.05  # the least gain between partials
PARTIAL_WIDTH_HZ = 16.0
PARTIAL_SPREAD = 0.01  # width of a partial as a share of its frequency: pitch moves within a frame
COMB_FADE_HZ = (1500.0, 3500.0)  # above, consonants: the comb opens
VOICED_CLARITY = (0.1, 0.2)
UNVOICED_HZ = (400.0, 800.0)  # without pitch, only what lies above can be voice
LOWEST_HZ = (70.0, 110.0)

VOCALS, ACCOMPANIMENT, OTHER = "vocals", "accompaniment", "other"
Stems = Literal["vocals", "two", "four"]


class DemucsModel(RealModel):
    """`weights`: a hub id, or a folder with a bag's .yaml and the .safetensors or .th files of its models.
    `overlap`: share of a segment that the next one hears too.
    """

    overlap: float = Field(ge=0, le=0.99)


class SeparatorParams(ModelChoice):
    """Which separator takes mixes apart."""

    section: ClassVar = "models.separator"
    embedded: ClassVar = {base.EMBEDDED: EMBEDDED}
    real: ClassVar = {"demucs": "tasks.models.real.demucs"}

    demucs: DemucsModel


class Separator(Protocol):
    """Takes a mix apart."""

    identity: str

    def separate(self, mix_CN: np.ndarray) -> np.ndarray:
        """Vocals, float32 mono [N] at 44.1 kHz, of a mix [2, N]."""

    def stems(self, mix_CN: np.ndarray) -> dict[str, np.ndarray]:
        """All the parts this separator tells apart by name, each float32 [2, N]; the mean of the two channels
        of `vocals` is what `separate` gives.
        """


class MidSidePitchSeparator:
    """Keeps what is in the middle, then what belongs to the pitch of the leading voice.

    In the middle: a bin whose left and right differ loses as much. Of the pitch: a comb around the partials
    of the tracked pitch below 3.5 kHz, which is what helps when the whole band is in the middle too.
    """

    identity = EMBEDDED

    def stems(self, mix_CN: np.ndarray) -> dict[str, np.ndarray]:
        """The vocals on both sides, and what is left of the mix without them."""
        vocals_CN = np.stack([self.separate(mix_CN)] * 2)
        return {VOCALS: vocals_CN, ACCOMPANIMENT: mix_CN - vocals_CN}

    def separate(self, mix_CN: np.ndarray) -> np.ndarray:
        """Vocals, float32 mono [N]; digital silence stays silence."""
        mid_FK = stft((mix_CN[0] + mix_CN[1]) / 2, SIZE, HOP)
        level_FK = np.abs(mid_FK)
        side_N = (mix_CN[0] - mix_CN[1]) / 2
        mask_FK = np.ones_like(level_FK)
        if side_N.any():
            side_FK = np.abs(stft(side_N, SIZE, HOP))
            mask_FK = np.maximum(1 - SIDE_WEIGHT * side_FK / (level_FK + 1e-6), FLOOR)
        pitch_hz_F, clarity_F = track_pitch(level_FK * mask_FK, SIZE)
        mask_FK *= comb_mask(pitch_hz_F, clarity_F)
        return istft(mid_FK * mask_FK, SIZE, HOP, mix_CN.shape[1])


def comb_mask(pitch_hz_F: np.ndarray, clarity_F: np.ndarray) -> np.ndarray:
    """Gains in (0, 1], [F, K]: the partials of a voiced frame, the upper bands of an unvoiced one."""
    hz_K = bin_hz(SIZE)
    num_low = int(np.searchsorted(hz_K, COMB_FADE_HZ[1]))
    low_K = hz_K[:num_low]
    partial_FK = np.maximum(np.rint(low_K / pitch_hz_F[:, None]), 1)
    away_FK = (low_K - partial_FK * pitch_hz_F[:, None]) / (PARTIAL_WIDTH_HZ + PARTIAL_SPREAD * low_K)
    open_K = ramp(low_K, COMB_FADE_HZ)
    comb_FK = np.exp(-0.5 * away_FK**4) * (1 - open_K) + open_K
    voiced_F1 = ramp(clarity_F, VOICED_CLARITY)[:, None]
    mask_FK = np.ones((len(pitch_hz_F), len(hz_K)), np.float32)
    blend_FK = voiced_F1 * comb_FK + (1 - voiced_F1) * ramp(low_K, UNVOICED_HZ)
    mask_FK[:, :num_low] = np.maximum(blend_FK, COMB_FLOOR) * ramp(low_K, LOWEST_HZ)
    return mask_FK


def ramp(values: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    """0 below the first limit, 1 above the second, straight between."""
    return np.clip((values - between[0]) / (between[1] - between[0]), 0, 1)


def grouped(stems: Mapping[str, np.ndarray], asked: Stems) -> dict[str, np.ndarray]:
    """The stems as ``two`` or ``four`` name them; whatever has no name of its own there is added up."""
    named = (VOCALS,) if asked == "two" else ("drums", "bass", VOCALS)
    rest_CN = np.sum([stem_CN for name, stem_CN in stems.items() if name not in named], axis=0)
    if asked == "two":
        return {VOCALS: stems[VOCALS], ACCOMPANIMENT: rest_CN}
    return {"drums": stems["drums"], "bass": stems["bass"], OTHER: rest_CN, VOCALS: stems[VOCALS]}


def build_separator(params: SeparatorParams) -> Separator:
    """The separator that `params` choose."""
    return MidSidePitchSeparator() if params.settings is None else params.build_real()
