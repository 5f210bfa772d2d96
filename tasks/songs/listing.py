"""What songs are there (`list_sources`, `SongsParams`): entries of a folder, a prefix in a store or a manifest become sources, refused or admitted, before decoding.

Every file with an audio ending is a row, also a broken one or a duplicate: `ingest` drops it with its
reason, so that kept + dropped = in. What is not a song (a FIFO, a link that leaves the songs root,
lyrics without audio, other endings) is refused with a reason. Paths are relative to the songs root.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tasks.engine.stage import Section
from tasks.engine.table import Partition, Source
from tasks.lyrics.read import read_parts, read_phones, stated_detail
from tasks.songs.files import bytes_of, songs_root
from tasks.songs.folder import MANIFEST_FACTS, Entry, Refusal, entries_of_folder, refusal_of, refusal_row
from tasks.songs.hashes import READ_AT_ONCE, Hashes
from tasks.songs.manifest import entries_of_manifest
from tasks.storage.object_store import StorePath, place_of

ID_LENGTH = 48
HASH_LENGTH = 12
MORE = ("phones_path", "sections_path")
MAX_PEEK_BYTES = 1 << 20  # of a lyrics file, to choose among several


class SongsParams(Section):
    """Where the songs are: a folder, a prefix in a store (``s3://bucket/prefix``), or a manifest."""

    path: str

    @property
    def place(self) -> Path:
        """The folder, the prefix or the manifest."""
        return place_of(self.path, "songs")

    @property
    def root(self) -> str:
        """Where relative audio paths start; see `root_of`."""
        return root_of(self.place)


def root_of(place: Path) -> str:
    """Where relative audio paths start: the folder (or prefix in a store) itself, or the manifest's."""
    return str(songs_root(place if place.is_dir() else place.parent))


@dataclass(frozen=True)
class Listing:
    """The songs in path order, and what was refused: ``{"path", "reason"}`` each.

    A source's `identity` covers its audio, lyrics and style bytes, the manifest's facts and the refusal.
    """

    root: Path
    sources: list[Source]
    refused: list[Refusal]
    stated_duration_s: dict[str, float]  # song id -> the manifest's duration, where it gives one


def admitted_paths(partitions: Iterable[Partition]) -> list[str]:
    """The audio paths, relative to the songs root, that a table's partitions hold and that were not refused."""
    sources = (source for part in partitions for source in part.sources)
    return [source.facts["audio"]["path"] for source in sources if not source.facts.get("refused")]


def list_sources(
    path: Path, admitted: Collection[str] = (), root: Path | None = None, hashes: Hashes | None = None
) -> Listing:
    """Lists a folder with its sub-folders and tar shards, or a manifest (a JSON list, or JSON lines).

    `admitted` are the relative audio paths that an earlier listing took: of two files with the same
    audio the admitted one stays, else one with lyrics, else the first in path order; the others become
    `duplicate`. `root` is the songs root of a manifest (its own folder unless given). Files are read to be hashed;
    `hashes` knows those of an earlier listing, and says where the others are read.

    Raises:
        ValueError: the path does not exist, or the manifest is not JSON.
    """
    if path.is_dir():
        root = songs_root(path)
        entries, refused = entries_of_folder(root)
    else:
        check_place(path)
        root = songs_root(root or path.parent)
        entries, refused = entries_of_manifest(path, root)
    hashes = hashes or Hashes()
    with ThreadPoolExecutor(READ_AT_ONCE) as threads:
        files = list(threads.map(partial(_files_of, root=root), entries))
    hashes.learn(root, (path for each in files for path in each.readable))
    found = [(each.entry, _source_or_reason(each, root, hashes)) for each in files]
    refused += [refusal_row(entry.audio, root, reason) for entry, reason in found if isinstance(reason, str)]
    taken = [(entry, source) for entry, source in found if isinstance(source, Source)]
    sources = _without_duplicates([source for _, source in taken], frozenset(admitted))
    claims = zip(sources, (entry.stated_duration_s for entry, _ in taken), strict=True)
    claimed = {source.song_id: seconds for source, seconds in claims if seconds is not None}
    in_path_order = sorted(sources, key=lambda source: source.facts["audio"]["path"])
    return Listing(root, in_path_order, refused, claimed)


def check_place(path: Path, field: str = "songs") -> None:
    """Raises ValueError where there is neither a folder nor a manifest; `field` names it."""
    if not path.is_dir() and not path.is_file():
        folder = "prefix" if isinstance(path, StorePath) else "folder"
        raise ValueError(
            f"{field}: {path} is neither a {folder} with songs nor a manifest; give one that exists"
        )


def song_id_of(title: str, content_hash: str, number: int = 1) -> str:
    """Safe key ``[a-z0-9_-]{1,48}`` of a title and its audio; `number` tells equal songs apart."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    ending = f"-{content_hash[:HASH_LENGTH]}" + (f"-{number}" if number > 1 else "")
    slug = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[: ID_LENGTH - len(ending)].strip("-_")
    return (slug or "song") + ending


@dataclass(frozen=True)
class _Files:
    """What will be read of an entry; `refused`: why a file of it is not, by its column."""

    entry: Entry
    beside: dict[str, Path] = field(default_factory=dict)  # column -> lyrics and style
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def readable(self) -> Iterator[Path]:
        """The files that are no pipe, nor elsewhere."""
        if "audio" not in self.refused:
            yield self.entry.audio
            yield from (path for column, path in self.beside.items() if column not in self.refused)


def _files_of(entry: Entry, root: Path) -> _Files:
    if reason := refusal_of(entry.audio, root):
        return _Files(entry, refused={"audio": reason})
    lyrics = lyrics_among(entry.lyrics, root)
    others = [path for path in entry.lyrics if path != lyrics]
    phones, sections = (beside_among(others, root, read) for read in (read_phones, read_parts))
    sides = {
        "lyrics_path": lyrics,
        "phones_path": phones,
        "sections_path": sections,
        "style_path": entry.style,
    }
    beside = {column: path for column, path in sides.items() if path is not None}
    reasons = {column: refusal_of(path, root) for column, path in beside.items()}
    return _Files(entry, beside, {column: reason for column, reason in reasons.items() if reason})


def _source_or_reason(files: _Files, root: Path, hashes: Hashes) -> Source | str:
    if reason := files.refused.get("audio"):
        return reason
    content_hash = hashes.of(files.entry.audio)
    return "unreadable" if content_hash is None else _source(files, content_hash, root, hashes)


def _source(files: _Files, content_hash: str, root: Path, hashes: Hashes) -> Source:
    entry = files.entry
    facts: dict[str, Any] = {
        "audio": {"path": entry.audio.relative_to(root).as_posix(), "bytes": None},
        "lyrics_path": None,
        "lyrics_text": entry.lyrics_text,
        "style_path": None,
        "content_hash": content_hash,
        "refused": None,
        "title": entry.title,
        "stated_duration_s": entry.stated_duration_s,
        "stated_language": entry.language,
        **entry.facts,
    }
    parts: list[str | float | None] = [content_hash, *(entry.facts[key] for key in MANIFEST_FACTS)]
    if entry.stated_duration_s is not None:
        parts.append(entry.stated_duration_s)
    more = [name for name in MORE if name in files.beside]  # songs without are what they were
    for column in ("lyrics_path", "style_path", *more):
        path, reason, digest = files.beside.get(column), files.refused.get(column), None
        if path is not None:
            digest = None if reason else hashes.of(path)
            if digest is None:
                facts["refused"] = f"{column.removesuffix('_path')}_{reason or 'unreadable'}"
            else:
                facts[column] = path.relative_to(root).as_posix()
            parts.append(path.suffix.lower())
        parts.append(digest)
    parts += [entry.lyrics_text] if entry.lyrics_text is not None else []
    parts += [f"language {entry.language}"] if entry.language is not None else []
    identity = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return Source(song_id_of(entry.title, content_hash), identity, facts)


def lyrics_among(files: Sequence[Path], root: Path) -> Path | None:
    """Of several files that may hold the words, the one that states most; the first of those that state as much."""
    if len(files) < 2:
        return files[0] if files else None

    def stated(path: Path) -> int:
        if refusal_of(path, root):
            return 0
        try:
            return stated_detail(bytes_of(path, MAX_PEEK_BYTES))
        except OSError:
            return 0

    return max(files, key=stated)  # the first of the greatest


def beside_among(files: Sequence[Path], root: Path, read: Callable[[bytes], Sequence[Any]]) -> Path | None:
    """The first of the files beside the lyrics in which `read` finds something: phones in time, or parts."""

    def states(path: Path) -> bool:
        try:
            return not refusal_of(path, root) and bool(read(bytes_of(path, MAX_PEEK_BYTES)))
        except OSError:
            return False

    return next(filter(states, files), None)


def _without_duplicates(sources: list[Source], admitted: frozenset[str]) -> list[Source]:
    """The same rows in the same order; all but one of the same audio are `duplicate`, ids are unique."""

    def preference(source: Source) -> tuple[bool, bool]:
        words = source.facts["lyrics_path"] or source.facts["lyrics_text"]
        return source.facts["audio"]["path"] not in admitted, words is None

    seen: set[str] = set()
    taken: set[str] = set()
    rows = list(sources)
    for place in sorted(range(len(sources)), key=lambda place: preference(sources[place])):
        source = sources[place]
        facts, content_hash = dict(source.facts), source.facts["content_hash"]
        if content_hash in seen:
            facts["refused"] = "duplicate"
        elif facts["refused"] is None:
            seen.add(content_hash)
        number, song_id = 1, source.song_id
        while song_id in taken:
            number += 1
            song_id = song_id_of(facts["title"], content_hash, number)
        taken.add(song_id)
        identity = hashlib.sha256(f"{source.identity} {facts['refused']}".encode()).hexdigest()
        rows[place] = Source(song_id, identity, facts)
    return rows
