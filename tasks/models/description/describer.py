"""Facts of a song (`Fact`): tempo, metre, key, loudness range, range of the voice, instruments. Each says where it is from and its certainty.

What a column states (beats, chords, melody, stems) is taken from it; else the embedded ears hear the mix. A fact below
`describe.min_certainty` has no value, and its certainty all the same; one that nobody can tell is not there.

Shapes: N samples, T latent frames.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from pydantic import Field

from eval.metrics.controls.chord_labels import NAMES
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.stage import Section
from tasks.models.chords import TemplateChords
from tasks.models.embedded.beat_times import TrackedBeats, track_beats
from tasks.models.embedded.chroma import chroma_of
from tasks.models.embedded.keys import Chord, key_of_chords
from tasks.models.embedded.metre import metre_of

NEVER = "never"
IDENTITY = "embedded/song-facts@2"
STEADY = 0.04  # of the middle time between beats: so near counts as even
HEARD_DB = -30.0  # of a stem against the mix: below, nobody plays
LOW_MIDI, HIGH_MIDI = 55, 62  # G3, D4: the middle of a voice below, and above
RANGE_PERCENTILES = (5, 95)
VOICED_FRAMES = 20
LOUDNESS_S = 3.0  # a short-term block of EBU Tech 3342
INSTRUMENTS = (
    *("drums", "bass", "piano", "guitar", "strings", "violin", "cello", "brass", "trumpet", "saxophone"),
    *("flute", "organ", "synth", "harp", "choir", "accordion", "banjo", "ukulele", "harmonica", "percussion"),
)


class DescribeParams(Section):
    """`when`: never, and there is no such stage, or always. `min_certainty`: below it a fact has no value."""

    when: Literal["never", "always"]
    min_certainty: float = Field(ge=0, le=1)

    def identity(self) -> str:
        """Name and revision of what says the facts."""
        return IDENTITY


@dataclass(frozen=True, slots=True)
class Fact:
    """What is said of a song: a word or a number, where it is from, and a certainty in [0, 1]."""

    name: str
    text: str | None
    number: float | None
    source: str
    certainty: float

    def held(self, min_certainty: float) -> Fact:
        """The fact, without its value where it is too unsure."""
        return (
            self
            if self.certainty >= min_certainty
            else Fact(self.name, None, None, self.source, self.certainty)
        )


class SongFacts:
    """The embedded ears, and what columns state."""

    identity = IDENTITY

    def facts(self, mix_CN: np.ndarray, columns: Mapping[str, Any]) -> list[Fact]:
        """The facts of a mix [2, N] at 44.1 kHz; `columns`: what stands of the song, by name."""
        beats_s, heard = columns.get("beats_s"), None
        if not beats_s:
            heard = track_beats(mix_CN)
            beats_s = heard.times_s.tolist()
        found = [
            tempo_fact(columns.get("beats_s"), heard),
            self._metre(mix_CN, beats_s, columns),
            self._key(mix_CN, columns.get("chords")),
            loudness_fact(mix_CN),
            *voice_facts(columns.get("melody")),
            *stem_facts(columns.get("stems")),
            *written_facts(columns.get("style_text")),
        ]
        return [fact for fact in found if fact is not None]

    def _metre(self, mix_CN: np.ndarray, beats_s: Sequence[float], columns: Mapping[str, Any]) -> Fact | None:
        if columns.get("downbeats_s"):
            return metre_of_downbeats(beats_s, columns["downbeats_s"])
        metre = metre_of(chroma_of(mix_CN), beats_s)
        if metre is None:
            return None
        beats = metre.beats_per_bar
        return Fact("metre", f"{beats}/4", float(beats), "heard", metre.certainty)

    def _key(self, mix_CN: np.ndarray, rows: Sequence[Mapping[str, Any]] | None) -> Fact | None:
        source = "chords" if rows else "heard"
        chords: list[Chord] = (
            [(row["start_s"], row["end_s"], row["label"]) for row in rows]
            if rows
            else [(span.start_s, span.end_s, span.label) for span in TemplateChords().recognise(mix_CN)]
        )
        key = key_of_chords(chords)
        return None if key is None else Fact("key", key.name, None, source, key.certainty)


def tempo_fact(beats_s: Sequence[float] | None, heard: TrackedBeats | None) -> Fact | None:
    """Beats a minute: of the middle time between beats that a column states, certain as the share of even ones; else as heard."""
    if beats_s is not None and len(beats_s) > 2:
        apart_s = np.diff(beats_s)
        middle_s = float(np.median(apart_s))
        even = float((np.abs(apart_s - middle_s) <= STEADY * middle_s).mean())
        return Fact("tempo_bpm", None, 60 / middle_s, "beats", even)
    if heard is None or heard.tempo_bpm is None:
        return None
    return Fact("tempo_bpm", None, heard.tempo_bpm, "heard", heard.clarity)


def metre_of_downbeats(beats_s: Sequence[float], downbeats_s: Sequence[float]) -> Fact | None:
    """The usual number of beats from one downbeat to the next, certain as the share of bars that have it."""
    counts = [sum(a - 1e-3 <= beat < b - 1e-3 for beat in beats_s) for a, b in pairwise(downbeats_s)]
    if not counts:
        return None
    usual = max(sorted(set(counts)), key=counts.count)
    return Fact("metre", f"{usual}/4", float(usual), "beats", counts.count(usual) / len(counts))


def loudness_fact(mix_CN: np.ndarray) -> Fact | None:
    """The loudness range in LU (EBU Tech 3342, by pyloudnorm); None of a mix that is silent or shorter than two blocks."""
    import pyloudnorm

    if mix_CN.shape[1] < 2 * LOUDNESS_S * SAMPLE_RATE_HZ:
        return None
    found = float(pyloudnorm.Meter(SAMPLE_RATE_HZ).loudness_range(mix_CN.T.astype(np.float64)))
    return Fact("loudness_range_lu", None, found, "mix", 1.0) if np.isfinite(found) else None


def voice_facts(melody_T2: np.ndarray | None) -> list[Fact]:
    """Lowest and highest note of the voice (of nine tenths of its frames) and its register, certain as its pitch; none without a melody."""
    if melody_T2 is None:
        return []
    voiced = np.isfinite(melody_T2[:, 0])
    if voiced.sum() < VOICED_FRAMES:
        return []
    midi_T, certainty = melody_T2[voiced, 0], float(np.clip(melody_T2[voiced, 1].mean(), 0, 1))
    low, high = (float(np.percentile(midi_T, share)) for share in RANGE_PERCENTILES)
    middle = float(np.median(midi_T))
    register = "low" if middle < LOW_MIDI else "high" if middle > HIGH_MIDI else "middle"
    return [
        Fact("voice_low", note_name(low), low, "melody", certainty),
        Fact("voice_high", note_name(high), high, "melody", certainty),
        Fact("register", register, middle, "melody", certainty),
    ]


def stem_facts(levels_db: Mapping[str, float] | None) -> list[Fact]:
    """An instrument for each stem that is heard, by its level against the mix; certain from 20 dB above the limit on."""
    heard = {
        name: level for name, level in (levels_db or {}).items() if level > HEARD_DB and name in INSTRUMENTS
    }
    return [
        Fact("instrument", name, level, "stems", float(np.clip(0.5 + (level - HEARD_DB) / 40, 0, 1)))
        for name, level in sorted(heard.items())
    ]


def written_facts(text: str | None) -> list[Fact]:
    """Instruments that the song's own style text names."""
    words = set(re.findall(r"[a-z]+", (text or "").lower()))
    return [Fact("instrument", name, None, "style text", 1.0) for name in INSTRUMENTS if name in words]


def note_name(midi: float) -> str:
    """The nearest note's name, C4 = 60."""
    note = round(midi)
    return f"{NAMES[note % 12]}{note // 12 - 1}"


def build_describer(params: DescribeParams) -> SongFacts:
    """What describes songs."""
    return SongFacts()
