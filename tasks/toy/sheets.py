"""Songs of either world as what both are: a `Sheet` that says what will be (score, truth, languages), and what performing it gives (`Finished`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jam_model.words import Word
from tasks.toy.composition import BEATS_PER_BAR, GENRES, Score, compose, song_seed
from tasks.toy.faults.kinds import compose_with, kind_of, publish
from tasks.toy.performance import perform
from tasks.toy.to_json import to_json
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.score import Score as ScoreTwo
from tasks.toy.world_two.truth import to_json as truth_to_json


class Finished(NamedTuple):
    """A performed song: vocals [N] and band [2, N] at 44.1 kHz, the lines of its lyrics, its caption, its truth as JSON, and the true
    phones of each word of the lines; a word whose text or times are not true has none.
    """

    vocals_N: np.ndarray
    band_CN: np.ndarray
    lines: Sequence[Sequence[Word]]
    style_text: str
    truth: str
    phones: Mapping[Word, Sequence[Word]]


@dataclass(frozen=True)
class Sheet:
    """A composed song: its name, and what its files say of it before it sounds."""

    name: str
    duration_s: float
    perform: Callable[[], Finished]


def sheets(num_songs: int, seed: int, features: Features | None) -> list[Sheet]:
    """Songs 0 to num_songs - 1 of the set `seed`: of world two with these features, or of world one."""
    seeds = [song_seed(seed, index) for index in range(num_songs)]
    if features is None:
        return [_one(index, compose(one)) for index, one in enumerate(seeds)]
    kinds = [kind_of(index, features.faults) for index in range(num_songs)]
    return [
        _two(index, compose_with(one, features, kind), kind)
        for index, (one, kind) in enumerate(zip(seeds, kinds, strict=True))
    ]


def _one(index: int, score: Score) -> Sheet:
    """``pop-0007-golden-river``."""
    name = f"{score.genre}-{index:04d}-{'-'.join(score.title)}"

    def finish() -> Finished:
        song = perform(score)
        words = [word.rounded(6).to_json() for word in song.words]
        phones = [
            {"phoneme": ipa, "start": round(start_s, 6), "end": round(end_s, 6), "word": word}
            for ipa, start_s, end_s, word in song.phones
        ]
        truth = to_json(_truth(name, score) | {"words": words, "phonemes": phones})
        lines = [song.words[first:last] for first, last in score.lines]
        said = {
            word: [Word(ipa, start_s, end_s) for ipa, start_s, end_s, of in song.phones if of == number]
            for number, word in enumerate(song.words)
        }
        return Finished(song.vocals_N, song.band_CN, lines, score.style_text, truth, said)

    return Sheet(name, score.duration_s, finish)


def _two(index: int, score: ScoreTwo, kind: str | None) -> Sheet:
    """``two-pop-0007-en``."""
    name = f"two-{score.genre}-{index:04d}-{'-'.join(sorted({line.language for line in score.lines}))}"

    def finish() -> Finished:
        song = publish(score, kind)
        text, truth = truth_to_json(song.truth), song.truth
        said: dict[Word, list[Word]] = {}
        for phone in truth.phones:
            word = truth.words[truth.syllables[phone.syllable].word]
            if truth.lines[word.line].in_lyrics:
                key = Word(word.text, word.start_s, word.end_s)
                said.setdefault(key, []).append(Word(phone.ipa, phone.start_s, phone.end_s))
        return Finished(song.vocals_N, song.band_CN, song.lines, song.style_text, text, said)

    return Sheet(name, score.duration_s, finish)


def _truth(name: str, score: Score) -> dict[str, Any]:
    """What the score alone knows."""
    return {
        "name": name,
        "seed": score.seed,
        "genre": score.genre,
        "mono_band": GENRES[score.genre].mono_band,
        "voice": score.voice,
        "style": score.style_text,
        "bpm": round(score.bpm, 6),
        "duration": round(score.duration_s, 6),
        "vocals_over_band_db": round(score.vocals_over_band_db, 6),
        "lines": list(score.text_lines),
        "notes": [
            {
                "word": note.word,
                "start": round(note.start_s, 6),
                "end": round(note.start_s + note.duration_s, 6),
                "midi": note.midi,
            }
            for note in score.notes
        ],
        "chords": [
            {"chord": chord.name, "start": round(chord.start_s, 6), "end": round(chord.end_s, 6)}
            for chord in score.chords
        ],
        "beats": [
            {"time": round(beat_s, 6), "position": beat % BEATS_PER_BAR + 1}
            for beat, beat_s in enumerate(score.beats_s)
        ],
    }
