"""Phrasing: how the separated voice moves: its pitch, and whether its sound repeats itself. Only where it is asked for."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from eval.metrics.phrasing import pitch_spread, repeated_share
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Section
from tasks.models.embedded.pitch import track_pitch
from tasks.models.embedded.spectra import band_energies, decibels, mel_bank, power, stft
from tasks.stages.bases import VocalsStage

PITCH_SIZE, PITCH_HOP = 4096, 2048
CLEAR = 0.2
"""A frame of this clarity has a pitch (that of a clean vowel is about 0.8)."""
BAND_SIZE, BAND_HOP, NUM_BANDS = 4096, 1024, 24
LOW_HZ, HIGH_HZ = 80.0, 8000.0
FLOOR_DB = -60.0
"""Below the loudest frame nothing is told apart."""


class PhrasingParams(Section):
    """`when`: measured always, or never. The rest says what counts as the same sound again: pieces of `piece_s`, whose
    starts lie `apart_s` or more apart, with a correlation of at least `alike`.
    """

    when: Literal["never", "always"]
    piece_s: float = Field(gt=0)
    apart_s: float = Field(gt=0)
    alike: float = Field(gt=0, lt=1)


class Phrasing(VocalsStage):
    """Tracks the pitch of the vocals, and compares their pieces with one another."""

    name = "phrasing"
    version = 1
    params: PhrasingParams
    packages = (*VocalsStage.packages, "scipy")
    writes = {
        "pitch_spread": Column(
            pa.float64(), "interquartile range of the voice's pitch, in semitones; null = hardly voiced"
        ),
        "repeated_share": Column(
            pa.float64(),
            "share of the pieces of the voice that sound elsewhere too; null = too short or still",
        ),
    }

    def one(self, song: Song) -> Song:
        """The song with both."""
        return song.with_columns(**self.measured(self.opened(song)))

    def measured(self, vocals_N: np.ndarray) -> dict[str, float | None]:
        """The columns of vocals, float32 [N] at 44.1 kHz."""
        pitch_hz_F, clarity_F = track_pitch(abs(stft(vocals_N, PITCH_SIZE, PITCH_HOP)), PITCH_SIZE)
        bank_BK = mel_bank(NUM_BANDS, LOW_HZ, HIGH_HZ, BAND_SIZE)
        level_db_FB = decibels(band_energies(power(stft(vocals_N, BAND_SIZE, BAND_HOP)), bank_BK), 1e-10)
        level_db_FB = level_db_FB.clip(level_db_FB.max(initial=-100.0) + FLOOR_DB)
        rate, params = SAMPLE_RATE_HZ / BAND_HOP, self.params
        return {
            "pitch_spread": pitch_spread(pitch_hz_F, clarity_F > CLEAR),
            "repeated_share": repeated_share(
                level_db_FB, round(params.piece_s * rate), round(params.apart_s * rate), params.alike
            ),
        }
