"""The net of hama's phone recogniser, and the file of tensors by name (`HAMAPK`) that it is read from: a Conformer over a spectrogram of 80 mel bands, without positions.

The file is `HAMAPK`, then a table of tensors by name, then their numbers. Weights of matrix products have names of an export, which
tell nothing, so they are taken in their order: six a block. Nothing of the package's code is run; that the net is right was found
by trying, against the answers of the package's own engine.

Source: A. Gulati et al., Conformer: Convolution-augmented Transformer for Speech Recognition, Interspeech 2020; the tensors are those
of hama 1.7.0, normalisation of its convolutions folded into them.

Shapes: B sounds, N samples, F frames of 10 ms, T frames of 20 ms, C channels, V tokens.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

MAGIC = b"HAMAPK\x01\x02"
TYPES: dict[int, np.dtype[Any]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
MAX_BYTES, MAX_TENSORS, MAX_DIMENSIONS = 1 << 26, 2000, 4
HOP, WINDOW = 160, 400
HEADS, KERNEL = 4, 31
LEAST_POWER = 1e-10
PREFIX = "acoustic_model.model."
PRODUCTS = (
    *("ffn1.fc1.weight", "ffn1.fc2.weight", "attn.in_proj_weight", "attn.out_proj.weight"),
    *("ffn2.fc1.weight", "ffn2.fc2.weight"),
)


class Feed(nn.Module):
    """Half of what it says is added."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, heard_BTC: torch.Tensor) -> torch.Tensor:
        added_BTC: torch.Tensor = self.fc2(functional.silu(self.fc1(self.norm(heard_BTC))))
        return added_BTC / 2


class Convolution(nn.Module):
    """A gate, and a convolution of each channel over 0.6 s."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.pointwise1 = nn.Conv1d(width, 2 * width, 1)
        self.depthwise = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
        self.pointwise2 = nn.Conv1d(width, width, 1)

    def forward(self, heard_BTC: torch.Tensor) -> torch.Tensor:
        gated_BCT = functional.glu(self.pointwise1(self.norm(heard_BTC).transpose(1, 2)), dim=1)
        added_BCT: torch.Tensor = self.pointwise2(functional.silu(self.depthwise(gated_BCT)))
        return added_BCT.transpose(1, 2)


class Block(nn.Module):
    """[B, T, C] to the same."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.ffn1, self.ffn2 = Feed(width, hidden), Feed(width, hidden)
        self.attn_norm = nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.conv = Convolution(width)
        self.norm = nn.LayerNorm(width)

    def forward(self, heard_BTC: torch.Tensor) -> torch.Tensor:
        heard_BTC = heard_BTC + self.ffn1(heard_BTC)
        asked_BTC = self.attn_norm(heard_BTC)
        heard_BTC = heard_BTC + self.attn(asked_BTC, asked_BTC, asked_BTC, need_weights=False)[0]
        heard_BTC = heard_BTC + self.conv(heard_BTC)
        return self.norm(heard_BTC + self.ffn2(heard_BTC))


class PhoneNet(nn.Module):
    """Sound at 16 kHz [B, N] to the log probability of each token in each frame of 20 ms, [B, T, V], T = N // 320 + 1."""

    def __init__(self, bands: int, width: int, hidden: int, blocks: int, tokens: int) -> None:
        super().__init__()
        bins = WINDOW // 2 + 1
        self.stft_real_kernel = nn.Parameter(torch.zeros(bins, 1, WINDOW))
        self.stft_imag_kernel = nn.Parameter(torch.zeros(bins, 1, WINDOW))
        self.mel_fb = nn.Parameter(torch.zeros(bins, bands))
        self.subsample = nn.Conv1d(bands, width, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(Block(width, hidden) for _ in range(blocks))
        self.proj = nn.Conv1d(width, tokens, 1)

    def forward(self, sound_BN: torch.Tensor) -> torch.Tensor:
        sound_B1N = functional.pad(sound_BN[:, None], (WINDOW // 2, WINDOW // 2), "reflect")
        real_BCF, imag_BCF = (
            functional.conv1d(sound_B1N, kernel, stride=HOP)
            for kernel in (self.stft_real_kernel, self.stft_imag_kernel)
        )
        mel_BFC = (real_BCF**2 + imag_BCF**2).transpose(1, 2) @ self.mel_fb
        heard_BCT = functional.gelu(self.subsample(mel_BFC.clamp(min=LEAST_POWER).log().transpose(1, 2)))
        heard_BTC = heard_BCT.transpose(1, 2)
        for block in self.blocks:
            heard_BTC = block(heard_BTC)
        return self.proj(heard_BTC.transpose(1, 2)).transpose(1, 2).log_softmax(-1)


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by their names, in its order, as float32.

    Raises:
        ValueError: it is not in this form, or says of itself what is not so.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path.name} holds {size} bytes; at most {MAX_BYTES} are read")
    held = path.read_bytes()
    if held[: len(MAGIC)] != MAGIC:
        raise ValueError(f"{path.name} does not begin as a file of hama 1.7 does")
    try:
        entries, table_end = _entries(held)
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise ValueError(
            f"{path.name} ends within its table of tensors, or has a name that is none"
        ) from error
    numbers_start = (table_end + 15) // 16 * 16
    found = {}
    for name, kind, shape, offset, length in entries:
        first, count = numbers_start + offset, math.prod(shape)
        if kind not in TYPES or count * TYPES[kind].itemsize != length or first + length > size:
            raise ValueError(f"{path.name}: {name} is not where and what the table says")
        values = np.frombuffer(held, TYPES[kind], count, first).astype(np.float32).reshape(shape)
        if name in found or not np.isfinite(values).all():
            raise ValueError(f"{path.name}: {name} stands twice, or holds what is no number")
        found[name] = torch.from_numpy(values)
    return found


Entry = tuple[str, int, tuple[int, ...], int, int]
"""Name, type, shape, first byte, number of bytes."""


def _entries(held: bytes) -> tuple[list[Entry], int]:
    (count,) = struct.unpack_from("<I", held, len(MAGIC))
    if count > MAX_TENSORS:
        raise ValueError(f"the file has a table of {count} tensors; at most {MAX_TENSORS} are read")
    at, entries = len(MAGIC) + 4, []
    for _ in range(count):
        (length,) = struct.unpack_from("<H", held, at)
        name = held[at + 2 : at + 2 + length].decode()
        kind, dimensions = struct.unpack_from("<BB", held, at + 2 + length)
        if dimensions > MAX_DIMENSIONS:
            raise ValueError(f"{name[:80]!r} has {dimensions} dimensions; at most {MAX_DIMENSIONS} are read")
        at += 4 + length
        shape = struct.unpack_from(f"<{dimensions}I", held, at)
        offset, size = struct.unpack_from("<QQ", held, at + 4 * dimensions)
        entries.append((name, kind, shape, offset, size))
        at += 4 * dimensions + 16
    return entries, at


def net_of(tensors: dict[str, torch.Tensor]) -> tuple[PhoneNet, dict[str, torch.Tensor]]:
    """A net of the sizes that these tensors have, without memory of its own, and its state out of them.

    Raises:
        ValueError: they are not those of such a net.
    """
    state = {name.removeprefix(PREFIX): value for name, value in tensors.items() if "::" not in name}
    products = [value for name, value in tensors.items() if name.startswith("onnx::MatMul")]
    convolutions = [value for name, value in tensors.items() if name.startswith("onnx::Conv")]
    blocks = len(products) // len(PRODUCTS)
    if not blocks or len(products) % len(PRODUCTS) or len(convolutions) != 2 + 2 * blocks:
        raise ValueError(
            f"{len(products)} products and {len(convolutions)} convolutions make no whole blocks"
        )
    for number, value in enumerate(products):
        block, place = divmod(number, len(PRODUCTS))
        if value.ndim != 2:
            raise ValueError(f"a product of {value.ndim} dimensions is none of this net")
        state[f"blocks.{block}.{PRODUCTS[place]}"] = value.T
    layers = ["subsample", *(f"blocks.{block}.conv.depthwise" for block in range(blocks))]
    for number, value in enumerate(convolutions):
        state[f"{layers[number // 2]}.{('weight', 'bias')[number % 2]}"] = value
    first, last = state["subsample.weight"], state.get("proj.bias")
    if first.ndim != 3 or last is None or last.ndim != 1 or first.shape[0] % HEADS or not first.shape[0]:
        raise ValueError("the first or the last layer is not as this net has it")
    width, bands = first.shape[:2]
    with torch.device("meta"):
        net = PhoneNet(bands, width, products[0].shape[1], blocks, last.shape[0])
    return net, state
