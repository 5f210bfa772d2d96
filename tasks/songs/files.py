"""The files of songs by relative path: in a folder, below a prefix in an object store, or inside tar files in either (offset and bytes).

A column names a file by its path below the songs root. That of a file inside a tar file tells which bytes it is,
so that no stage looks for it: ``a-000.tar@1536+88244/song.flac``, 88,244 bytes from 1,536 on.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tasks.engine.song import Refused
from tasks.storage.object_store import AsPath, StorePath, place_of

CHUNK_BYTES = 1 << 23
_INSIDE = re.compile(
    r"(?P<tar>.+?\.tar)@(?P<offset>\d+)\+(?P<size>\d+)/(?P<name>.+)", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, repr=False)
class TarMember(AsPath):
    """A file inside a tar file, with what listing songs asks of a path."""

    tar: Path
    offset: int
    size: int
    inside: PurePosixPath

    @property
    def name(self) -> str:
        return self.inside.name

    @property
    def stem(self) -> str:
        return self.inside.stem

    @property
    def suffix(self) -> str:
        return self.inside.suffix

    @property
    def parent(self) -> PurePosixPath:  # type: ignore[override]
        return self.inside.parent

    def relative_to(self, root: Path) -> PurePosixPath:  # type: ignore[override]
        return PurePosixPath(f"{self.tar.relative_to(root)}@{self.offset}+{self.size}") / self.inside


def songs_root(path: Path) -> Path:
    """The folder that the paths of songs begin in, without links on the way to it."""
    return path if isinstance(path, StorePath) else Path(os.path.realpath(path))


def song_file(root: str, relative: str) -> Path:
    """The file that a column names.

    Raises:
        Refused: ``not_audio``: it leads out of the songs root.
        FileNotFoundError: there is no such file on this machine (of one in a store, reading it says so).
    """
    within = songs_root(place_of(root))
    inside = _INSIDE.fullmatch(relative)
    outer = songs_root(within / (inside["tar"] if inside else relative))
    local = not isinstance(outer, StorePath)
    if {"..", "/"} & {*PurePosixPath(relative).parts} or (local and not outer.is_relative_to(within)):
        raise Refused("not_audio", f"path {relative!r} leads out of the songs folder; give one inside it")
    if local and not outer.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), relative)
    if inside is None:
        return outer
    return TarMember(outer, int(inside["offset"]), int(inside["size"]), PurePosixPath(inside["name"]))


def pieces_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file, some megabytes at a time: from a store few requests."""
    within = path if isinstance(path, TarMember) else None
    left = within.size if within else None
    with (within.tar if within else path).open("rb") as file:
        if within:
            file.seek(within.offset)
        while data := file.read(CHUNK_BYTES if left is None else min(left, CHUNK_BYTES)):
            left = None if left is None else left - len(data)
            yield data


def bytes_of(path: Path, max_bytes: int | None = None) -> bytes:
    """A whole file; of one larger than `max_bytes` more than these and less than a piece more."""
    data = bytearray()
    for piece in pieces_of(path):
        data += piece
        if max_bytes is not None and len(data) > max_bytes:
            break
    return bytes(data)
