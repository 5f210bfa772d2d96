"""Phones of words: which ones a voice says, and where in a word each of them lies.

A phone's share of its word is half what the phone is (a vowel is longer than a stop) and half drawn, knowing nothing of
the word, its length or its place. Where the notes of a melisma part is drawn alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tasks.toy.languages.all import SINGABLE
from tasks.toy.languages.language import Voice
from tasks.toy.sound.singers import say_words
from tasks.toy.sound.synthesis import hz_of

WORDS_PER_MINUTE = 160
HUM = "mm"
"""What a hum is written as: the m that begins a word of the language, alone."""

_OF_NATURAL, _DRAWN_SD = 0.4, 0.65  # the exponent of a phone's natural length, and of what is drawn
_LEAST_PHONE_S = (
    0.02  # two periods of the lowest voice: what is shorter has no grain of its own and cannot be heard
)
_LEAST_SHARE = 0.7  # of an even share, in words too short for that
_NOTE_SD = 0.3
_VOWELS = frozenset("aeiouyøœæɐɑɒɔəɚɛɜɝɞɤɨɪɯʉʊʌäãᵻ")
_STRESS = str.maketrans("", "", "ˈˌ")


class Said(NamedTuple):
    """A word as a voice says it, on the voice's middle pitch: float32 [N] at espeak's rate, and its phones in samples."""

    samples_N: np.ndarray
    phones: tuple[tuple[str, int, int], ...]


def spoken_hz(voice: Voice) -> int:
    """The pitch of all that `vocabulary_said` has of a voice: the middle of its range."""
    return round(hz_of((voice.low_midi + voice.high_midi) / 2))


@cache
def vocabulary_said(voice: Voice, language: str) -> dict[str, Said]:
    """Every word of a language as a voice says it, and a hum; asked for once a process, always in the same order."""
    words = [word.text for word in SINGABLE[language].vocabulary]
    said = say_words(voice.name, words, WORDS_PER_MINUTE, spoken_hz(voice))
    sounds = {
        word: Said(
            samples_N.astype(np.float32) / 32768,
            tuple((ipa.translate(_STRESS), first, end) for ipa, first, end in phones),
        )
        for word, (samples_N, phones) in zip(words, said, strict=True)
    }
    longest = max(
        (sound for sound in sounds.values() if sound.phones[0][0] == "m"),
        key=lambda sound: sound.phones[0][2],
    )
    length = longest.phones[0][2]
    return {**sounds, HUM: Said(longest.samples_N[:length], (("m", 0, length),))}


def draw_shares(rng: np.random.Generator, said: Said, length_s: float) -> np.ndarray:
    """What share of a word so long each of its phones takes; they sum to 1."""
    natural = np.array([end - first for _, first, end in said.phones], float)
    weights = natural**_OF_NATURAL * np.exp(_DRAWN_SD * np.clip(rng.normal(size=len(natural)), -2, 2))
    return _at_least(weights / weights.sum(), min(_LEAST_PHONE_S / length_s, _LEAST_SHARE / len(weights)))


def _at_least(shares: np.ndarray, least: float) -> np.ndarray:
    """Shares below `least` are raised to it, and the others give what that takes."""
    low = shares < least
    while low.any():
        raised = np.where(low, least, shares * (1 - least * low.sum()) / shares[~low].sum())
        if not (raised[~low] < least).any():
            return raised
        low |= raised < least
    return shares


def draw_note_shares(rng: np.random.Generator, num_notes: int) -> np.ndarray:
    """What share of its syllable each note takes; they sum to 1."""
    weights = np.exp(_NOTE_SD * np.clip(rng.normal(size=num_notes), -2, 2))
    return np.asarray(weights / weights.sum())


def is_vowel(ipa: str) -> bool:
    """Whether a phone is a vowel or holds one (``ɔːɹ``)."""
    return not _VOWELS.isdisjoint(ipa)


def syllables_of(phones: Sequence[str]) -> list[int]:
    """The syllable of every phone: one a vowel; of consonants between two vowels the last begins the next syllable."""
    vowels = [place for place, ipa in enumerate(phones) if is_vowel(ipa)]
    starts = [0] + [vowel if vowel - before == 1 else vowel - 1 for before, vowel in pairwise(vowels)]
    return [sum(start <= place for start in starts) - 1 for place in range(len(phones))]
