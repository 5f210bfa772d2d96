"""A small MuQ-MuLan with random weights and the two models it is built from, as released."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from tasks.models.real.import_masks import import_foreign
from tests.tasks.models.checkpoints.muq import write_muq

WIDTH = 32


def write_xlm_roberta(folder: Path, seed: int = 0) -> Path:
    """A folder as of FacebookAI/xlm-roberta-base: config, weights and a tokenizer of 26 letters."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    transformers = import_foreign("transformers")
    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    letters = [(mark, 0.0) for mark in marks] + [(f"{chr(97 + i)}", -3.0) for i in range(26)] + [("▁", -2.0)]
    tokenizer = Tokenizer(models.Unigram(letters, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    transformers.XLMRobertaTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    config = transformers.XLMRobertaConfig(
        vocab_size=len(letters),
        hidden_size=WIDTH,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=514,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformers.XLMRobertaModel(config).save_pretrained(folder)
    return folder


def mulan_config(audio_name: str, text_name: str) -> dict[str, Any]:
    """config.json of a MuQ-MuLan: clips of 10 s at 24 kHz to 512 numbers."""
    tower = {"dim": 24, "tf_depth": 1, "heads": 2, "dim_head": 8}
    return {
        "mulan": {"sr": 24_000, "clip_secs": 10, "dim_latent": 512},
        "audio_model": {"name": audio_name, "model_dim": WIDTH, "use_layer_idx": -1},
        "text_model": {"name": text_name, "model_dim": WIDTH},
        "audio_transformer": tower,
        "text_transformer": tower,
    }


def write_muq_mulan(
    folder: Path, muq: Path, text: Path, seed: int = 0, name: str = "pytorch_model.bin"
) -> Path:
    """The folder with config.json (parts named by their hub ids) and the weights, built over `muq` and `text`."""
    package = import_foreign("muq")
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), TemporaryDirectory() as links:
        torch.manual_seed(seed)
        parts = (Path(links) / "muq", Path(links) / "xlm-roberta")
        for part, source in zip(parts, (muq, text), strict=True):
            part.symlink_to(source.resolve())
        model = package.MuQMuLan(mulan_config(*map(str, parts)))
        state = {
            key: value + 0.01 * torch.randn_like(value) if value.is_floating_point() else value
            for key, value in model.state_dict().items()
        }
    if name.endswith(".bin"):
        torch.save(state, folder / name)
    else:
        from safetensors.torch import save_file

        save_file(state, folder / name)
    config = mulan_config("OpenMuQ/MuQ-large-msd-iter", "xlm-roberta-base")
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def write_all(root: Path) -> dict[str, str]:
    """All three folders under `root`, and the settings of ``models.style_encoder.muq_mulan`` that name them."""
    muq, text = write_muq(root / "beats", depth=2, width=WIDTH), write_xlm_roberta(root / "words")
    mulan = write_muq_mulan(root / "joint", muq, text)
    return {"weights": str(mulan), "muq_weights": str(muq), "text_weights": str(text)}
