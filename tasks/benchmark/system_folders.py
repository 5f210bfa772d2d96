"""Folders of audio as systems under test: which file is a song's by its stem (`match`), which are further candidates, later takes or unused.

A file is a song's by its name: the id as the manifest writes it, or as tables do. Of several candidates of a song, named as
`jam generate --candidates` names them (``<id>.mp3``, ``<id>_1.mp3``, ...), the first that is there is judged, so none is chosen by
how it sounds.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tasks.songs.files import TarMember
from tasks.songs.folder import entries_of_folder

CANDIDATE = re.compile(r"(?P<song>.+)_(?P<number>[1-9]\d{0,3})", re.DOTALL)


class Named(Protocol):
    """A song of the benchmark, or a prompt."""

    @property
    def song_id(self) -> str: ...
    @property
    def title(self) -> str: ...


@dataclass(frozen=True)
class Folder:
    """A system that is a folder of audio: its files by the stem of their names."""

    name: str
    root: Path
    files: Mapping[str, Path]


@dataclass(frozen=True)
class Matched:
    """The files of a folder: by the id of their song, then the names of the rest.

    Attributes:
        later: songs judged by a later candidate, since the first is not here.
        candidates: files of a song that another candidate is judged for.
        unused: files that no song asks for.
    """

    files: Mapping[str, Path]
    later: Sequence[str]
    candidates: Sequence[str]
    unused: Sequence[str]


def read_folder(name: str, root: Path) -> Folder:
    """The audio under a folder, by stem.

    Raises:
        ValueError: it is no folder, holds no audio, or two files have one name.
    """
    if not root.is_dir():
        raise ValueError(f"system: {name}={root} is no folder")
    real = Path(os.path.realpath(root))
    files: dict[str, Path] = {}
    for entry in entries_of_folder(real)[0]:
        stem = _key(entry.audio.stem)
        if stem in files:
            raise ValueError(
                f"system: {name} has both {files[stem].relative_to(real)} and {entry.audio.relative_to(real)}; "
                "one file a song"
            )
        if not isinstance(entry.audio, TarMember) and Path(os.path.realpath(entry.audio)).is_relative_to(
            real
        ):
            files[stem] = entry.audio
    if not files:
        raise ValueError(f"system: no audio in {name}={root}; name the files by song id, such as <id>.wav")
    return Folder(name, real, files)


def match(songs: Sequence[Named], folder: Folder) -> Matched:
    """Which file is judged for which song; a name that is an id is never taken for a candidate of another."""
    ids = {_key(name): song.song_id for song in songs for name in (song.song_id, song.title)}
    named = {
        song.song_id: folder.files.get(_key(song.title)) or folder.files.get(_key(song.song_id))
        for song in songs
    }
    first = {song_id: path for song_id, path in named.items() if path is not None}
    taken = {*first.values()}
    later: dict[str, dict[int, Path]] = {}
    unused = []
    for stem, path in folder.files.items():
        candidate = CANDIDATE.fullmatch(stem)
        if candidate and stem not in ids and candidate["song"] in ids:
            later.setdefault(ids[candidate["song"]], {})[int(candidate["number"])] = path
        elif path not in taken:
            unused.append(path.name)
    stand_in = {song: found[min(found)] for song, found in later.items() if song not in first}
    more = [path.name for found in later.values() for path in found.values() if path not in stand_in.values()]
    return Matched({**first, **stand_in}, sorted(stand_in), sorted(more), sorted(unused))


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem)
