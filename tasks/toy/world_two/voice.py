"""Sings the truth of a song of world two (`sing_truth`): the sound of every word, said by espeak and moved to its phones and notes, at the level of its manner; which phones are a word's, which words a line's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tasks.toy.sound import espeak
from tasks.toy.sound.levels import VOCALS_RMS
from tasks.toy.sound.psola import moved
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ, hz_of
from tasks.toy.world_two.features import stream
from tasks.toy.world_two.phones import spoken_hz, vocabulary_said
from tasks.toy.world_two.score import Score
from tasks.toy.world_two.truth import Manner, Truth

_VOICELESS = frozenset("ptkqfsʃθhçxχɕ")
_FADE_SAMPLES = 64  # at espeak's rate, 3 ms
LEVELS: dict[Manner, float] = {"sung": 1.0, "spoken": 1.0, "ad_lib": 0.6, "backing": 0.45, "hum": 0.6}


def sing_truth(score: Score, truth: Truth) -> np.ndarray:
    """All voices together, mono float32 [N] at 44.1 kHz; over the time that is sung their RMS is 0.085."""
    import soxr

    rate_hz = espeak.RATE_HZ
    voice_N = np.zeros(int(score.duration_s * rate_hz) + 1, np.float32)
    sung = 0
    phones_of = _children([phone.syllable for phone in truth.phones], len(truth.syllables))
    notes_of = _children([note.syllable for note in truth.notes], len(truth.syllables))
    syllables_of = _children([syllable.word for syllable in truth.syllables], len(truth.words))
    rng = stream(truth.seed, "noise")
    voices = {voice.name: voice for voice in (line.voice for line in score.lines)}
    for number, word in enumerate(truth.words):
        line = truth.lines[word.line]
        voice = voices[line.voice]
        said = vocabulary_said(voice, line.language)[word.text]
        syllables = range(*syllables_of[number])
        phones = truth.phones[phones_of[syllables[0]][0] : phones_of[syllables[-1]][1]]
        notes = truth.notes[notes_of[syllables[0]][0] : notes_of[syllables[-1]][1]]
        first = round(word.start_s * rate_hz)
        sound_N = moved(
            said.samples_N,
            spoken_hz(voice),
            [begin for _, begin, _ in said.phones] + [said.phones[-1][2]],
            [(phone.start_s - word.start_s) * rate_hz for phone in phones]
            + [(word.end_s - word.start_s) * rate_hz],
            [phone.ipa[0] in _VOICELESS for phone in phones],
            [(note.start_s - word.start_s) * rate_hz for note in notes]
            + [(word.end_s - word.start_s) * rate_hz],
            [hz_of(note.midi) for note in notes],
            rate_hz,
            rng,
        )
        fade_N = np.linspace(0, 1, min(_FADE_SAMPLES, len(sound_N)), dtype=np.float32)
        sound_N[-len(fade_N) :] *= fade_N[::-1]
        place_N = voice_N[first : first + len(sound_N)]
        place_N += np.float32(LEVELS[line.manner]) * sound_N[: len(place_N)]
        sung += len(place_N)
    vocals_N = soxr.resample(voice_N, rate_hz, SAMPLE_RATE_HZ)
    vocals_N = np.pad(vocals_N, (0, score.num_samples))[: score.num_samples]
    power = float(np.square(voice_N).sum(dtype=np.float64)) / sung
    return np.asarray(vocals_N * np.float32(VOCALS_RMS / np.sqrt(power)))


def _children(parents: list[int], num_parents: int) -> list[tuple[int, int]]:
    """The first and one past the last child of every parent; children stand in the order of their parents."""
    bounds = np.searchsorted(parents, np.arange(num_parents + 1))
    return [(int(first), int(end)) for first, end in pairwise(bounds)]
