"""Bases of stages that listen (`MixStage`, `VocalsStage`): to the mix (`mix_in`), or to the vocals (`vocals_in`), opened ahead."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tasks.audio.mix import mix_of
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.stage import Stage


def mix_in(song: Song) -> np.ndarray:
    """The mix of a song, float32 [2, N] at 44.1 kHz."""
    return mix_of(song.song_id, song["audio"], song.root, song.content_hash)


def vocals_in(song: Song) -> np.ndarray:
    """The vocals that were taken out of it, float32 [N] at 44.1 kHz."""
    return read_bytes(song["vocals"])[0][0]


class MixStage(Stage):
    """A stage that listens to the mix."""

    reads = frozenset({"audio", "duration_s"})
    packages: ClassVar[tuple[str, ...]] = ("av", "numpy", "scipy", "soundfile", "soxr")

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, float32 [2, N] at 44.1 kHz."""
        return mix_in(song)


class VocalsStage(Stage):
    """A stage that listens to the vocals."""

    reads = frozenset({"vocals", "duration_s"})
    packages: ClassVar[tuple[str, ...]] = ("numpy", "torch", "soundfile", "soxr")

    def open(self, song: Song) -> np.ndarray | None:
        """The vocals, float32 [N] at 44.1 kHz."""
        return vocals_in(song)
