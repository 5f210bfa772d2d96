"""Which lines are sung by whom in a score of world two: lead, second singer, backing, spoken lines, and what is heard but not written (ad-libs, hums), with their pitches."""

from __future__ import annotations

import dataclasses

import numpy as np

from tasks.toy.languages.all import SINGABLE
from tasks.toy.languages.language import Lexeme, Voice
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.phones import HUM
from tasks.toy.world_two.score import SungLine, SungWord
from tasks.toy.world_two.truth import Part

_SPOKEN, _AD_LIB = 0.25, 0.5  # how often a line of a verse or bridge is spoken, and a line is answered
_BACKING_LATE_S = (0.01, 0.03)
_AD_LIB_S, _AROUND_S = (0.25, 0.5), 0.12
_HUM_S, _HUM_GAP_S = 0.7, 0.15
_BACKING, _AD_LIBS, _HUMS = 1000, 2000, 3000  # added to the numbers of lines, so that each is its own


def all_voices(
    seed: int, lines: tuple[SungLine, ...], parts: tuple[Part, ...], features: Features
) -> tuple[SungLine, ...]:
    """The lead's lines as their singers have them, and all others, in the order of their starts."""
    lead = [_by_whom(seed, line, parts, features) for line in lines]
    others: list[SungLine] = []
    if features.backing:
        others += [_backing(seed, line) for line in lead if parts[line.part].label == "chorus"]
    if features.ad_libs:
        ends_s = [line.words[0].start_s for line in lead[1:]] + [parts[-1].end_s]
        for line, until_s in zip(lead, ends_s, strict=True):
            others += _ad_lib(seed, line, until_s)
    if features.hums:
        for number, part in enumerate(parts):
            if part.label in ("intro", "outro"):
                others += _hums(lead[0] if part.label == "intro" else lead[-1], number, part)
    return tuple(sorted((*lead, *others), key=lambda line: (line.words[0].start_s, line.number)))


def _by_whom(seed: int, line: SungLine, parts: tuple[Part, ...], features: Features) -> SungLine:
    label = parts[line.part].label
    verses = sum(part.label == "verse" for part in parts[: line.part + 1])
    if features.second_singer and (label == "bridge" or (label == "verse" and verses % 2 == 0)):
        line = _in_voice(line, _other(line))
    if features.spoken and label != "chorus" and stream(seed, "spoken", line.number).random() < _SPOKEN:
        line = _spoken(line)
    return line


def _other(line: SungLine) -> Voice:
    """A voice of the line's language that is not its own: the next but one."""
    voices = SINGABLE[line.language].voices
    return voices[(voices.index(line.voice) + 2) % len(voices)]


def _in_voice(line: SungLine, voice: Voice) -> SungLine:
    """The line in another voice, an octave away where that lies so."""
    octaves = 12 * round((voice.low_midi - line.voice.low_midi) / 12)
    words = (
        _with_pitches(word, [[midi + octaves for midi in notes] for notes in word.pitches])
        for word in line.words
    )
    return dataclasses.replace(line, voice=voice, words=tuple(words))


def _with_pitches(word: SungWord, pitches: list[list[float]]) -> SungWord:
    return dataclasses.replace(word, pitches=tuple(tuple(notes) for notes in pitches))


def _spoken(line: SungLine) -> SungLine:
    """A pitch a syllable that falls through the line by a fifth, on no scale."""
    total = sum(len(word.pitches) for word in line.words)
    falling = iter(line.voice.low_midi + 4.5 - 7 * place / total for place in range(total))
    words = (_with_pitches(word, [[next(falling)] for _ in word.pitches]) for word in line.words)
    return dataclasses.replace(line, words=tuple(words), manner="spoken")


def _backing(seed: int, line: SungLine) -> SungLine:
    """The same line once more in another voice, a little later."""
    late_s = float(stream(seed, "backing", line.number).uniform(*_BACKING_LATE_S))
    line = _in_voice(line, _other(line))
    words = (dataclasses.replace(word, start_s=word.start_s + late_s) for word in line.words)
    return dataclasses.replace(
        line, number=_BACKING + line.number, words=tuple(words), manner="backing", in_lyrics=False
    )


def _ad_lib(seed: int, line: SungLine, until_s: float) -> list[SungLine]:
    """A word behind the line where there is room for it."""
    rng = stream(seed, "ad-lib", line.number)
    wanted, length_s = rng.random() < _AD_LIB, float(rng.uniform(*_AD_LIB_S))
    words = SINGABLE[line.language].ad_libs
    word = words[int(rng.integers(len(words)))]
    start_s = line.words[-1].end_s + _AROUND_S
    if not wanted or start_s + length_s + _AROUND_S > until_s:
        return []
    pitches = tuple((line.words[-1].pitches[-1][-1],) for _ in word.syllables)
    return [_unwritten(line, _AD_LIBS, "ad_lib", line.part, (SungWord(word, start_s, length_s, pitches),))]


def _hums(line: SungLine, number: int, part: Part) -> list[SungLine]:
    """The pitches of a line hummed through a part without words."""
    hum = Lexeme(HUM, (HUM,), False, True)
    room = int((part.end_s - part.start_s - 2 * _HUM_GAP_S) / (_HUM_S + _HUM_GAP_S))
    first_s = max(part.start_s, line.words[-1].end_s if line.part < number else 0.0) + _HUM_GAP_S
    starts_s = first_s + (_HUM_S + _HUM_GAP_S) * np.arange(room)
    words = tuple(
        SungWord(hum, float(start_s), _HUM_S, ((line.words[place % len(line.words)].pitches[0][0],),))
        for place, start_s in enumerate(starts_s)
        if start_s + _HUM_S < part.end_s
    )
    return [_unwritten(line, _HUMS, "hum", number, words)] if words else []


def _unwritten(line: SungLine, number: int, manner: str, part: int, words: tuple[SungWord, ...]) -> SungLine:
    return SungLine(
        number=number + line.number,
        words=words,
        part=part,
        language=line.language,
        voice=line.voice,
        manner=manner,  # type: ignore[arg-type]
        fast=False,
        syncopated=False,
        pick_up=False,
        in_lyrics=False,
    )
