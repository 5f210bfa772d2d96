"""Controls as a sample holds them: a number for each latent frame, float32 [T] as every array of a sample, in an .npy member.

`chords`: 0 = no chord, else 1 + 12 q + r of quality number q in `QUALITIES` over root r (0 = C). Basses are left out; a chord
with more tones is the one of these that has most of them. `melody`: 0 = no voice, else 1 + the number of semitones over G2 (MIDI 43), up
to 53. JASCO has 53 bins "G2 to B7", which is 65 semitones: 53 reach B6 (MIDI 95). What is sung beyond the bins is 0. `drums` and
`sketch` (the member `audio`) are blurred latents, float32 [T, 64].

Shapes: T latent frames.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from eval.metrics.controls.chord_labels import QUALITIES as TONES
from eval.metrics.controls.chord_labels import chord_of
from eval.metrics.controls.chords import label_at
from jam_model.frames import LATENT_CHANNELS
from tasks.models.melody import frame_middles_s

QUALITIES = ("maj", "min", "7", "maj7", "min7", "dim", "aug", "sus2", "sus4", "dim7", "hdim7")
LOWEST_MIDI, NUM_PITCHES = 43, 53


def chord_frames(rows: Sequence[Mapping[str, Any]], num_frames: int) -> np.ndarray:
    """The column `chords` as indices: that of the chord in the middle of each frame, [T].

    Raises:
        ValueError: a label is none, or has no chord of `QUALITIES` in it.
    """
    spans = [(row["start_s"], row["end_s"], row["label"]) for row in rows]
    middles_s = frame_middles_s(num_frames).tolist()
    return np.array([chord_index(label_at(spans, time_s)) for time_s in middles_s], np.float32)


@lru_cache(maxsize=4096)
def chord_index(label: str) -> int:
    """The index of a label.

    Raises:
        ValueError: it is none, or has no chord of `QUALITIES` in it.
    """
    chord = chord_of(label)
    if chord.root is None:
        if chord.tones == ():
            return 0
        raise ValueError(f"chord {label!r} is not known; a control has N or a chord in every frame")
    held = [q for q, name in enumerate(QUALITIES) if {*TONES[name]} <= {*(chord.tones or ())}]
    if not held:
        raise ValueError(f"chord {label!r} holds none of {', '.join(QUALITIES)}")
    most = max(held, key=lambda q: len(TONES[QUALITIES[q]]))
    return 1 + 12 * most + chord.root


def melody_frames(melody_T2: np.ndarray, num_frames: int) -> np.ndarray:
    """The column `melody` as indices, [T].

    Raises:
        ValueError: it has another number of frames.
    """
    if melody_T2.shape != (num_frames, 2):
        raise ValueError(
            f"melody has shape {list(melody_T2.shape)}, the latents {num_frames} frames; prepare again"
        )
    midi_T = melody_T2[:, 0]
    bin_T = np.rint(np.where(np.isnan(midi_T), -1.0, midi_T)) - LOWEST_MIDI
    return np.where((bin_T >= 0) & (bin_T < NUM_PITCHES), bin_T + 1, 0).astype(np.float32)


def latent_frames(latent_TC: np.ndarray, num_frames: int, name: str) -> np.ndarray:
    """The columns `drums` and `sketch` as they are, [T, 64].

    Raises:
        ValueError: other frames or channels.
    """
    if latent_TC.shape != (num_frames, LATENT_CHANNELS):
        raise ValueError(
            f"{name} has shape {list(latent_TC.shape)}, the latents {num_frames} frames of {LATENT_CHANNELS}; prepare again"
        )
    return latent_TC.astype(np.float32, copy=False)
