"""The codec of the released JAM in chunks: Stable Audio Open's VAE encoder, DiffRhythm's decoder (or the encoder's own).

The two share one latent space. Long songs pass in chunks: the encoder hears a known number of frames to either
side, so that chunks with that much context give what the whole song gives; the decoder follows the rule of the
released code (declare-lab/jamify, vae.py).

Shapes: B chunks, C audio or latent channels, N samples, T latent frames (2048 samples).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from jam_model.frames import HOP_SAMPLES, LATENT_CHANNELS, SAMPLE_RATE_HZ, frames_of_samples
from tasks.models.codec import StableAudio, check_latents, check_mix
from tasks.models.real.common import OnDevice, load_strictly, read_state
from tasks.models.real.import_masks import import_foreign
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.codec.stable_audio"
VAE_STATE, SCRIPT = "diffusion_pytorch_model.safetensors", "vae_model.pt"
CARDS = (
    Card(
        name="Stable Audio Open VAE",
        section=SECTION,
        packages=("diffusers", "torch"),
        files=("config.json", VAE_STATE),
        released_at="hub stabilityai/stable-audio-open-1.0, subfolder vae",
        licence="Stability AI Community License",
        subfolder="vae",
    ),
    Card(
        name="DiffRhythm VAE decoder",
        section=SECTION,
        packages=("torch",),
        files=(SCRIPT,),
        released_at="hub ASLP-lab/DiffRhythm-vae",
        licence="Stability AI Community License",
        field="decoder_weights",
    ),
)
SILENCE_FRAME = 15  # the released silence latent is this frame of 10 s of digital silence
DILATIONS, KERNEL = (1, 3, 9), 7  # of the residual units of an Oobleck block

Decoder = Callable[[torch.Tensor], torch.Tensor]


class StableAudioCodec(OnDevice[StableAudio]):
    """Latents as JAM was trained on them: posterior mean and standard deviation of Stable Audio Open."""

    def __init__(self, settings: StableAudio, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        self._vae, ratios = _load_vae(settings, self._device)
        self._decoder: Decoder = (
            _load_script(settings, self._device)
            if settings.decoder == "diffrhythm"
            else lambda latents_BCT: self._vae.decode(latents_BCT).sample
        )
        self._reach_frames = reach_frames(ratios)

    @cached_property
    def silence_C(self) -> np.ndarray:
        """Posterior mean of frame 15 of silence, float32 [64]; what that frame hears is encoded in one pass."""
        num_samples = (SILENCE_FRAME + 1 + self._reach_frames) * HOP_SAMPLES
        posterior_BCT = self._posterior(np.zeros((1, 2, num_samples), np.float32))
        return posterior_BCT[0, :LATENT_CHANNELS, SILENCE_FRAME].copy()

    def encode(self, mix_CN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(mean_TC, std_TC), float32 [T, 64] each; samples past the last whole frame are heard, not counted.

        Raises:
            ValueError: not [2, N], or shorter than one latent frame.
        """
        check_mix(mix_CN)
        num_frames, spare = frames_of_samples(mix_CN.shape[1]), mix_CN.shape[1] % HOP_SAMPLES
        chunk, reach = self._settings.encode_frames, self._reach_frames
        window = min(chunk + 2 * reach, num_frames)
        posterior_TC = np.empty((num_frames, 2 * LATENT_CHANNELS), np.float32)
        for firsts in self._batches(range(0, num_frames, chunk)):
            starts = [min(max(first - reach, 0), num_frames - window) for first in firsts]
            mixes_BCN = np.stack(
                [mix_CN[:, HOP_SAMPLES * at : HOP_SAMPLES * (at + window) + spare] for at in starts]
            )
            for first, start, chunk_CT in zip(firsts, starts, self._posterior(mixes_BCN), strict=True):
                last = min(first + chunk, num_frames)
                posterior_TC[first:last] = chunk_CT[:, first - start : last - start].T
        return posterior_TC[:, :LATENT_CHANNELS].copy(), posterior_TC[:, LATENT_CHANNELS:].copy()

    def decode(self, latent_TC: np.ndarray) -> np.ndarray:
        """The mix [2, T * 2048]; a loud one may pass 1, as the decoder made it.

        Chunks overlap by `decode_overlap` frames, of which each side gives up half; the last chunk ends with the
        song and is written over what lies there.

        Raises:
            ValueError: not [T, 64] with T >= 1, or not finite.
        """
        check_latents(latent_TC)
        num_frames, cut = len(latent_TC), self._settings.decode_overlap // 2
        chunk = min(self._settings.decode_frames, num_frames)
        starts = list(range(0, num_frames - chunk + 1, self._settings.decode_frames - 2 * cut))
        if starts[-1] + chunk != num_frames:
            starts.append(num_frames - chunk)
        mix_CN = np.empty((2, num_frames * HOP_SAMPLES), np.float32)
        for batch in self._batches(starts):
            latents_BCT = np.stack([latent_TC[at : at + chunk].T for at in batch])
            for start, chunk_CN in zip(batch, self._audio(latents_BCT), strict=True):
                left = cut if start else 0
                right = chunk if start + chunk == num_frames else chunk - cut
                kept_CN = chunk_CN[:, HOP_SAMPLES * left : HOP_SAMPLES * right]
                mix_CN[:, HOP_SAMPLES * (start + left) : HOP_SAMPLES * (start + right)] = kept_CN
        return mix_CN

    def _posterior(self, mixes_BCN: np.ndarray) -> np.ndarray:
        """Mean and std of a batch, float32 [B, 128, T]."""
        with self._computing():
            posterior = self._vae.encode(torch.from_numpy(mixes_BCN).to(self._device)).latent_dist
            return torch.cat([posterior.mean, posterior.std], dim=1).float().cpu().numpy()

    def _audio(self, latents_BCT: np.ndarray) -> np.ndarray:
        """The mixes of a batch, float32 [B, 2, T * 2048]."""
        latents = torch.from_numpy(latents_BCT.astype(np.float32)).to(self._device)
        with self._computing():
            return self._decoder(latents).float().cpu().numpy()


def reach_frames(ratios: Sequence[int]) -> int:
    """How many frames to either side an Oobleck encoder of these downsampling ratios hears at most.

    Sums what each convolution adds, in samples: the first, three dilated ones and a strided one a block, the last.
    """
    reach_samples, step = KERNEL // 2, 1
    for ratio in ratios:
        reach_samples += (KERNEL // 2 * sum(DILATIONS) + 2 * ratio - 1) * step
        step *= ratio
    return math.ceil((reach_samples + step) / HOP_SAMPLES)


def _load_vae(settings: StableAudio, device: torch.device) -> tuple[Any, list[int]]:
    """Stable Audio Open's autoencoder, and its downsampling ratios."""
    diffusers = import_foreign("diffusers")
    with settings.loading(CARDS[0]) as path, torch.inference_mode():
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        vae = diffusers.AutoencoderOobleck.from_config(config)
        load_strictly(vae, read_state(path, VAE_STATE))
        if vae.config.sampling_rate != SAMPLE_RATE_HZ:
            raise ValueError(f"it is made for {vae.config.sampling_rate} Hz, not {SAMPLE_RATE_HZ}")
        vae.eval().to(device)
        latent = vae.encode(torch.zeros(1, 2, 2 * HOP_SAMPLES, device=device)).latent_dist.mean
        _check_shape("an encoder", latent, (1, LATENT_CHANNELS, 2))
        _check_shape("a decoder", vae.decode(latent).sample, (1, 2, 2 * HOP_SAMPLES))
    return vae, list(vae.config.downsampling_ratios)


def _load_script(settings: StableAudio, device: torch.device) -> Decoder:
    """DiffRhythm's decoder, a TorchScript archive.

    Such an archive is a program. It cannot run Python, but torch's operators it can (some of which touch files):
    take it from its authors only. It is read where the params choose ``decoder: diffrhythm``, never otherwise.
    """
    with settings.loading(CARDS[1]) as path, torch.inference_mode():
        decoder: Decoder = torch.jit.load(path / SCRIPT, map_location=device).eval().decode_export
        audio = decoder(torch.zeros(1, LATENT_CHANNELS, 2, device=device))
        _check_shape("a decoder", audio, (1, 2, 2 * HOP_SAMPLES))
    return decoder


def _check_shape(what: str, tensor: torch.Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != shape:
        raise ValueError(f"{what} of two frames gives {list(tensor.shape)}, not {list(shape)}")


build = StableAudioCodec
