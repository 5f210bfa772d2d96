"""hama: phones of English straight from the voice, window by window, by a small net that never saw songs of ours, and its list of tokens. It writes no words.

So it guards by phones (`pair.max_phone_loss`), a third recogniser beside the embedded ones: trained on people, by others, for
another end. What it hears is written as the released table has it, so that it can be held against what was asked for.

Source: hama 1.7.0 (github.com/hamanlp/hama), its net, its greedy reading of it (`ASRDecodeConfig`) and its list of tokens.

Shapes: B windows, N samples, T frames of 20 ms, V tokens.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import torch

from tasks.languages.phones import phones_of
from tasks.models.real.common import OnDevice, load_strictly, vocals_at
from tasks.models.real.hama.net import HOP, WINDOW, PhoneNet, net_of, read_tensors
from tasks.models.released_weights import Card
from tasks.models.transcriber import HamaModel, Transcript

VERSION = 1
SECTION = "models.guard_transcriber.hama"
NET, TOKENS = "asr_waveform.hama", "g2p_vocab.json"
CARD = Card(
    name="hama",
    section=SECTION,
    packages=("numpy", "soxr", "torch"),
    files=(NET, TOKENS),
    released_at="package hama 1.7.0 (hama/assets)",
    licence="Apache-2.0",
)
CARDS = (CARD,)
RATE_HZ = 16_000
FRAME = 2 * HOP
WINDOW_S, ASIDE_S = (
    16,
    2,
)  # attention is over all of a window, so songs are heard in parts, and some seconds more to either side
BOUNDARY, BLANK = "<wb>", "<blank>"
TEMPERATURE, BLANK_BIAS = 0.95, -0.1  # of its own reading
MAX_TOKENS = 1000
AS_RELEASED = {
    **{"t͡ʃ": "tʃ", "d͡ʒ": "dʒ", "g": "ɡ", "r": "ɹ", "ɫ": "l", "ɚ": "ɝ", "ɜ": "ɝ", "ɐ": "ə", "e": "ɛ"},
    **{"a": "ɑ", "ɒ": "ɑ", "o": "oʊ", "ɪə": "ɪɹ", "eə": "ɛɹ", "y": "j", "c": "k", "ɯ": "u", "ɨ": "ɪ"},
    **{"we": "wɛ", "wa": "wɑ", "ja": "jɑ", "je": "jɛ", "jo": "joʊ"},
}
"""Its phones in the released table's signs; one that stands in neither is left as it is."""


class Hama(OnDevice[HamaModel]):
    """The net on windows of a song, so many in a pass."""

    def __init__(self, settings: HamaModel, identity: str, min_confidence: float) -> None:
        super().__init__(settings, identity, SECTION)
        with settings.loading(CARD) as folder:
            net, self._phones = read_net(folder)
            self._net = net.to(self._device)

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        """See `Transcriber.transcribe`: phones, and no words. It is never unsure enough to say nothing."""
        tokens = self._tokens(np.clip(vocals_at(vocals_N, RATE_HZ), -1.0, 1.0))
        heard = [phone for token, _ in groupby(tokens) for phone in self._phones[token]]
        return Transcript(None, heard, None)

    def _tokens(self, sound_N: np.ndarray) -> list[int]:
        """The token of each frame. All windows are equally long and within the song: silence at its ends would cost it phones."""
        frames = -(-len(sound_N) // FRAME)
        whole_N = np.pad(sound_N, (0, max(frames * FRAME, WINDOW) - len(sound_N)))
        own, aside = WINDOW_S * RATE_HZ // FRAME, ASIDE_S * RATE_HZ // FRAME
        size = min(own + 2 * aside, frames)
        parts = range(0, 1 if size == frames else frames, own)
        starts = [min(max(part - aside, 0), frames - size) for part in parts]
        told: list[np.ndarray] = []
        for some in self._batches(starts):
            told += list(
                self._frame_tokens(np.stack([whole_N[one * FRAME : (one + size) * FRAME] for one in some]))
            )
        ends = [*parts[1:], frames]
        return [
            int(token)
            for part, end, start, told_T in zip(parts, ends, starts, told, strict=True)
            for token in told_T[part - start : end - start]
        ]

    def _frame_tokens(self, sound_BN: np.ndarray) -> np.ndarray:
        """The token of each frame of windows, [B, T + 1]."""
        with self._computing():
            told_BTV = self._net(torch.from_numpy(sound_BN).to(self._device)).float() / TEMPERATURE
            told_BTV[..., -1] += BLANK_BIAS
            tokens_BT: np.ndarray = told_BTV.argmax(-1).cpu().numpy()
        return tokens_BT


def read_net(folder: Path) -> tuple[PhoneNet, list[list[str]]]:
    """The net of a folder, on the CPU, and the phones that each of its tokens stands for.

    Raises:
        ValueError: a file is not in its form, or one is not for the other.
    """
    tokens = read_tokens(folder / TOKENS)
    net, state = net_of(read_tensors(folder / NET))
    net.to_empty(device="cpu")
    load_strictly(net, state)
    if net.proj.out_channels != len(tokens):
        raise ValueError(f"the net tells {net.proj.out_channels} tokens apart, {TOKENS} has {len(tokens)}")
    return net.eval(), [_phones_of(token) for token in tokens]


def read_tokens(path: Path) -> Sequence[str]:
    """What the net's answers stand for: the phones of its list, a boundary of words, and nothing.

    Raises:
        ValueError: it is no such list.
    """
    try:
        held = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is no JSON") from error
    named = held.get("decoder") if isinstance(held, dict) else None
    if (
        not isinstance(named, list)
        or len(named) > MAX_TOKENS
        or not all(isinstance(one, str) for one in named)
    ):
        raise ValueError(f"{path.name} has no list `decoder` of at most {MAX_TOKENS} phones")
    return [*named, BOUNDARY, BLANK]


def _phones_of(token: str) -> list[str]:
    return [] if token.startswith("<") else phones_of(AS_RELEASED.get(token, token))


build = Hama
