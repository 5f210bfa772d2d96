"""A tiny checkpoint in the form DeepPhonemizer 0.0.19 writes: its own objects, its own network, random weights."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PHONEMES = "abdefhijklmnoprstuvwxzæðŋɐɑɔəɛɝɡɪʃʊʌʒθɹɜˈˌːʔɾˑ'-.,?!:;"
DICTIONARY = {
    "en_us": {
        "love": "lʌv",
        "twenty": "twɛnti",
        "one": "wʌn",
        "Paris": "pæɹɪs",
        "rock-a": "ɹɑkə",
        "sœur": "sœɹ",
    }
}


def checkpoint_fields(seed: int = 0, **model: Any) -> dict[str, Any]:
    """What ``dp.training.trainer`` puts into a file: config, weights, preprocessor, dictionary, optimizer, step."""
    from dp.model.model import ModelType, create_model
    from dp.preprocessing.text import Preprocessor

    config: dict[str, Any] = {
        "preprocessing": {
            "languages": ["en_us"],
            "text_symbols": LETTERS,
            "phoneme_symbols": list(PHONEMES),
            "char_repeats": 3,
            "lowercase": True,
        },
        "model": {
            "type": "transformer",
            "d_model": 32,
            "d_fft": 48,
            "layers": 2,
            "dropout": 0.1,
            "heads": 4,
            **model,
        },
        "training": {"learning_rate": 1e-4},
    }
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its encoder could be faster
        torch.manual_seed(seed)
        network = create_model(ModelType(config["model"]["type"]), config)
        optimizer = torch.optim.Adam(network.parameters())
    return {
        "preprocessor": Preprocessor.from_config(config),
        "config": config,
        "phoneme_dict": DICTIONARY,
        "step": 1000,
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }


def write_deep_phonemizer(path: Path, seed: int = 0, zipped: bool = True, **changed: Any) -> Path:
    """The checkpoint as a file; `changed` replaces fields, `zipped` false writes the form of PyTorch before 1.6."""
    fields = {**checkpoint_fields(seed), **changed}
    torch.save(fields, path, _use_new_zipfile_serialization=zipped)
    return path


def toy_dictionary() -> dict[str, dict[str, str]]:
    """The toy vocabulary as its singer says it: with this as `phoneme_dict`, toy songs can be aligned."""
    from tasks.models.phonemizer import EspeakPhonemizer, normalise_words
    from tasks.toy.composition import VOCABULARY

    words = sorted({word for entry in VOCABULARY for word in normalise_words(entry)})
    said = EspeakPhonemizer("en-us").phonemize(words)
    return {"en_us": {word: one.phonemes for word, one in zip(words, said, strict=True)}}
