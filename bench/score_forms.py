"""A song of world two as a score: its lyrics, their times and notes in four forms, for `score_sung.py`.

MusicXML and UltraStar are written by the house's own writers. MIDI has a tempo change in the middle of the song and notes under running status; a .ds has a segment a line with
the truth's phones. What stands in no lyrics (backing lines, hums) is in none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby, pairwise
from typing import Any

from tasks.lyrics.forms import musicxml, ultrastar
from tasks.lyrics.parts.smf import chunk, length
from tasks.lyrics.parts.written import Line, Syllable, Written
from tasks.toy.world_two.truth import Note, Truth

PPQ, FIRST_US, SECOND_US = 480, 500_000, 750_000
STEPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
REST, SILENCE = "rest", "SP"


def scores_of(truth: Truth) -> dict[str, bytes]:
    """The four files, by the names that `read_lyrics` has for their forms."""
    written = written_of(truth)
    return {
        "MusicXML": musicxml.write(written),
        "MIDI": midi_of(written, truth.duration_s / 2),
        "UltraStar": ultrastar.write(written),
        "DiffSinger": diffsinger_of(truth),
    }


def written_of(truth: Truth) -> Written:
    """Lines of syllables, a piece a note; the first note of a syllable has its text, the others hold it."""
    return Written(
        tuple(Line(tuple(_pieces(truth, words)), number=n) for n, words in enumerate(_lines(truth), 1))
    )


def _lines(truth: Truth) -> list[range]:
    """The words of each line that stands in the lyrics."""
    return [range(line.first_word, line.end_word) for line in truth.lines if line.in_lyrics]


def _pieces(truth: Truth, words: range) -> Iterator[Syllable]:
    notes = {number: [*some] for number, some in groupby(truth.notes, lambda note: note.syllable)}
    own = [(number, syllable) for number, syllable in enumerate(truth.syllables) if syllable.word in words]
    for place, (number, syllable) in enumerate(own):
        ends = place + 1 == len(own) or own[place + 1][1].word != syllable.word
        for which, note in enumerate(notes[number]):
            text = syllable.text + " " * ends if which == 0 else ""
            yield Syllable(text, note.start_s, note.end_s, round(note.midi))


def midi_of(written: Written, change_s: float) -> bytes:
    """One track, lyrics and notes, 120 quarters a minute and from `change_s` on 80."""

    def tick(time_s: float) -> int:
        before, after = min(time_s, change_s), max(0.0, time_s - change_s)
        return round(PPQ * (before * 1e6 / FIRST_US + after * 1e6 / SECOND_US))

    events = [(0, 0, b"\xff\x51\x03" + FIRST_US.to_bytes(3, "big"))]
    events.append((tick(change_s), 0, b"\xff\x51\x03" + SECOND_US.to_bytes(3, "big")))
    for line in written.lines:
        for piece in line.syllables:
            assert piece.start_s is not None and piece.end_s is not None and piece.pitch is not None
            start, end = tick(piece.start_s), tick(piece.end_s)
            if piece.text:
                said = piece.text.encode()
                events.append((start, 2, b"\xff\x05" + length(len(said)) + said))
            events.append((start, 3, bytes([piece.pitch, 90])))
            events.append((max(end, start + 1), 1, bytes([piece.pitch, 0])))
    data, now, status = b"", 0, b""
    for at, _, event in sorted(events, key=lambda event: event[:2]):
        is_note = event[0] != 0xFF
        data += length(at - now) + (b"\x90" if is_note and status != b"\x90" else b"") + event
        now, status = at, b"\x90" if is_note else b""
    header = b"".join(number.to_bytes(2, "big") for number in (0, 1, PPQ))
    return chunk(b"MThd", header) + chunk(b"MTrk", data + b"\x00\xff\x2f\x00")


def diffsinger_of(truth: Truth) -> bytes:
    """A segment a line; silence and rests between words that do not touch."""
    syllables_of = {
        number: [n for n, syllable in enumerate(truth.syllables) if syllable.word == number]
        for number in range(len(truth.words))
    }
    return json.dumps([_segment(truth, words, syllables_of) for words in _lines(truth)]).encode()


def _segment(truth: Truth, words: range, syllables_of: dict[int, list[int]]) -> dict[str, Any]:
    names: list[str] = []
    lengths: list[float] = []
    groups: list[int] = []
    pitches: list[str] = []
    note_lengths: list[float] = []
    offset_s = now_s = truth.words[words[0]].start_s
    for number in words:
        word, own = truth.words[number], syllables_of[number]
        if word.start_s > now_s:
            names, lengths, groups = [*names, SILENCE], [*lengths, word.start_s - now_s], [*groups, 1]
            pitches, note_lengths = [*pitches, REST], [*note_lengths, word.start_s - now_s]
        phones = [phone for phone in truth.phones if phone.syllable in own]
        notes: list[Note] = [note for note in truth.notes if note.syllable in own]
        groups.append(len(phones))
        names += [phone.ipa for phone in phones]
        bounds_s = [word.start_s, *(phone.start_s for phone in phones[1:]), word.end_s]
        lengths += [end - first for first, end in pairwise(bounds_s)]
        for note in notes:
            pitches.append(f"{STEPS[round(note.midi) % 12]}{round(note.midi) // 12 - 1}")
        bounds_s = [word.start_s, *(note.start_s for note in notes[1:]), word.end_s]
        note_lengths += [end - first for first, end in pairwise(bounds_s)]
        now_s = word.end_s
    return {
        "offset": offset_s,
        "text": " ".join(truth.words[number].text for number in words),
        "ph_seq": " ".join(names),
        "ph_dur": " ".join(map(str, lengths)),
        "ph_num": " ".join(map(str, groups)),
        "note_seq": " ".join(pitches),
        "note_dur": " ".join(map(str, note_lengths)),
    }
