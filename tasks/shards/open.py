"""Shards to train on, wherever they are: in a folder, or fetched from a store as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jam_model.shards import IDS_NAME, INDEX_NAME, Shards
from tasks.storage.object_store import StorePath
from tasks.storage.shard_cache import NodeCache


def open_shards(
    place: Path, split: str, cache_mb: int, shard_cache_mb: int, extras: Sequence[str] = ()
) -> Shards:
    """The samples of a split; `cache_mb` of them stay decoded, `shard_cache_mb` of a store's shards on this machine.
    `extras`: what else of a sample is read.

    Raises:
        ValueError: no index, or shards that are not what it says.
    """
    if not isinstance(place, StorePath):
        return Shards(place, split, cache_mb * 2**20, extras=extras)
    cache = NodeCache(place, shard_cache_mb * 2**20)
    for name in (INDEX_NAME, IDS_NAME):
        if not (place / name).is_file():
            raise ValueError(f"{place / name}: missing; a folder of shards is made by `pack`")
        cache.refresh(name)
    return Shards(cache.folder, split, cache_mb * 2**20, cache.get, extras)
