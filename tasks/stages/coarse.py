"""Drums and sketch: a part of the song as blurred latents, for controls. Each only where it is chosen."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from tasks.audio.read import npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.coarse_latents import CoarseParams, coarse_latents, percussive
from tasks.models.codec import CodecParams, build_codec
from tasks.models.embedded.onsets import flux_onsets
from tasks.models.separator import SeparatorParams, build_separator
from tasks.stages.bases import MixStage, mix_in, vocals_in

DRUMS_STEM = "drums"
NEED_DRUMS = ("stem", "without_drums")
"""Models of these stages that ask the separator for drums."""


class DrumsParams(CoarseParams):
    """``percussive``: what is struck in the mix less its vocals; ``stem``: the drums of a separator that knows them; ``none``: no stage."""

    model: Literal["none", "percussive", "stem"]


class SketchParams(CoarseParams):
    """``band``: the mix less its vocals; ``without_drums``: the mix less its drums, as published, which holds the voice; ``none``: no stage."""

    model: Literal["none", "band", "without_drums"]


class CoarseStage(MixStage):
    """A part of the song through the codec; `needs_stem`: whether a separator must know the drums."""

    reads = MixStage.reads | {"vocals"}
    packages = (*MixStage.packages, "torch")
    separator = Model(build_separator)
    codec = Model(build_codec)
    params: DrumsParams | SketchParams

    def __init__(
        self, params: DrumsParams | SketchParams, separator: SeparatorParams, codec: CodecParams
    ) -> None:
        self.needs_stem = params.model in NEED_DRUMS
        super().__init__(params, *([separator] if self.needs_stem else []), codec)

    @property
    def choices(self) -> dict[str, Any]:
        """The codec, and the separator where its drums are asked for."""
        names = ("separator", "codec") if self.needs_stem else ("codec",)
        return dict(zip(names, self.sections[1:], strict=True))

    def open(self, song: Song) -> np.ndarray | None:
        """What the stage takes its part from, float32 [2, N] at 44.1 kHz: the mix where a separator takes it apart, else the mix less its vocals."""
        mix_CN = mix_in(song)
        if self.needs_stem:
            return mix_CN
        vocals_N = vocals_in(song)
        length = min(mix_CN.shape[1], len(vocals_N))
        band_CN = mix_CN.copy()
        band_CN[:, :length] -= vocals_N[:length]
        return band_CN

    def drums(self, mix_CN: np.ndarray) -> np.ndarray:
        """The drums of a mix, [2, N].

        Raises:
            ValueError: the chosen separator does not know them.
        """
        stems = self.separator.stems(mix_CN)
        if DRUMS_STEM not in stems:
            raise ValueError(
                f"{self.name}.model is {self.params.model}, which needs a separator that knows drums; {self.separator.identity} has "
                f"{', '.join(stems)}: choose models.separator.model demucs, or another {self.name}.model"
            )
        return stems[DRUMS_STEM]

    @abstractmethod
    def part(self, sound_CN: np.ndarray) -> np.ndarray:
        """The part of what `open` gives that is encoded, [2, N]."""

    def one(self, song: Song) -> Song:
        """The song with its blurred latents."""
        return self.with_latents(song, self.part(self.opened(song)))

    def with_latents(self, song: Song, part_CN: np.ndarray) -> Song:
        """The song with the blurred latents of this part of it."""
        return song.with_columns(**{self.name: npy_bytes(coarse_latents(part_CN, self.codec, self.params))})


class Drums(CoarseStage):
    """What is struck, and when."""

    name = "drums"
    version = 2
    params: DrumsParams
    writes = {
        "drums": Column(
            pa.large_binary(), "npy float32 [T, 64], T = num_frames: blurred latents of the drums", large=True
        ),
        "drum_onsets_s": Column(
            pa.list_(pa.float64()),
            "when something is struck in the drums before they are blurred, in seconds, ascending; empty = nothing",
        ),
    }

    def part(self, sound_CN: np.ndarray) -> np.ndarray:
        """See `CoarseStage.part`."""
        return self.drums(sound_CN) if self.needs_stem else percussive(sound_CN)

    def one(self, song: Song) -> Song:
        """The song with its drums, and when they are struck."""
        part_CN = self.part(self.opened(song))
        return self.with_latents(song, part_CN).with_columns(drum_onsets_s=flux_onsets(part_CN))


class Sketch(CoarseStage):
    """How a song sounds, roughly."""

    name = "sketch"
    version = 1
    params: SketchParams
    writes = {
        "sketch": Column(
            pa.large_binary(),
            "npy float32 [T, 64], T = num_frames: blurred latents of the song without its vocals or its drums; the control `audio`",
            large=True,
        )
    }

    def part(self, sound_CN: np.ndarray) -> np.ndarray:
        """See `CoarseStage.part`."""
        return sound_CN - self.drums(sound_CN) if self.needs_stem else sound_CN
