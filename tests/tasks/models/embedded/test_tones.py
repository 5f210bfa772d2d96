"""Tones of a band are found under a voice, and sines in spectra are those of the transform."""

from __future__ import annotations

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.embedded.spectra import istft, stft
from tasks.models.embedded.tones import analyse_tones, midi_hz, sines

TIME_N = np.arange(3 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ


def test_tones_are_read_by_pitch_class_register_side_and_bass_and_sound_like_sines() -> None:
    def sine(midi: int, power: float) -> np.ndarray:
        return np.asarray(np.sqrt(2 * power) * np.sin(2 * np.pi * midi_hz(midi) * TIME_N))

    num_frames = -(-len(TIME_N) // 2048)
    unvoiced_T = np.full(num_frames, 160.0), np.zeros(num_frames)
    mid_N = sine(38, 4e-3) + sine(57, 1e-3) + sine(76, 2e-3)
    tones = analyse_tones(mid_N, sine(76, 2e-3), *unvoiced_T)
    whole = slice(8, -8)
    chroma_P = tones.chroma_TP[whole].mean(axis=0)
    assert np.allclose(chroma_P[[9, 4]], [1e-3, 4e-3], rtol=0.1) and np.delete(chroma_P, [9, 4]).sum() < 5e-5
    assert np.allclose(tones.register_TR[whole].mean(axis=0), [1e-3, 0, 4e-3], atol=4e-4)
    assert np.allclose(tones.side_T[whole], 0.4, atol=0.03)
    assert np.abs(tones.bass_midi_T[whole] - 38).max() < 0.2
    assert np.allclose(tones.bass_T[whole], 4e-3, rtol=0.2)
    voiced = analyse_tones(mid_N, np.zeros_like(mid_N), np.full(num_frames, midi_hz(57)), np.ones(num_frames))
    assert voiced.chroma_TP[whole, 9].max() < 1e-5  # a clear pitch there is the voice's

    spectra_FK = sines(np.full((200, 2), 0.1), 45, 1024, 512, 0.0)
    heard_N = istft(spectra_FK, 1024, 512, 200 * 512)
    asked_N = sum(
        0.1 * np.cos(2 * np.pi * midi_hz(midi) * np.arange(200 * 512) / SAMPLE_RATE_HZ) for midi in (45, 46)
    )
    assert np.allclose(heard_N[2048:-2048], asked_N[2048:-2048], atol=3e-3)
    assert np.allclose(spectra_FK[10:-10], stft(asked_N, 1024, 512)[10:-10], atol=0.5)
