"""SongEval: five scores of a whole song by a small network on features of MuQ.

The head, its names and its order are those of ASLP-lab/SongEval (model.py, eval.py at f811311). Unlike there, the
weights are loaded strictly and scores are not rounded.

Shapes: C channels, N samples, T features (25 Hz), D feature size, A axes.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from tasks.models.judge import AXES, SongEval
from tasks.models.real.common import OnDevice, load_strictly, mono_at, read_state
from tasks.models.real.import_masks import import_foreign
from tasks.models.released_weights import Card

VERSION = 1
SECTION = "models.judge.songeval"
CONFIG, HEAD_STATE = "config.yaml", "ckpt/model.safetensors"
MUQ_STATE = ("model.safetensors", "pytorch_model.bin")
CARDS = (
    Card(
        name="SongEval",
        section=SECTION,
        packages=("torch",),
        files=(CONFIG, HEAD_STATE),
        released_at="https://github.com/ASLP-lab/SongEval (its folder: config.yaml and ckpt/)",
        licence="CC-BY-NC-SA-4.0",
    ),
    Card(
        name="MuQ",
        section=SECTION,
        packages=("muq", "torch", "transformers"),
        files=("config.json", "|".join(MUQ_STATE)),
        released_at="hub OpenMuQ/MuQ-large-msd-iter",
        licence="CC-BY-NC-4.0",
        field="muq_weights",
    ),
)
RATE_HZ = 24_000
LAYER = 6  # of MuQ's hidden states
HEADS = 8


class Head(nn.Module):
    """Four attentions one after another, without residuals or norms, beside the features they start from."""

    def __init__(self, in_features: int, ffd_hidden_size: int, num_classes: int, attn_layer_num: int) -> None:
        """Names of arguments and modules are those of the released config and weights."""
        super().__init__()
        self.attn = nn.ModuleList(
            nn.MultiheadAttention(in_features, HEADS, batch_first=True) for _ in range(attn_layer_num)
        )
        self.ffd = nn.Sequential(
            nn.Linear(in_features, ffd_hidden_size), nn.ReLU(), nn.Linear(ffd_hidden_size, in_features)
        )
        self.fc = nn.Linear(2 * in_features, num_classes)

    def forward(self, features_BTD: Tensor) -> Tensor:
        """Scores in (1, 5), [B, A]."""
        heard_BTD = self.ffd(features_BTD)
        mixed_BTD = heard_BTD
        for attention in self.attn:
            mixed_BTD, _ = attention(mixed_BTD, mixed_BTD, mixed_BTD, need_weights=False)
        pooled_BD = torch.cat([mixed_BTD.mean(dim=1), heard_BTD.amax(dim=1)], dim=1)
        return torch.tanh(self.fc(pooled_BD)) * 2 + 3


class SongEvalJudge(OnDevice[SongEval]):
    """SongEval on the mono 24 kHz song as a whole; memory grows with the square of its length, as there."""

    axes = AXES
    low, high = 1.0, 5.0

    def __init__(self, settings: SongEval, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        self._head = _load_head(settings).eval().to(self._device)
        self._muq = _load_muq(settings, self._head.fc.in_features // 2).eval().to(self._device)

    def score(self, mix_CN: np.ndarray) -> np.ndarray:
        """Coherence, musicality, memorability, clarity and naturalness, float64 [5], each in (1, 5).

        Raises:
            ValueError: not [2, N] or not finite.
        """
        audio_1N = torch.from_numpy(mono_at(mix_CN, RATE_HZ))[None].to(self._device)
        with self._computing():
            features_1TD = self._muq(audio_1N, output_hidden_states=True).hidden_states[LAYER]
            scores_1A: Tensor = self._head(features_1TD)
        return scores_1A[0].double().cpu().numpy()


def _load_head(settings: SongEval) -> Head:
    with settings.loading(CARDS[0]) as path:
        config = yaml.safe_load((path / CONFIG).read_text(encoding="utf-8"))["generator"]
        head = Head(**{key: value for key, value in config.items() if key != "_target_"})
        load_strictly(head, read_state(path, HEAD_STATE))
        if head.fc.out_features != len(AXES):
            raise ValueError(f"it gives {head.fc.out_features} scores, not {len(AXES)}")
    return head


def _load_muq(settings: SongEval, num_features: int) -> Any:
    """MuQ with every tensor of its weights, then without the layers that nothing here listens to."""
    package = import_foreign("muq")
    with settings.loading(CARDS[1]) as path:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        muq = package.MuQ(config)
        load_strictly(muq, read_state(path, *MUQ_STATE))
        if config["encoder_dim"] != num_features or config["encoder_depth"] < LAYER:
            raise ValueError(
                f"it has {config['encoder_depth']} layers of {config['encoder_dim']}; "
                f"the head takes layer {LAYER} of {num_features}"
            )
        conformer = muq.model.conformer
        conformer.layers = conformer.layers[
            : LAYER + 1
        ]  # the last hidden state is normed, and so is not LAYER's
    return muq


build = SongEvalJudge
