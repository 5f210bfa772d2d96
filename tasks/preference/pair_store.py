"""Pairs as tensors on disk, as a run of preference training reads them: ``pairs.json`` and ``pairs.safetensors``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from jam_model.shards import Sample
from jam_model.words import rows_of, words_of
from tasks.storage.files import write_bytes, write_json


@dataclass(frozen=True, eq=False)
class Pair:
    """Two candidates [T, C] of one prompt. `prompt` holds the words and style they were asked for, and the true latent."""

    prompt: Sample
    winner_TC: np.ndarray
    loser_TC: np.ndarray


@dataclass(frozen=True)
class PairFolder:
    """Where pairs were written (absolute), how many, and a hash of all of it."""

    path: str
    count: int
    digest: str


def write_pairs(folder: Path, pairs: Sequence[Pair]) -> PairFolder:
    """Write pairs for the workers.

    Raises:
        ValueError: two candidates of a pair are not of the same length.
    """
    rows, tensors = _packed(pairs)
    write_bytes(folder / "pairs.safetensors", tensors)
    write_json(folder / "pairs.json", rows)
    return PairFolder(str(folder.resolve()), len(pairs), _digest(rows, tensors))


def digest_of(pairs: Sequence[Pair]) -> str:
    """The hash of pairs that `write_pairs` would give, without writing them."""
    return _digest(*_packed(pairs))


def read_pairs(folder: Path) -> list[Pair]:
    """The pairs that `write_pairs` wrote into a folder, in order."""
    rows = json.loads((folder / "pairs.json").read_text())
    arrays = load((folder / "pairs.safetensors").read_bytes()) if rows else {}
    pairs = []
    for number, row in enumerate(rows):
        a = {name: arrays[f"{number:06d}.{name}"] for name in ("winner", "loser", "style", "mean", "std")}
        words = tuple(words_of(row["words"]))
        prompt = Sample(row["song_id"], a["mean"], a["std"], a["style"], words, row["split"])
        pairs.append(Pair(prompt, a["winner"], a["loser"]))
    return pairs


def _digest(rows: list[dict[str, Any]], tensors: bytes) -> str:
    return hashlib.sha256(json.dumps(rows).encode() + tensors).hexdigest()


def _packed(pairs: Sequence[Pair]) -> tuple[list[dict[str, Any]], bytes]:
    arrays: dict[str, np.ndarray] = {}
    rows = []
    for number, pair in enumerate(pairs):
        prompt = pair.prompt
        if pair.winner_TC.shape != pair.loser_TC.shape:
            raise ValueError(
                f"pair {prompt.song_id!r}: candidates of {pair.winner_TC.shape} and {pair.loser_TC.shape}; "
                "trim both to the reference length"
            )
        named = {"winner": pair.winner_TC, "loser": pair.loser_TC, "style": prompt.style_NS}
        named |= {"mean": prompt.mean_TC, "std": prompt.std_TC}
        arrays |= {f"{number:06d}.{name}": np.ascontiguousarray(a, np.float32) for name, a in named.items()}
        rows.append({"song_id": prompt.song_id, "split": prompt.split, "words": rows_of(prompt.words)})
    return rows, save(arrays)
