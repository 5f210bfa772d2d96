"""Faults of the lyrics and of the caption (other words, a missing line, late or drifting times, wrong tempo): the song is whole, what is beside it is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from jam_model.words import Word
from tasks.toy.faults.published import Published
from tasks.toy.languages.all import LANGUAGES
from tasks.toy.languages.language import Language
from tasks.toy.world_two.score import GENRES

DRIFT = 1.03  # times of a recording 3 % slower
_LATE_S, _VERY_LATE_S = 0.3, 2.0
_WRONG_TEMPOS = (0.75, 0.8, 1.25, 1.33)


def other_song(song: Published, rng: np.random.Generator) -> Published:
    """Other lines of the same grammar at the times of the true ones."""
    language = _language(song)
    return _with_texts(song, "other_song", [[w.text for w in language.line(rng)] for _ in song.lines])


def other_words(song: Published, rng: np.random.Generator) -> Published:
    """As many words of the vocabulary, at random."""
    words = [word.text for word in _language(song).vocabulary]
    texts = [[words[int(rng.integers(len(words)))] for _ in line] for line in song.lines]
    return _with_texts(song, "other_words", texts)


def missing_line(song: Published, rng: np.random.Generator) -> Published:
    """A line that is there and not written."""
    return _without(song, "missing_line", int(rng.integers(len(song.lines))))


def unwritten_repeat(song: Published, _: np.random.Generator) -> Published:
    """The last line that had come before is not written again; a line that has not, where none had."""
    texts = [[word.text for word in line] for line in song.lines]
    again = [place for place, text in enumerate(texts) if text in texts[:place]]
    return _without(song, "unwritten_repeat", again[-1] if again else len(texts) - 1)


def late(song: Published, _: np.random.Generator) -> Published:
    """All times are 0.3 s late."""
    return _timed(song, "late", lambda time_s: time_s + _LATE_S, f"{_LATE_S} s late")


def very_late(song: Published, _: np.random.Generator) -> Published:
    """All times are 2 s late."""
    return _timed(song, "very_late", lambda time_s: time_s + _VERY_LATE_S, f"{_VERY_LATE_S} s late")


def drifting(song: Published, _: np.random.Generator) -> Published:
    """Times of another tempo."""
    return _timed(song, "drifting", lambda time_s: time_s * DRIFT, f"times {DRIFT}")


def wrong_tempo(song: Published, rng: np.random.Generator) -> Published:
    """The caption says another tempo."""
    said = round(song.truth.tempo_bpm * _WRONG_TEMPOS[int(rng.integers(len(_WRONG_TEMPOS)))])
    return _captioned(
        song, "wrong_tempo", song.style_text.replace(f"{round(song.truth.tempo_bpm)} bpm", f"{said} bpm")
    )


def swapped_caption(song: Published, rng: np.random.Generator) -> Published:
    """The caption of a song of another genre and the other singer."""
    others = [genre.description for name, genre in GENRES.items() if name != song.truth.genre]
    genre = others[int(rng.integers(len(others)))]
    _, tempo, singer = song.style_text.split(", ")
    return _captioned(
        song,
        "swapped_caption",
        f"{genre}, {tempo}, {'male voice' if singer == 'female voice' else 'female voice'}",
    )


def _language(song: Published) -> Language:
    return LANGUAGES[next(line.language for line in song.truth.lines if line.in_lyrics)]


def _fault_throughout(song: Published, kind: str, detail: str) -> Published:
    return song.with_fault(kind, 0.0, song.truth.duration_s, detail)


def _with_texts(song: Published, kind: str, texts: list[list[str]]) -> Published:
    """Other words in each line, which share its time evenly."""
    lines = []
    for line, words in zip(song.lines, texts, strict=True):
        bounds_s = np.linspace(line[0].start_s, line[-1].end_s, len(words) + 1)
        lines.append(
            tuple(
                Word(text, float(bounds_s[place]), float(bounds_s[place + 1]))
                for place, text in enumerate(words)
            )
        )
    return _fault_throughout(
        dataclasses.replace(song, lines=tuple(lines)), kind, "no line is what is written"
    )


def _without(song: Published, kind: str, gone: int) -> Published:
    """One line is not written."""
    line = song.lines[gone]
    song = dataclasses.replace(song, lines=tuple(of for place, of in enumerate(song.lines) if place != gone))
    return song.with_fault(kind, line[0].start_s, line[-1].end_s, " ".join(word.text for word in line))


def _timed(song: Published, kind: str, move: Callable[[float], float], detail: str) -> Published:
    lines = tuple(
        tuple(Word(word.text, move(word.start_s), move(word.end_s)) for word in line) for line in song.lines
    )
    return _fault_throughout(dataclasses.replace(song, lines=lines), kind, detail)


def _captioned(song: Published, kind: str, text: str) -> Published:
    return _fault_throughout(dataclasses.replace(song, style_text=text), kind, f"true is {song.style_text}")


WRITTEN: dict[str, Callable[[Published, np.random.Generator], Published]] = {
    "other_song": other_song,
    "other_words": other_words,
    "missing_line": missing_line,
    "unwritten_repeat": unwritten_repeat,
    "late": late,
    "very_late": very_late,
    "drifting": drifting,
    "wrong_tempo": wrong_tempo,
    "swapped_caption": swapped_caption,
}
