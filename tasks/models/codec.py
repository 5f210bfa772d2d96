"""Codecs (`CodecParams`): a mix to latents of unit deviation and back, checked on the way. The embedded ones (vocoder, harmonic) have nothing learned; Stable Audio's is chosen here.

Shapes: C audio channels or latent channels, N samples, T latent frames (2048 samples), F = 4 T short frames,
K bins, B bands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
from pydantic import Field, model_validator

from jam_model.frames import HOP_SAMPLES, LATENT_CHANNELS
from tasks.models import base
from tasks.models.base import ModelChoice, RealModel, constants_of
from tasks.models.embedded import harmonic, vocoder
from tasks.models.released_weights import Card

EMBEDDED = "embedded/vocoder@1"
HARMONIC = "embedded/harmonic@1"
WITH_BAND = "harmonic"
POSTERIOR_STD = 0.05  # stated, not measured: the codec is deterministic


class StableAudio(RealModel):
    """Stable Audio Open's encoder and a decoder: ``diffrhythm``, as the released JAM, or its own.

    `encode_frames` and `decode_frames`: latent frames of a chunk; `decode_overlap`: frames two chunks share.
    """

    decoder: Literal["diffrhythm", "stable_audio"]
    decoder_weights: str
    decoder_revision: str | None
    encode_frames: int = Field(ge=1)
    decode_frames: int = Field(ge=2)
    decode_overlap: int = Field(ge=0, multiple_of=2)

    @model_validator(mode="after")
    def _chunks_move_on(self) -> Self:
        if self.decode_overlap >= self.decode_frames:
            raise ValueError(
                f"decode_overlap is {self.decode_overlap}, decode_frames {self.decode_frames}; give less overlap"
            )
        return self

    def needs(self, card: Card) -> bool:
        """The decoder's own weights are needed unless the encoder brings its decoder."""
        return card.field != "decoder_weights" or self.decoder == "diffrhythm"


class CodecParams(ModelChoice):
    """Which codec makes the latents. `model` may also be ``harmonic``, an embedded one whose latents hold the band."""

    section: ClassVar = "models.codec"
    embedded: ClassVar = {base.EMBEDDED: EMBEDDED, WITH_BAND: HARMONIC}
    real: ClassVar = {"stable_audio": "tasks.models.real.stable_audio"}

    stable_audio: StableAudio


class Codec(Protocol):
    """Audio to latents of unit scale (21.53 Hz, 64 channels) and back."""

    identity: str
    silence_C: np.ndarray

    def encode(self, mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(mean_TC, std_TC) of the posterior, float32 [T, 64], of a mix [2, N]; T = N // 2048."""

    def decode(self, latent_TC: np.ndarray) -> np.ndarray:
        """The mix [2, T * 2048] of latents [T, 64]."""


class EmbeddedCodec:
    """A codec with nothing learned: raw channels brought to unit scale, by constants measured once on toy songs
    (`python -m tasks.models.training.constants`), never on the data set."""

    identity: str
    silence_C: np.ndarray

    def __init__(
        self,
        constants: str,
        raw_channels: Callable[[np.ndarray], np.ndarray],
        render: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        measured = constants_of(constants)
        self._mean_C, self._std_C = (np.asarray(measured[name], np.float32) for name in ("mean_C", "std_C"))
        self._raw_channels, self._render = raw_channels, render
        self.silence_C = self._unit(np.zeros((2, HOP_SAMPLES), np.float32))[0]

    def encode(self, mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(mean_TC, std_TC), float32 [T, 64]; the std is a stated constant.

        Raises:
            ValueError: not [2, N], or shorter than one latent frame.
        """
        check_mix(mix_CN)
        mean_TC = self._unit(mix_CN)
        return mean_TC, np.full_like(mean_TC, POSTERIOR_STD)

    def decode(self, latent_TC: np.ndarray) -> np.ndarray:
        """The mix [2, T * 2048] in [-1, 1]; any finite latents decode, out-of-range ones are clipped.

        Raises:
            ValueError: not [T, 64] with T >= 1, or not finite.
        """
        check_latents(latent_TC)
        return self._render(latent_TC.astype(np.float32) * self._std_C + self._mean_C)

    def _unit(self, mix_CN: np.ndarray) -> np.ndarray:
        return (self._raw_channels(mix_CN) - self._mean_C) / self._std_C


class VocoderCodec(EmbeddedCodec):
    """Per latent frame: 4 x 14 mid-band levels, pitch, voicing, 6 side-band levels.

    Decoding shapes pulses at the pitch (voiced, below 4.5 kHz) and a fixed noise to the levels: words, melody,
    rhythm and spectral balance survive; timbre and chords do not.
    """

    identity = EMBEDDED

    def __init__(self) -> None:
        super().__init__("codec", vocoder.raw_channels, vocoder.render)


class HarmonicCodec(EmbeddedCodec):
    """The vocoder's voice in fewer channels; in the others the pitch classes and registers of the band, its bass and highs.

    Words, melody, rhythm and balance survive as in the vocoder's sound, and so do chords and key.
    """

    identity = HARMONIC

    def __init__(self) -> None:
        super().__init__("harmonic", harmonic.raw_channels, harmonic.render)


def check_mix(mix_CN: np.ndarray) -> None:
    """Raises ValueError for what is not [2, N], or shorter than one latent frame."""
    if mix_CN.ndim != 2 or len(mix_CN) != 2 or mix_CN.shape[1] < HOP_SAMPLES:
        raise ValueError(f"a mix is [2, N] with N >= {HOP_SAMPLES}; got {list(mix_CN.shape)}")


def check_latents(latent_TC: np.ndarray) -> None:
    """Raises ValueError for what is not [T, 64] with T >= 1, or not finite."""
    if latent_TC.ndim != 2 or latent_TC.shape[1] != LATENT_CHANNELS or not len(latent_TC):
        raise ValueError(f"latents are [T, {LATENT_CHANNELS}], T >= 1; got {list(latent_TC.shape)}")
    if not np.isfinite(latent_TC).all():
        raise ValueError("latents hold NaN or infinite values; check the sampler's velocities")


def build_codec(params: CodecParams) -> Codec:
    """The codec that `params` choose."""
    if params.settings is not None:
        return params.build_real()
    return HarmonicCodec() if params.model == WITH_BAND else VocoderCodec()
