"""SongFormer as a segmenter: a mix heard by MusicFM and MuQ, named by SongFormer's net, cut into parts with labels of our set.

Shapes: N samples, S steps, L labels.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.description.segmenter import SongFormerModel, Span
from tasks.models.real.common import device_of, in_precision, mono_at
from tasks.models.real.songformer.hearing import MUQ_STATE, RATE_HZ, Ear, heard, read_muq
from tasks.models.real.songformer.musicfm import STATE as MUSICFM_STATE
from tasks.models.real.songformer.musicfm import STATISTICS, read_musicfm
from tasks.models.real.songformer.net import STATE, SongFormerNet, read_net
from tasks.models.real.songformer.parts import DATASET, LABELS, as_ours, parts_of
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "sections.songformer"
CARDS = (
    Card(
        name="SongFormer",
        section=SECTION,
        packages=("numpy", "soxr", "torch"),
        files=(STATE,),
        released_at="hub ASLP-lab/SongFormer",
        licence="CC-BY-4.0",
    ),
    Card(
        name="MusicFM",
        section=SECTION,
        packages=("torch",),
        files=(MUSICFM_STATE, STATISTICS),
        released_at="hub minzwon/MusicFM",
        licence="MIT",
        field="musicfm_weights",
    ),
    Card(
        name="MuQ",
        section=SECTION,
        packages=("muq", "torch", "transformers"),
        files=("config.json", "|".join(MUQ_STATE)),
        released_at="hub OpenMuQ/MuQ-large-msd-iter",
        licence="CC-BY-NC-4.0",
        field="muq_weights",
    ),
)


class SongFormer:
    """The three nets."""

    def __init__(self, settings: SongFormerModel, identity: str) -> None:
        self.identity = identity
        self._precision = settings.precision
        self._device = device_of(SECTION, settings.device)
        with settings.loading(CARDS[1]) as path:
            musicfm = Ear.of_musicfm(read_musicfm(path))
        with settings.loading(CARDS[2]) as path:
            muq = read_muq(path)
        with settings.loading(CARDS[0]) as path:
            self._net = read_net(path).to(self._device)
            check_fit(self._net, musicfm, muq)
        self.ears = (musicfm.to(self._device), muq.to(self._device))

    def segment(self, mix_CN: np.ndarray) -> tuple[Span, ...]:
        """See `Segmenter.segment`; a song of less than 0.12 s has no parts."""
        duration_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
        bounds_S, labels_SL = self.logits(mono_at(mix_CN, RATE_HZ))
        if not len(bounds_S):
            return ()
        parts, _ = parts_of(bounds_S, labels_SL)
        times_s = [*(part.start_s for part in parts), duration_s]
        return tuple(
            Span(as_ours(part.label), *span) for part, span in zip(parts, pairwise(times_s), strict=True)
        )

    def logits(self, audio_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of mono audio at 24 kHz: that a part begins, float32 [S], and of each label, float32 [S, L]."""
        told: list[tuple[np.ndarray, np.ndarray]] = []
        with torch.inference_mode():
            for heard_1TF in heard(self.ears, torch.from_numpy(audio_N).to(self._device), self._precision):
                with in_precision(self._device, self._precision):
                    sides = self._net(heard_1TF, DATASET)
                bounds_S, labels_SL = (side[0].float().cpu().numpy() for side in sides)
                told.append((bounds_S, labels_SL))
        if not told:
            return np.zeros(0, np.float32), np.zeros((0, self._net.num_labels), np.float32)
        bounds, labels = zip(*told, strict=True)
        return np.concatenate(bounds), np.concatenate(labels)


def check_fit(net: SongFormerNet, *ears: Ear) -> None:
    """Raises a ValueError where the net takes other numbers than the ears hear, or has fewer labels or data sets than are asked."""
    heard_by = [ear.conformer.num_heard for ear in ears]
    if net.num_heard != 2 * sum(heard_by):
        told = " and ".join(str(number) for number in heard_by)
        raise ValueError(
            f"it takes {net.num_heard} numbers a frame; twice what its ears tell ({told}) is another"
        )
    if net.num_labels <= max(LABELS) or net.num_datasets <= DATASET:
        raise ValueError(
            f"it knows {net.num_labels} labels and {net.num_datasets} data sets; label {max(LABELS)} and data set {DATASET} are asked"
        )


build = SongFormer
