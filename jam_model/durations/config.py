"""Sizes of the duration predictor, as plain values that stand in its `config.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

MAX_SIZE, MAX_SYMBOLS = 4096, 4096
OF_LYRICS = frozenset({"text_dim", "text_layers", "num_text_embeddings", "own_symbols"})
"""Fields of the lyric encoder, which most predictors have not."""


@dataclass(frozen=True)
class DurationConfig:
    """What decides the tensors of the predictor.

    Attributes:
        symbols: characters of phonemes that have an embedding of their own; all others share one.
        symbol_dim, width: of a symbol's embedding and of a word's.
        components: log-normal components of each free mixture.
        style_dim: of a style embedding; 0: it is never told a style.
        slot_s: the resolution of times in seconds; a shorter gap is none, and no component is narrower.
        syllable_s, syllable_sd: how long songs are a syllable (mean and deviation of the logarithm), for songs of no stated length.
        text_dim, text_layers, num_text_embeddings, own_symbols: of the lyric encoder of a JAM model that reads its words in place of an
            embedding and spelling of its own (see `JamConfig`); 0 and empty: its own.

    Raises:
        ValueError: a size that is no positive number, or beyond reason.
    """

    symbols: str
    symbol_dim: int
    width: int
    components: int
    style_dim: int
    slot_s: float
    syllable_s: float
    syllable_sd: float
    text_dim: int = 0
    text_layers: int = 0
    num_text_embeddings: int = 0
    own_symbols: str = ""

    def __post_init__(self) -> None:
        of_text = tuple((name, int(self.text_dim != 0)) for name in ("text_layers", "num_text_embeddings"))
        sizes = (("symbol_dim", 1), ("width", 1), ("components", 1), ("style_dim", 0), ("text_dim", 0))
        for name, least in (*sizes, *of_text):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= MAX_SIZE:
                raise ValueError(
                    f"{name} is {str(value)[:20]}; give a whole number from {least} to {MAX_SIZE}"
                )
        for name in ("slot_s", "syllable_s", "syllable_sd"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 < value < 1000:
                raise ValueError(f"{name} is {str(value)[:20]}; give a positive number below 1000")
        if self.text_dim % 2:
            raise ValueError(f"text_dim is {self.text_dim}; give an even number, as the JAM model has")
        if not isinstance(self.own_symbols, str) or len(self.own_symbols) > MAX_SYMBOLS:
            raise ValueError(
                f"own_symbols is no text of up to {MAX_SYMBOLS} characters; give those of the JAM model"
            )
        symbols = self.symbols
        if (
            not isinstance(symbols, str)
            or len(set(symbols)) != len(symbols)
            or not 0 < len(symbols) <= MAX_SYMBOLS
        ):
            raise ValueError(
                f"symbols is {str(symbols)[:40]!r}; give up to {MAX_SYMBOLS} characters, each once"
            )

    def to_dict(self) -> dict[str, Any]:
        """Every field by its name, without those of a lyric encoder where there is none."""
        return {name: value for name, value in asdict(self).items() if self.text_dim or name not in OF_LYRICS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DurationConfig:
        """The config of `to_dict`.

        Raises:
            ValueError: a field is missing or unknown; the message names it.
        """
        names = {field.name for field in fields(cls)}
        missing, unknown = sorted(names - set(values) - OF_LYRICS), sorted(set(values) - names)
        if missing or unknown:
            raise ValueError(f"duration config: missing fields {missing}, unknown fields {unknown}")
        return cls(**values)
