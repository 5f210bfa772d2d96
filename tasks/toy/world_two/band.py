"""The band of a song of world two: chords that a mono downmix keeps, a bass at every beat, drums.

Legend: C = 2 channels, N = samples at 44.1 kHz. Chords have a middle signal M and, if their part is wide, a side signal
S that is detuned: left is M + S, right M - S, so their sum is the middle alone.
"""

from __future__ import annotations

import numpy as np

from tasks.toy.sound.drums import hat, kick, snare
from tasks.toy.sound.levels import VOCALS_RMS, rms
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ, hz_of, mix_in, sample_at, strikes, tone, wave_of
from tasks.toy.world_two.features import stream
from tasks.toy.world_two.harmony import QUALITIES
from tasks.toy.world_two.score import GENRES, Genre, Score
from tasks.toy.world_two.truth import Chord, PartStyle

_MAX_PARTIAL_HZ = 6000
_CHORD_LEVEL, _BASS_LEVEL = 0.05, 0.16
_DETUNE = 1.003
_TREMOLO_DEPTH = 0.4


def play_band(score: Score) -> np.ndarray:
    """The band alone, float32 [2, N], `vocals_over_band_db` below the voices."""
    genre = GENRES[score.genre]
    rng = stream(score.seed, "drum noise")
    band_CN = np.zeros((2, score.num_samples), np.float32)
    parts = iter(score.parts)
    part = next(parts)
    for chord in score.chords:
        while chord.start_s >= part.end_s - 1e-9:
            part = next(parts)
        piece_CN = band_CN[:, sample_at(chord.start_s) : sample_at(chord.end_s)]
        piece_CN += _chord(chord, part.style, genre, piece_CN.shape[1])
    beat_s = 60 / score.tempo_bpm
    for note in score.bass:
        tone_N = tone(hz_of(note.midi), wave_of(2, 1.3, 0.0), sample_at(beat_s))
        mix_in(
            band_CN, note.time_s, np.float32(_BASS_LEVEL) * strikes(beat_s, 0.005, 3, len(tone_N)) * tone_N
        )
    for strike in score.strikes:
        if strike.drum == "kick":
            mix_in(band_CN, strike.time_s, kick(genre.drum_level))
        else:
            struck = snare if strike.drum == "snare" else hat
            mix_in(band_CN, strike.time_s, struck(genre.drum_level, rng))
    return band_CN * np.float32(VOCALS_RMS * 10 ** (-score.vocals_over_band_db / 20) / rms(band_CN))


def voicing(chord: Chord, register_midi: int) -> list[int]:
    """The chord's notes: each pitch class in the octave that begins at the register."""
    return sorted(
        register_midi + (chord.root + interval - register_midi) % 12 for interval in QUALITIES[chord.quality]
    )


def _chord(chord: Chord, style: PartStyle, genre: Genre, num_samples: int) -> np.ndarray:
    """The chord struck evenly through its bar; [2, N]."""
    middle_N = np.zeros(num_samples, np.float32)
    side_N = np.zeros(num_samples, np.float32)
    for midi in voicing(chord, style.register_midi):
        hz = hz_of(midi)
        partials = max(min(style.brightness, int(_MAX_PARTIAL_HZ / hz)), 1)
        middle_N += tone(hz, wave_of(partials, genre.falling, float(midi % 12)), num_samples)
        if style.side_share > 0:
            side_N += tone(hz * _DETUNE, wave_of(partials, genre.falling, midi % 12 + 1.7), num_samples)
    strike_s = (chord.end_s - chord.start_s) / style.strikes_per_bar
    level_N = np.float32(_CHORD_LEVEL) * strikes(strike_s, 0.01, 0.8 / strike_s, num_samples)
    if style.tremolo_hz > 0:
        time_s = np.arange(num_samples, dtype=np.float32) / SAMPLE_RATE_HZ
        level_N *= 1 - np.float32(_TREMOLO_DEPTH) * (
            0.5 - 0.5 * np.cos(2 * np.pi * style.tremolo_hz * time_s)
        )
    middle_N *= level_N
    if style.side_share == 0:
        return np.stack([middle_N, middle_N])
    side_N *= level_N * np.float32(style.side_share)
    return np.stack([middle_N + side_N, middle_N - side_N])
