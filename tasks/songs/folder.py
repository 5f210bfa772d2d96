"""A folder of songs: which audio files it holds, and which lyrics and style files belong to each.

It may lie in an object store, and a tar file in it is a folder of its own: WebDataset shards, whose members are
matched as files are.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.songs.files import TarMember
from tasks.songs.tar import files_in
from tasks.storage.object_store import StorePath

AUDIO_ENDINGS = (
    *(
        ".wav",
        ".wave",
        ".w64",
        ".aif",
        ".aiff",
        ".aifc",
        ".caf",
        ".flac",
        ".mp3",
        ".mp2",
        ".ogg",
        ".oga",
        ".opus",
    ),
    *(".m4a", ".m4b", ".mp4", ".mov", ".aac", ".mka", ".mkv", ".webm", ".wma"),
)
"""Which files are looked at. What is in them is seen from their bytes."""
LYRICS_ENDINGS = (".json", ".lrc", ".txt")
"""In order of precedence."""
STYLE_ENDING = ".style.txt"
SHARD_ENDING = ".tar"
MANIFEST_FACTS = ("artist", "license", "source")
Refusal = dict[str, str]
"""What is not a song: `path`, `reason`, and `detail` where a word is not enough."""


@dataclass(frozen=True)
class Entry:
    """An audio file with the files and facts that belong to it, not yet opened."""

    audio: Path
    title: str
    lyrics: Path | None
    style: Path | None
    facts: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(MANIFEST_FACTS))
    stated_duration_s: float | None = None


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
    """Matches the files of one folder by stem, compared after Unicode normalisation (NFC)."""
    audio: list[Path] = []
    sides: dict[tuple[str, str], Path] = {}  # (stem, ending) -> file
    left_over: list[tuple[Path, str]] = []
    for path in sorted(files, key=lambda path: path.name):
        lower = path.name.lower()
        if path.name.startswith("."):
            left_over.append((path, "hidden"))
        elif lower.endswith(AUDIO_ENDINGS):
            audio.append(path)
        elif ending := next((e for e in (STYLE_ENDING, *LYRICS_ENDINGS) if lower.endswith(e)), None):
            key = (_key(path.name[: -len(ending)]), ending)
            if key in sides:
                left_over.append((path, "name_clash"))
            sides.setdefault(key, path)
        else:
            left_over.append((path, "unsupported_ending"))
    stems = {_key(path.stem) for path in audio}
    for (stem, ending), path in sides.items():
        if stem not in stems:
            kind = "style" if ending == STYLE_ENDING else "lyrics"
            left_over.append((path, f"{kind}_without_audio"))

    def side(stem: str, *endings: str) -> Path | None:
        return next((sides[stem, e] for e in endings if (stem, e) in sides), None)

    entries = []
    for path in audio:
        lyrics, style = side(_key(path.stem), *LYRICS_ENDINGS), side(_key(path.stem), STYLE_ENDING)
        entries.append(Entry(path, path.stem, lyrics, style))
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
    return {"path": _shown(shown), "reason": reason}


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
        refused += [{**row, "path": _shown(f"{name}/{row['path']}".rstrip("/"))} for row in left_over]
    return folders, refused


def _key(stem: str) -> str:
    return unicodedata.normalize("NFC", stem)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
