"""Style encoders (`StyleParams`): audio crops or text (tags: genre, tempo) to 512 numbers. The embedded one is spectral statistics under a fixed map.

Shapes: C channels, N samples, F short frames, D statistics, R reduced, S = 512, W windows.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from pydantic import Field

from jam_model.frames import SAMPLE_RATE_HZ, STYLE_DIM
from tasks.models import base
from tasks.models.base import ModelChoice, RealModel, constants_of
from tasks.models.embedded.song_statistics import SHORT_RATE_HZ, Analysis, analyse, rhythm
from tasks.models.released_weights import Card

EMBEDDED = "embedded/spectral-style@1"
CROP_S = 10.0
WINDOW_S, WINDOW_HOP_S = 1.0, 0.5
LAGS_S = np.geomspace(0.2, 1.0, 16)
LOUDNESS_RMS = 0.1
PROJECTION_SEED = 512
BPM = re.compile(r"(\d+(?:\.\d+)?)\s*bpm")
BPM_SPREAD = 0.1  # as a share: how near a genre's tempo must be to a given one to count
SIDE_TAG_WEIGHT = 0.3  # of a voice or tempo tag beside a genre tag


class MuqMulan(RealModel):
    """MuQ-MuLan, and the MuQ and XLM-RoBERTa it is built from.

    Of a song, `crops` parts of `crop_s` are embedded: the ``first`` ones, ``spread`` evenly from its start to its
    end, or ``random`` ones (drawn from `seed` and the audio itself). `negative_style`: an .npy file of 512 numbers
    (the released one is jamify's public/vocal.npy), null for zeros.
    """

    muq_weights: str
    muq_revision: str | None
    text_weights: str
    text_revision: str | None
    crops: int = Field(ge=1)
    crop_s: float = Field(gt=0)
    crop_choice: Literal["first", "random", "spread"]
    seed: int = Field(ge=0)
    negative_style: str | None

    def needs(self, card: Card) -> bool:
        """The file of the negative style is needed where there is one."""
        return card.field != "negative_style" or self.negative_style is not None

    def decides(self) -> dict[str, Any]:
        """The settings that decide values; the negative style does by its content, in the identity."""
        return {key: value for key, value in super().decides().items() if key != "negative_style"}


class StyleParams(ModelChoice):
    """Which style encoder describes the songs."""

    section: ClassVar = "models.style_encoder"
    embedded: ClassVar = {base.EMBEDDED: EMBEDDED}
    real: ClassVar = {"muq_mulan": "tasks.models.real.muq_mulan"}

    muq_mulan: MuqMulan


class StyleEncoder(Protocol):
    """Describes the style of audio or text."""

    identity: str
    negative_style: np.ndarray

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """Style of each crop, float32 [n, 512]; rows of norm 1, or less where a crop is an average."""

    def embed_text(self, text: str) -> np.ndarray:
        """Style of a prompt, float32 [512] of norm 1."""

    def windows(self, mix_CN: np.ndarray) -> np.ndarray:
        """Short-window embeddings for FAD, float32 [W, D]."""


class SpectralStyleEncoder:
    """Balance, movement, width, tempo and pitch of a song, reduced to what tells the toy genres apart.

    The reduction (standardise, whiten within genres, weigh by how much a direction differs between them) is a
    shipped constant, measured on toy songs as they are and after the codec, so that the codec's sound counts
    little. A fixed orthonormal map then spreads it over 512 numbers. `negative_style` is the mean style of
    voices without a band, as in the released model's negative prompt.
    """

    identity = EMBEDDED

    def __init__(self) -> None:
        constants = constants_of("style_encoder")
        self._mean_D = np.asarray(constants["mean_D"])
        self._reduce_DR = np.asarray(constants["reduce_DR"])
        self._spread_RS = spread(self._reduce_DR.shape[1])
        self._tags: dict[str, np.ndarray] = {
            tag: np.asarray(style) for tag, style in constants["tags"].items()
        }
        self._genre_bpm: dict[str, float] = constants["genre_bpm"]
        self._window_mean_D = np.asarray(constants["window_mean_D"])
        self._window_std_D = np.asarray(constants["window_std_D"])
        self.negative_style = self._styles(np.asarray(constants["voice_only"])[None])[0]

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """Style of crops of about 10 s (a shorter song is one crop), float32 [n, 512], rows of norm 1."""
        return self._styles((crop_statistics(mix_CN) - self._mean_D) @ self._reduce_DR)

    def embed_text(self, text: str) -> np.ndarray:
        """Style of a prompt such as ``bright pop, 108 bpm, female voice``, float32 [512] of norm 1.

        Raises:
            ValueError: no known tag in the text; the message lists them.
        """
        tags = [tag for tag in self._tags if re.search(rf"\b{re.escape(tag)}\b", text.lower())]
        main = [tag for tag in tags if tag in self._genre_bpm]
        reduced_R = sum((self._tags[tag] for tag in main), np.zeros(self._reduce_DR.shape[1]))
        side = [self._tags[tag] for tag in tags if tag not in main]
        side += [self._at_tempo(float(bpm)) for bpm in BPM.findall(text.lower()) if float(bpm) > 0]
        if not main and not side:
            raise ValueError(
                f"style text {text!r} names no known tag; known: {', '.join(self._tags)}, '<number> bpm'"
            )
        for style_R in side:
            reduced_R = reduced_R + (SIDE_TAG_WEIGHT if main else 1.0) * style_R
        return self._styles(reduced_R[None])[0]

    def windows(self, mix_CN: np.ndarray) -> np.ndarray:
        """Standardised statistics of 1 s windows every 0.5 s, float32 [W, 36]; a shorter song is one window."""
        return ((window_statistics(mix_CN) - self._window_mean_D) / self._window_std_D).astype(np.float32)

    def _at_tempo(self, bpm: float) -> np.ndarray:
        """Mean style of the genres, weighted by how near their tempo is."""
        away = {genre: np.log(bpm / usual) / BPM_SPREAD for genre, usual in self._genre_bpm.items()}
        nearest = min(abs(steps) for steps in away.values())
        weights = {genre: np.exp(nearest**2 / 2 - steps**2 / 2) for genre, steps in away.items()}
        total = sum(weights.values())
        return sum((self._tags[genre] * (weight / total) for genre, weight in weights.items()), np.zeros(1))

    def _styles(self, reduced_nR: np.ndarray) -> np.ndarray:
        unit_nR = reduced_nR / np.maximum(np.linalg.norm(reduced_nR, axis=1, keepdims=True), 1e-9)
        return (unit_nR @ self._spread_RS).astype(np.float32)


def crop_statistics(mix_CN: np.ndarray) -> np.ndarray:
    """Statistics of each crop of a mix, [n, D]: independent of loudness."""
    analysis = analyse(at_loudness(mix_CN))
    num_frames = len(analysis.onset_F)
    num_crops = max(round(mix_CN.shape[1] / SAMPLE_RATE_HZ / CROP_S), 1)
    bounds = np.linspace(0, num_frames, num_crops + 1).round().astype(int)
    crops = (analysis.between(first, last) for first, last in pairwise(bounds))
    return np.stack([_describe(crop, with_rhythm=True) for crop in crops])


def at_loudness(mix_CN: np.ndarray) -> np.ndarray:
    """The mix at an RMS of 0.1; silence stays silence."""
    rms = float(np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64))))
    return mix_CN * np.float32(LOUDNESS_RMS / rms) if rms > 1e-6 else mix_CN


def window_statistics(mix_CN: np.ndarray) -> np.ndarray:
    """Statistics of each 1 s window, [W, 36], before standardising; loudness counts here."""
    analysis = analyse(mix_CN)
    size, hop = round(WINDOW_S * SHORT_RATE_HZ), round(WINDOW_HOP_S * SHORT_RATE_HZ)
    starts = range(0, max(len(analysis.onset_F) - size, 0) + 1, hop)
    return np.stack([_describe(analysis.between(start, start + size), with_rhythm=False) for start in starts])


def _describe(part: Analysis, with_rhythm: bool) -> np.ndarray:
    """Statistics of some frames: balance and movement of the bands, width, onsets, pitch, clarity."""
    mid_B, side_B = part.mid_FB.mean(axis=0), part.side_FB.mean(axis=0)
    loudness = mid_B[:12].mean()
    clear_F = np.maximum(part.clarity_F - 0.2, 1e-3)
    pitch = float((part.pitch_F * clear_F).sum() / clear_F.sum())
    spread_semitones = float(np.sqrt((((part.pitch_F - pitch) ** 2) * clear_F).sum() / clear_F.sum()))
    width_B = np.maximum(side_B - loudness, -50)
    moments = [np.log(part.onset_F.mean() + 0.1), part.clarity_F.mean(), pitch, spread_semitones]
    if not with_rhythm:
        pairs_B = part.mid_FB.std(axis=0).reshape(-1, 3).mean(axis=1)
        return np.concatenate(
            [mid_B - loudness, pairs_B, width_B, moments, [loudness, part.flatness_F.mean()]]
        )
    movement_B = part.mid_FB.std(axis=0)
    return np.concatenate([mid_B - loudness, movement_B, width_B, moments, rhythm(part.onset_F, LAGS_S)])


@cache
def spread(reduced_dim: int) -> np.ndarray:
    """A fixed map with orthonormal rows, [R, 512]: cosines before and after it are the same."""
    gaussian_SR = np.random.default_rng(PROJECTION_SEED).standard_normal((STYLE_DIM, reduced_dim))
    orthonormal_SR, triangular_RR = np.linalg.qr(gaussian_SR)
    return (orthonormal_SR * np.sign(np.diag(triangular_RR))).T


def build_style_encoder(params: StyleParams) -> StyleEncoder:
    """The style encoder that `params` choose."""
    return SpectralStyleEncoder() if params.settings is None else params.build_real()
