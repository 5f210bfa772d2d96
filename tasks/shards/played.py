"""What is asked of a song and what is heard in it as lanes of its page (`eval.pages.lanes`): arrays and columns of controls as stretches of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from eval.metrics.controls.chord_labels import NAMES
from eval.pages.lanes import Played
from jam_model.controls.known import PAINTING
from jam_model.frames import seconds_of_frames
from tasks.audio.read import array_of
from tasks.shards.control_frames import LOWEST_MIDI, QUALITIES

MAKERS = ("chords", "melody", "beats")
LANES = {
    "drums": "drums (blurred, without a lane)",
    "audio": "a sketch (blurred, without a lane)",
    PAINTING: "kept seconds",
}


def played_in(row: Mapping[str, Any]) -> Played:
    """What stages heard in a song, from its row of the table; a column that nobody wrote has no lane."""
    stages = [line for line in row.get("made_by") or () if line.split("-v")[0] in MAKERS]
    melody = row.get("melody")
    return Played(
        by=", ".join(stages),
        chords=[(one["start_s"], one["end_s"], one["label"]) for one in row.get("chords") or ()],
        pitches=[] if melody is None else pitches_of(array_of(melody)[:, 0]),
        frame_s=seconds_of_frames(1),
        beats_s=row.get("beats_s") or (),
    )


def played_by(controls: Mapping[str, np.ndarray], bpm: float | None, duration_s: float) -> Played:
    """What arrays of controls ask for; where chords have a tempo, its beats. Drums and a sketch are blurred latents, which have no lane."""
    chords, melody = controls.get("chords"), controls.get("melody")
    said = [LANES.get(name, name) for name in controls]
    return Played(
        by=", ".join(said),
        chords=[] if chords is None else spans_of(chords),
        pitches=[] if melody is None else pitches_of(np.where(melody > 0, melody - 1 + LOWEST_MIDI, np.nan)),
        frame_s=seconds_of_frames(1),
        beats_s=np.arange(0.0, duration_s, 60 / bpm).tolist() if bpm and chords is not None else (),
        kept=kept_in(controls[PAINTING][:, -1]) if PAINTING in controls else (),
    )


def pitches_of(midi_T: np.ndarray) -> Sequence[float | None]:
    """A MIDI number a frame, None where there is none."""
    return [round(float(pitch), 2) if np.isfinite(pitch) else None for pitch in midi_T]


def kept_in(mask_T: np.ndarray) -> list[tuple[float, float]]:
    """The stretches of a mask, in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask_T > 0.5, [0]]).astype(int)))
    return [
        (seconds_of_frames(int(first)), seconds_of_frames(int(last))) for first, last in edges.reshape(-1, 2)
    ]


def spans_of(index_T: np.ndarray) -> list[tuple[float, float, str]]:
    """Indices of chords as spans of labels, a span as long as the index stays."""
    bounds = [0, *(np.flatnonzero(np.diff(index_T)) + 1).tolist(), len(index_T)]
    return [
        (seconds_of_frames(first), seconds_of_frames(last), label_of(int(index_T[first])))
        for first, last in pairwise(bounds)
        if last > first
    ]


def label_of(index: int) -> str:
    """The label of an index."""
    quality, root = divmod(index - 1, 12)
    return f"{NAMES[root]}:{QUALITIES[quality]}" if index else "N"
