"""DeepPhonemizer: a dictionary, and the layers of a transformer that reads the words it lacks, acronyms among them, letter by letter.

Pronunciations are those of DeepPhonemizer 0.0.19 with the released ``en_us_cmudict_ipa_forward.pt``, on text read
aloud by jamify's rules (`tasks.models.real.english_numbers`). The network [S. Yolchuyeva et al., "Transformer based
grapheme-to-phoneme conversion", 2019] writes one symbol or a blank a letter, as CTC does; it is ours, with the
released names of its weights.

Shapes: B words of equal length, T letters (each repeated, with a start and an end), D width, V phonemes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import groupby

import torch
from torch import nn

from tasks.engine.stage import BadModel
from tasks.models.phonemizer import SYMBOLS, DeepPhonemizerParams, Phonemizer, Pronunciation
from tasks.models.real.common import batches, device_of, in_precision
from tasks.models.real.deep_phonemizer_checkpoint import DeepCheckpoint, Symbols, read_checkpoint
from tasks.models.real.english_numbers import read_aloud
from tasks.models.released_weights import Card

VERSION = 2
CARD = Card(
    name="DeepPhonemizer's forward model",
    section="models.phonemizer.deep_phonemizer",
    packages=("inflect", "torch"),
    files=(),
    released_at="https://public-asai-dl-models.s3.eu-central-1.amazonaws.com/DeepPhonemizer/en_us_cmudict_ipa_forward.pt",
    licence="MIT",
)
CARDS = (CARD,)

PUNCTUATION = "().,:?!/–"
"""Separates words; stays among the phonemes, where the token table has it."""
APART = ("", " ", "-", *PUNCTUATION)
WHOLE_WORDS = {"ɐ": "ɝ", "ᵻ": "ɪ", "əl": "l", "x": "k", "ɬ": "l", "ʔ": "t", "n̩": "n"}
"""jamify's remaps, which meet whole pronunciations only. Its ``ɐ -> ɚ`` leads out of the token table: ɝ stands
for it, as everywhere here."""
SILENT = frozenset("()/– ")
"""Punctuation without a token: no sound is lost with it."""


class DeepPhonemizer(Phonemizer):
    """The released phonemizer, one word at a time, so that a word is said alike whatever stands around it."""

    def __init__(self, settings: DeepPhonemizerParams, identity: str) -> None:
        with settings.loading(CARD) as path:
            checkpoint = read_checkpoint(path)
            self.network = Reader(checkpoint)
        if settings.language not in checkpoint.languages:
            known = ", ".join(checkpoint.languages)
            raise BadModel(f"{CARD.section}.language is {settings.language!r}; this checkpoint has {known}")
        self.identity = identity
        self.settings = settings
        self.letters, self.phonemes = checkpoint.letters, checkpoint.phonemes
        self.dictionary = checkpoint.dictionary.get(settings.language, {})
        self.device = device_of(CARD.section, settings.device)
        self.network.to(self.device).eval()
        self._known: dict[str, Pronunciation] = {}

    def phonemize(self, words: Sequence[str]) -> list[Pronunciation]:
        """One pronunciation a word, in order: that of all it is read as, joined, with no word boundary at its
        end. Letters the checkpoint was not taught are left out and counted in `unknown`.
        """
        new = {word: self._parts(word) for word in words if word not in self._known}
        said = {part: self._entry(part) for parts in new.values() for part in parts}
        predicted = self._predict([part for part, phonemes in said.items() if phonemes is None])
        said.update(predicted)
        for word, parts in new.items():
            foreign = sum(self._foreign(part) for part in parts if part in predicted)
            self._known[word] = _pronunciation("".join(said[part] or "" for part in parts), foreign)
        return [self._known[word] for word in words]

    def _parts(self, word: str) -> list[str]:
        """What is looked up one by one: words, parts of hyphenated ones, letters of acronyms, punctuation."""
        english = self.settings.language.startswith("en")
        text = unicodedata.normalize("NFC", read_aloud(word) if english else word)
        kept = "".join(char for char in text if _is_letter(char) or char in APART)
        parts = []
        for piece in re.split(f"([{PUNCTUATION} ])", kept):
            whole = self._entry(piece) is not None
            parts += [piece] if whole else re.split("(-)", _expand_acronym(piece))
        return parts

    def _entry(self, part: str) -> str | None:
        """Punctuation as it is, a word as the dictionary has it, None where the network has to say it."""
        if part in APART:
            return part
        spellings = (part, part.lower(), part.title())
        return next((self.dictionary[word] for word in spellings if word in self.dictionary), None)

    def _foreign(self, part: str) -> int:
        """Letters the network was not taught; all of a word longer than it can read."""
        too_long = len(self._tokens(part)) > self.network.max_letters
        return sum(_is_letter(char) and (too_long or self._token(char) is None) for char in part)

    def _token(self, letter: str) -> int | None:
        return self.letters.token_of.get(letter.lower() if self.letters.lowercase else letter)

    def _tokens(self, part: str) -> list[int]:
        tokens = [token for char in part if (token := self._token(char)) is not None]
        repeated = [token for token in tokens for _ in range(self.letters.repeats)]
        start = self.letters.token_of[f"<{self.settings.language}>"]
        return [start, *repeated, self.letters.end] if repeated else []

    def _predict(self, parts: Sequence[str]) -> dict[str, str]:
        """Phonemes by the network; a batch holds words of one length, so that nothing is padded."""
        said = dict.fromkeys(parts, "")
        tokens = {part: self._tokens(part) for part in parts}
        length = {part: len(row) for part, row in tokens.items() if 0 < len(row) <= self.network.max_letters}
        for _, equal in groupby(
            sorted(length, key=lambda part: (length[part], part)), key=length.__getitem__
        ):
            for batch in batches(list(equal), self.settings.batch_size):
                letters_BT = torch.tensor([tokens[part] for part in batch], device=self.device)
                with torch.inference_mode(), in_precision(self.device, self.settings.precision):
                    tokens_BT = self.network(letters_BT).argmax(-1).cpu()
                said.update(zip(batch, (_decode(row, self.phonemes) for row in tokens_BT), strict=True))
        return said


class Reader(nn.Module):
    """The forward transformer: letters in, phoneme logits out."""

    def __init__(self, checkpoint: DeepCheckpoint) -> None:
        super().__init__()
        weights = checkpoint.weights
        width = weights["embedding.weight"].shape[1]
        with torch.device("meta"):  # shapes alone: the weights are the checkpoint's
            self.embedding = nn.Embedding(len(checkpoint.letters.token_of), width)
            self.pos_encoder = Positions(weights["pos_encoder.pe"].shape[0], width)
            hidden = weights["encoder.layers.0.linear1.weight"].shape[0]
            layer = nn.TransformerEncoderLayer(width, checkpoint.heads, hidden, dropout=0.0, batch_first=True)
            self.encoder = nn.TransformerEncoder(
                layer, checkpoint.layers, nn.LayerNorm(width), enable_nested_tensor=False
            )
            self.fc_out = nn.Linear(width, len(checkpoint.phonemes.token_of))
        self.load_state_dict(weights, assign=True)
        self.float().requires_grad_(False)
        self.max_letters = len(self.pos_encoder.pe)

    def forward(self, letters_BT: torch.Tensor) -> torch.Tensor:
        """Logits [B, T, V]."""
        return self.fc_out(self.encoder(self.pos_encoder(self.embedding(letters_BT))))


class Positions(nn.Module):
    """Adds where a letter stands."""

    def __init__(self, length: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(1))
        self.pe = nn.Parameter(torch.empty(length, 1, width))

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """Letters with their places."""
        return x_BTD + self.scale * self.pe[: x_BTD.shape[1], 0]


build = DeepPhonemizer


def _expand_acronym(piece: str) -> str:
    """A hyphen before every capital but the first: ``DIY`` -> ``D-I-Y``."""
    return "".join(
        f"-{char}" if char.isupper() and before not in ("", "-") else char
        for before, char in zip(["", *piece], piece, strict=False)
    )


def _decode(tokens_T: torch.Tensor, symbols: Symbols) -> str:
    """Phonemes of the best token at each letter: blanks and repeats go, and what follows the end."""
    tokens = torch.unique_consecutive(tokens_T[tokens_T != 0]).tolist()
    spoken = tokens[: tokens.index(symbols.end)] if symbols.end in tokens else tokens
    names = [symbols.name_of[token] for token in spoken]
    return "".join(name for name in names if name not in symbols.special)


def _pronunciation(phonemes: str, foreign: int) -> Pronunciation:
    phonemes = WHOLE_WORDS.get(phonemes, phonemes)
    known = "".join(symbol for symbol in phonemes if symbol in SYMBOLS)
    lost = sum(symbol not in SYMBOLS | SILENT for symbol in phonemes)
    return Pronunciation(known, lost + foreign)


def _is_letter(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char) in ("Mn", "Mc")
