"""Plays a score's band: chords, bass and drums, synthesised sample by sample.

Legend: C = 2 channels, N = samples at 44.1 kHz. Chords are wide (nearly opposite in the two channels), bass
and kick are centred, snare and hi-hat differ between the channels; a genre with a mono band plays one
channel twice.
"""

from __future__ import annotations

import functools

import numpy as np

from tasks.toy.composition import BEATS_PER_BAR, GENRES, SAMPLE_RATE_HZ, Chord, Genre, Score
from tasks.toy.voice import VOCALS_RMS

_TABLE_BITS = 11
_MAX_PARTIAL_HZ = 6000
_BASS_MIDI, _CHORD_MIDI = 36, 60
_DRUM_S, _HAT_S = 0.12, 0.04
_DETUNE = 1.003


def play_band(score: Score) -> np.ndarray:
    """The band alone, float32 [2, N], `vocals_over_band_db` below the level of `sing`'s vocals."""
    genre = GENRES[score.genre]
    rng = np.random.default_rng((score.seed, 1))
    band_CN = np.zeros((2, score.num_samples), np.float32)
    for chord in score.chords:
        first, last = _sample(chord.start_s), min(_sample(chord.end_s), score.num_samples)
        part_CN = band_CN[:, first:last]
        part_CN += _chord(chord, genre, 60 / score.bpm, part_CN.shape[1])
        part_CN += _bass(chord, 60 / score.bpm, part_CN.shape[1])
    _add_drums(band_CN, score, genre, rng)
    if genre.mono_band:
        band_CN[1] = band_CN[0]
    loudness = np.sqrt(np.square(band_CN).mean(dtype=np.float64))
    return band_CN * np.float32(VOCALS_RMS * 10 ** (-score.vocals_over_band_db / 20) / loudness)


def _sample(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE_HZ)


def _hz(midi: int) -> float:
    return float(440 * 2 ** ((midi - 69) / 12))


@functools.cache
def _wave(num_partials: int, falling: float, phase: float) -> np.ndarray:
    """One period of a tone whose partial k has the level k**-falling, as a table."""
    angle = np.arange(1 << _TABLE_BITS) * (2 * np.pi / (1 << _TABLE_BITS))
    partials = np.arange(1, num_partials + 1)[:, None]
    return (np.sin(partials * angle + phase * partials) / partials**falling).sum(axis=0).astype(np.float32)


def _tone(hz: float, table: np.ndarray, num_samples: int) -> np.ndarray:
    """The table read at a pitch; the phase is a 32-bit counter that wraps once a period."""
    step = np.uint32(round(hz / SAMPLE_RATE_HZ * 2**32))
    return table[(np.arange(num_samples, dtype=np.uint32) * step) >> np.uint32(32 - _TABLE_BITS)]


def _strikes(period_s: float, attack_s: float, decay_per_s: float, num_samples: int) -> np.ndarray:
    """An envelope struck anew every period: a linear attack under an exponential decay; [N]."""
    since_s = np.arange(_sample(period_s), dtype=np.float32) / SAMPLE_RATE_HZ
    envelope = np.minimum(1, since_s / np.float32(attack_s)) * np.exp(-np.float32(decay_per_s) * since_s)
    return np.resize(envelope, num_samples)


def _chord(chord: Chord, genre: Genre, beat_s: float, num_samples: int) -> np.ndarray:
    """The triad, struck evenly through its bar; [2, N], the right channel detuned and turned over."""
    chord_CN = np.zeros((2, num_samples), np.float32)
    for interval in (0, 3 if chord.minor else 4, 7):
        hz = _hz(_CHORD_MIDI + chord.root + interval)
        partials = min(genre.chord_harmonics, int(_MAX_PARTIAL_HZ / hz))
        chord_CN[0] += _tone(hz, _wave(partials, 1.3, interval), num_samples)
        if not genre.mono_band:
            chord_CN[1] -= _tone(hz * _DETUNE, _wave(partials, 1.3, interval + 1.7), num_samples)
    strike_s = beat_s * BEATS_PER_BAR / genre.chord_strikes_per_bar
    return np.float32(0.045) * _strikes(strike_s, 0.01, 0.8 / strike_s, num_samples) * chord_CN


def _bass(chord: Chord, beat_s: float, num_samples: int) -> np.ndarray:
    """The root two octaves below, plucked every beat; [N]."""
    tone_N = _tone(_hz(_BASS_MIDI + chord.root), _wave(2, 1.3, 0.0), num_samples)
    return np.float32(0.16) * _strikes(beat_s, 0.005, 3, num_samples) * tone_N


def _add_drums(band_CN: np.ndarray, score: Score, genre: Genre, rng: np.random.Generator) -> None:
    """Kick on odd beats, snare on even ones, hi-hat on every half beat."""
    time_s = np.arange(int(_DRUM_S * SAMPLE_RATE_HZ), dtype=np.float32) / SAMPLE_RATE_HZ
    sweep = 2 * np.pi * (50 * time_s + 90 * 0.03 * (1 - np.exp(-time_s / 0.03)))
    kick_N = 0.35 * genre.drum_level * np.sin(sweep) * np.exp(-25 * time_s)
    snare_envelope_N = 0.16 * genre.drum_level * np.exp(-35 * time_s)
    hat_envelope_N = 0.05 * genre.drum_level * np.exp(-80 * time_s[: _sample(_HAT_S)])
    for beat, beat_s in enumerate(score.beats_s):
        if beat % 2 == 0:
            _add(band_CN, beat_s, kick_N)
        else:
            _add(band_CN, beat_s, snare_envelope_N * rng.standard_normal((2, len(time_s)), np.float32))
        for offset_s in (0.0, 30 / score.bpm):
            noise_CN = np.diff(rng.standard_normal((2, len(hat_envelope_N) + 1), np.float32), axis=1)
            _add(band_CN, beat_s + offset_s, hat_envelope_N * noise_CN)


def _add(band_CN: np.ndarray, start_s: float, sound: np.ndarray) -> None:
    """Mix a sound [N] or [2, N] in at a time; what lies past the end is lost."""
    part_CN = band_CN[:, _sample(start_s) : _sample(start_s) + sound.shape[-1]]
    part_CN += sound[..., : part_CN.shape[1]]
