"""Plain words for a song of which seconds are kept: they go into what is made, line by line, and the words of what is kept stay.

What a musician means by new words and `--keep`: the kept seconds sing what they sing, so the given words are those of the holes. Words of the kept seconds are taken from lyrics with
times of words beside the song that they are kept of, where there are any; else nothing is asked for there, and a line says so. Lines go to holes in order, to each as many
syllables as it has of the seconds, and fill it as rough times fill a length (`tasks.prompts.rough_times`), without bars of silence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

from eval.results.plural import counted
from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import Phonemizer
from tasks.prompts.control_prompts import ControlRequest
from tasks.prompts.kept_seconds import Spans
from tasks.prompts.rough_times import RoughTimes, RoughTimesParams, fitted_times, notes_of
from tasks.songs.folder import entries_of_files
from tasks.songs.listing import lyrics_among
from tasks.stages.ingest import IngestParams
from tasks.storage.files import first_bytes

LEAST_S = 0.5
"""A hole that is shorter gets no words."""


def timed_in_holes(
    asked: ControlRequest,
    lyrics: Lyrics,
    duration_s: float | None,
    phonemizer: Phonemizer,
    params: RoughTimesParams,
    limits: IngestParams,
) -> tuple[list[RoughTimes], str]:
    """Times of plain words beside kept seconds, and how they were made.

    Raises:
        ValueError: nobody says how long the song is, or no hole is long enough for a word.
    """
    assert asked.keep is not None and asked.keep_from is not None, "`request_of` asks for both"
    if duration_s is None:
        raise ValueError(
            "keep: words without times go into what is made, and nobody says how long the song is; give --duration in seconds"
        )
    own = words_beside(asked.keep_from, limits)
    times, how = words_in_holes(lyrics, asked.keep, duration_s, own, phonemizer, params)
    return [times], how


def words_beside(sound: Path, limits: IngestParams) -> list[Word] | None:
    """The words of a sound file's own lyrics, which lie beside it under its name; None where there are none that give every word a time."""
    entries, _ = entries_of_files(sound.parent.iterdir())
    entry = next((one for one in entries if one.audio.name == sound.name), None)
    path = lyrics_among(entry.lyrics, sound.parent) if entry else None
    if path is None:
        return None
    data = first_bytes(Path(path), limits.max_lyrics_bytes)
    try:
        times = read_lyrics(data, limits.max_lyrics_bytes, limits.max_lyrics_words, [sound.stem]).times
    except Refused:
        return None
    whole = [word for word in times or () if word is not None and math.isfinite(word.end_s)]
    return whole if times and len(whole) == len(times) else None


def holes_of(spans: Spans, duration_s: float) -> list[tuple[float, float]]:
    """What is made: the stretches between and around kept spans that are long enough for words."""
    edges = [(0.0, 0.0), *spans, (duration_s, duration_s)]
    return [(one[1], two[0]) for one, two in pairwise(edges) if two[0] - one[1] >= LEAST_S]


def words_in_holes(
    lyrics: Lyrics,
    spans: Spans,
    duration_s: float,
    own: Sequence[Word] | None,
    phonemizer: Phonemizer,
    params: RoughTimesParams,
) -> tuple[RoughTimes, str]:
    """The words of the whole song with times, and in a few words where they come from; `own`: of the song that seconds are kept of.

    A word belongs to a kept span if its middle lies there; holes begin and end where such words do.

    Raises:
        ValueError: no hole is long enough for a word.
    """
    stays = [[word for word in own or () if a <= (word.start_s + word.end_s) / 2 < b] for a, b in spans]
    kept = [word for words in stays for word in words]
    holes = []
    for start_s, end_s in holes_of(spans, duration_s):
        middle_s = (start_s + end_s) / 2
        first_s = max([start_s, *(word.end_s for word in kept if word.start_s < middle_s)])
        last_s = min([end_s, *(word.start_s for word in kept if word.start_s >= middle_s)])
        if last_s - first_s >= LEAST_S:
            holes.append((first_s, last_s))
    if not holes:
        raise ValueError(
            f"keep: no stretch of {LEAST_S:g} s or more is left for the words; keep less, or ask for a longer song"
        )
    lines = lyrics.line_words()
    dealt = _dealt([sum(notes_of(line, phonemizer)) for line in lines], [b - a for a, b in holes])
    sung: list[list[Word]] = [words for words in stays if words]
    without = 0
    for (start_s, end_s), (first, last) in zip(holes, dealt, strict=True):
        if first == last:
            without += 1
            continue
        part = _lines(lines[first:last])
        laid = fitted_times(part, end_s - start_s, phonemizer, params.without_pauses)
        moved = [
            replace(word, start_s=word.start_s + start_s, end_s=word.end_s + start_s) for word in laid.words
        ]
        bounds = [*(part.line_starts or ()), len(moved)]
        sung += [moved[a:b] for a, b in pairwise(bounds)]
    sung.sort(key=lambda line: line[0].start_s)
    words = [word for line in sung for word in line]
    filled = len(holes) - without
    how = f"rough ones, in {filled} of the stretches that are made"
    if without:
        how += f" ({without} without words: there are fewer lines)"
    stay = "the words of what is kept are not known: no lyrics with times of words lie beside it"
    return RoughTimes(words, duration_s, _starts(sung)), f"{how}; " + (
        stay if own is None else f"{counted(len(kept), 'word')} of what is kept stay"
    )


def _lines(lines: Sequence[Sequence[str]]) -> Lyrics:
    return Lyrics([word for line in lines for word in line], line_starts=_starts(lines))


def _starts(lines: Sequence[Sequence[object]]) -> list[int]:
    """The number of the first word of each line."""
    return [0, *accumulate(map(len, lines))][: len(lines)]


def _dealt(notes: Sequence[int], rooms_s: Sequence[float]) -> list[tuple[int, int]]:
    """The lines of each hole, as numbers of the first and the one behind the last: a line goes where the middle of its notes falls."""
    total, upto = sum(notes), 0
    shares = [sum(rooms_s[: number + 1]) / sum(rooms_s) for number in range(len(rooms_s))]
    places = []
    for count in notes:
        middle = (upto + count / 2) / total
        places.append(next(number for number, share in enumerate(shares) if middle <= share + 1e-9))
        upto += count
    return [(sum(p < hole for p in places), sum(p <= hole for p in places)) for hole in range(len(rooms_s))]
