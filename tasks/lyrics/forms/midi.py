r"""MIDI with lyrics, and KAR: lyric and text events as syllables at ticks, decoded, cut into words and lines, and the notes of the melody that begin near them.

Lyric events are read, or KAR's text events, of the track that has most of them. ``\``, ``/``, returns and ``<`` begin lines;
``@T`` of KAR gives title and artist. A blank at its edge ends a word, or where a file has none, everything but a hyphen.
``-``, ``_``, ``~`` and ``+`` alone hold the syllable before. Without lyrics a file is none of ours.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.engine.song import Refused
from tasks.lyrics.parts.midi_melody import AT_ONCE_S, Timed, melody_of, notes_of_events
from tasks.lyrics.parts.smf import (
    END_OF_TRACK,
    TEMPO,
    TEXT,
    MidiSong,
    chunk,
    kar_language,
    length,
    unwrapped,
)
from tasks.lyrics.parts.timed import timed_pieces
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, seconds

NAME, LYRIC, CUE = 3, 5, 7
HELD = re.compile(r"[-_~+]+")
WORDS_TRACK = re.compile(rb"\s*(?:words|lyrics?)\s*", re.IGNORECASE)
PPQ, BEAT_US = 500, 500_000
"""A tick of 1 ms: the grid of what is written."""


@dataclass(frozen=True, slots=True)
class Event:
    """A lyric event's text, and whether a line begins with it; `tick` is None where another part of its text has the time."""

    tick: int | None
    text: str
    begins: bool


def fits(data: bytes) -> bool:
    """A MIDI file that holds lyrics."""
    data = unwrapped(data)
    if data[:4] != b"MThd" or (b"\xff\x05" not in data and b"\xff\x01" not in data):
        return False
    try:
        return bool(_lyrics(MidiSong(data))[1])
    except Refused:
        return False


def read(data: bytes) -> Written:
    """The lyrics of the track that has most.

    Raises:
        Refused: ``lyrics_malformed``, or ``lyrics_mojibake`` where no encoding is found that its letters are of.
    """
    song = MidiSong(data)
    place, found, others = _lyrics(song)
    texts, is_xf = _decoded(song, [text for _, text in found])
    names = [text[2:].strip() for text in texts if text.startswith("@T")][:2]
    events = _events([tick for tick, _ in found], texts, is_xf)
    ticks = [event.tick for event in events]
    notes = notes_of_events(song, ticks, melody_of(song, place, ticks))
    lines = _lines(_words(events), song, notes)
    has_lines = any(event.begins for event in events)
    remarks = [
        Remark("cut_short", number, f"track {number} ends before its end is told")
        for number, track in enumerate(song.tracks, start=1)
        if track.is_cut
    ]
    if others:
        remarks.append(Remark("other_part", 0, f"{others} lyric events of other tracks are not read"))
    return Written(tuple(lines), has_lines, tuple(names), tuple(remarks), kar_language(song))


def write(written: Written) -> bytes:
    """Times to 1 ms; a note where there is a pitch, and only a note states an end. A line ends with a return."""
    events: list[tuple[int, int, bytes]] = [
        (0, 0, _meta(TEMPO, BEAT_US.to_bytes(3, "big"))),
        (0, 0, _meta(NAME, b"Words")),
    ]
    for line in timed_pieces(written, "MIDI", notes=True):
        for place, piece in enumerate(line):
            start, end = round(piece.start_s * 1000), round(piece.end_s * 1000)
            text = re.sub(r"\s+", " ", piece.text) + "\r" * (place == len(line) - 1)
            if text:
                events.append((start, 1, _meta(LYRIC, text.encode())))
            if piece.pitch is not None:
                events.append((start, 2, bytes([0x90, piece.pitch, 100])))
                events.append((max(end, start + 1), 0, bytes([0x80, piece.pitch, 0])))
    events.sort(key=lambda event: event[:2])
    track, now = b"", 0
    for tick, _, event in [*events, (events[-1][0], 3, _meta(END_OF_TRACK, b""))]:
        track += length(tick - now) + event
        now = tick
    header = b"".join(number.to_bytes(2, "big") for number in (0, 1, PPQ))
    return chunk(b"MThd", header) + chunk(b"MTrk", track)


def _lyrics(song: MidiSong) -> tuple[int, list[tuple[int, bytes]], int]:
    """The track with the lyrics, its lyric events, and how many of other tracks are left out."""

    def events_of(kind: int) -> list[list[tuple[int, bytes]]]:
        return [
            [(meta.tick, meta.data) for meta in track.metas if meta.kind == kind and meta.data]
            for track in song.tracks
        ]

    def sung(events: list[tuple[int, bytes]]) -> int:
        return sum(
            not text.startswith(b"@") and re.search(rb"[^\x00-\x20\\\/<^%~_+-]", text) is not None
            for _, text in events
        )

    tracks = events_of(LYRIC)
    texts = events_of(TEXT)
    is_kar = any(text.startswith((b"@K", b"@L", b"@T")) for events in texts for _, text in events) or any(
        meta.kind == NAME and WORDS_TRACK.fullmatch(meta.data)
        for track in song.tracks
        for meta in track.metas
    )
    if is_kar and max(map(sung, texts), default=0) > 2 * max(map(sung, tracks), default=0):
        tracks = texts
    place = max(range(len(tracks)), key=lambda place: sung(tracks[place]), default=0)
    if not tracks or not sung(tracks[place]):
        return 0, [], 0
    chosen = tracks[place]
    said = set(chosen)
    others = sum(
        sung([event])
        for at, events in enumerate(tracks)
        if at != place
        for event in events
        if event not in said
    )
    if tracks is texts:
        chosen = [event for events in texts for event in events if event[1].startswith(b"@T")] + [
            event for event in chosen if not event[1].startswith(b"@")
        ]
    return place, chosen, others


def _decoded(song: MidiSong, texts: Sequence[bytes]) -> tuple[list[str], bool]:
    """Texts in the one encoding that all are of, and whether Yamaha's XF marks stand in them."""
    cues = [meta.data for track in song.tracks for meta in track.metas if meta.kind == CUE]
    xf = next((cue for cue in cues if cue.startswith(b"$Lyrc")), None)
    japanese = xf is not None and xf.strip().endswith((b":JP", b":J"))
    for encoding in ("utf-8", *(["cp932"] if japanese else []), "cp1252", "latin-1"):
        try:
            decoded = [text.decode(encoding) for text in texts]
        except UnicodeDecodeError:
            continue
        letters = [letter for text in decoded for letter in text if letter.isalpha()]
        if (
            encoding in ("cp1252", "latin-1")
            and sum(letter > "\x7f" for letter in letters) > len(letters) / 2
        ):
            raise Refused(
                "lyrics_mojibake",
                f"MIDI: the lyrics read {''.join(decoded)[:40]!r}; write them in UTF-8",
            )
        return [text.replace("\0", "") for text in decoded], xf is not None
    raise AssertionError("latin-1 decodes all")


def _events(ticks: Sequence[int], texts: Sequence[str], is_xf: bool) -> list[Event]:
    """The events with text; marks of lines and blanks alone are told by their neighbours."""
    events: list[Event] = []
    begins = False
    for tick, text in zip(ticks, texts, strict=True):
        if text.startswith("@"):
            continue
        if is_xf:
            text = re.sub(r"%-?", "", text.replace("^", " ").replace("<", "\n"))
        bare = text.strip("\\/")
        text = "\n" * text.startswith(("\\", "/")) + bare + "\n" * (bool(bare) and text.endswith(("\\", "/")))
        at: int | None = tick
        for place, part in enumerate(re.split(r"[\r\n]+", text)):
            begins = begins or place > 0
            if part.strip():
                events.append(Event(at, part, begins))
                at, begins = None, False
            elif part and events and not begins and not events[-1].text.endswith(" "):
                events[-1] = replace(events[-1], text=events[-1].text + " ")
    return events


def _words(events: Sequence[Event]) -> list[Event]:
    """The events with a blank where words end, and without hyphens that only join syllables."""
    texts = [event.text for event in events if event.text.strip()]
    if not any(text != text.strip() for text in texts):
        return [
            _bordered(event, following) for event, following in zip(events, [*events[1:], None], strict=True)
        ]
    joined = [
        event.text
        for event, following in pairwise(events)
        if event.text[-1:].strip() and following.text[:1].strip() and not following.begins
    ]
    if 2 * sum(text.endswith("-") and not HELD.fullmatch(text) for text in joined) < max(1, len(joined)):
        return [*events]
    return [
        replace(event, text=event.text[:-1]) if event.text.endswith("-") and len(event.text) > 1 else event
        for event in events
    ]


def _bordered(event: Event, following: Event | None) -> Event:
    """An event of a file without blanks: a hyphen joins it to a neighbour, else it ends a word."""
    if HELD.fullmatch(event.text):
        return event
    joins = event.text.endswith("-") or (
        following is not None
        and (following.text.startswith("-") or HELD.fullmatch(following.text) is not None)
    )
    return replace(event, text=event.text.strip("-") + ("" if joins else " "))


def _lines(events: Sequence[Event], song: MidiSong, notes: Sequence[Sequence[Timed]]) -> Iterator[Line]:
    syllables: list[Syllable] = []
    first = 1
    for number, (event, held) in enumerate(zip(events, notes, strict=True), start=1):
        if event.begins and syllables:
            yield _line(syllables, first)
            syllables, first = [], number
        syllables += _sung(event.text, math.inf if event.tick is None else song.seconds(event.tick), held)
    if syllables:
        yield _line(syllables, first)


def _sung(text: str, at_s: float, notes: Sequence[Timed]) -> Iterator[Syllable]:
    """An event's syllable on the first of its notes, and the others as far as each begins where the one before ends."""
    text = re.sub(HELD, "", text) if HELD.fullmatch(text.strip()) else text
    if not notes:
        yield Syllable(text, seconds(at_s))
    for place, (start_s, end_s, pitch) in enumerate(notes):
        if place and abs(start_s - notes[place - 1][1]) > AT_ONCE_S:
            return
        yield Syllable("" if place else text, seconds(start_s if place else at_s), seconds(end_s), pitch)


def _line(syllables: Sequence[Syllable], number: int) -> Line:
    start_s = next((syllable.start_s for syllable in syllables if syllable.start_s is not None), None)
    return Line(tuple(syllables), start_s, syllables[-1].end_s, number)


def _meta(kind: int, data: bytes) -> bytes:
    return bytes([0xFF, kind]) + length(len(data)) + data


FORM = Form("MIDI", (".mid", ".kar", ".midi", ".rmi"), fits, read, write, binary=True, has_notes=True)
