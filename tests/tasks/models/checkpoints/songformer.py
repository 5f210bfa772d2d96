"""Small weights of SongFormer and MusicFM with random numbers, in the form that their authors release: names written down, not taken from our nets."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.tasks.models.checkpoints.muq import write_muq

WIDTH, DEPTH = 32, 11
"""Numbers of a frame of MusicFM and of MuQ, and their layers: one more than is heard."""
NORM = {"weight": (WIDTH,), "bias": (WIDTH,)}
Shapes = dict[str, tuple[int, ...]]


def numbered(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, torch.Tensor]:
    """A tensor for each name, of a size that keeps what goes through it at about 1."""
    random = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=random)
        if name.endswith("num_batches_tracked"):
            drawn = torch.tensor(3)
        elif name.endswith("gamma"):
            drawn = 0.2 * drawn  # how far it is above 1
        elif name.endswith("running_var") or (len(shape) == 1 and name.endswith("weight")):
            drawn = 1 + 0.2 * drawn.clamp(-2, 2)
        elif name.endswith(("bias", "running_mean")):
            drawn = 0.1 * drawn
        elif len(shape) > 1:
            drawn = drawn / max(1, drawn[0].numel()) ** 0.5
        if name.endswith("out.weight"):
            drawn = 0.1 * drawn  # or all frames would be alike
        tensors[name] = drawn
    return tensors


def songformer_shapes(dim: int = 32, layers: int = 2, heads: int = 2) -> Shapes:
    """Of the released net: 4 x WIDTH numbers heard, mixed to 48, 40 a step, `dim` in its encoder."""
    inner, encoder = 64 * heads, "transformer.transformer"
    shapes: Shapes = {
        "input_norm.weight": (48,),
        "input_norm.bias": (48,),
        "mixed_win_downsample.weight": (48, 4 * WIDTH),
        "mixed_win_downsample.bias": (48,),
        "dataset_class_prefix.weight": (64, 40),
        "down_sample_conv.depthwise_conv.weight": (48, 1, 3),
        "down_sample_conv.pointwise_conv.weight": (40, 48, 1),
        "down_sample_conv.norm1.weight": (40,),
        "down_sample_conv.norm1.bias": (40,),
        "down_sample_conv.residual_conv.weight": (40, 48, 1),
        "transformer.input_proj.0.weight": (dim, 40),
        "transformer.input_proj.0.bias": (dim,),
        "transformer.input_proj.1.weight": (dim,),
        "transformer.input_proj.1.bias": (dim,),
        "transformer.input_proj.4.weight": (dim, dim),
        "transformer.input_proj.4.bias": (dim,),
        f"{encoder}.rotary_pos_emb.inv_freq": (16,),
        f"{encoder}.final_norm.gamma": (dim,),
        "boundary_head.net.0.weight": (1, dim),
        "boundary_head.net.0.bias": (1,),
        "function_head.net.0.weight": (128, dim),
        "function_head.net.0.bias": (128,),
    }
    for layer in range(0, 2 * layers, 2):
        attention, widening = f"{encoder}.layers.{layer}", f"{encoder}.layers.{layer + 1}"
        shapes |= {f"{attention}.1.to_{side}.weight": (inner, dim) for side in "qkv"}
        shapes |= {
            f"{attention}.0.0.gamma": (dim,),
            f"{attention}.1.to_out.weight": (dim, inner),
            f"{widening}.0.0.gamma": (dim,),
            f"{widening}.1.ff.0.0.weight": (4 * dim, dim),
            f"{widening}.1.ff.0.0.bias": (4 * dim,),
            f"{widening}.1.ff.2.weight": (dim, 4 * dim),
            f"{widening}.1.ff.2.bias": (dim,),
        }
    return shapes


def musicfm_shapes(channels: int = 8) -> Shapes:
    """Of the released net; window, mel bands and rotations have true numbers and are laid over these."""
    shapes: Shapes = {
        "cls_token": (WIDTH,),
        "preprocessor_melspec_2048.mel_stft.spectrogram.window": (2048,),
        "preprocessor_melspec_2048.mel_stft.mel_scale.fb": (1025, 128),
        "quantizer_melspec_2048_0.random_projection": (512, 16),
        "quantizer_melspec_2048_0.codebook": (64, 16),
        "conv.linear.weight": (WIDTH, channels * 32),
        "conv.linear.bias": (WIDTH,),
        "conformer.embed_positions.inv_freq": (WIDTH // 4,),
        "conformer.pos_conv_embed.conv.bias": (WIDTH,),
        "conformer.pos_conv_embed.conv.weight_g": (1, 1, 16),
        "conformer.pos_conv_embed.conv.weight_v": (WIDTH, WIDTH // 4, 16),
        "linear.weight": (64, WIDTH),
        "linear.bias": (64,),
        **{f"conformer.layer_norm.{name}": shape for name, shape in NORM.items()},
    }
    for block, before in ((0, 1), (1, channels)):
        for number, of in ((1, before), (2, channels), (3, before)):
            shapes[f"conv.conv.{block}.conv{number}.weight"] = (channels, of, 3, 3)
            shapes[f"conv.conv.{block}.conv{number}.bias"] = (channels,)
            shapes |= batch_norm(f"conv.conv.{block}.bn{number}", channels)
    for layer in range(DEPTH):
        shapes |= conformer_layer(f"conformer.layers.{layer}")
    return shapes


def batch_norm(name: str, channels: int) -> Shapes:
    """What a batch norm saves."""
    fields = {field: (channels,) for field in ("weight", "bias", "running_mean", "running_var")}
    return {f"{name}.{field}": shape for field, shape in (fields | {"num_batches_tracked": ()}).items()}


def conformer_layer(name: str) -> Shapes:
    """One layer of transformers' conformer."""
    norms = (
        "ffn1_layer_norm",
        "self_attn_layer_norm",
        "conv_module.layer_norm",
        "ffn2_layer_norm",
        "final_layer_norm",
    )
    shapes: Shapes = {f"{name}.{norm}.{field}": shape for norm in norms for field, shape in NORM.items()}
    for half in ("ffn1", "ffn2"):
        shapes[f"{name}.{half}.intermediate_dense.weight"] = (2 * WIDTH, WIDTH)
        shapes[f"{name}.{half}.intermediate_dense.bias"] = (2 * WIDTH,)
        shapes[f"{name}.{half}.output_dense.weight"] = (WIDTH, 2 * WIDTH)
        shapes[f"{name}.{half}.output_dense.bias"] = (WIDTH,)
    for side in ("q", "k", "v", "out"):
        shapes[f"{name}.self_attn.linear_{side}.weight"] = (WIDTH, WIDTH)
        shapes[f"{name}.self_attn.linear_{side}.bias"] = (WIDTH,)
    shapes[f"{name}.conv_module.pointwise_conv1.weight"] = (2 * WIDTH, WIDTH, 1)
    shapes[f"{name}.conv_module.depthwise_conv.weight"] = (WIDTH, 1, 31)
    shapes[f"{name}.conv_module.pointwise_conv2.weight"] = (WIDTH, WIDTH, 1)
    return shapes | batch_norm(f"{name}.conv_module.batch_norm", WIDTH)


def rotations(angles: int) -> torch.Tensor:
    """As both encoders have them."""
    return 1 / 10_000 ** (torch.arange(angles) / angles)


def write_songformer(folder: Path, seed: int = 0) -> Path:
    """The folder with SongFormer.safetensors: the average of its training, which counts its steps."""
    folder.mkdir(parents=True, exist_ok=True)
    state = numbered(songformer_shapes(), seed)
    state["transformer.transformer.rotary_pos_emb.inv_freq"] = rotations(16)
    state["boundary_head.net.0.weight"] *= 4
    state["function_head.net.0.weight"] *= 4
    counted = {"initted": torch.tensor(True), "step": torch.tensor(12_010)}
    save_file(
        {f"ema_model.{name}": held for name, held in state.items()} | counted,
        folder / "SongFormer.safetensors",
    )
    return folder


def write_musicfm(folder: Path, seed: int = 1, extra: object = None) -> Path:
    """The folder with msd_stats.json and pretrained_msd.pt, as a trainer saves it: tensors under state_dict, its settings beside them.
    `extra`: one object more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = numbered(musicfm_shapes(), seed)
    low, high = torch.arange(1025)[:, None] / 8, torch.arange(128)
    state |= {
        "preprocessor_melspec_2048.mel_stft.spectrogram.window": torch.hann_window(2048),
        "preprocessor_melspec_2048.mel_stft.mel_scale.fb": (1 - (low - high).abs()).clamp(min=0),
        "conformer.embed_positions.inv_freq": rotations(WIDTH // 4),
    }
    held = {
        "epoch": 3,
        "hyper_parameters": argparse.Namespace(lr=1e-4, out=Path("runs")),
        "state_dict": {f"model.{name}": tensor for name, tensor in state.items()},
        "callbacks": extra,
    }
    torch.save(held, folder / "pretrained_msd.pt")
    statistics = {"melspec_2048_mean": 6.77, "melspec_2048_std": 18.4}
    (folder / "msd_stats.json").write_text(json.dumps(statistics))
    return folder


def write_all(root: Path) -> dict[str, str]:
    """All three folders, and the settings of ``sections.songformer`` that name them."""
    return {
        "weights": str(write_songformer(root / "songformer")),
        "musicfm_weights": str(write_musicfm(root / "musicfm")),
        "muq_weights": str(write_muq(root / "muq", depth=DEPTH, width=WIDTH)),
    }
