"""The recogniser (`RecogniserConfig`): a small convolutional CTC net on log mel frames that reads phones (posteriors) off a singing voice.

One trunk, two heads. The CTC head (20 ms, or 10 ms where phones are that short) says *which* phones were sung; the frame head (10 ms) says
*when*: it was trained on the true phone of every frame, so that the boundaries it gives are neither late
nor spiky as those of CTC are. The transcriber uses both, the aligner the second.

Shape suffixes: B batch, N samples, T frames of 10 ms, U frames of 20 ms (of the CTC head: `ctc_parts` to each), M mel
bands, V the inventory (0 = blank or silence, then the phones), D width.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tasks.models.embedded.recogniser_facts import FRAME_SAMPLES, weights_path
from tasks.models.embedded.spectra import mel_bank

NUM_MELS = 40
LOW_HZ, HIGH_HZ = 60.0, 8500.0
FFT_SAMPLES = 1024
LOUDNESS = 0.1  # RMS that the louder half of a song is brought to
FLOOR = 1e-3  # added to band power: the quietest sound that is told from silence
BLOCK_FRAMES = 4096  # frames transformed at a time, so that memory does not grow with the song

STEM_FRAMES = 5  # frames of 10 ms that one frame of 20 ms is made of
KERNEL_FRAMES = 7  # frames of 20 ms that a block looks at

SILENCE = 0


@dataclass(frozen=True)
class RecogniserConfig:
    """`phones`: the inventory without blank; `lexicon`: the words it may write, each as its phones.

    `ctc_parts`: into how many the CTC head parts each frame of 20 ms.
    """

    phones: tuple[str, ...]
    lexicon: dict[str, tuple[str, ...]]
    width: int
    blocks: int
    ctc_parts: int = 1

    def ids(self, phones: Sequence[str]) -> list[int]:
        """Their numbers in the inventory; a phone outside it raises KeyError."""
        number = {phone: i + 1 for i, phone in enumerate(self.phones)}
        return [number[phone] for phone in phones]


class ConvBlock(nn.Module):
    """Depthwise convolution over time, then an inverted bottleneck, with a residual (ConvNeXt).

    The convolution is written as a sum of shifted copies: at this width three times as fast on a CPU as
    the library's grouped one, forward and backward.
    """

    def __init__(self, width: int, expansion: int = 2) -> None:
        super().__init__()
        self.taps_KD = nn.Parameter(torch.empty(KERNEL_FRAMES, width).uniform_(-1, 1) / KERNEL_FRAMES**0.5)
        self.bias_D = nn.Parameter(torch.zeros(width))
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)

    def forward(self, x_BUD: Tensor) -> Tensor:
        num_frames, reach = x_BUD.shape[1], KERNEL_FRAMES // 2
        padded_BUD = F.pad(x_BUD, (0, 0, reach, reach))
        mixed_BUD = self.bias_D.expand_as(x_BUD)
        for i, tap_D in enumerate(self.taps_KD):
            mixed_BUD = torch.addcmul(mixed_BUD, padded_BUD[:, i : i + num_frames], tap_D)
        return x_BUD + self.narrow(F.gelu(self.widen(self.norm(mixed_BUD))))


class Recogniser(nn.Module):
    """About 0.22 M parameters at width 96 and 5 blocks; it sees 0.6 s around a frame."""

    def __init__(self, config: RecogniserConfig) -> None:
        super().__init__()
        self.config = config
        width, inventory = config.width, len(config.phones) + 1
        self.stem = nn.Linear(NUM_MELS * STEM_FRAMES, width)
        self.blocks = nn.ModuleList(ConvBlock(width) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(width)
        self.ctc_head = nn.Linear(width, config.ctc_parts * inventory)
        self.frame_head = nn.Linear(width, 2 * inventory)

    def forward(self, mel_BTM: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the CTC head [B, U * ctc_parts, V] and the frame head [B, 2U, V]; U = ceil(T / 2)."""
        reach = STEM_FRAMES // 2
        padded_BTM = F.pad(mel_BTM, (0, 0, reach, reach + mel_BTM.shape[1] % 2))
        x_BUD = self.stem(padded_BTM.unfold(1, STEM_FRAMES, 2).flatten(2))
        for block in self.blocks:
            x_BUD = block(x_BUD)
        x_BUD = self.norm(x_BUD)
        frames_BTV = self.frame_head(x_BUD).unflatten(-1, (2, -1)).flatten(1, 2)
        ctc_BUV = self.ctc_head(x_BUD).unflatten(-1, (self.config.ctc_parts, -1)).flatten(1, 2)
        return ctc_BUV.log_softmax(-1), frames_BTV.log_softmax(-1)

    def listen(self, vocals_N: np.ndarray) -> Posteriors:
        """What the net hears in vocals at 44.1 kHz."""
        return self.hear(log_mel(vocals_N))

    def hear(self, mel_TM: np.ndarray) -> Posteriors:
        """What the net hears in features. One thread: the same bytes on every run."""
        with torch.inference_mode(), one_thread():
            ctc_BUV, frames_BTV = self(torch.from_numpy(mel_TM)[None])
        return Posteriors(ctc_BUV[0].numpy(), frames_BTV[0, : len(mel_TM)].numpy())


@dataclass(frozen=True)
class Posteriors:
    """Log-probabilities over the inventory: `ctc_UV` a frame of the CTC head, `frames_TV` a frame of 10 ms."""

    ctc_UV: np.ndarray
    frames_TV: np.ndarray


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread inside, as before outside: sums in one fixed order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def log_mel(vocals_N: np.ndarray) -> np.ndarray:
    """Log-mel features [T, 40] of vocals at 44.1 kHz; frame i is centred on its own 10 ms.

    The song is first brought to a fixed loudness, then each band loses its mean over the song, so that
    neither gain nor equalisation matters.
    """
    num_frames = len(vocals_N) // FRAME_SAMPLES
    if vocals_N.ndim != 1 or num_frames < 2:
        raise ValueError(f"vocals: shape {vocals_N.shape}; needed is [N] mono, at least 20 ms (882 samples)")
    return level(log_power(vocals_N))


def log_power(vocals_N: np.ndarray) -> np.ndarray:
    """Log power of 40 bands [T, 40], at a fixed loudness."""
    num_frames = len(vocals_N) // FRAME_SAMPLES
    energy_T = np.square(vocals_N[: num_frames * FRAME_SAMPLES].reshape(num_frames, -1)).mean(1)
    loud = float(np.sqrt(np.sort(energy_T)[num_frames // 2 :].mean(dtype=np.float64)))
    gain = LOUDNESS / max(loud, 1e-5)
    centred = (FFT_SAMPLES - FRAME_SAMPLES) // 2
    padded_N = np.pad(vocals_N.astype(np.float32) * np.float32(gain), (centred, FFT_SAMPLES))
    window = np.hanning(FFT_SAMPLES).astype(np.float32)
    views = np.lib.stride_tricks.sliding_window_view(padded_N, FFT_SAMPLES)[::FRAME_SAMPLES][:num_frames]
    bank_FM = np.ascontiguousarray(mel_bank(NUM_MELS, LOW_HZ, HIGH_HZ, FFT_SAMPLES).toarray().T)
    bands = []
    for start in range(0, num_frames, BLOCK_FRAMES):
        spectrum = np.fft.rfft(views[start : start + BLOCK_FRAMES] * window, axis=1)
        power_TF = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
        bands.append(np.log(power_TF @ bank_FM + np.float32(FLOOR)))
    return np.concatenate(bands)


def level(power_TM: np.ndarray) -> np.ndarray:
    """Features of the net from log power: each band's mean over the song goes, the spread is near 1."""
    return ((power_TM - power_TM.mean(0, keepdims=True)) / np.float32(3)).astype(np.float32)


def save_recogniser(path: Path, model: Recogniser) -> None:
    """Write fp16 weights with the config in the file's metadata: one file is the whole recogniser."""
    weights = {name: value.half().contiguous() for name, value in sorted(model.state_dict().items())}
    save_file(weights, path, metadata={"config": json.dumps(facts_of(model.config), ensure_ascii=False)})


def facts_of(config: RecogniserConfig) -> dict[str, Any]:
    """The config as it is written: `ctc_parts` only where it is not 1, as in the first weights."""
    facts = asdict(config)
    if config.ctc_parts == 1:
        del facts["ctc_parts"]
    return facts


def load_recogniser(weights: str) -> Recogniser:
    """The recogniser in `weights`, in eval mode. Strict: any missing, extra or misshapen tensor raises."""
    path = weights_path(weights)
    try:
        with safe_open(path, "pt") as file:
            config = _config((file.metadata() or {}).get("config", "null"))
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no dict)
        model = Recogniser(config)
        model.load_state_dict(state, strict=True)
    except (SafetensorError, RuntimeError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(
            f"weights: {path.name} is no recogniser of this version ({error}); train it anew"
        ) from error
    return model.eval()


def _config(text: str) -> RecogniserConfig:
    fields: dict[str, Any] = json.loads(text)
    lexicon = {word: tuple(phones) for word, phones in fields["lexicon"].items()}
    sizes = int(fields["width"]), int(fields["blocks"]), int(fields.get("ctc_parts", 1))
    return RecogniserConfig(tuple(fields["phones"]), lexicon, *sizes)
