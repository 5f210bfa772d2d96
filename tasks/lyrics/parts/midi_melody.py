"""The melody of a MIDI file with lyrics: the notes that begin with its lyric events, and which of them are whose."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from tasks.lyrics.parts.smf import DRUMS, MidiSong, Sound

AT_ONCE_S = 0.03
"""A note this near to a lyric event begins with it, and one this near to the last one's end goes on from it."""
LATE_S = 0.25
"""A note that begins this long after a lyric event, with none before it and before the next event, is still the event's."""
MELODY_SHARE = 0.8
"""Of the lyric events that one note begins with, for the notes of another track to be their melody."""
Timed = tuple[float, float, int]
"""A note's start and end in seconds, and its pitch."""


def melody_of(song: MidiSong, place: int, ticks: Sequence[int | None]) -> list[Sound]:
    """The notes of the melody by their starts; none where no track's notes begin with the words.

    `place`: the track of the words; `ticks`: those of its lyric events.
    """
    known = {tick for tick in ticks if tick is not None}
    best: list[Sound] = []
    most = 0.0
    for number, track in enumerate(song.tracks):
        for channel, notes in track.notes.items():
            starts = sorted(song.seconds(note.start) for note in notes)
            alone = sum(len(_near(starts, song.seconds(tick))) == 1 for tick in known)
            share = alone / max(1, len(known)) + (number == place)
            if channel != DRUMS and share > max(most, MELODY_SHARE if number != place else 1.5):
                best, most = sorted(notes, key=lambda note: note.start), share
    return best


def notes_of_events(
    song: MidiSong, ticks: Sequence[int | None], melody: Sequence[Sound]
) -> list[list[Timed]]:
    """The notes of each lyric event, from its first one to that of the next event; none of an event without a tick."""
    notes = [(song.seconds(note.start), song.seconds(note.end), note.pitch) for note in melody]
    starts = [start_s for start_s, _, _ in notes]
    ats = [math.inf if tick is None else song.seconds(tick) for tick in ticks]
    untils, until_s = [math.inf] * len(ats), math.inf
    for number in reversed(range(len(ats))):
        untils[number], until_s = until_s, min(until_s, ats[number])
    places = [
        _place(tick, melody, notes, starts, at_s, until_s)
        for tick, at_s, until_s in zip(ticks, ats, untils, strict=True)
    ]
    bounds = [
        bisect_left(starts, at_s - AT_ONCE_S) if place is None else place
        for place, at_s in zip(places, ats, strict=True)
    ] + [len(notes)]
    return [
        [] if place is None else notes[place : max(place + 1, bounds[number])]
        for number, place in enumerate(places, start=1)
    ]


def _near(starts: Sequence[float], at_s: float) -> range:
    """The places of the starts that are at once with a time."""
    return range(bisect_left(starts, at_s - AT_ONCE_S), bisect_left(starts, at_s + AT_ONCE_S))


def _place(
    tick: int | None,
    melody: Sequence[Sound],
    notes: Sequence[Timed],
    starts: Sequence[float],
    at_s: float,
    until_s: float,
) -> int | None:
    """Of the first note of an event, which lasts until `until_s`: the one that begins at once with it, else the next one of its span.

    Of several at once it is the one at the event's very tick, or, of a run in which one follows another, the nearest; where
    they sound together none is the melody.
    """
    near = _near(starts, at_s)
    if not near and tick is not None:
        late = bisect_left(starts, at_s)
        if late < len(starts) and starts[late] < min(at_s + LATE_S, until_s - AT_ONCE_S):
            near = range(late, bisect_left(starts, starts[late] + AT_ONCE_S))
    if len(near) < 2:
        return near[0] if near else None
    if at_tick := [place for place in near if melody[place].start == tick]:
        return at_tick[0] if len(at_tick) == 1 else None
    if any(notes[place][1] > notes[place + 1][0] + AT_ONCE_S / 2 for place in near[:-1]):
        return None
    return min(near, key=lambda place: abs(starts[place] - at_s))
