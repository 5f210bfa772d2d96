"""A wav2vec 2.0 net with letters, read from its folder: how likely each letter is, frame by frame, in a song of any length, window by window.

Source: Baevski et al., wav2vec 2.0, NeurIPS 2020, as transformers has it (Wav2Vec2ForCTC). The net listens in
windows that overlap, so that memory does not grow with the song.

Shapes: B windows in a batch, N samples at 16 kHz, T frames, V letters.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tasks.models.real.common import batches, in_precision, vocals_at
from tasks.models.real.import_masks import import_foreign

RATE_HZ = 16_000
WINDOW, CONTEXT = 1500, 100  # frames the net hears at once, and of them on each side those it only hears
NEVER_SAVED = {"wav2vec2.masked_spec_embed"}  # only training reads it


class LetterNet:
    """The net of a folder. `letters`: the number of each, in lower case; `blank`: of the sign for none.

    Raises:
        ValueError: the folder holds another net, or not all of it.
    """

    def __init__(self, folder: Path, device: torch.device, precision: str, batch_size: int) -> None:
        self._net = _load_net(folder).to(device).eval()
        self._device, self._precision, self._batch_size = device, precision, batch_size
        self._normalised = _is_normalised(folder)
        self._stride = math.prod(self._net.config.conv_stride)
        self._field = _receptive_field(self._net.config)
        self.letters = _load_letters(folder, self._net.config.vocab_size)
        self.blank: int = self._net.config.pad_token_id
        self.frame_s = self._stride / RATE_HZ

    @torch.inference_mode()
    def listen(self, vocals_N: np.ndarray) -> torch.Tensor:
        """Log-probabilities of the letters, [T, V], of mono vocals at 44.1 kHz."""
        audio_N = vocals_at(vocals_N, RATE_HZ)
        if self._normalised:
            audio_N = (audio_N - audio_N.mean()) / np.sqrt(audio_N.var() + 1e-7)
        audio_N = np.pad(audio_N, (0, max(0, self._field - len(audio_N))))
        windows = list(windows_of((len(audio_N) - self._field) // self._stride + 1))
        heard = []
        for batch in batches(windows, self._batch_size):
            sound_BN = torch.from_numpy(np.stack([self._sound(audio_N, window) for window, _ in batch]))
            with in_precision(self._device, self._precision):
                logits_BTV = self._net(sound_BN.to(self._device)).logits
            frames_BTV = logits_BTV.float().log_softmax(-1).cpu()
            heard += [
                frames_TV[kept.start - window.start : kept.stop - window.start]
                for (window, kept), frames_TV in zip(batch, frames_BTV, strict=True)
            ]
        return torch.cat(heard)

    def _sound(self, audio_N: np.ndarray, window: range) -> np.ndarray:
        return audio_N[window.start * self._stride : (window.stop - 1) * self._stride + self._field]


def windows_of(num_frames: int) -> Iterator[tuple[range, range]]:
    """Windows of one length, the frames that the net hears at once, and which of them are kept: every frame
    once; the last window ends with the song.
    """
    keep_first = 0
    for start in range(0, num_frames, WINDOW - 2 * CONTEXT):
        first = max(0, min(start, num_frames - WINDOW))
        end = min(first + WINDOW, num_frames)
        keep_end = num_frames if end == num_frames else end - CONTEXT
        yield range(first, end), range(keep_first, keep_end)
        keep_first = keep_end
        if end == num_frames:
            return


def _load_net(folder: Path) -> Any:
    """The Wav2Vec2ForCTC of a folder, every weight of it from the file: transformers would make up the others."""
    import_foreign("torchaudio")  # transformers imports it where it is installed
    from transformers import Wav2Vec2ForCTC

    config = json.loads((folder / "config.json").read_bytes())
    if config.get("model_type") != "wav2vec2":
        raise ValueError(f"config.json is of a {config.get('model_type')}, not a wav2vec2")
    net, found = Wav2Vec2ForCTC.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    missing = sorted(set(found["missing_keys"]) - NEVER_SAVED)
    if missing:
        raise ValueError(f"{len(missing)} weights are not in the file, first {missing[0]}")
    return net


def _load_letters(folder: Path, num_letters: int) -> dict[str, int]:
    numbers = json.loads((folder / "vocab.json").read_bytes())
    if not all(isinstance(number, int) and 0 <= number < num_letters for number in numbers.values()):
        raise ValueError(f"vocab.json does not number letters from 0 to {num_letters - 1}")
    return {letter.lower(): number for letter, number in numbers.items()}


def _is_normalised(folder: Path) -> bool:
    """Whether the net was trained on sound of mean 0 and variance 1."""
    settings = json.loads((folder / "preprocessor_config.json").read_bytes())
    if settings.get("sampling_rate", RATE_HZ) != RATE_HZ:
        raise ValueError(f"it listens at {settings['sampling_rate']} Hz, not {RATE_HZ} Hz")
    return bool(settings.get("do_normalize", True))


def _receptive_field(config: Any) -> int:
    """Samples one frame is made of."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field
