"""Optimisers by their name in the settings: AdamW in float32, or one whose moments are kept in 8 bits (2 bytes a parameter for 8).

The packages of the latter are imported where they are asked for; `FitParams.rule` refuses them where they cannot be had.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from jam_model.config import UpdateRule
from jam_model.train_state import fused_adamw


def build_optimiser(
    name: str, weights: Sequence[torch.nn.Parameter], rule: UpdateRule
) -> torch.optim.Optimizer:
    """The optimiser of that name over these weights.

    Raises:
        KeyError: an unknown name.
    """
    build = {
        "adamw": fused_adamw,
        "bitsandbytes_8bit": _bitsandbytes,
        "torchao_8bit": _torchao,
    }[name]
    return build(weights, rule)


def _bitsandbytes(weights: Sequence[torch.nn.Parameter], rule: UpdateRule) -> torch.optim.Optimizer:
    import bitsandbytes

    return _eight_bit(bitsandbytes.optim.AdamW8bit, weights, rule)


def _torchao(weights: Sequence[torch.nn.Parameter], rule: UpdateRule) -> torch.optim.Optimizer:
    from torchao.optim import AdamW8bit

    return _eight_bit(AdamW8bit, weights, rule)


def _eight_bit(kind: Any, weights: Sequence[torch.nn.Parameter], rule: UpdateRule) -> torch.optim.Optimizer:
    return kind(list(weights), lr=rule.learning_rate, betas=rule.betas, weight_decay=rule.weight_decay)
