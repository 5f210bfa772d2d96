"""The pitch of a voice made of harmonics is the pitch it was made with."""

from __future__ import annotations

import numpy as np

from tasks.models.embedded.pitch import LOWEST_HZ, track_pitch
from tasks.models.embedded.spectra import stft
from tests.every import every

RATE_HZ, SIZE, HOP = 44_100, 4096, 1024


def magnitudes_FK(pitch_hz_N: np.ndarray) -> np.ndarray:
    """Spectra of twelve harmonics of a gliding tone, falling as 1 / n."""
    phase_N = 2 * np.pi * np.cumsum(pitch_hz_N) / RATE_HZ
    sound_N = sum(np.sin(n * phase_N) / n for n in range(1, 13)) * 0.2
    return np.abs(stft(sound_N.astype(np.float32), SIZE, HOP))


def cents(found_hz: np.ndarray, true_hz: np.ndarray | float) -> np.ndarray:
    return np.abs(1200 * np.log2(found_hz / true_hz))


@every("true_hz", [110.0, 196.0, 199.0, 261.6, 440.0])
def test_a_steady_tone_is_found_in_its_octave_within_an_eighth_of_a_semitone(true_hz: float) -> None:
    pitch_hz_F, clarity_F = track_pitch(magnitudes_FK(np.full(RATE_HZ, true_hz)), SIZE)
    assert cents(pitch_hz_F[4:-4], true_hz).max() < 12
    assert clarity_F[4:-4].min() > 0.4


def test_a_glide_is_followed() -> None:
    pitch_hz_N = np.geomspace(150, 300, 2 * RATE_HZ)
    pitch_hz_F, _ = track_pitch(magnitudes_FK(pitch_hz_N), SIZE)
    centre_F = np.clip(np.arange(len(pitch_hz_F)) * HOP, 0, len(pitch_hz_N) - 1)
    assert np.median(cents(pitch_hz_F, pitch_hz_N[centre_F])[4:-4]) < 40


def test_silence_has_no_clarity_and_a_path_all_the_same() -> None:
    pitch_hz_F, clarity_F = track_pitch(np.zeros((5, SIZE // 2 + 1), np.float32), SIZE)
    assert clarity_F.max() == 0 and len(pitch_hz_F) == 5 and np.isfinite(pitch_hz_F).all()
    assert pitch_hz_F.min() >= LOWEST_HZ * 2 ** (-0.5 / 36)
    assert len(track_pitch(np.zeros((0, SIZE // 2 + 1), np.float32), SIZE)[0]) == 0
