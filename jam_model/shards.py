"""Samples out of JAM's WebDataset shards (`Sample`, `Shards`), decoded safely with their registered extras: no pickle runs, nothing is extracted, sizes are checked; words on the grid.

A sample is ``<id>.latent.pt`` [128, T] (posterior mean, then std), ``<id>.style.pt`` [512] or [n, 512]
and ``<id>.json`` (``{"word": [{"start", "end", "phoneme", "word"}], "split": ...}``); ``.npy`` may stand
for ``.pt``. It may hold more (`jam_model.shard_index.EXTRAS`). `Shards` finds every sample by its offset in its shard,
so that a seeded order can jump to any of them; `stream_samples` reads shards front to back through webdataset, the tests'
reference that others can read them.

Shapes: T frames, C 64 latent channels, N style rows, S 512 style dimensions.
"""

from __future__ import annotations

import mmap
import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from jam_model.controls.known import KNOWN, MEMBERS, checked
from jam_model.frames import LATENT_CHANNELS, STYLE_DIM, masks_of
from jam_model.part_styles.parts import PART_STYLES, PARTS, read_part_styles
from jam_model.shard_index import (
    BEATS,
    EXTRAS,
    IDS_NAME,
    INDEX_NAME,
    KINDS,
    MASKED_MEMBER,
    SUFFIXES,
    TRAIN,
    Place,
    id_rows,
    locate,
    read_index,
    read_json,
)
from jam_model.tensors import Buffer, read_tensor
from jam_model.words import PHONES, Word, beats_of, phones_by_word

# webdataset reads this when it is imported; it then refuses pickles and `pipe:` addresses
os.environ["WDS_SECURE"] = "1"

MAX_MAPPED = 64  # shards that stay open


@dataclass(frozen=True, eq=False)
class Sample:
    """One song as the model learns it; `masked_s`: seconds [start, end) that no training crop may hold; `extras`: what
    else of it was asked for, by name.
    """

    song_id: str
    mean_TC: np.ndarray
    std_TC: np.ndarray
    style_NS: np.ndarray
    words: tuple[Word, ...]
    split: str = TRAIN
    masked_s: tuple[tuple[float, float], ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def num_frames(self) -> int:
        """T."""
        return len(self.mean_TC)

    @property
    def phones(self) -> list[list[Word]] | None:
        """The phones in time of each word; None where they were not asked for."""
        return self.extras.get(PHONES)

    @property
    def num_bytes(self) -> int:
        """Memory the arrays take."""
        arrays = (self.mean_TC, self.std_TC, self.style_NS, *self.extras.values())
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))


def stream_samples(shards: Sequence[Path]) -> Iterator[Sample]:
    """Every sample of these shards in file order, through webdataset in its secure mode.

    Raises:
        ValueError: a sample that is not JAM's form, naming shard, sample and member.
    """
    import webdataset

    for shard in shards:
        for raw in webdataset.WebDataset([str(shard)], shardshuffle=False, empty_check=False):
            members = {name: data for name, data in raw.items() if not name.startswith("__")}
            yield decode_sample(raw["__key__"], members, where=shard.name)


Fetch = Callable[[str, int], Path]
"""(name, bytes) of a shard -> its file on this machine."""


class Shards:
    """Random access to the samples of a folder of shards, in the order of its index.

    Decoded samples are kept up to `cache_bytes`; a small data set is thus read once, a large one streams.
    """

    def __init__(
        self,
        folder: Path,
        split: str = TRAIN,
        cache_bytes: int = 0,
        fetch: Fetch | None = None,
        extras: Sequence[str] = (),
    ) -> None:
        """Locates the samples of `split`; reads headers only.

        `fetch`: brings a shard to this machine when a sample of it is read, where `folder` has only the index and
        the id list; which shard holds which sample is then known from these. `extras`: read these of a sample, too; a
        control (`jam_model.controls.known`) where it has it.

        Raises:
            ValueError: no index, a shard that is missing or of another size, a song id that stands twice.
        """
        self.folder = folder
        self.index = read_index(folder)
        self.paths = [folder / entry["name"] for entry in self.index]
        self._fetch = fetch
        self._extras = extras
        splits = {row["id"]: row.get("split", TRAIN) for row in id_rows(folder / IDS_NAME)}
        self.places: list[Place] = []
        seen: set[str] = set()
        listed = _listed_places(self.index, list(splits)) if fetch else None
        for number, (path, entry) in enumerate(zip(self.paths, self.index, strict=True)):
            if listed is None and (not path.is_file() or path.stat().st_size != entry["bytes"]):
                raise ValueError(
                    f"{path}: missing or not the {entry['bytes']} bytes of {INDEX_NAME}; pack again"
                )
            for place in listed[number] if listed else locate(path, number):
                if place.song_id in seen:
                    raise ValueError(f"{path.name}: song {place.song_id!r} stands twice in these shards")
                seen.add(place.song_id)
                if splits.get(place.song_id, TRAIN) == split:
                    self.places.append(place)
        self._cache_bytes = cache_bytes
        self._cached_bytes = 0
        self._cache: OrderedDict[int, Sample] = OrderedDict()
        self._maps: OrderedDict[int, memoryview] = OrderedDict()
        self._members: dict[int, dict[str, Mapping[str, tuple[int, int]]]] = {}  # of fetched shards

    def __len__(self) -> int:
        return len(self.places)

    def shard_sizes(self) -> list[int]:
        """How many samples of the split each shard holds; a sample's number counts through them in order."""
        counts = Counter(place.shard for place in self.places)
        return [counts[number] for number in range(len(self.paths))]

    def durations_s(self) -> np.ndarray:
        """Seconds of each sample, from the id list.

        Raises:
            ValueError: a song is not listed with its duration.
        """
        path = self.folder / IDS_NAME
        known = {row["id"]: row["duration"] for row in id_rows(path) if "duration" in row}
        missing = [place.song_id for place in self.places if place.song_id not in known]
        if missing:
            raise ValueError(f"{path}: {len(missing)} songs without a duration ({missing[0]}); pack again")
        return np.array([known[place.song_id] for place in self.places], np.float64)

    def __getitem__(self, number: int) -> Sample:
        """Sample `number`, decoded."""
        if number in self._cache:
            self._cache.move_to_end(number)
            return self._cache[number]
        place = self.places[number]
        shard = self._mapped(place.shard)
        found = place.members or self._members[place.shard][place.song_id]
        members = {suffix: shard[at : at + size] for suffix, (at, size) in found.items()}
        sample = decode_sample(place.song_id, members, self.paths[place.shard].name, self._extras)
        self._cache[number] = sample
        self._cached_bytes += sample.num_bytes
        while self._cached_bytes > self._cache_bytes:
            self._cached_bytes -= self._cache.popitem(last=False)[1].num_bytes
        return sample

    def _mapped(self, number: int) -> memoryview:
        """The bytes of a shard, in memory as far as they are looked at; a write to them never reaches the file."""
        if number in self._maps:
            self._maps.move_to_end(number)
        else:
            path = self.paths[number]
            if self._fetch is not None:
                path = self._fetch(path.name, self.index[number]["bytes"])
                self._members[number] = {place.song_id: place.members for place in locate(path, number)}
            with path.open("rb") as file:
                self._maps[number] = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
            if len(self._maps) > MAX_MAPPED:  # samples cut from it keep it alive as long as they are used
                self._maps.popitem(last=False)
        return self._maps[number]


def _listed_places(index: Sequence[Mapping[str, Any]], song_ids: list[str]) -> list[list[Place]]:
    """The samples of each shard, not yet located: the id list is in the order of the shards."""
    bounds = [0, *accumulate(entry["num_samples"] for entry in index)]
    if bounds[-1] != len(song_ids):
        raise ValueError(f"{IDS_NAME}: {len(song_ids)} songs, but {bounds[-1]} in {INDEX_NAME}; pack again")
    return [
        [Place(song_id, number, {}) for song_id in song_ids[first:last]]
        for number, (first, last) in enumerate(pairwise(bounds))
    ]


def decode_sample(
    song_id: str, members: Mapping[str, Buffer], where: str, extras: Sequence[str] = ()
) -> Sample:
    """A sample from its members' bytes, by suffix; of those that it may have, `extras` alone are read. It
    must have these, but for controls.

    Raises:
        ValueError: a member missing, unreadable, unsafe or of another shape, naming it.
    """
    by_kind = {SUFFIXES[suffix]: (suffix, data) for suffix, data in members.items() if suffix in SUFFIXES}
    missing = [kind for kind in KINDS if kind not in by_kind]
    missing += [name for name in extras if name not in KNOWN and EXTRAS[name] not in members]
    if missing:
        raise ValueError(f"{where}: song {song_id!r} lacks its {' and '.join(missing)}")
    latent, given_style = (
        read_tensor(data, suffix, f"{where}: {song_id}.{suffix}")
        for suffix, data in (by_kind["latent"], by_kind["style"])
    )
    style = np.atleast_2d(given_style)
    if latent.ndim != 2 or latent.shape[0] != 2 * LATENT_CHANNELS or latent.shape[1] == 0:
        raise ValueError(
            f"{where}: {song_id} latent has shape {latent.shape}, needs [{2 * LATENT_CHANNELS}, T]"
        )
    if style.ndim != 2 or style.shape[1] != STYLE_DIM or len(style) == 0:
        raise ValueError(f"{where}: {song_id} style has shape {given_style.shape}, needs [n, {STYLE_DIM}]")
    latent_TC = latent.T.astype(np.float32, copy=False)
    lyrics = read_json(by_kind["json"][1], f"{where}: {song_id}.json")
    words = grid_words(lyrics, f"{where}: {song_id}.json")
    mean_TC, std_TC = latent_TC[:, :LATENT_CHANNELS], latent_TC[:, LATENT_CHANNELS:]
    suffixes = {name: MEMBERS.get(name) or EXTRAS[name] for name in extras}
    held = {name: suffix for name, suffix in suffixes.items() if suffix in members}
    more = {name: _extra(members[suffix], f"{where}: {song_id}.{suffix}") for name, suffix in held.items()}
    for name in more.keys() & KNOWN:
        more[name] = checked(name, more[name], len(mean_TC), f"{where}: {song_id}.{MEMBERS[name]}")
    if PHONES in more:
        try:
            more[PHONES] = phones_by_word(more[PHONES], len(words))
        except ValueError as error:
            raise ValueError(f"{where}: {song_id}.{EXTRAS[PHONES]} {error}") from error
    if PART_STYLES in more:
        name = f"{where}: {song_id}.{EXTRAS[PART_STYLES]}"
        more[PART_STYLES] = read_part_styles(more[PART_STYLES], lyrics.get(PARTS), name, STYLE_DIM)
    if BEATS in more:
        more[BEATS] = beats_of(more[BEATS], f"{where}: {song_id}.{EXTRAS[BEATS]}")
    split = str(lyrics.get("split", TRAIN))
    masked_s: tuple[tuple[float, float], ...] = ()
    if MASKED_MEMBER in members:
        name = f"{where}: {song_id}.{MASKED_MEMBER}"
        masked_s = masks_of(read_json(members[MASKED_MEMBER], name), name)
    return Sample(song_id, mean_TC, std_TC, style.astype(np.float32), words, split, masked_s, more)


def _extra(data: Buffer, name: str) -> Any:
    return read_json(data, name) if name.endswith(".json") else read_tensor(data, name, name)


def grid_words(lyrics: Any, name: str) -> tuple[Word, ...]:
    """The words of a lyrics object (``{"word": [{"start", "end", "phoneme"}]}``) for the lyric grid.

    Raises:
        ValueError: another form, times that are no seconds in order, or a word without phonemes.
    """
    rows = lyrics.get("word") if isinstance(lyrics, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{name} is no object with a list of words as 'word'")
    words = []
    for number, row in enumerate(rows):
        try:
            words.append(Word.from_json(row))
        except ValueError as error:
            raise ValueError(f"{name}: word {number} {error}") from error
        if words[-1].phonemes is None:
            raise ValueError(f"{name}: word {number} has no phoneme; `jam import` phonemizes such shards")
    return tuple(words)
