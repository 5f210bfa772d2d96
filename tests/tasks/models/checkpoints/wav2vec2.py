"""A tiny random Wav2Vec2ForCTC folder, with the letters and files of the released English one."""

from __future__ import annotations

import json
from pathlib import Path

import torch

LETTERS = "ETAONIHSRDLUMWCFGYPBVK'XJQZ"


def write_wav2vec2(folder: Path, seed: int = 0, letters: str = LETTERS) -> Path:
    """config.json, vocab.json, preprocessor_config.json, tokenizer files and model.safetensors."""
    from tasks.models.real.import_masks import import_foreign

    import_foreign("whisperx.alignment")
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["<pad>", "<s>", "</s>", "<unk>", "|", *letters]
    (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    Wav2Vec2CTCTokenizer(str(folder / "vocab.json")).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(folder)
    torch.manual_seed(seed)
    config = Wav2Vec2Config(
        vocab_size=len(tokens),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        conv_dim=(32,) * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        pad_token_id=0,
    )
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    return folder
