"""What a line is whenever it comes: words, lengths, steps of a melody, melismas, rhythm; and the order of a song's parts (verse, chorus)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tasks.toy.languages.language import Language, Lexeme
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.rhythm import draw_lengths

_FAST, _SYNCOPATED, _PICK_UP, _MELISMA = 0.12, 0.5, 0.4, 0.08  # how often each is
_MELISMA_NOTES = (2, 5)
MOST_STEPS = 2  # of the scale, from the middle of a voice's range
_VARIED = 0.15  # words of a repeated chorus that have another pitch
LINES: Mapping[str, tuple[int, int]] = {"verse": (1, 3), "chorus": (1, 2), "bridge": (1, 1)}
"""How few and how many lines a part with words has."""

Steps = tuple[tuple[int, ...], ...]
"""Steps of a scale for the notes of each syllable of a word."""


@dataclass(frozen=True)
class Material:
    """A line that no time has yet."""

    language: str
    words: tuple[Lexeme, ...]
    lengths_s: tuple[float, ...]
    steps: tuple[Steps, ...]
    fast: bool
    syncopated: bool
    pick_up: float  # beats that it begins before its bar


def draw_material(seed: int, number: int, language: Language, features: Features) -> Material:
    """Line `number` of a song's lines, repeats apart. Words, rhythm and melody have random numbers of their own."""
    words = language.line(stream(seed, "words", number))
    rhythm = stream(seed, "rhythm", number)
    fast, syncopated, pick_up = (bool(rhythm.random() < share) for share in (_FAST, _SYNCOPATED, _PICK_UP))
    beats = (0.5, 1.0)[rhythm.integers(2)]
    fast = fast and features.fast_lines
    return Material(
        language.code,
        words,
        tuple(draw_lengths(rhythm, words, features.length_causes, fast)),
        _draw_steps(stream(seed, "melody", number), words, features.melisma),
        fast,
        syncopated and features.syncopation,
        beats if pick_up and features.pick_ups else 0.0,
    )


def varied(material: Material, rng: np.random.Generator) -> Material:
    """The same line as it comes again: a word here and there is a step higher or lower."""
    steps = []
    for of_word in material.steps:
        moved, by = rng.random() < _VARIED, int(rng.choice((-1, 1)))
        moved = moved and all(abs(step + by) <= MOST_STEPS for notes in of_word for step in notes)
        steps.append(tuple(tuple(step + by * moved for step in notes) for notes in of_word))
    return dataclasses.replace(material, steps=tuple(steps))


def _draw_steps(rng: np.random.Generator, words: tuple[Lexeme, ...], melisma: bool) -> tuple[Steps, ...]:
    """A random walk, a step a syllable; a melisma is on any syllable of any word alike."""
    step, all_steps = 0, []
    for word in words:
        has_melisma, notes = (
            rng.random() < _MELISMA,
            int(rng.integers(_MELISMA_NOTES[0], _MELISMA_NOTES[1] + 1)),
        )
        where = int(rng.integers(len(word.syllables)))
        of_word = []
        for syllable in range(len(word.syllables)):
            run = notes if melisma and has_melisma and syllable == where else 1
            walk = []
            for note in range(run):
                move = int(rng.choice((-1, 1))) if note else int(rng.integers(-2, 3))
                step = step + move if abs(step + move) <= MOST_STEPS else step - move
                walk.append(step)
            of_word.append(tuple(walk))
        all_steps.append(tuple(of_word))
    return tuple(all_steps)


def draw_form(rng: np.random.Generator, num_with_words: int) -> list[str]:
    """Labels of parts: verses and choruses in turn, a bridge before the last chorus where there is room, intro, outro."""
    middle = ["verse" if place % 2 == 0 else "chorus" for place in range(num_with_words)]
    if num_with_words >= 4:
        middle[-2:] = ["bridge", "chorus"]
    elif middle[-1] == "verse":
        middle[-1] = "chorus"
    before, after = rng.random() < 0.5, rng.random() < 0.5
    return ["intro"] * before + middle + ["outro"] * after
