"""The melody (tones with pitch) of a file that has notes, with words or without: MIDI, MusicXML, UltraStar, .ds and whatever lyrics are read from.

Where a file has words, its notes are those that are sung. Else a MIDI file has them in one part, or in the one that is named as a voice; of a score without words the
first part with notes is read, its first voice, with repeats played out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.engine.song import Refused
from tasks.lyrics.forms import midi, musicxml
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.decode import decode_text
from tasks.lyrics.parts.mxl import unzipped_score
from tasks.lyrics.parts.repeats import played
from tasks.lyrics.parts.score import clock_of, measures_of, parts_of, seconds_into
from tasks.lyrics.parts.smf import DRUMS, MidiSong, unwrapped
from tasks.lyrics.parts.xml import parsed
from tasks.lyrics.read import FORMS, read_lyrics

MALFORMED = "melody_malformed"
MAX_NOTES = 200_000
OPEN_S = 1.0  # of a last note whose end nobody states
_VOICE = re.compile(rb"(?i)melod|vocal|voice|lead|sing|gesang|chant")


@dataclass(frozen=True, slots=True)
class Tone:
    """A note of a melody: seconds from the song's start, and its MIDI number."""

    start_s: float
    end_s: float
    pitch: int


def has_notes(data: bytes) -> bool:
    """Whether a file's bytes are of a form that can hold notes; a sound is none."""
    if unwrapped(data)[:4] == b"MThd" or musicxml.ZIPPED.fits(data):  # type: ignore[arg-type]
        return True
    try:
        text = decode_text(data)
    except Refused:
        return False
    form = next((form for form in FORMS if not form.binary and form.fits(text)), None)  # type: ignore[arg-type]
    return form is not None and (form.has_notes or form.name == "DiffSinger")


def melody_in(data: bytes, max_bytes: int, max_words: int) -> list[Tone]:
    """The melody of a file, by start.

    Raises:
        Refused: ``melody_malformed``, or what `read_lyrics` says: it is too long, cannot be read, or has no note.
    """
    if len(data) > max_bytes:
        raise Refused(MALFORMED, f"{len(data)} bytes, at most {max_bytes}")
    try:
        tones = melody_of(read_lyrics(data, max_bytes, max_words))
    except Refused:
        tones = []
        if not _is_bare(data):
            raise
    tones = tones or (_without_words(data) if _is_bare(data) else [])
    if not tones:
        raise Refused(
            MALFORMED,
            "it has no note with a pitch and a time; give MIDI, MusicXML, UltraStar or .ds with a melody",
        )
    return tones


def melody_of(lyrics: Lyrics) -> list[Tone]:
    """The notes of lyrics; one without an end lasts until the next begins."""
    notes = sorted(lyrics.notes, key=lambda note: note.start_s)
    starts = [*(note.start_s for note in notes), math.inf]
    open_ends = [
        nxt if math.isfinite(nxt) else note.start_s + OPEN_S
        for note, nxt in zip(notes, starts[1:], strict=True)
    ]
    return [
        Tone(note.start_s, end if note.end_s is None else note.end_s, note.pitch)
        for note, end in zip(notes, open_ends, strict=True)
    ]


def _is_bare(data: bytes) -> bool:
    if unwrapped(data)[:4] == b"MThd":
        return True
    return _score_text(data) is not None


def _score_text(data: bytes) -> str | None:
    try:
        zipped = musicxml.ZIPPED.fits(data)  # type: ignore[arg-type]
        text = decode_text(unzipped_score(data) if zipped else data)
    except Refused:
        return None
    return text if musicxml.fits(text) else None


def _without_words(data: bytes) -> list[Tone]:
    if unwrapped(data)[:4] == b"MThd":
        return _of_midi(MidiSong(data))
    text = _score_text(data)
    return [] if text is None else _of_score(text)


def _of_midi(song: MidiSong) -> list[Tone]:
    parts = {
        (number, channel): notes
        for number, track in enumerate(song.tracks)
        for channel, notes in track.notes.items()
        if channel != DRUMS
    }
    if len(parts) > 1:
        named = {number for number, track in enumerate(song.tracks) for meta in track.metas if meta.kind == midi.NAME and _VOICE.search(meta.data)}  # fmt: skip
        chosen = {key: notes for key, notes in parts.items() if key[0] in named}
        if len(chosen) != 1:
            raise Refused(
                MALFORMED,
                f"MIDI: {len(parts)} parts have notes and no single one is named as the melody; leave one, or name its track melody",
            )
        parts = chosen
    return _timed(
        (song.seconds(note.start), song.seconds(note.end), note.pitch)
        for notes in parts.values()
        for note in notes
    )


def _of_score(text: str) -> list[Tone]:
    parts = [measures_of(part) for part in parts_of(parsed(text, "MusicXML"))]
    place = next((n for n, part in enumerate(parts) if any(note.pitch is not None for measure in part for note in measure.notes)), None)  # fmt: skip
    if place is None:
        return []
    measures = musicxml.with_signs_of_all(parts, place)
    clock = clock_of(measures)
    if clock is None:
        raise Refused(MALFORMED, "MusicXML: the score states no tempo, so its notes have no times; add one")
    voice = min(
        (note.voice for measure in measures for note in measure.notes if note.pitch is not None), default=""
    )
    at_s, found = 0.0, []
    for number in played([measure.signs for measure in measures]):
        for note in measures[number].notes:
            if note.pitch is not None and note.voice == voice and note.length > 0:
                bounds = (
                    at_s + seconds_into(clock[number], place)
                    for place in (note.start, note.start + note.length)
                )
                found.append((*bounds, note.pitch))
        if len(found) > MAX_NOTES:
            raise Refused(MALFORMED, f"MusicXML: the repeats of the score play more than {MAX_NOTES} notes")
        at_s += seconds_into(clock[number], measures[number].length)
    return _timed(found)  # type: ignore[arg-type]


def _timed(notes: Iterable[tuple[float, float, int]]) -> list[Tone]:
    """Notes by start; of two that begin at once the higher one is the melody, and a note ends where the next begins."""
    by_start: dict[float, tuple[float, int]] = {}
    for start_s, end_s, pitch in notes:
        if math.isfinite(end_s) and (start_s not in by_start or pitch > by_start[start_s][1]):
            by_start[start_s] = (end_s, pitch)
    tones = [Tone(start_s, *by_start[start_s]) for start_s in sorted(by_start)]
    ends: Sequence[float] = [min(one.end_s, nxt.start_s) for one, nxt in pairwise(tones)]
    return [
        Tone(one.start_s, end, one.pitch)
        for one, end in zip(tones, [*ends, *(one.end_s for one in tones[-1:])], strict=True)
    ]
