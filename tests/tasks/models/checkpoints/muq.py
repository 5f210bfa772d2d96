"""A small MuQ with random weights, as its package writes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tasks.models.real.import_masks import import_foreign


def muq_config(depth: int, width: int) -> dict[str, Any]:
    """config.json of a MuQ with `depth` layers; the mel statistics are the released ones."""
    conformer = {
        "feat_extract_activation": "gelu",
        "hidden_act": "swish",
        "hidden_dropout": 0.0,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "conformer_conv_dropout": 0.0,
        "conv_depthwise_kernel_size": 31,
        "intermediate_size": 2 * width,
        "layer_norm_eps": 1e-5,
        "layerdrop": 0.0,
        "max_source_positions": 5000,
        "num_attention_heads": 2,
        "num_conv_pos_embedding_groups": 4,
        "num_conv_pos_embeddings": 16,
        "output_attentions": False,
        "position_embeddings_type": "rotary",
        "rotary_embedding_base": 10_000,
    }
    return {
        "label_rate": 25,
        "num_codebooks": 1,
        "codebook_dim": 16,
        "codebook_size": 64,
        "features": ["melspec_2048"],
        "hop_length": 240,
        "n_mels": 128,
        "conv_dim": 8,
        "encoder_dim": width,
        "encoder_depth": depth,
        "is_flash": False,
        "stat": {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623},
        "w2v2_config": conformer,
    }


def write_muq(folder: Path, depth: int = 7, width: int = 32, seed: int = 0) -> Path:
    """The folder with config.json and model.safetensors."""
    config = muq_config(depth, width)
    package = import_foreign("muq")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        package.MuQ(config).eval().save_pretrained(folder, config=config)
    return folder
