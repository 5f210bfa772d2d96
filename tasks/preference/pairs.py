"""Preference pairs as tensors: winner and loser latents of a prompt in files that training reads (`pairs.safetensors`), jamify's DPO list read and written.

Source of the list's form: declare-lab/jamify (README, infer.py, dataset.py) and its training code's DPO data set.
Shapes: T frames, C 64 latent channels, N style rows, S 512.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.frames import LATENT_CHANNELS, STYLE_DIM
from jam_model.shard_index import TRAIN
from jam_model.shards import Sample, grid_words
from jam_model.tensors import MAX_MEMBER_BYTES, read_tensor
from jam_model.words import PHONES, phones_by_word, rows_of, rows_of_phones, words_of
from tasks.shards.write import tensor_bytes
from tasks.songs.manifest import find_listed
from tasks.storage.files import write_bytes, write_json

PAIR_FILES = ("win_latent", "loss_latent", "transcription", "style", "gt_latent")


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
    from safetensors.numpy import load

    rows = json.loads((folder / "pairs.json").read_text())
    arrays = load((folder / "pairs.safetensors").read_bytes()) if rows else {}
    pairs = []
    for number, row in enumerate(rows):
        a = {name: arrays[f"{number:06d}.{name}"] for name in ("winner", "loser", "style", "mean", "std")}
        words = tuple(words_of(row["words"]))
        extras = _extras(row, len(words))
        prompt = Sample(row["song_id"], a["mean"], a["std"], a["style"], words, row["split"], extras=extras)
        pairs.append(Pair(prompt, a["winner"], a["loser"]))
    return pairs


def _digest(rows: list[dict[str, Any]], tensors: bytes) -> str:
    return hashlib.sha256(json.dumps(rows).encode() + tensors).hexdigest()


def _packed(pairs: Sequence[Pair]) -> tuple[list[dict[str, Any]], bytes]:
    from safetensors.numpy import save

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
        facts = {"song_id": prompt.song_id, "split": prompt.split, "words": rows_of(prompt.words)}
        rows.append(facts | _phone_rows(prompt))
    return rows, save(arrays)


def _phone_rows(prompt: Sample) -> dict[str, Any]:
    """The phones in time of a prompt's words, where they are known."""
    return {} if prompt.phones is None else {PHONES: rows_of_phones(prompt.phones)}


def _extras(row: Mapping[str, Any], num_words: int) -> dict[str, Any]:
    return {PHONES: phones_by_word(row[PHONES], num_words)} if PHONES in row else {}


def write_pair_list(folder: Path, pairs: Sequence[Pair]) -> Path:
    """Writes ``dpo.json`` and the files it names into `folder`, for jamify's ``vae_sampled: true``.

    A transcription has the phones in time of its words as ``phones``, where they are known; jamify passes them over.
    Winner and loser [T, 64] have the song's own length, so that the length jamify derives from them is the song's.
    Paths are relative to `folder`: start jamify there. Styles are all vectors [512], or all rows [n, 512] (its
    ``multiple_styles: true``) where any song has several.
    """
    several = any(len(pair.prompt.style_NS) > 1 for pair in pairs)
    rows = []
    for number, pair in enumerate(pairs):
        name, prompt = f"pairs/{number:06d}", pair.prompt
        tensors = {
            "win_latent": pair.winner_TC,
            "loss_latent": pair.loser_TC,
            "style": prompt.style_NS if several else prompt.style_NS[0],
            "gt_latent": np.concatenate([prompt.mean_TC, prompt.std_TC], axis=1).T,
        }
        for key, array in tensors.items():
            array = np.ascontiguousarray(array, np.float32)
            write_bytes(folder / f"{name}.{key}.pt", tensor_bytes(array, "pt"))
        words = [word.to_json() for word in prompt.words]
        facts = {"word": words, "id": prompt.song_id, "split": prompt.split}
        write_json(folder / f"{name}.json", facts | _phone_rows(prompt))
        rows.append({**{key: f"{name}.{key}.pt" for key in tensors}, "transcription": f"{name}.json"})
    path = folder / "dpo.json"
    write_json(path, rows)
    return path


def read_pair_list(path: Path, vae_sampled: bool) -> list[Pair]:
    """The pairs of a DPO list; its paths are absolute, or relative to its folder or to the current one.

    `vae_sampled` says what the candidates are, as in jamify: latents [T, 64], or posteriors [128, T] of which one
    draw is taken. Candidates longer than the true latent (jamify's inference saves all max_frames) are cut to it.

    Raises:
        ValueError: no such list, a file that is missing or of another form, or candidates of unequal length.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"pairs: cannot read {path}: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"pairs: {path} must be a JSON list of objects with {', '.join(PAIR_FILES)}")
    return [_pair(row, path.parent, number, vae_sampled) for number, row in enumerate(rows)]


def _pair(row: Mapping[str, Any], folder: Path, number: int, vae_sampled: bool) -> Pair:
    where = f"pairs: entry {number}"
    files = {key: _file(row.get(key), folder, f"{where}: {key}") for key in PAIR_FILES}
    truth_CT = _tensor(files["gt_latent"])
    _check(truth_CT, (2 * LATENT_CHANNELS, None), f"{where}: gt_latent")
    style_NS = np.atleast_2d(_tensor(files["style"]))
    _check(style_NS, (None, STYLE_DIM), f"{where}: style")
    lyrics = _json(files["transcription"])
    words = grid_words(lyrics, f"{where}: transcription")
    mean_TC, std_TC = (np.ascontiguousarray(half.T) for half in np.split(truth_CT, 2))
    candidates = []
    for draw, key in enumerate(("win_latent", "loss_latent")):
        candidate = _tensor(files[key])
        if vae_sampled:
            _check(candidate, (None, LATENT_CHANNELS), f"{where}: {key}")
        else:
            _check(candidate, (2 * LATENT_CHANNELS, None), f"{where}: {key}")
            noise = np.random.default_rng([number, draw]).standard_normal(
                (LATENT_CHANNELS, candidate.shape[1])
            )
            candidate = (
                candidate[:LATENT_CHANNELS] + candidate[LATENT_CHANNELS:] * noise.astype(np.float32)
            ).T
        candidates.append(candidate)
    if len(candidates[0]) != len(candidates[1]):
        raise ValueError(
            f"{where}: candidates of {len(candidates[0])} and {len(candidates[1])} frames; trim both to the song"
        )
    winner_TC, loser_TC = (np.ascontiguousarray(candidate[: len(mean_TC)]) for candidate in candidates)
    song_id = str(lyrics.get("id") or files["gt_latent"].name.partition(".")[0])
    try:
        extras = _extras(lyrics, len(words))
    except ValueError as error:
        raise ValueError(f"{where}: transcription: {PHONES} {error}") from error
    split = str(lyrics.get("split") or TRAIN)
    prompt = Sample(song_id, mean_TC, std_TC, style_NS, words, split, extras=extras)
    return Pair(prompt, winner_TC, loser_TC)


def _file(written: Any, folder: Path, what: str) -> Path:
    if not isinstance(written, str) or not written:
        raise ValueError(f"{what} is {written!r}; give a path")
    path = find_listed(written, folder, folder)
    if not path.is_file():
        raise ValueError(f"{what}: {written} is no file in {folder} or here")
    return path


def _tensor(path: Path) -> np.ndarray:
    return read_tensor(_bytes(path), path.suffix, path.name)


def _json(path: Path) -> Any:
    try:
        return json.loads(_bytes(path))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is not JSON: {error}") from error


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > MAX_MEMBER_BYTES:
        raise ValueError(f"{path.name} has {path.stat().st_size} bytes, limit {MAX_MEMBER_BYTES}")
    return path.read_bytes()


def _check(array: np.ndarray, shape: tuple[int | None, int | None], what: str) -> None:
    if (
        array.ndim != 2
        or 0 in array.shape
        or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True))
    ):
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{what} has shape {array.shape}, needs ({wanted})")
