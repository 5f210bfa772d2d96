"""Judges (`JudgeParams`): aesthetic scores (axes) of a song. The embedded one weighs signal statistics (rhythm, repetition, bands) against toy references.

Shapes: C channels, N samples, F short frames, B bands, S statistics, A axes.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from tasks.models.base import EMBEDDED as DEFAULT
from tasks.models.base import ModelChoice, RealModel, constants_of
from tasks.models.embedded.song_statistics import SHORT_RATE_HZ, Analysis, analyse, rhythm
from tasks.models.embedded.trial_judges import TRIALS, TrialJudge, check_mix, trial_identity

EMBEDDED = "embedded/signal-judge@1"
AXES = ("coherence", "musicality", "memorability", "clarity", "naturalness")
LISTENS_TO: dict[str, tuple[str, ...]] = {
    "coherence": ("rhythm_peak", "rhythm_contrast", "onset_contrast", "flicker", "movement"),
    "musicality": ("clarity", "clarity_peak", "pitch_motion", "rhythm_peak", "flatness"),
    "memorability": ("repetition", "depth", "onset_contrast", "clarity", "rhythm_contrast"),
    "clarity": ("flatness", "flatness_best", "upper_valley", "depth", "clarity_peak"),
    "naturalness": ("balance", "movement", "upper_valley", "flicker", "depth"),
}
STATISTICS = tuple(sorted({name for names in LISTENS_TO.values() for name in names}))
STEEPNESS = 4.0  # of the curve from quality (0 noise, 1 a song as played) to a score
LAGS_S = np.geomspace(0.2, 1.2, 24)
REPEAT_S = 0.25
REPEAT_AFTER = 4  # pieces of REPEAT_S: what is nearer is the same note, no repetition


class SongEval(RealModel):
    """SongEval's head and the MuQ it listens through; a song is one pass, whatever `batch_size`."""

    axes: ClassVar = AXES

    muq_weights: str
    muq_revision: str | None


class Audiobox(RealModel):
    """Audiobox Aesthetics: content enjoyment and usefulness, production complexity and quality."""

    axes: ClassVar = ("CE", "CU", "PC", "PQ")


class JudgeParams(ModelChoice):
    """Which judge scores the songs. `model` may also be one of TRIALS, embedded judges to try rules on."""

    section: ClassVar = "models.judge"
    embedded: ClassVar = {DEFAULT: EMBEDDED, **{name: trial_identity(name) for name in TRIALS}}
    real: ClassVar = {
        "songeval": "tasks.models.real.songeval",
        "audiobox": "tasks.models.real.audiobox",
    }

    songeval: SongEval
    audiobox: Audiobox

    @property
    def axes(self) -> tuple[str, ...]:
        """What the chosen judge scores, without building it."""
        if self.model in TRIALS:
            return (self.model,)
        return getattr(self.settings, "axes", AXES)


class Judge(Protocol):
    """Scores how good a song sounds, on `axes` that go from `low` to `high`."""

    identity: str
    axes: tuple[str, ...]
    low: float
    high: float

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        """A score for each of `axes`, float64 [A]."""


class SignalJudge:
    """Each axis is a smooth function of a few statistics: rhythm, pitch, repetition, noise and balance.

    The weights were fitted once to graded damage of toy songs (noise at three levels, the codec, noisy and
    blurred latents, latents of pure noise: `python -m tasks.models.training.constants judge`). The score says how far a
    song is from such damage, and nothing about taste.
    """

    identity = EMBEDDED
    axes: tuple[str, ...] = AXES
    low, high = 1.0, 5.0

    def __init__(self) -> None:
        self._measured = {name: np.asarray(value) for name, value in constants_of("judge").items()}

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        """The five AXES, float64 [5], each in (1, 5).

        Raises:
            ValueError: not [2, N] or not finite.
        """
        check_mix(mix_CN)
        measured = self._measured
        level = (measured["level_mean_B"], measured["level_std_B"])
        movement = (measured["movement_mean_B"], measured["movement_std_B"])
        heard_S = statistics(analyse(mix_CN), level, movement)
        standard_S = (heard_S - measured["mean_S"]) / measured["std_S"]
        quality_A = measured["weight_AS"] @ soft_limit(standard_S) + measured["offset_A"]
        return 1 + 4 / (1 + np.exp(-STEEPNESS * (quality_A - 0.5)))


def soft_limit(standard_S: np.ndarray) -> np.ndarray:
    """Standardised statistics kept within about 4, smoothly: no one of them decides alone."""
    return 4 * np.tanh(standard_S / 4)


Reference = tuple[np.ndarray, np.ndarray]


def statistics(analysis: Analysis, level: Reference, movement: Reference) -> np.ndarray:
    """The STATISTICS of a song in their order, [S]; references are (mean_B, std_B) of true songs."""
    mid_FB, loudness_F = analysis.mid_FB, analysis.mid_FB[:, :12].mean(axis=1)
    loud = float(np.percentile(loudness_F, 90))
    weight_F = np.exp((loudness_F - loud) / 10)
    weight_F /= weight_F.sum()
    onset_F = analysis.onset_F
    repeats_L = rhythm(onset_F, LAGS_S)
    low_B, high_B = np.percentile(mid_FB, [10, 95], axis=0)
    flatness_F = np.log(analysis.flatness_F + 1e-4)
    step_F = np.abs(np.diff(analysis.pitch_F, prepend=analysis.pitch_F[:1]))
    change_FB = np.diff(mid_FB, n=2, axis=0) if len(mid_FB) > 2 else np.zeros((1, mid_FB.shape[1]))
    values = {
        "rhythm_peak": repeats_L.max(),
        "rhythm_contrast": repeats_L.std(),
        "onset_contrast": np.log((np.percentile(onset_F, 95) + 0.1) / (onset_F.mean() + 0.1)),
        "clarity": weight_F @ analysis.clarity_F,
        "clarity_peak": np.percentile(analysis.clarity_F, 90),
        "pitch_motion": np.log(weight_F @ np.minimum(step_F, 3) + 0.02),
        "flatness": weight_F @ flatness_F,
        "flatness_best": np.percentile(flatness_F, 10),
        "repetition": repetition(mid_FB),
        "depth": (high_B - low_B).mean(),
        "upper_valley": low_B[8:].mean() - loud,
        "flicker": np.log(np.abs(change_FB).mean() + 0.1),
        "balance": distance(band_levels(analysis), level),
        "movement": distance(mid_FB.std(axis=0), movement),
    }
    return np.asarray([values[name] for name in STATISTICS], np.float64)


def band_levels(analysis: Analysis) -> np.ndarray:
    """Mean level of every mid and side band against the mid's lower twelve, [B]."""
    mid_B, side_B = analysis.mid_FB.mean(axis=0), analysis.side_FB.mean(axis=0)
    return np.maximum(np.concatenate([mid_B, side_B]) - mid_B[:12].mean(), -50)


def distance(values_B: np.ndarray, reference: Reference) -> float:
    """Log of the root mean square of standardised differences; 0 for a typical true song."""
    mean_B, std_B = reference
    return float(0.5 * np.log(0.1 + (((values_B - mean_B) / std_B) ** 2).mean()))


def repetition(mid_FB: np.ndarray) -> float:
    """Mean over short pieces of the cosine with the most alike piece at least a second away; 0 if too short."""
    piece = round(REPEAT_S * SHORT_RATE_HZ)
    num_pieces = len(mid_FB) // piece
    if num_pieces <= REPEAT_AFTER + 1:
        return 0.0
    pieces_PB = mid_FB[: num_pieces * piece].reshape(num_pieces, piece, -1).mean(axis=1)
    pieces_PB = pieces_PB - pieces_PB.mean(axis=0)
    pieces_PB = pieces_PB / (np.sqrt((pieces_PB**2).sum(axis=1, keepdims=True)) + 1e-3)
    alike_PP = (pieces_PB[:, None] * pieces_PB).sum(axis=2)
    apart_PP = np.abs(np.subtract.outer(np.arange(num_pieces), np.arange(num_pieces)))
    best_P = np.where(apart_PP >= REPEAT_AFTER, alike_PP, -1).max(axis=1)
    return float(best_P.mean())


def build_judge(params: JudgeParams) -> Judge:
    """The judge that `params` choose."""
    if params.model in TRIALS:
        return TrialJudge(params.model)
    return SignalJudge() if params.settings is None else params.build_real()
