"""MuQ-MuLan: music (crops, each the mean of its clips) and text in one space of 512 numbers, as the released JAM is conditioned.

Shapes: C channels, N samples, n crops, B clips, S = 512, W windows.
"""

from __future__ import annotations

import json
import zlib
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from jam_model.frames import STYLE_DIM
from tasks.models.real.common import OnDevice, load_strictly, mono_at, read_state
from tasks.models.real.import_masks import import_foreign
from tasks.models.released_weights import Card, find_weights, loading
from tasks.models.style_encoder import MuqMulan

VERSION = 1
SECTION = "models.style_encoder.muq_mulan"
STATE = ("model.safetensors", "pytorch_model.bin")
PACKAGES = ("muq", "torch", "transformers")
CARDS = (
    Card(
        name="MuQ-MuLan",
        section=SECTION,
        packages=(*PACKAGES, "x-clip"),
        files=("config.json", "|".join(STATE)),
        released_at="hub OpenMuQ/MuQ-MuLan-large",
        licence="CC-BY-NC-4.0",
    ),
    Card(
        name="MuQ",
        section=SECTION,
        packages=PACKAGES,
        files=("config.json", "|".join(STATE)),
        released_at="hub OpenMuQ/MuQ-large-msd-iter",
        licence="CC-BY-NC-4.0",
        field="muq_weights",
    ),
    Card(
        name="XLM-RoBERTa",
        section=SECTION,
        packages=PACKAGES,
        files=("config.json", "|".join(STATE), "tokenizer.json|sentencepiece.bpe.model"),
        released_at="hub FacebookAI/xlm-roberta-base",
        licence="MIT",
        field="text_weights",
    ),
    Card(
        name="negative style",
        section=SECTION,
        packages=(),
        files=(),
        released_at="declare-lab/jamify, public/vocal.npy",
        licence="that of JAM-0.5, non-commercial",
        field="negative_style",
    ),
)
RATE_HZ = 24_000
CLIP = 10 * RATE_HZ  # samples the model was trained on
WINDOW_HOP = 5 * RATE_HZ
MAX_TEXT_CHARS = 300  # of a prompt, as in the released code


class MuqMulanStyleEncoder(OnDevice[MuqMulan]):
    """MuQ-MuLan, fed as the released code feeds it: 24 kHz mono, clips of 10 s, their unit embeddings averaged.

    The average of a crop's clips is not brought back to norm 1, and so a row's norm is at most 1. The negative
    style is the array of the params, or zeros. The weights are loaded when something is first embedded: who needs
    the negative style alone does not wait for them.
    """

    def __init__(self, settings: MuqMulan, identity: str) -> None:
        super().__init__(settings, identity, SECTION)
        self.negative_style = _negative_style(settings)

    @cached_property
    def _model(self) -> Any:
        return _load(self._settings).eval().to(self._device)

    def embed_audio(self, mix_CN: np.ndarray) -> np.ndarray:
        """Style of each crop, float32 [n, 512], rows of norm at most 1; a song may hold fewer than `crops`."""
        audio_N = mono_at(mix_CN, RATE_HZ)
        crops = [
            [self._clip_at(crop_N, start) for start in range(0, len(crop_N), CLIP)]
            for crop_N in self._crops(audio_N)
        ]
        embedded_BS = self._embed([clip_N for crop in crops for clip_N in crop])
        ends = np.cumsum([len(crop) for crop in crops])[:-1]
        return np.stack([clips_BS.mean(axis=0) for clips_BS in np.split(embedded_BS, ends)])

    def embed_text(self, text: str) -> np.ndarray:
        """Style of the first 300 characters of a prompt, float32 [512] of norm 1.

        Raises:
            ValueError: the text is empty.
        """
        if not text.strip():
            raise ValueError("style text is empty; describe the song in a few words")
        with self._computing():
            latents: torch.Tensor = self._model(texts=[text[:MAX_TEXT_CHARS]])
        return latents[0].float().cpu().numpy()

    def windows(self, mix_CN: np.ndarray) -> np.ndarray:
        """Embeddings of 10 s clips every 5 s, float32 [W, 512]; a shorter song is one clip, wrapped."""
        audio_N = mono_at(mix_CN, RATE_HZ)
        starts = range(0, max(len(audio_N) - CLIP, 0) + 1, WINDOW_HOP)
        return self._embed([self._clip_at(audio_N, start) for start in starts])

    def _crops(self, audio_N: np.ndarray) -> list[np.ndarray]:
        """`crops` parts of `crop_s`, by `crop_choice`; a shorter song is one crop."""
        settings = self._settings
        size = round(settings.crop_s * RATE_HZ)
        room = len(audio_N) - size
        if room <= 0:
            return [audio_N]
        if settings.crop_choice == "first":
            starts = list(range(0, room + 1, size))[: settings.crops]
        elif settings.crop_choice == "spread":
            starts = np.linspace(0, room, settings.crops).round().astype(int).tolist()
        else:
            rng = np.random.default_rng([settings.seed, zlib.crc32(audio_N.tobytes())])
            starts = sorted(rng.integers(0, room, settings.crops, endpoint=True).tolist())
        return [audio_N[start : start + size] for start in starts]

    def _clip_at(self, audio_N: np.ndarray, start: int) -> np.ndarray:
        """10 s from `start`; what the audio lacks is its beginning once more (shorter than 5 s: all of it)."""
        clip_N = audio_N[start : start + CLIP]
        return np.concatenate([clip_N, audio_N[: CLIP - len(clip_N)]])

    def _embed(self, clips: list[np.ndarray]) -> np.ndarray:
        """Unit embeddings of clips of equal length, float32 [B, 512], `batch_size` a pass."""
        parts = []
        for batch in self._batches(clips):
            clips_BN = torch.from_numpy(np.stack(batch))
            with self._computing():
                latents = self._model.mulan_module.get_audio_latents(clips_BN.to(self._device))
            parts.append(latents.float().cpu().numpy())
        return np.concatenate(parts)


def _load(settings: MuqMulan) -> Any:
    """The model with every tensor of its own weights.

    The package builds its two towers from the names in the config and knows their kinds by ``muq`` and
    ``xlm-roberta`` in them, so that the folders the params give are linked under these names. The tokenizer is
    taken here: the package would allow one that brings code.
    """
    mulan, muq, text = (find_weights(card, *settings.place(card)) for card in CARDS[:3])
    package = import_foreign("muq")
    transformers = import_foreign("transformers")
    with loading(CARDS[0], mulan), TemporaryDirectory() as links:
        config = json.loads((mulan / "config.json").read_text(encoding="utf-8"))
        for part, name, folder in (("audio_model", "muq", muq), ("text_model", "xlm-roberta", text)):
            (Path(links) / name).symlink_to(folder.resolve(), target_is_directory=True)
            config[part]["name"] = f"{links}/{name}"
        kind = json.loads((text / "config.json").read_bytes()).get("model_type")
        if (
            kind != "xlm-roberta"
        ):  # a tokenizer's class may be taken from there, and with it code (CVE-2026-5241)
            raise ValueError(f"{text / 'config.json'} is of a {kind}, not an xlm-roberta")
        model = package.MuQMuLan(config)
        load_strictly(model, read_state(mulan, *STATE))
        model.mulan.text._tokenizer = transformers.AutoTokenizer.from_pretrained(text, local_files_only=True)
        size = config["mulan"]["dim_latent"]
        if (size, model.sr, model.clip_secs * model.sr) != (STYLE_DIM, RATE_HZ, CLIP):
            raise ValueError(
                f"it embeds {model.clip_secs} s at {model.sr} Hz to {size} numbers, not as MuQ-MuLan"
            )
    return model


def _negative_style(settings: MuqMulan) -> np.ndarray:
    """The array of ``negative_style`` (.npy, [512] or [1, 512]), or zeros."""
    card = CARDS[3]
    if not settings.needs(card):
        return np.zeros(STYLE_DIM, np.float32)
    with settings.loading(card) as path:
        style = np.load(path, allow_pickle=False)
        if style.shape not in ((STYLE_DIM,), (1, STYLE_DIM)) or not np.isfinite(style).all():
            raise ValueError(f"it holds {list(style.shape)}, not {STYLE_DIM} finite numbers")
        return style.reshape(STYLE_DIM).astype(np.float32)


build = MuqMulanStyleEncoder
