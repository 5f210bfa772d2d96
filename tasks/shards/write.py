"""Shards as files: a sample's members (.npy, lyrics as .json) as tar fragments, the index with its ids, and a shard read back and verified as a loader would."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.part_styles.parts import PART_STYLES, PARTS
from jam_model.shard_index import EXTRAS, IDS_NAME, INDEX_NAME, locate
from jam_model.shards import decode_sample
from jam_model.words import words_of
from tasks.audio.read import array_of, npy_bytes
from tasks.engine.column_file import SHARD_END
from tasks.engine.song import Song
from tasks.shards.control_frames import chord_frames, latent_frames, melody_frames
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import parquet_file, write_json, write_json_lines

ID_KEYS = ("id", "duration", "split", "tier", "weight")
MARK = "mark"  # of an index and a data card: what is to be said of all their songs


def lyrics_json(song: Song) -> dict[str, Any]:
    """jamify's lyrics object: `word` with start, end, phoneme and word; beside it what a reader may filter by."""
    words = [word.to_json() for word in words_of(song["words"])]
    facts = {key: song[key] for key in ("split", "artist", "license", "source")}
    parts = {PARTS: song[PARTS]} if PARTS in song.columns else {}
    return {"word": words, "duration": song["duration_s"], **facts, **parts}


def sample_bytes(song_id: str, members: Mapping[str, bytes]) -> bytes:
    """A tar fragment: ``<song_id>.<suffix>`` for each member, in name order, each padded to whole blocks."""
    fragment = bytearray()
    for suffix in sorted(members):
        header = tarfile.TarInfo(f"{song_id}.{suffix}")
        header.size, header.mode = len(members[suffix]), 0o644  # owner and time stay 0, names empty
        fragment += header.tobuf(tarfile.USTAR_FORMAT)
        fragment += members[suffix]
        fragment += bytes(-len(members[suffix]) % tarfile.BLOCKSIZE)
    return bytes(fragment)


def shard_bytes(fragments: Iterable[bytes]) -> bytes:
    """A whole shard of these samples."""
    return b"".join(fragments) + SHARD_END


@dataclass(frozen=True)
class Shard:
    """What the index tells of a shard, and the songs in it, in order."""

    name: str
    sha256: str
    num_bytes: int
    song_ids: list[str]


def packed_shard(columns: Path, name: str) -> Shard:
    """The shard of this name as the column file tells it that was committed with it; the shard is not read."""
    with parquet_file(columns) as file:
        digest = (file.metadata.metadata or {})[b"shard_sha256"].decode()
        rows = file.read(columns=["song_id", "shard_bytes"]).to_pylist()
    ids = [row["song_id"] for row in rows if row["shard_bytes"]]
    return Shard(name, digest, sum(row["shard_bytes"] for row in rows) + len(SHARD_END), ids)


def read_shard(path: Path) -> Shard:
    """A shard as a loader finds it.

    Raises:
        ValueError: it is damaged.
    """
    return Shard(path.name, sha256_of_file(path), path.stat().st_size, verify_shard(path))


def write_index(
    folder: Path,
    shards: Iterable[Shard],
    rows: Iterable[Mapping[str, Any]],
    mark: str | None = None,
    own_symbols: str = "",
) -> dict[str, Any]:
    """Writes ``index.json`` and the id lists of a folder of shards; returns the index.

    `rows` tell `id`, `duration` (seconds) and `split` of every packed song, and `tier` and `weight` where there are tiers. ``ids.jsonl`` lists them in shard
    order, ``ids.<split>.jsonl`` those of one split, in the form of the released loader's `id_list_jsonl`. `mark`: what is to
    be said of all of them; `own_symbols`: what their words have beyond the released table; nothing is said of none.

    Raises:
        ValueError: the songs of the shards are not those of `rows`.
    """
    row_of = {row["id"]: {key: row[key] for key in ID_KEYS if key in row} for row in rows}
    entries: list[dict[str, Any]] = []
    packed: list[str] = []
    for shard in shards:
        unknown = [song_id for song_id in shard.song_ids if song_id not in row_of]
        if unknown:
            raise ValueError(f"{shard.name}: song {unknown[0]!r} is not in the table; pack again")
        splits = Counter(row_of[song_id]["split"] for song_id in shard.song_ids)
        entries.append(
            {
                "name": shard.name,
                "sha256": shard.sha256,
                "bytes": shard.num_bytes,
                "num_samples": len(shard.song_ids),
                "splits": dict(sorted(splits.items())),
            }
        )
        packed += shard.song_ids
    if len(set(packed)) != len(packed) or set(packed) != row_of.keys():
        twice = [song_id for song_id, times in Counter(packed).items() if times > 1]
        missing = sorted(row_of.keys() - set(packed))
        raise ValueError(f"{folder}: songs twice {twice[:3]}, songs in no shard {missing[:3]}; pack again")
    index: dict[str, Any] = {
        "shards": entries,
        "num_samples": len(packed),
        "splits": dict(sorted(Counter(row_of[song_id]["split"] for song_id in packed).items())),
    }
    if mark:
        index[MARK] = mark
    if own_symbols:
        index["own_symbols"] = own_symbols
    listed = [row_of[song_id] for song_id in packed]
    write_json_lines(folder / IDS_NAME, listed)
    lists = {
        f"ids.{split}.jsonl": [row for row in listed if row["split"] == split] for split in index["splits"]
    }
    for name, of_split in lists.items():
        write_json_lines(folder / name, of_split)
    for path in folder.glob("ids.*.jsonl"):
        if path.name not in lists:
            path.unlink()
    write_json(folder / INDEX_NAME, index)
    return index


def verify_shard(path: Path) -> list[str]:
    """Reads a shard as a loader would, and returns its song ids in order.

    Raises:
        ValueError: no tar, a wrong, missing, doubled or unsafe member, or a tensor that is not JAM's.
    """
    places = locate(path, 0)
    with path.open("rb") as file:
        for place in places:
            members = {}
            for suffix, (offset, size) in place.members.items():
                file.seek(offset)
                members[suffix] = file.read(size)
                if len(members[suffix]) != size:
                    raise ValueError(f"{path.name}: ends inside {place.song_id}.{suffix}; pack again")
            check_sample(place.song_id, members, path.name)
        file.seek(-len(SHARD_END), io.SEEK_END)
        if file.read() != SHARD_END:
            raise ValueError(f"{path.name}: lacks the two zero blocks at its end; pack again")
    return [place.song_id for place in places]


def check_sample(song_id: str, members: Mapping[str, bytes], where: str) -> None:
    """Reads a sample as a loader would.

    Raises:
        ValueError: a member is missing, or is not JAM's.
    """
    extras = [name for name, suffix in EXTRAS.items() if suffix in members]
    decode_sample(song_id, members, where, extras)


def extra_members(song: Song, names: Iterable[str], num_frames: int) -> dict[str, bytes]:
    """The members that a sample may have (`jam_model.shard_index.EXTRAS`), by suffix: controls a number a frame, others as JSON."""
    values = {EXTRAS[name]: _member(song, name, num_frames) for name in names}
    return {suffix: v if isinstance(v, bytes) else json_bytes(v) for suffix, v in values.items()}


def _member(song: Song, name: str, num_frames: int) -> Any:
    if name == "chords":
        return npy_bytes(chord_frames(song[name], num_frames))
    if name == "melody":
        return npy_bytes(melody_frames(array_of(song[name]), num_frames))
    if name in ("drums", "sketch"):
        return npy_bytes(latent_frames(array_of(song[name]), num_frames, name))
    if name == PART_STYLES:
        return npy_bytes(np.asarray(song[name], np.float32))
    return song[name]


def json_bytes(value: Any) -> bytes:
    """Sorted, compact JSON; NaN is refused with a ValueError."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def tensor_bytes(array: np.ndarray, suffix: str) -> bytes:
    """A float32 tensor as `torch.load(weights_only=True)` or `numpy.load(allow_pickle=False)` reads it."""
    import torch

    if suffix == "npy":
        return npy_bytes(array)
    buffer = io.BytesIO()  # a file's name would become part of the archive
    torch.save(torch.from_numpy(array.copy()), buffer)
    return buffer.getvalue()
