"""DiffSinger's .ds: segments of phones and notes with their lengths; ``ph_num`` parts the phones into words.

A group of phones that begins with a sung one is a word: with its onset's consonants, or from its vowel on, as the file's
dictionary has it. Where the words of ``text`` are as many, each has its group's times and notes; else they share the
segment's. The phones go along in time. There is no writer: a .ds needs phones of the singer's dictionary.
https://github.com/openvpi/DiffSinger
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.parts.json_value import clean, parsed
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, seconds

SILENT = frozenset(["SP", "AP", "<SP>", "<AP>", "sil", "pau", "rest"])
NOTE = re.compile(r"([A-Ga-g])([#b♯♭]?)(-?\d)(?:[+-]\d{1,3})?")
STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
SHIFTS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
SAME_S = 0.02
WORD_SIGN = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힣](?:[ゃゅょャュョぁぃぅぇぉァィゥェォ])?")
"""A letter that is a word or a mora on its own, as DiffSinger's texts write Chinese, Japanese and Korean."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A group of phones or a note: its times, and the note's MIDI number."""

    start_s: float
    end_s: float
    pitch: int | None = None


def segments_of(value: Any) -> list[Mapping[str, Any]]:
    """The segments of a .ds; empty where it is none."""
    rows = [value] if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return []
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("ph_seq"), str)]


def fits(text: str) -> bool:
    """JSON whose rows have a sequence of phones."""
    return bool(segments_of(parsed(text)))


def read(text: str) -> Written:
    lines: list[Line] = []
    remarks: list[Remark] = []
    for number, row in enumerate(segments_of(parsed(text)), start=1):
        line = _line(row, number, remarks)
        if line is not None:
            lines.append(line)
    if not lines:
        raise Refused(
            "lyrics_malformed", "the .ds states phones but no text of words; add each segment's text"
        )
    return Written(tuple(lines), remarks=tuple(remarks), phones=read_phones(text))


def read_phones(text: str) -> tuple[Word, ...]:
    """The phones of all segments, whether they state words or not."""
    return tuple(phone for row in segments_of(parsed(text)) for phone in _phones(row))


def _phones(row: Mapping[str, Any]) -> list[Word]:
    """The sung phones of a segment with their times; none where it does not give a length to each. ``en/ah`` is ``ah``."""
    names, lengths = clean(row["ph_seq"]).split(), _numbers(row.get("ph_dur"))
    offset_s = seconds(_float(row.get("offset", 0)))
    if offset_s is None or lengths is None or len(lengths) != len(names):
        return []
    at_s = [offset_s + after_s for after_s in accumulate(lengths, initial=0.0)]
    if seconds(at_s[-1]) is None:
        return []
    timed = zip(names, at_s, at_s[1:], strict=False)
    return [
        Word(name.rpartition("/")[2] or name, start_s, end_s)
        for name, start_s, end_s in timed
        if name not in SILENT and start_s < end_s
    ]


def _line(row: Mapping[str, Any], number: int, remarks: list[Remark]) -> Line | None:
    phones = clean(row["ph_seq"]).split()
    offset_s = seconds(_float(row.get("offset", 0)))
    if offset_s is None:
        remarks.append(Remark("bad_time", number, f"offset {row.get('offset')!r} is no number of seconds"))
    text = clean(row["text"]) if isinstance(row.get("text"), str) else ""
    words = [word for word in text.split() if word not in SILENT]
    if not words or words == [phone for phone in phones if phone not in SILENT]:
        remarks.append(Remark("no_text", number, f"segment {number} states phones and no words: {text[:60]}"))
        return None
    groups = [] if offset_s is None else _groups(row, phones, offset_s, number, remarks)
    signs = WORD_SIGN.findall(text)
    if len(words) != len(groups) and len(signs) == len(groups):
        words = signs
    if not groups or len(words) != len(groups):
        if groups:
            told = f"segment {number} has {len(words)} words and {len(groups)} groups of phones: its words share its times"
            remarks.append(Remark("words_unmatched", number, told))
        ends = (groups[0].start_s, groups[-1].end_s) if groups else (offset_s, None)
        return Line((Syllable(" ".join(words)),), ends[0], ends[1], number)
    notes = list(_notes(row, offset_s or 0.0, number, remarks))
    syllables = [
        one for word, group, its in _with_notes(words, groups, notes) for one in _syllables(word, group, its)
    ]
    return Line(tuple(syllables), groups[0].start_s, groups[-1].end_s, number)


def _groups(
    row: Mapping[str, Any], phones: Sequence[str], offset_s: float, number: int, remarks: list[Remark]
) -> list[Sound]:
    """The sung groups of phones; where the file has no lengths of phones, the notes that begin a word."""
    lengths, counts = _numbers(row.get("ph_dur")), _numbers(row.get("ph_num"))
    if lengths is None and row.get("ph_dur") is None:
        notes = list(_notes(row, offset_s, number, []))
        slurs = _numbers(row.get("note_slur")) or [0.0] * len(notes)
        return [note for note, slur in zip(notes, slurs, strict=False) if note.pitch is not None and not slur]
    if lengths is None or counts is None or len(lengths) != len(phones) or sum(counts) != len(phones):
        told = f"segment {number}: {len(phones)} phones, but ph_dur and ph_num are of another number"
        remarks.append(Remark("bad_row", number, told))
        return []
    at_s = [offset_s + after_s for after_s in accumulate(lengths, initial=0.0)]
    groups, first = [], 0
    for count in map(int, counts):
        last = first + count
        while last > first + 1 and phones[last - 1] in SILENT:
            last -= 1
        if count > 0 and phones[first] not in SILENT:
            groups.append(Sound(at_s[first], at_s[last]))
        first += max(count, 0)
    return groups if all(seconds(group.end_s) is not None for group in groups) else []


def _notes(row: Mapping[str, Any], offset_s: float, number: int, remarks: list[Remark]) -> Iterator[Sound]:
    """All notes; a rest has no pitch."""
    names = row["note_seq"].split() if isinstance(row.get("note_seq"), str) else []
    lengths = _numbers(row.get("note_dur"))
    if lengths is None or len(lengths) != len(names):
        if names:
            remarks.append(Remark("bad_notes", number, f"{len(names)} notes without as many lengths"))
        return
    for name, length_s in zip(names, lengths, strict=True):
        yield Sound(offset_s, offset_s + length_s, _midi(name))
        offset_s += length_s


def _with_notes(
    words: Sequence[str], groups: Sequence[Sound], notes: Sequence[Sound]
) -> Iterator[tuple[str, Sound, list[Sound]]]:
    """Each word with its group and the notes that begin in it."""
    sung = [note for note in notes if note.pitch is not None]
    for place, (word, group) in enumerate(zip(words, groups, strict=True)):
        until_s = groups[place + 1].start_s if place + 1 < len(groups) else float("inf")
        yield (
            word,
            group,
            [note for note in sung if group.start_s - SAME_S <= note.start_s < until_s - SAME_S],
        )


def _syllables(word: str, group: Sound, notes: Sequence[Sound]) -> Iterator[Syllable]:
    """A word on its first note, held on its others."""
    starts = [group.start_s, *(note.start_s for note in notes[1:])]
    ends = [*(note.end_s for note in notes[:-1]), max(group.end_s, starts[-1])]
    for place, (start_s, end_s) in enumerate(zip(starts, ends, strict=True)):
        pitch = notes[place].pitch if notes else None
        yield Syllable(f"{word} " if place == 0 else "", start_s, end_s, pitch)


def _midi(name: str) -> int | None:
    """The MIDI number of a note as it is named (C4 is 60); None of a rest."""
    if re.fullmatch(r"\d{1,3}", name):
        return int(name) if 0 < int(name) < 128 else None
    match = NOTE.fullmatch(name)
    if match is None:
        return None
    number = 12 * (int(match[3]) + 1) + STEPS[match[1].lower()] + SHIFTS[match[2]]
    return number if 0 <= number < 128 else None


def _numbers(value: Any) -> list[float] | None:
    """Numbers from 0 in a text or a list; None where one is not."""
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list):
        return None
    found = [seconds(_float(part)) for part in value]
    return None if any(number is None for number in found) else [number or 0.0 for number in found]


def _float(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


FORM = Form("DiffSinger", (".ds",), fits, read)
