"""A tiny Whisper in CTranslate2's form, with the control tokens of large-v3, that writes the same words every time.

Its net is random but for its positions: each is as good as the token that must follow, so what it writes is
known, while times, probabilities and every format are made by the true code.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

WORDS = (" Hello", ",", " twenty-one", " moons", "!", " ♪")
LANGUAGE = "en"
NUM_BANDS = 128  # of large-v3
CONTROLS = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
WIDTH = 32
SURENESS = 4.0


def write_whisper(folder: Path, words: Sequence[str] = WORDS, seed: int = 0) -> Path:
    """The folder with model.bin, config.json, tokenizer.json, vocabulary.json and preprocessor_config.json."""
    from ctranslate2.converters import TransformersConverter

    with tempfile.TemporaryDirectory() as place:
        source = Path(place)
        tokens = _write_tokenizer(source, words)
        _write_model(source, tokens, words, seed)
        converter = TransformersConverter(place, copy_files=["tokenizer.json", "preprocessor_config.json"])
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        converter.convert(str(folder))
    return folder


def _write_tokenizer(folder: Path, words: Sequence[str]) -> Any:
    """A byte-level tokenizer that can write `words`, and the control tokens in the released order.

    By the empty token CTranslate2 knows a multilingual model, by the place of the others its languages.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytelevel = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    texts = dict.fromkeys([*letters, *(bytelevel.pre_tokenize_str(word)[0][0] for word in words), ""])
    tokens = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(texts)}, merges=[]))
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    names = ["endoftext", "startoftranscript", *list(LANGUAGES), *CONTROLS]
    tokens.add_special_tokens([f"<|{name}|>" for name in names])
    tokens.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", special=False) for i in range(1501)])
    tokens.save(str(folder / "tokenizer.json"))
    end = "<|endoftext|>"
    config = dict.fromkeys(("eos_token", "unk_token", "bos_token", "pad_token"), end)
    special = [f"<|{name}|>" for name in names]
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {**config, "tokenizer_class": "PreTrainedTokenizerFast", "additional_special_tokens": special}
        )
    )
    return tokens


def _write_model(folder: Path, tokens: Any, words: Sequence[str], seed: int) -> None:
    from tokenizers import pre_tokenizers
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
    )
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    number, end = tokens.token_to_id, tokens.token_to_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=tokens.get_vocab_size(),
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_mel_bins=NUM_BANDS,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=number("<|startoftranscript|>"),
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config)
    bytelevel = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    written = [number(bytelevel.pre_tokenize_str(word)[0][0]) for word in words]
    following = [
        number(f"<|{LANGUAGE}|>"),
        number("<|transcribe|>"),
        number("<|notimestamps|>"),
        *written,
        end,
    ]
    with torch.no_grad():
        embedded = model.model.decoder.embed_tokens.weight
        positions = model.model.decoder.embed_positions.weight
        for place, token in enumerate(following):
            ray = torch.nn.functional.normalize(torch.randn(WIDTH), dim=0)
            embedded[token] = SURENESS * ray
            positions[place] = 10 * SURENESS * ray
    model.generation_config = GenerationConfig(
        lang_to_id={f"<|{code}|>": number(f"<|{code}|>") for code in LANGUAGES},
        alignment_heads=[[0, 0]],
        suppress_tokens=[],
        begin_suppress_tokens=[],
        no_timestamps_token_id=number("<|notimestamps|>"),
    )
    model.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=NUM_BANDS).save_pretrained(folder)
