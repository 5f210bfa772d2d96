"""Melody of the separated vocals (`MelodyParams`): a tracker's pitch (MIDI, certainty) at the latent frame rate, and where there is a voice.

`models.melody.model: none` asks nobody, and there is no stage.

The embedded tracker follows a pitch also without a voice; whether there is one is a decision of its own, by the level of the vocals. A net of
`models.voice_activity` has a say in it where one is chosen.

Shapes: N samples, T latent frames.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np
from pydantic import Field

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ, frames_of_samples
from tasks.models.base import EMBEDDED, ModelChoice, RealModel
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import stft

NONE = "none"
EMBEDDED_IDENTITY = "embedded/voice-pitch@1"
SIZE = 4096
BELOW_LOUDEST_DB = 18.0  # a frame that is quieter than the loudest one by more is no voice
SILENCE = 1e-10  # of a frame's mean square


class PestoModel(RealModel):
    """`threshold`: the net's confidence from which on a frame is voice; `batch_size`: frames in one pass."""

    threshold: float = Field(gt=0, lt=1)


class MelodyParams(ModelChoice):
    """Who follows the melody of the vocals."""

    section: ClassVar = "models.melody"
    embedded: ClassVar = {NONE: NONE, EMBEDDED: EMBEDDED_IDENTITY}
    real: ClassVar = {"pesto": "tasks.models.real.pesto"}

    pesto: PestoModel


@dataclass(frozen=True)
class Melody:
    """`midi_T`: a pitch in every frame, also without a voice; `voiced_T`: where there is one; `certainty_T`: of the pitch, in [0, 1]."""

    midi_T: np.ndarray
    voiced_T: np.ndarray
    certainty_T: np.ndarray

    def only_where(self, voice_T: np.ndarray) -> Self:
        """The same, voiced only in frames that are voice here, too."""
        return replace(self, voiced_T=self.voiced_T & voice_T)

    def as_column(self) -> np.ndarray:
        """float32 [T, 2]: MIDI pitch, NaN where no voice is; certainty."""
        midi_T = np.where(self.voiced_T, self.midi_T, np.nan)
        return np.stack([midi_T, self.certainty_T], axis=1).astype(np.float32)


class MelodyTracker(Protocol):
    """Follows a voice."""

    identity: str

    def track(self, vocals_N: np.ndarray) -> Melody:
        """The melody of vocals [N] at 44.1 kHz, T = N // 2048; frame t is heard about its middle."""


class VoicePitch:
    """Our pitch tracker, and voice where the vocals are loud."""

    identity = EMBEDDED_IDENTITY

    def track(self, vocals_N: np.ndarray) -> Melody:
        """See `MelodyTracker.track`."""
        num_frames = frames_of_samples(len(vocals_N))
        pitch_hz_F, clarity_F = track_pitch(np.abs(stft(vocals_N, SIZE, HOP_SAMPLES)), SIZE)
        return Melody(midi_of(pitch_hz_F[:num_frames]), loud(vocals_N), clarity_F[:num_frames])


def loud(vocals_N: np.ndarray) -> np.ndarray:
    """Latent frames that are at most so much quieter than the loudest one, bool [T]; none of silence."""
    num_frames = frames_of_samples(len(vocals_N))
    frames_TN = vocals_N[: num_frames * HOP_SAMPLES].reshape(num_frames, HOP_SAMPLES).astype(np.float64)
    power_T = (frames_TN**2).mean(axis=1)
    return power_T > max(power_T.max(initial=0.0) * 10 ** (-BELOW_LOUDEST_DB / 10), SILENCE)


def midi_of(hz: np.ndarray) -> np.ndarray:
    """MIDI note numbers of frequencies above 0, with fractions."""
    return 69 + 12 * np.log2(np.asarray(hz, np.float64) / 440)


def frame_middles_s(num_frames: int) -> np.ndarray:
    """The middle of each latent frame in seconds, [T]."""
    return (np.arange(num_frames) + 0.5) * HOP_SAMPLES / SAMPLE_RATE_HZ


def build_melody(params: MelodyParams) -> MelodyTracker:
    """The tracker that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.model == NONE:
        raise ValueError("models.melody.model is none, which follows no melody; choose embedded or pesto")
    return VoicePitch() if params.settings is None else params.build_real()
