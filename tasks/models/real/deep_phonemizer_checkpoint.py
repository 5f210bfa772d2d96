"""Reading a checkpoint of DeepPhonemizer (symbols of letters and phonemes, dictionary, tensors) without running anything in it.

Such a file (``dp.training.trainer`` writes it) is a pickle of a dict: `config`, `model` (the weights), `step`,
`phoneme_dict` and a `preprocessor` object of the package `dp`. PyTorch's restricted unpickler reads it with three
class names allowed; each stands for `Inert`, which has no code, so that neither the file's objects nor the package
(unmaintained since 2022) ever come to life. What was found is then checked field by field. Zip archives and the
older single-pickle form are read alike; the oldest form, a tar, PyTorch itself refuses.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

import torch

FORWARD = "transformer"
CLASSES = tuple(
    f"dp.preprocessing.text.{name}" for name in ("Preprocessor", "LanguageTokenizer", "SequenceTokenizer")
)
MAX_WIDTH, MAX_LAYERS, MAX_SYMBOLS = 8192, 64, 10_000


class Inert:
    """The fields of an object in a checkpoint, and none of its behaviour."""


@dataclass(frozen=True)
class Symbols:
    """Tokens of the letters a network reads, or of the phonemes it writes; `name_of` lists them by token."""

    token_of: dict[str, int]
    name_of: tuple[str, ...]
    special: frozenset[str]
    end: int
    lowercase: bool
    repeats: int


@dataclass(frozen=True)
class DeepCheckpoint:
    """What a forward checkpoint says. `dictionary`: language -> word -> phonemes."""

    languages: tuple[str, ...]
    letters: Symbols
    phonemes: Symbols
    dictionary: dict[str, dict[str, str]]
    weights: dict[str, torch.Tensor]
    heads: int
    layers: int


def read_checkpoint(path: Path) -> DeepCheckpoint:
    """The checkpoint in a file, on the CPU.

    Raises:
        ValueError: it holds an object DeepPhonemizer does not write (which was not made), or a field is missing
            or of the wrong kind.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("its archive is compressed, which PyTorch never writes")
    allowed: list[Any] = [(Inert, name) for name in CLASSES]
    try:
        with torch.serialization.safe_globals(allowed):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"it holds something DeepPhonemizer does not write, which was not run: {_reason(error)}"
        ) from error
    fields = _dict(found, "checkpoint")
    config = _dict(_dict(fields.get("config"), "config").get("model"), "config.model")
    if config.get("type") != FORWARD:
        raise ValueError(
            f"config.model.type is {config.get('type')!r}, only {FORWARD!r} (the forward model) is read"
        )
    tokenizers = _object(fields.get("preprocessor"), "preprocessor")
    letters = _symbols(tokenizers.get("text_tokenizer"), "text_tokenizer")
    phonemes = _symbols(tokenizers.get("phoneme_tokenizer"), "phoneme_tokenizer")
    weights = _dict(fields.get("model"), "model")
    for name, tensor in weights.items():
        if not isinstance(tensor, torch.Tensor) or not tensor.is_floating_point():
            _wrong(f"model[{name!r}]", "a floating-point tensor")
    return DeepCheckpoint(
        languages=tuple(name[1:-1] for name in letters.token_of if len(name) > 1 and name != "<end>"),
        letters=letters,
        phonemes=phonemes,
        dictionary=_dictionary(fields.get("phoneme_dict")),
        weights=weights,
        heads=_whole_number(config.get("heads"), "config.model.heads", MAX_WIDTH),
        layers=_whole_number(config.get("layers"), "config.model.layers", MAX_LAYERS),
    )


def _symbols(value: Any, name: str) -> Symbols:
    fields = _object(value, name)
    token_of = _dict(fields.get("token_to_idx"), f"{name}.token_to_idx")
    tokens = sorted(token for token in token_of.values() if type(token) is int)
    if tokens != list(range(len(token_of))) or len(tokens) > MAX_SYMBOLS:
        _wrong(f"{name}.token_to_idx", f"symbols with tokens from 0 on, at most {MAX_SYMBOLS}")
    special = fields.get("special_tokens")
    if not isinstance(special, set) or not special <= token_of.keys():
        _wrong(f"{name}.special_tokens", "a set of its symbols")
    if type(fields.get("lowercase")) is not bool or fields.get("append_start_end") is not True:
        _wrong(f"{name}.lowercase and append_start_end", "true or false, and true")
    return Symbols(
        token_of=token_of,
        name_of=tuple(sorted(token_of, key=token_of.__getitem__)),
        special=frozenset(special),
        end=token_of.get("<end>", -1),
        lowercase=fields["lowercase"],
        repeats=_whole_number(fields.get("char_repeats"), f"{name}.char_repeats", MAX_LAYERS),
    )


def _dictionary(value: Any) -> dict[str, dict[str, str]]:
    if value is None:
        return {}
    found: dict[str, dict[str, str]] = {}
    for language, entries in _dict(value, "phoneme_dict").items():
        found[language] = _dict(entries, f"phoneme_dict[{language!r}]")
        if not all(isinstance(phonemes, str) for phonemes in found[language].values()):
            _wrong(f"phoneme_dict[{language!r}]", "words with their phonemes")
    return found


def _object(value: Any, name: str) -> dict[str, Any]:
    if type(value) is not Inert:
        _wrong(name, "an object of DeepPhonemizer")
    return _dict(vars(value), name)


def _dict(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        _wrong(name, "a dict with text for keys")
    return dict(value)


def _whole_number(value: Any, name: str, limit: int) -> int:
    if type(value) is not int or not 1 <= value <= limit:
        _wrong(name, f"a whole number from 1 to {limit}")
    return int(value)


def _wrong(name: str, wanted: str) -> Never:
    raise ValueError(f"{name} is missing or is not {wanted}")


def _reason(error: pickle.UnpicklingError) -> str:
    """The line of PyTorch's long message that says what was found."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if "GLOBAL" in line or "Unsupported" in line or "Trying" in line]
    return (told or lines or ["no reason given"])[0]
