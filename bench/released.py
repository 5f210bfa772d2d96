"""The released JAM code out of a clone of declare-lab/jamify, run beside ours.

Nothing of it is copied or edited. It asks for transformers 4.53.0, torchdiffeq, x_transformers, torchaudio,
diffusers and a fork of DeepPhonemizer. Packages that it imports and these benchmarks never reach are stood
in for by empty modules; what is reached is stood in for as follows, and `stand_ins` names all of them:

- torchdiffeq: the fixed-grid Euler method, y + (t1 - t0) f(t0, y), when the package is missing;
- LlamaDecoderLayer: from transformers 4.54 on it returns a tensor where the released code unpacks a tuple,
  so each layer's result is put into a tuple again;
- the tokenizer: its symbols lie in a pickle, so it is built of the same symbols in the same order.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from jam_model.config import JamConfig
from jam_model.lyric_grid import SYMBOLS

UNREACHED = {
    "torchaudio": (),
    "x_transformers": (),
    "x_transformers.x_transformers": ("apply_rotary_pos_emb",),
    "diffusers": (),
    "diffusers.models": ("AutoencoderOobleck",),
    "huggingface_hub": ("hf_hub_download",),
    "braceexpand": ("braceexpand",),
    "dp": (),
    "dp.phonemizer": ("Phonemizer",),
    "dp.english": ("english_to_ipa",),
    "dp.preprocessing": (),
    "dp.preprocessing.text": ("Preprocessor", "SequenceTokenizer"),
}


class Released:
    """The released classes: `CFM`, `DiT`, `DiffusionWebDataset`."""

    def __init__(self, clone: Path) -> None:
        """Imports them from `clone`.

        Raises:
            ValueError: the folder is no clone of jamify.
            ImportError: transformers is missing.
        """
        source = clone / "src"
        if not (source / "jam" / "model" / "dit.py").is_file():
            raise ValueError(
                f"--jamify {clone}: no src/jam/model/dit.py there; give a clone of declare-lab/jamify"
            )
        import transformers

        self.transformers_version = transformers.__version__
        self.stand_ins: list[str] = []
        for name, members in UNREACHED.items():
            self._ensure(name, dict.fromkeys(members, object))
        self._ensure("torchdiffeq", {"odeint": euler})
        sys.path.insert(0, str(source))
        dit = importlib.import_module("jam.model.dit")
        self._wrap_layers(dit)
        self.CFM = importlib.import_module("jam.model.cfm").CFM
        self.DiT = dit.DiT

    def model(self, config: JamConfig, weights: dict[str, torch.Tensor]) -> Any:
        """The released model of these sizes, holding `weights`; every key must fit."""
        dit = self.DiT(
            dim=config.dim,
            depth=config.depth,
            heads=config.heads,
            ff_mult=config.ff_mult,
            mel_dim=config.latent_channels,
            text_num_embeds=config.num_text_embeddings,
            text_dim=config.text_dim,
            conv_layers=config.text_layers,
            max_frames=config.max_frames,
            use_implicit_duration=config.use_implicit_duration,
        )
        cfm = self.CFM(
            dit,
            num_channels=config.latent_channels,
            max_frames=config.max_frames,
            dual_drop_prob=[0.1, 0.5],
            no_edit=True,
        )
        cfm.load_state_dict(weights, strict=True)
        return cfm

    def dataset(self, shard: Path, max_frames: int, silence: Path, **options: Any) -> Any:
        """The released data set over one shard, tokenizing with our table of its symbols."""
        module = importlib.import_module("jam.dataset")
        module.create_phoneme_tokenizer = lambda path: tokenize
        if "the tokenizer" not in self.stand_ins:
            self.stand_ins.append("the tokenizer")
        return module.DiffusionWebDataset(
            [str(shard)],
            max_frames=max_frames,
            filler="average_sparse",
            silence_latent_path=str(silence),
            multiple_styles=False,
            **options,
        )

    def _ensure(self, name: str, members: dict[str, Any]) -> None:
        try:
            module = importlib.import_module(name)
        except (ImportError, OSError):
            module = types.ModuleType(name)
            sys.modules[name] = module
            self.stand_ins.append(name)
        for member, value in members.items():
            if not hasattr(module, member):
                setattr(module, member, value)

    def _wrap_layers(self, dit: Any) -> None:
        layer = dit.LlamaDecoderLayer

        class TupleLayer(layer):  # type: ignore[misc, valid-type]
            def forward(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
                result = super().forward(*args, **kwargs)
                return result if isinstance(result, tuple) else (result,)

        if tuple(int(part) for part in self.transformers_version.split(".")[:2]) >= (4, 54):
            dit.LlamaDecoderLayer = TupleLayer
            self.stand_ins.append(
                f"the tuple around each layer's result (transformers {self.transformers_version})"
            )


def euler(
    velocity: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    times: torch.Tensor,
    method: str = "euler",
) -> torch.Tensor:
    """torchdiffeq's ``odeint(method="euler")``: the state at every time."""
    if method != "euler":
        raise ValueError(f"method {method!r}: only euler stands in for torchdiffeq; install it")
    states = [start]
    for now, then in pairwise(times):
        states.append(states[-1] + (then - now) * velocity(now, states[-1]))
    return torch.stack(states)


def tokenize(phonemes: str, language: str) -> list[int]:
    """As DeepPhonemizer's SequenceTokenizer: a language token, the known symbols, an end token."""
    tokens = [SYMBOLS[symbol] for symbol in phonemes if symbol in SYMBOLS]
    return [SYMBOLS[f"<{language}>"], *tokens, SYMBOLS["<end>"]]
