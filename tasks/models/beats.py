"""Beats of a mix: when they fall, and which of them open a bar. `models.beats.model: none` asks nobody, and there is no stage.

librosa's tracker has no weights and knows no bars; it is right of steady music with drums. Source: D. Ellis, Beat Tracking by
Dynamic Programming, Journal of New Music Research 36 (2007).

Shapes: N samples, B beats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
import soxr

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.base import ModelChoice, RealModel
from tasks.models.released_weights import Card, require_packages

NONE, LIBROSA = "none", "librosa"
LIBROSA_IDENTITY = "librosa/beat-track@1"
TRACKED = Card(
    name="librosa's beat tracker",
    section="models.beats",
    packages=("librosa", "numpy", "scipy", "soxr"),
    files=(),
    released_at="the package itself",
    licence="ISC",
)
RATE_HZ = 22_050


class BeatThisModel(RealModel):
    """Beat This!: a net on 30 s at a time, one after the other; it knows downbeats."""

    batch_size: Literal[1]


class BeatsParams(ModelChoice):
    """Who hears the beats of a mix."""

    section: ClassVar = "models.beats"
    embedded: ClassVar = {NONE: NONE, LIBROSA: LIBROSA_IDENTITY}
    real: ClassVar = {"beat_this": "tasks.models.real.beat_this"}

    beat_this: BeatThisModel

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions whose versions may change what is heard."""
        return TRACKED.packages if self.model == LIBROSA else super().packages

    def shipped_identity(self) -> str:
        """See `ModelChoice.shipped_identity`.

        Raises:
            BadModel: librosa is chosen, and not here.
        """
        if self.model == LIBROSA:
            require_packages(TRACKED)
        return super().shipped_identity()


@dataclass(frozen=True)
class Beats:
    """Times of beats, ascending, and of those that open a bar, which are among them; None: nobody knows the bars."""

    times_s: tuple[float, ...]
    downbeats_s: tuple[float, ...] | None

    @property
    def tempo_bpm(self) -> float | None:
        """Of the median time between beats; None: fewer than two."""
        apart_s = np.diff(self.times_s)
        return float(60 / np.median(apart_s)) if len(apart_s) else None


class BeatTracker(Protocol):
    """Hears beats."""

    identity: str

    def track(self, mix_CN: np.ndarray) -> Beats:
        """The beats of a mix [2, N] at 44.1 kHz; none of one without any."""


class LibrosaTracker:
    """librosa's tracker, on the middle of a mix at 22.05 kHz."""

    identity = LIBROSA_IDENTITY

    def track(self, mix_CN: np.ndarray) -> Beats:
        """See `BeatTracker.track`."""
        import librosa

        audio_N = soxr.resample(mix_CN.mean(axis=0), SAMPLE_RATE_HZ, RATE_HZ)
        _, times_B = librosa.beat.beat_track(y=audio_N, sr=RATE_HZ, units="time")
        return Beats(tuple(float(time) for time in times_B), None)


def build_beats(params: BeatsParams) -> BeatTracker:
    """The tracker that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.model == NONE:
        raise ValueError("models.beats.model is none, which hears no beats; choose librosa or beat_this")
    return LibrosaTracker() if params.settings is None else params.build_real()
