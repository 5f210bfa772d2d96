"""A Standard MIDI File's bytes: tracks and their meta events, notes by channel, ticks, and the seconds of these by the file's tempos.

Our own in place of mido 1.3.3, which loses the whole file for a cut track or one data byte above 127, and reads a length of
any size in quadratic time. Here a track that cannot be read further ends there, and says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.engine.song import Refused

DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
TEXT = 1
KAR_LANGUAGES = {
    "ENGL": "en",
    "GERM": "de",
    "DEUT": "de",
    "FREN": "fr",
    "FRAN": "fr",
    "SPAN": "es",
    "ESPA": "es",
}
KAR_LANGUAGES |= {"ITAL": "it", "PORT": "pt", "RUSS": "ru", "CHIN": "zh", "JAPA": "ja", "KORE": "ko"}
TEMPO, END_OF_TRACK = 0x51, 0x2F
MAX_TRACKS = 256
DRUMS = 9  # the channel whose notes have no pitch


@dataclass(frozen=True, slots=True)
class Meta:
    """A meta event: its tick, its type and its bytes."""

    tick: int
    kind: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Sound:
    """A note, from tick to tick."""

    start: int
    end: int
    pitch: int


@dataclass(frozen=True)
class Track:
    """A track's meta events, and its notes by channel; `is_cut`: bytes remain that could not be read."""

    metas: list[Meta]
    notes: dict[int, list[Sound]]
    is_cut: bool


class MidiSong:
    """The tracks of a file, and its clock.

    Raises:
        Refused: ``lyrics_malformed``: no header, or a clock that does not run.
    """

    def __init__(self, data: bytes) -> None:
        data = unwrapped(data)
        if data[:4] != b"MThd" or len(data) < 14:
            raise Refused("lyrics_malformed", "MIDI: the header is missing or cut; export the file anew")
        self.division = int.from_bytes(data[12:14], "big", signed=True)
        if self.division == 0 or (self.division < 0 and self.division & 0xFF == 0):
            raise Refused("lyrics_malformed", "MIDI: the division is 0 ticks; export the file anew")
        self.tracks = list(_tracks(data))
        tempos = [meta for track in self.tracks for meta in track.metas if meta.kind == TEMPO]
        beat_s, at_s, tick = 0.5, 0.0, 0
        self.clock = [(tick, at_s, self._tick_s(beat_s))]
        for meta in sorted(tempos, key=lambda meta: meta.tick):
            beat_s = int.from_bytes(meta.data[:3], "big") / 1e6
            at_s += (meta.tick - tick) * self.clock[-1][2]
            tick = meta.tick
            self.clock.append((tick, at_s, self._tick_s(beat_s)))

    def seconds(self, tick: int) -> float:
        """When a tick is, in all tracks."""
        first, at_s, tick_s = self.clock[bisect_right(self.clock, tick, key=lambda change: change[0]) - 1]
        return at_s + (tick - first) * tick_s

    def _tick_s(self, beat_s: float) -> float:
        if self.division > 0:
            return beat_s / self.division
        frames = -(self.division >> 8)  # SMPTE: frames a second and ticks a frame
        return 1 / ((29.97 if frames == 29 else frames) * (self.division & 0xFF))


def unwrapped(data: bytes) -> bytes:
    """The MIDI file in a RIFF one (``.rmi``); anything else as it is."""
    return data[20:] if data[:4] == b"RIFF" and data[8:16] == b"RMIDdata" else data


def chunk(name: bytes, data: bytes) -> bytes:
    """A part of a MIDI file."""
    return name + len(data).to_bytes(4, "big") + data


def length(number: int) -> bytes:
    """A number of variable length, below 2 ** 28."""
    sevens = [number >> shift & 0x7F for shift in (21, 14, 7, 0)]
    first = next((place for place, seven in enumerate(sevens) if seven), 3)
    return bytes([*(seven | 0x80 for seven in sevens[first:3]), sevens[3]])


def _tracks(data: bytes) -> Iterator[Track]:
    at = 8 + int.from_bytes(data[4:8], "big")
    for _ in range(MAX_TRACKS):
        if len(data) < at + 8:
            return
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if data[at : at + 4] == b"MTrk":
            yield _track(data[at + 8 : at + 8 + size], is_cut=len(data) < at + 8 + size)
        at += 8 + size


def _track(data: bytes, is_cut: bool) -> Track:
    metas: list[Meta] = []
    notes: dict[int, list[Sound]] = {}
    sounding: dict[tuple[int, int], int] = {}
    at = tick = status = 0
    try:
        while at < len(data):
            delta, at = _length(data, at)
            tick += delta
            if data[at] & 0x80:
                status, at = data[at], at + 1
            if status == 0xFF:
                kind = data[at]
                size, at = _length(data, at + 1)
                metas.append(Meta(tick, kind, data[at : at + size]))
                at += size
                if kind == END_OF_TRACK:
                    return Track(metas, notes, is_cut)
            elif status in (0xF0, 0xF7):
                size, at = _length(data, at)
                at += size
            else:
                voice, channel = status & 0xF0, status & 0x0F
                pitch, velocity = data[at], data[min(at + 1, len(data) - 1)]
                at += DATA_BYTES[voice]
                if voice in (0x80, 0x90):
                    started = sounding.pop((channel, pitch), None)
                    if started is not None:
                        notes.setdefault(channel, []).append(Sound(started, tick, pitch))
                    if voice == 0x90 and velocity:
                        sounding[channel, pitch] = tick
    except (
        IndexError,
        KeyError,
        ValueError,
    ):  # a byte that is not there, a status that is none, a length too long
        is_cut = True
    return Track(metas, notes, is_cut)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    number = 0
    for place in range(at, at + 4):
        number = number << 7 | data[place] & 0x7F
        if not data[place] & 0x80:
            return number, place + 1
    raise ValueError("a length of more than four bytes")


def kar_language(song: MidiSong) -> str:
    """The first four letters of a language's name that KAR gives (``@LENGL``), as a code; empty where it gives none."""
    texts = [meta.data for track in song.tracks for meta in track.metas if meta.kind == TEXT]
    stated = next((text[2:].strip().upper() for text in texts if text.startswith(b"@L")), b"")
    return KAR_LANGUAGES.get(stated[:4].decode("latin-1"), "")
