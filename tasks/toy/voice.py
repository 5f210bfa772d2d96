"""Sings a score of world one (`sing`): espeak words on its notes, with the exact times of every word and phone, fades between.

The words come from espeak processes (see `tasks.toy.sound.singers`), started when first needed and kept; what one
sings depends on the score alone, so `sing` may be called in any order, thread and process.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from jam_model.words import Word
from tasks.toy.composition import SAMPLE_RATE_HZ, Score
from tasks.toy.sound import espeak
from tasks.toy.sound.levels import VOCALS_RMS, rms
from tasks.toy.sound.singers import sing_notes

_FADE_SAMPLES = 64  # at espeak's rate, 3 ms


class TimedPhone(NamedTuple):
    """A phone as espeak emits it, IPA with stress marks, its start and end in seconds, and the index of its word."""

    ipa: str
    start_s: float
    end_s: float
    word: int


class Take(NamedTuple):
    """A sung score: the voice alone and what it sings when.

    vocals_N: mono float32 at 44.1 kHz, as long as the score, RMS 0.085 over the whole song.
    words: one a note, in order, not overlapping.
    phones: in order. The l of "will", "until" and "silver" has no length: espeak sings it inside the vowel before.
    """

    vocals_N: np.ndarray
    words: list[Word]
    phones: list[TimedPhone]


def sing(score: Score) -> Take:
    """The score's voice. The same score gives the same samples, always."""
    import soxr

    rate_hz = espeak.RATE_HZ
    sung = sing_notes(score.voice, [(note.word, note.duration_s, note.midi) for note in score.notes])
    voice_N = np.zeros(int(score.duration_s * rate_hz) + 1, np.float32)
    words, phones = [], []
    for index, (note, (sound_N, of_word)) in enumerate(zip(score.notes, sung, strict=True)):
        start = round(note.start_s * rate_hz)
        samples_N = sound_N.astype(np.float32) / 32768
        fade_N = np.linspace(0, 1, min(_FADE_SAMPLES, len(samples_N)), dtype=np.float32)
        samples_N[-len(fade_N) :] *= fade_N[::-1]
        voice_N[start : start + len(samples_N)] += samples_N[: len(voice_N) - start]
        words.append(Word(note.word, start / rate_hz, (start + len(samples_N)) / rate_hz))
        for phone, first, end in of_word:
            phones.append(TimedPhone(phone, (start + first) / rate_hz, (start + end) / rate_hz, index))
    vocals_N = soxr.resample(voice_N, rate_hz, SAMPLE_RATE_HZ)
    vocals_N = np.pad(vocals_N, (0, score.num_samples))[: score.num_samples]
    return Take(vocals_N * np.float32(VOCALS_RMS / rms(vocals_N)), words, phones)
