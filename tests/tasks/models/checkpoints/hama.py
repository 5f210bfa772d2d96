"""A net of hama's with random weights and few phones, in the form of its files: a table of tensors, and a list of tokens."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import torch

from tasks.models.real.hama.net import MAGIC, PREFIX, PRODUCTS, PhoneNet
from tasks.models.real.hama.recogniser import NET, TOKENS

PHONES = ["<pad>", "a", "t͡ʃ", "n"]


def write_hama(folder: Path, blocks: int = 1) -> Path:
    """A folder with both files."""
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    net = PhoneNet(bands=8, width=8, hidden=12, blocks=blocks, tokens=len(PHONES) + 2)
    for kernel in (net.stft_real_kernel, net.stft_imag_kernel, net.mel_fb):
        torch.nn.init.normal_(kernel, std=0.1)
    (folder / NET).write_bytes(packed(exported(net)))
    (folder / TOKENS).write_text(json.dumps({"encoder": [], "decoder": PHONES}))
    return folder


def exported(net: PhoneNet) -> dict[str, np.ndarray]:
    """Its tensors under the names of the released file."""
    state = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    layers = ["subsample", *(f"blocks.{block}.conv.depthwise" for block in range(len(net.blocks)))]
    products = [f"blocks.{block}.{name}" for block in range(len(net.blocks)) for name in PRODUCTS]
    convolutions = [f"{layer}.{part}" for layer in layers for part in ("weight", "bias")]
    frames = ("mel_fb", "stft_real_kernel", "stft_imag_kernel")
    kept = [name for name in state if name not in {*products, *convolutions, *frames}]
    return {
        **{name: state[name] for name in frames},
        **{f"{PREFIX}{name}": state[name] for name in kept},
        **{f"onnx::Conv_{number}": state[name] for number, name in enumerate(convolutions)},
        **{f"onnx::MatMul_{number}": state[name].T for number, name in enumerate(products)},
    }


def packed(tensors: dict[str, np.ndarray]) -> bytes:
    """As `read_tensors` reads them: half precision but for the spectrogram's."""
    table, numbers = b"", b""
    for name, value in tensors.items():
        kind = int(name.startswith((PREFIX, "onnx::")))
        data = np.ascontiguousarray(value, ("<f4", "<f2")[kind]).tobytes()
        table += struct.pack("<H", len(name.encode())) + name.encode()
        table += struct.pack(f"<BB{value.ndim}I", kind, value.ndim, *value.shape)
        table += struct.pack("<QQ", len(numbers), len(data))
        numbers += data
    head = MAGIC + struct.pack("<I", len(tensors)) + table
    return head + bytes(-len(head) % 16) + numbers
