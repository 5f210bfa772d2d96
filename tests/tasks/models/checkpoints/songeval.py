"""A small SongEval folder with random weights: config.yaml and ckpt/model.safetensors, named as released."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

CONFIG = """generator:
  _target_: model.Generator
  in_features: {width}
  ffd_hidden_size: {hidden}
  num_classes: 5
  attn_layer_num: 4
"""


def songeval_state(width: int, hidden: int, seed: int) -> dict[str, torch.Tensor]:
    """Tensors under the released names, written down here and not taken from our module."""
    generator = torch.Generator().manual_seed(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "ffd.0.weight": (hidden, width),
        "ffd.0.bias": (hidden,),
        "ffd.2.weight": (width, hidden),
        "ffd.2.bias": (width,),
        "fc.weight": (5, 2 * width),
        "fc.bias": (5,),
    }
    for layer in range(4):
        shapes[f"attn.{layer}.in_proj_weight"] = (3 * width, width)
        shapes[f"attn.{layer}.in_proj_bias"] = (3 * width,)
        shapes[f"attn.{layer}.out_proj.weight"] = (width, width)
        shapes[f"attn.{layer}.out_proj.bias"] = (width,)
    return {
        name: torch.randn(shape, generator=generator) / shape[-1] ** 0.5 for name, shape in shapes.items()
    }


def write_songeval(folder: Path, width: int = 32, hidden: int = 64, seed: int = 0) -> Path:
    """The folder as a clone of ASLP-lab/SongEval has it; `width` is that of the MuQ beside it."""
    (folder / "ckpt").mkdir(parents=True)
    (folder / "config.yaml").write_text(CONFIG.format(width=width, hidden=hidden))
    save_file(songeval_state(width, hidden, seed), folder / "ckpt" / "model.safetensors")
    return folder
