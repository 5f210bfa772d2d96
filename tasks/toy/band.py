"""Plays the band of a score of world one by its genre: chords, bass and drums (kick, snare, hat), synthesised sample by sample.

Legend: C = 2 channels, N = samples at 44.1 kHz. Chords are wide (nearly opposite in the two channels), bass
and kick are centred, snare and hi-hat differ between the channels; a genre with a mono band plays one
channel twice.
"""

from __future__ import annotations

import numpy as np

from tasks.toy.composition import BEATS_PER_BAR, GENRES, Chord, Genre, Score
from tasks.toy.sound.drums import hat, kick, snare
from tasks.toy.sound.levels import VOCALS_RMS, rms
from tasks.toy.sound.synthesis import hz_of, mix_in, sample_at, strikes, tone, wave_of

_MAX_PARTIAL_HZ = 6000
_BASS_MIDI, _CHORD_MIDI = 36, 60
_DETUNE = 1.003


def play_band(score: Score) -> np.ndarray:
    """The band alone, float32 [2, N], `vocals_over_band_db` below the level of `sing`'s vocals."""
    genre = GENRES[score.genre]
    rng = np.random.default_rng((score.seed, 1))
    band_CN = np.zeros((2, score.num_samples), np.float32)
    for chord in score.chords:
        first, last = sample_at(chord.start_s), min(sample_at(chord.end_s), score.num_samples)
        part_CN = band_CN[:, first:last]
        part_CN += _chord(chord, genre, 60 / score.bpm, part_CN.shape[1])
        part_CN += _bass(chord, 60 / score.bpm, part_CN.shape[1])
    _add_drums(band_CN, score, genre, rng)
    if genre.mono_band:
        band_CN[1] = band_CN[0]
    return band_CN * np.float32(VOCALS_RMS * 10 ** (-score.vocals_over_band_db / 20) / rms(band_CN))


def _chord(chord: Chord, genre: Genre, beat_s: float, num_samples: int) -> np.ndarray:
    """The triad, struck evenly through its bar; [2, N], the right channel detuned and turned over."""
    chord_CN = np.zeros((2, num_samples), np.float32)
    for interval in (0, 3 if chord.minor else 4, 7):
        hz = hz_of(_CHORD_MIDI + chord.root + interval)
        partials = min(genre.chord_harmonics, int(_MAX_PARTIAL_HZ / hz))
        chord_CN[0] += tone(hz, wave_of(partials, 1.3, interval), num_samples)
        if not genre.mono_band:
            chord_CN[1] -= tone(hz * _DETUNE, wave_of(partials, 1.3, interval + 1.7), num_samples)
    strike_s = beat_s * BEATS_PER_BAR / genre.chord_strikes_per_bar
    return np.float32(0.045) * strikes(strike_s, 0.01, 0.8 / strike_s, num_samples) * chord_CN


def _bass(chord: Chord, beat_s: float, num_samples: int) -> np.ndarray:
    """The root two octaves below, plucked every beat; [N]."""
    tone_N = tone(hz_of(_BASS_MIDI + chord.root), wave_of(2, 1.3, 0.0), num_samples)
    return np.float32(0.16) * strikes(beat_s, 0.005, 3, num_samples) * tone_N


def _add_drums(band_CN: np.ndarray, score: Score, genre: Genre, rng: np.random.Generator) -> None:
    """Kick on odd beats, snare on even ones, hi-hat on every half beat."""
    kick_N = kick(genre.drum_level)
    for beat, beat_s in enumerate(score.beats_s):
        mix_in(band_CN, beat_s, kick_N if beat % 2 == 0 else snare(genre.drum_level, rng))
        for offset_s in (0.0, 30 / score.bpm):
            mix_in(band_CN, beat_s + offset_s, hat(genre.drum_level, rng))
