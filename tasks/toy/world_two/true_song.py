"""How the truth of a score is found (`truth_of`): what its voices say when, to the phone, filled into the records of `truth`. Nothing is rendered for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tasks.toy.world_two.features import stream
from tasks.toy.world_two.phones import draw_note_shares, draw_shares, syllables_of, vocabulary_said
from tasks.toy.world_two.score import Score, SungLine
from tasks.toy.world_two.truth import Line, Note, Phone, Syllable, Truth, Word


@dataclass
class _Lists:
    lines: list[Line] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    syllables: list[Syllable] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def truth_of(score: Score) -> Truth:
    """All that is true of the song."""
    lists = _Lists()
    for line in score.lines:
        _add_line(lists, score.seed, line)
    return Truth(
        seed=score.seed,
        genre=score.genre,
        style=score.style_text,
        lyrics=score.text_lines,
        duration_s=score.duration_s,
        tempo_bpm=score.tempo_bpm,
        beats_per_bar=score.beats_per_bar,
        swing=score.swing,
        keys=score.keys,
        parts=score.parts,
        lines=tuple(lists.lines),
        words=tuple(lists.words),
        syllables=tuple(lists.syllables),
        phones=tuple(lists.phones),
        notes=tuple(lists.notes),
        chords=score.chords,
        beats=score.beats,
        strikes=score.strikes,
        bass=score.bass,
    )


def _add_line(lists: _Lists, seed: int, line: SungLine) -> None:
    said = vocabulary_said(line.voice, line.language)
    rng = stream(seed, "phones", line.number)
    first_word = len(lists.words)
    for place, word in enumerate(line.words):
        lexeme = word.lexeme
        sound = said[lexeme.text]
        ipa = [name for name, _, _ in sound.phones]
        bounds_s = word.start_s + word.length_s * _bounds(draw_shares(rng, sound, word.length_s))
        first_syllable = len(lists.syllables)
        of_phones = syllables_of(ipa)
        for number, (name, syllable) in enumerate(zip(ipa, of_phones, strict=True)):
            start_s, end_s = float(bounds_s[number]), float(bounds_s[number + 1])
            lists.phones.append(Phone(name, start_s, end_s, first_syllable + syllable))
        for syllable, text in enumerate(lexeme.syllables):
            start_s = float(bounds_s[of_phones.index(syllable)])
            end_s = float(bounds_s[len(of_phones) - of_phones[::-1].index(syllable)])
            lists.syllables.append(Syllable(text, start_s, end_s, len(lists.words)))
            pitches = word.pitches[syllable]
            notes_s = start_s + (end_s - start_s) * _bounds(draw_note_shares(rng, len(pitches)))
            lists.notes += [
                Note(float(begin_s), float(stop_s), midi, first_syllable + syllable)
                for begin_s, stop_s, midi in zip(notes_s, notes_s[1:], pitches, strict=False)
            ]
        lists.words.append(
            Word(
                text=lexeme.text,
                start_s=word.start_s,
                end_s=word.end_s,
                line=len(lists.lines),
                place=place,
                num_syllables=len(lexeme.syllables),
                stressed=lexeme.stressed,
                long=lexeme.long,
                last=place == len(line.words) - 1,
            )
        )
    lists.lines.append(
        Line(
            first_word=first_word,
            end_word=len(lists.words),
            part=line.part,
            language=line.language,
            voice=line.voice.name,
            manner=line.manner,
            fast=line.fast,
            syncopated=line.syncopated,
            pick_up=line.pick_up,
            in_lyrics=line.in_lyrics,
        )
    )


def _bounds(shares: Sequence[float] | np.ndarray) -> np.ndarray:
    """Where shares begin, and 1."""
    bounds = np.concatenate([[0.0], np.cumsum(shares)])
    return bounds / bounds[-1]
