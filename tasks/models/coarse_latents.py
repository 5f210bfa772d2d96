"""Sound as a control (`CoarseParams`): latents of a part of a song, band-passed or percussive, blurred over a window of frames, so that they say roughly what sounds.

After JASCO (arXiv 2406.10970): the mean of windows that do not overlap, broadcast back over each. JASCO's windows of 3 and 5 frames are 60 and
100 ms; frames here last 46 ms. JASCO takes the first codebook of its codec, which a codec without codebooks does not have: window, band and
the model's narrow projection are the only bottleneck. A band (200 to 800 Hz there) takes the place of the instrument's own colour.

Shapes: C channels, N samples, T latent frames.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field, field_validator

from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from tasks.engine.stage import Section
from tasks.models.codec import Codec
from tasks.models.embedded.spectra import istft, stft

SIZE, HOP = 2048, 512
SPREAD = 17  # frames and bins that a median is taken over, as Fitzgerald's and librosa's 31 at half the hop
ORDER = 4  # of the band's filter, run forwards and backwards


class CoarseParams(Section):
    """`window_ms`: of the blur, in whole latent frames, at least one; `band_hz`: what of the sound is left before it is encoded, null for all."""

    window_ms: float = Field(ge=0, le=5000)
    band_hz: tuple[float, float] | None

    @field_validator("band_hz")
    @classmethod
    def _rises(cls, band: tuple[float, float] | None) -> tuple[float, float] | None:
        if band is not None and not 0 < band[0] < band[1] < SAMPLE_RATE_HZ / 2:
            raise ValueError(
                f"band {list(band)} does not rise; give two frequencies, such as [200, 800], or null"
            )
        return band

    @property
    def window_frames(self) -> int:
        """Latent frames of a window."""
        return max(1, round(self.window_ms / 1000 * SAMPLE_RATE_HZ / HOP_SAMPLES))


def coarse_latents(sound_CN: np.ndarray, codec: Codec, params: CoarseParams) -> np.ndarray:
    """The blurred latents of a sound [2, N] at 44.1 kHz, float32 [T, 64]."""
    heard_CN = sound_CN if params.band_hz is None else band_passed(sound_CN, params.band_hz)
    mean_TC, _ = codec.encode(heard_CN)
    return blurred(mean_TC, params.window_frames)


def blurred(latent_TC: np.ndarray, window: int) -> np.ndarray:
    """Each window's mean in each of its frames, float32 [T, C]; the last window is filled up by what mirrors its end."""
    num_frames = len(latent_TC)
    more = min(-num_frames % window, max(0, num_frames - 1))
    padded_TC = np.pad(latent_TC, ((0, more), (0, 0)), mode="reflect")
    firsts = np.arange(0, len(padded_TC), window)
    sizes = np.diff([*firsts, len(padded_TC)])
    mean_WC = np.add.reduceat(padded_TC.astype(np.float64), firsts, axis=0) / sizes[:, None]
    return np.repeat(mean_WC, sizes, axis=0)[:num_frames].astype(np.float32)


def band_passed(sound_CN: np.ndarray, band_hz: tuple[float, float]) -> np.ndarray:
    """What of a sound lies between two frequencies, without delay, float32 [C, N]."""
    from scipy.signal import butter, sosfiltfilt

    sections = butter(ORDER, band_hz, "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    padded_CN = np.pad(
        sound_CN, ((0, 0), (SAMPLE_RATE_HZ, SAMPLE_RATE_HZ))
    )  # silence, so that a sound may begin at once
    filtered_CN = sosfiltfilt(sections, padded_CN, axis=1, padlen=0)
    return np.asarray(filtered_CN[:, SAMPLE_RATE_HZ:-SAMPLE_RATE_HZ], np.float32)


def percussive(sound_CN: np.ndarray) -> np.ndarray:
    """What of a sound is struck, float32 [C, N]: bins that stand out of their neighbours in time more than of those in frequency.

    Source: D. Fitzgerald, Harmonic/Percussive Separation using Median Filtering (DAFx 2010), soft masks of power 2.
    """
    from scipy.ndimage import median_filter

    level_FK = np.abs(stft(sound_CN.mean(axis=0), SIZE, HOP))
    held_FK = median_filter(level_FK, size=(SPREAD, 1)) ** 2
    struck_FK = median_filter(level_FK, size=(1, SPREAD)) ** 2
    mask_FK = struck_FK / np.maximum(struck_FK + held_FK, 1e-20)
    sides = [istft(stft(side_N, SIZE, HOP) * mask_FK, SIZE, HOP, len(side_N)) for side_N in sound_CN]
    return np.stack(sides).astype(np.float32)
