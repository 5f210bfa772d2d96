"""Parts of a song from SongFormer's logits: where the likelihood of a bound is above all within 12 s, and the label that is likeliest between two bounds.

Source: ASLP-lab/SongFormer, infer/infer.py and postprocessing/ (which follow T. Kim and J. Nam, All-In-One Metrical And Functional Structure Analysis,
WASPAA 2023). Its seconds are kept: a step is 1 / 8.333 s there, though three frames of 25 Hz are 0.12 s, 17 ms apart at 420 s.

Shapes: S steps, L labels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tasks.lyrics.parts.section_labels import section_label

STEPS_A_SECOND = 8.333
AROUND = 99  # steps of 12 s
DATASET = 5
"""The data set that songs are labelled as: Harmonix in eight labels ("SongForm-HX-8Class")."""
LABELS = {
    **{0: "intro", 1: "verse", 2: "chorus", 3: "bridge", 4: "inst", 5: "outro", 6: "silence"},
    26: "pre-chorus",
}
"""The answers that songs of this data set have, in the net's words."""
SHORT_S, ALIKE_S = 1.0, 10.0


class Part(NamedTuple):
    """From when on, and its label in the net's words."""

    start_s: float
    label: str


def parts_of(bounds_S: np.ndarray, labels_SL: np.ndarray) -> tuple[list[Part], float]:
    """The parts that logits tell, one behind the other, and where the last one ends, in seconds.

    Raises:
        ValueError: no step.
    """
    if not len(bounds_S):
        raise ValueError("logits of no step tell no part")
    answers = np.array(sorted(LABELS))
    likely_SL = torch.from_numpy(labels_SL[:, answers]).double().softmax(dim=1).numpy()
    first = sorted({0, *bounds(torch.from_numpy(bounds_S).double().sigmoid().numpy())})
    told = [LABELS[int(answers[part.mean(axis=0).argmax()])] for part in np.split(likely_SL, first[1:])]
    parts = [Part(start / STEPS_A_SECOND, label) for start, label in zip(first, told, strict=True)]
    end_s = len(bounds_S) / STEPS_A_SECOND
    return tidied(parts, end_s), end_s


def bounds(likely_S: np.ndarray) -> list[int]:
    """Steps at which a part begins: above their neighbours and all within 12 s, and above the mean of the peaks around them."""
    padded = np.pad(likely_S, 1, constant_values=-np.inf)
    peaks_S = np.where(likely_S >= np.maximum(padded[:-2], padded[2:]), likely_S, 0.0)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(peaks_S, AROUND), 2 * AROUND + 1)
    means_S = (around[:, :AROUND].mean(axis=1) + around[:, AROUND + 1 :].mean(axis=1)) / 2
    chosen_S = (peaks_S == around.max(axis=1)) & (peaks_S > 0) & (peaks_S > means_S)
    return [int(step) for step in np.flatnonzero(chosen_S)]


def tidied(parts: list[Part], end_s: float) -> list[Part]:
    """The parts without those below a second at either end, and with the first two and the last two made one where they have one label and
    the outer one lasts ten seconds at most.
    """
    parts = list(parts)
    while len(parts) > 1 and parts[1].start_s - parts[0].start_s < SHORT_S:
        parts[:2] = [Part(parts[0].start_s, parts[1].label)]
    while len(parts) > 1 and end_s - parts[-1].start_s < SHORT_S:
        parts.pop()
    while len(parts) > 1 and parts[0].label == parts[1].label and parts[1].start_s <= ALIKE_S:
        parts[:2] = [parts[0]]
    while len(parts) > 1 and parts[-1].label == parts[-2].label and end_s - parts[-1].start_s <= ALIKE_S:
        parts.pop()
    return parts


def as_ours(label: str) -> str:
    """The label of our closed set; silence is ``other``."""
    return section_label(label)
