"""Audio files with their lyrics and style files (`Entry`), matched by name: in a folder, a store or inside tar shards; refusals.

It may lie in an object store, and a tar file in it is a folder of its own: WebDataset shards, whose members are
matched as files are.
"""

from __future__ import annotations

import json
import os
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.lyrics.read import LYRICS_ENDINGS
from tasks.songs.beside import AUDIO_ENDINGS, STYLE_ENDINGS, key_of, kind_of, songs_named, stems_among
from tasks.songs.files import TarMember
from tasks.songs.tar import files_in
from tasks.storage.object_store import StorePath

SHARD_ENDING = ".tar"
MAX_EXAMPLES = 3  # names of refused files that are told of one reason
MANIFEST_FACTS = ("artist", "license", "source")
Refusal = dict[str, str]
"""What is not a song: `path`, `reason`, and `detail` where a word is not enough."""


@dataclass(frozen=True)
class Entry:
    """An audio file with the files and facts that belong to it, not yet opened.

    `lyrics` are all files that may hold its words, `lyrics_text` the words themselves and `language` theirs, where a
    manifest's row has them.
    """

    audio: Path
    title: str
    lyrics: tuple[Path, ...]
    style: Path | None
    facts: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(MANIFEST_FACTS))
    stated_duration_s: float | None = None
    lyrics_text: str | None = None
    language: str | None = None


def entries_of_folder(root: Path) -> tuple[list[Entry], list[Refusal]]:
    """All audio files under `root` in path order, and what else lies there. Links to folders are not followed."""
    refused: list[Refusal] = []
    entries: list[Entry] = []
    for files in _folders(root, refused):
        shards = [path for path in files if _is_shard(path)]
        below, left_over = _shard_folders(shards, root)
        refused += left_over
        for folder in [[path for path in files if not _is_shard(path)], *below]:
            found, strays = entries_of_files(folder)
            entries += found
            refused += [refusal_row(path, root, reason) for path, reason in strays]
    return sorted(entries, key=lambda entry: entry.audio.relative_to(root).as_posix()), refused


def entries_of_files(files: Iterable[Path]) -> tuple[list[Entry], list[tuple[Path, str]]]:
    """Matches the files of one folder by their names, compared after Unicode normalisation (NFC)."""
    audio: list[Path] = []
    sides: list[tuple[Path, str, str]] = []  # file, kind, ending
    left_over: list[tuple[Path, str]] = []
    for path in sorted(files, key=lambda path: path.name):
        if path.name.startswith("."):
            left_over.append((path, "hidden"))
        elif path.name.lower().endswith(AUDIO_ENDINGS):
            audio.append(path)
        elif side := kind_of(path.name):
            sides.append((path, *side))
        else:
            left_over.append((path, "unsupported_ending"))
    stems = stems_among(audio)
    left_over += [(path, "stem_of_a_song") for path in audio if path in stems]
    songs = [path for path in audio if path not in stems]
    named = {key_of(path.stem) for path in songs}
    beside: dict[tuple[str, str], dict[str, Path]] = defaultdict(dict)  # (song, kind) -> ending -> file
    for path, kind, ending in sides:
        song = next((key for key in map(key_of, songs_named(path.name, ending)) if key in named), None)
        if song is None:
            left_over.append((path, f"{kind}_without_audio"))
        elif ending in beside[song, kind]:
            left_over.append((path, "name_clash"))
        else:
            beside[song, kind][ending] = path
    entries = []
    for path in songs:
        lyrics, styles = beside[key_of(path.stem), "lyrics"], beside[key_of(path.stem), "style"]
        entries.append(
            Entry(
                path,
                path.stem,
                tuple(lyrics[ending] for ending in LYRICS_ENDINGS if ending in lyrics),
                next((styles[ending] for ending in STYLE_ENDINGS if ending in styles), None),
            )
        )
    return entries, left_over


def refusal_of(path: Path, root: Path) -> str | None:
    """Why this path is not a file we open, or None. Never opens it: reading a FIFO would wait for ever."""
    if isinstance(path, StorePath | TarMember):
        return None  # listed as a file by the store, checked as the tar file was read
    try:
        os.fsencode(path).decode("utf-8")
        if not Path(os.path.realpath(path)).is_relative_to(root):
            return "outside_root"
        mode = os.stat(path).st_mode
    except UnicodeDecodeError:
        return "name_not_utf8"
    except FileNotFoundError:
        return "broken_link" if path.is_symlink() else "missing"
    except OSError:
        return "unreadable"
    if stat.S_ISDIR(mode):
        return "directory"
    return None if stat.S_ISREG(mode) else "not_a_regular_file"


def refusal_row(path: Path, root: Path, reason: str) -> Refusal:
    """A line of the refused list; a name that is no UTF-8 is shown with escapes."""
    elsewhere = isinstance(path, StorePath | TarMember)
    shown = str(path.relative_to(root)) if elsewhere else os.path.relpath(path, root)
    return {"path": _printable_name(shown), "reason": reason}


def refusals_in(path: Path) -> list[Refusal]:
    """The lines of a refused list; none where there is no such file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def told_refusals(refused: Iterable[Refusal]) -> str:
    """How many there are of each reason, the most first, with the first names of each; empty where there are none."""
    paths: dict[str, list[str]] = defaultdict(list)
    for row in refused:
        name = row["path"]
        paths[row["reason"]].append(name if name.isprintable() else ascii(name))
    told = []
    for reason, found in sorted(paths.items(), key=lambda kind: (-len(kind[1]), kind[0])):
        more = ", ..." if len(found) > MAX_EXAMPLES else ""
        told.append(f"{len(found)} {reason} ({', '.join(found[:MAX_EXAMPLES])}{more})")
    return ", ".join(told)


def by_parent(files: Iterable[Path]) -> Mapping[str, list[Path]]:
    """The files of each folder, in a store or a tar file, which know no folders themselves."""
    folders: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        folders[str(path.parent)].append(path)
    return folders


def _folders(root: Path, refused: list[Refusal]) -> Iterator[list[Path]]:
    """The files of each folder under `root`."""
    if isinstance(root, StorePath):
        yield from by_parent(root.files_below()).values()
        return

    def unreadable(error: OSError) -> None:
        refused.append(refusal_row(Path(error.filename), root, "unreadable"))

    for folder, directories, names in os.walk(root, onerror=unreadable):
        directories.sort()
        for name in directories:
            if os.path.islink(os.path.join(folder, name)):
                refused.append(refusal_row(Path(folder, name), root, "link_to_directory"))
            elif name.lower().endswith(AUDIO_ENDINGS):
                refused.append(refusal_row(Path(folder, name), root, "directory"))
        yield [Path(folder, name) for name in names]


def _is_shard(path: Path) -> bool:
    return path.name.lower().endswith(SHARD_ENDING) and not path.name.startswith(".")


def _shard_folders(shards: Iterable[Path], root: Path) -> tuple[list[list[Path]], list[Refusal]]:
    """The files of each folder inside these tar files, and what in them is none."""
    folders: list[list[Path]] = []
    refused: list[Refusal] = []
    for shard in shards:
        if reason := refusal_of(shard, root):
            refused.append(refusal_row(shard, root, reason))
            continue
        files, left_over = files_in(shard)
        folders += by_parent(files).values()
        name = shard.relative_to(root).as_posix()
        refused += [
            {**row, "path": _printable_name(f"{name}/{row['path']}".rstrip("/"))} for row in left_over
        ]
    return folders, refused


def _printable_name(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
