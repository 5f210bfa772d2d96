"""Songs that a duration predictor learns from: the words of a prepared table with their times, phones and, where they are known, lines."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from jam_model.durations.sheet import LEAST_S, Sheet, Timing, timing_of
from jam_model.words import Word, words_of
from tasks.languages.phones import phones_of

COLUMNS = (
    "kept",
    "split",
    "duration_s",
    "words",
    "lyrics",
    "lyrics_lines",
    "lyrics_labels",
    "style_embedding",
)
OPTIONAL = ("phones", "tempo_bpm")
"""Columns that a table has only where it was asked for them."""


@dataclass(frozen=True)
class TimedSong:
    """A song's lyrics and when they were sung."""

    song_id: str
    sheet: Sheet
    timing: Timing


def timed_songs(rows: Iterable[Mapping[str, Any]], split: str, styled: bool) -> list[TimedSong]:
    """The kept songs of a side of the split, by their ids. `styled`: with their style."""
    songs = [
        timed_song(row, styled) for row in rows if row["kept"] and row["split"] == split and row["words"]
    ]
    return sorted(songs, key=lambda song: song.song_id)


def timed_song(row: Mapping[str, Any], styled: bool) -> TimedSong:
    """The song of a row with `COLUMNS`, and of `OPTIONAL` what there is."""
    words = words_of(row["words"])
    heard = row.get("phones")
    phones = _phones_in_time(heard, len(words)) if heard else [[] for _ in words]
    symbols = [
        tuple(phone.text for phone in of) if of else tuple(phones_of(word.phonemes or ""))
        for word, of in zip(words, phones, strict=True)
    ]
    tempo = row.get("tempo_bpm")
    style = row["style_embedding"] if styled else None
    sheet = Sheet(
        tuple(word.phonemes or "" for word in words),
        symbols,
        line_starts_of(row["lyrics_lines"], len(words)),
        _breaks_of(row["lyrics_labels"], row["lyrics"], len(words)),
        max(float(row["duration_s"]), max(word.end_s for word in words) + LEAST_S),
        None if tempo is None or not math.isfinite(tempo) else float(tempo),
        None if style is None or not len(style) else np.asarray(style[0], np.float32),
    )
    return TimedSong(row["song_id"], sheet, timing_of(words, phones))


def line_starts_of(lines: Sequence[Mapping[str, Any]] | None, num_words: int) -> list[int] | None:
    """Numbers of the lines' first words; None where the lines are not known, or hold other words than were timed."""
    if not lines:
        return None
    ends = np.cumsum([len(line["text"].split()) for line in lines]).tolist()
    return [0, *ends[:-1]] if ends[-1] == num_words else None


def hash_of_songs(songs: Collection[TimedSong]) -> str:
    """sha256 of all that is learned from."""
    digest = hashlib.sha256()
    for song in songs:
        sheet, timing = song.sheet, song.timing
        facts = [
            list(sheet.phonemes),
            [list(of) for of in sheet.phones],
            sheet.line_starts,
            list(sheet.breaks),
        ]
        times = [timing.gaps_s.tolist(), timing.lengths_s.tolist(), [list(of) for of in timing.shares]]
        style = None if sheet.style_S is None else sheet.style_S.tolist()
        digest.update(json.dumps([song.song_id, facts, sheet.duration_s, sheet.bpm, style, times]).encode())
    return digest.hexdigest()


def _phones_in_time(rows: Sequence[Mapping[str, Any]], num_words: int) -> list[list[Word]]:
    """The phones of each word."""
    found: list[list[Word]] = [[] for _ in range(num_words)]
    for number, of in groupby(rows, key=lambda row: row["word"]):
        if 0 <= number < num_words:
            found[number] += [Word(row["phone"], row["start_s"], row["end_s"]) for row in of]
    return found


def _breaks_of(
    labels: Sequence[Mapping[str, Any]] | None, lyrics: Sequence[str] | None, num_words: int
) -> list[int]:
    """Words before which a part begins, where the words are those of the lyrics."""
    if not labels or lyrics is None or len(lyrics) != num_words:
        return []
    return sorted({label["before"] for label in labels if 0 < label["before"] < num_words})
