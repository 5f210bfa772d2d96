"""jamify's manifest: songs listed one by one by their files' paths, with inline lyrics, style text, and whose they are; bad rows.

It may lie in an object store, beside or above the songs it lists.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tasks.songs.folder import MANIFEST_FACTS, Entry, Refusal, by_parent, entries_of_files
from tasks.storage.object_store import StorePath, place_of

MAX_NAME_BYTES = 255
INLINE = ("lyrics", "text")
"""What a row may hold in place of a lyrics file: the words themselves, in any form of text."""
MAX_SECONDS = 1_000_000


class _Files(NamedTuple):
    """Where a manifest's files are: the one of a written path, and the songs of a folder by their audio."""

    find: Callable[[str], Path]
    beside: Callable[[Path], Mapping[Path, Entry]]


def entries_of_manifest(path: Path, root: Path) -> tuple[list[Entry], list[Refusal]]:
    """The rows of a manifest, and those that are no song.

    A row without the key `lrc_path` (or `prompt_path`) takes the file beside its audio; null is none.

    Raises:
        ValueError: the file is neither a JSON list nor JSON lines.
    """
    entries: list[Entry] = []
    refused: list[Refusal] = []
    files = _in_store(root) if isinstance(root, StorePath) else _on_disk(path.parent, root)
    for number, row in manifest_rows(path):
        try:
            entries.append(_entry_of_row(row, files))
        except ValueError as error:
            refused.append(
                {"path": f"{path.name}:{number}", "reason": "manifest_entry", "detail": str(error)}
            )
    return entries, refused


@dataclass(frozen=True)
class BadRow:
    """A line of a manifest that is no JSON, and why."""

    why: str


def manifest_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """What is listed, as written: the items of a JSON list by their number, or of JSON lines by their line, both from 1.

    One bad line is a `BadRow`; a list with a flaw cannot be told from its rows.

    Raises:
        ValueError: the file is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith("["):
            yield from enumerate(json.loads(text), start=1)
            return
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(_no_manifest(path, error)) from error
    rows = [(number, _row(line)) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if rows and all(isinstance(row, BadRow) for _, row in rows):
        raise ValueError(_no_manifest(path, rows[0][1].why))
    yield from rows


def _row(line: str) -> Any:
    try:
        return json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        return BadRow(f"no JSON: {error}")


def _no_manifest(path: Path, why: object) -> str:
    return f"manifest {path}: not a JSON list nor JSON lines ({why}); give jamify's input form"


def _on_disk(folder: Path, root: Path) -> _Files:
    def find(written: str) -> Path:
        if "://" in written:
            raise ValueError(
                f"{written!r} is no file of this machine; songs of a store need a manifest in it"
            )
        return find_listed(written, folder, root)

    @cache
    def beside(folder: Path) -> Mapping[Path, Entry]:
        return _by_audio(folder.iterdir()) if folder.is_dir() else {}

    return _Files(find, beside)


def _in_store(root: StorePath) -> _Files:
    """Of a store one listing is asked for, not every file."""
    listed = root.files_below()
    files, folders = {file.path: file for file in listed}, by_parent(listed)

    def find(written: str) -> Path:
        place = place_of(written, "path") if "://" in written else root / written
        file = None
        if isinstance(place, StorePath) and place.scheme == root.scheme:
            file = files.get(PurePosixPath(posixpath.normpath(place.path)))
        if file is None:
            raise ValueError(f"{written!r} is no file below {root}")
        return file

    @cache
    def beside(folder: Path) -> Mapping[Path, Entry]:
        return _by_audio(folders[str(folder)])

    return _Files(find, beside)


def _by_audio(files: Iterable[Path]) -> Mapping[Path, Entry]:
    return {entry.audio: entry for entry in entries_of_files(files)[0]}


def _entry_of_row(row: Any, files: _Files) -> Entry:
    if not isinstance(row, dict):
        raise ValueError(row.why if isinstance(row, BadRow) else "a row is not an object")
    texts = {}
    for key in ("id", "audio_path", "lrc_path", "prompt_path", "language", *MANIFEST_FACTS):
        texts[key] = row.get(key)
        if not isinstance(texts[key], str | None) or not _is_clean(texts[key] or ""):
            raise ValueError(f"{key}: {texts[key]!r} is not a text")
    if not texts["audio_path"]:
        raise ValueError("no audio_path")
    duration = row.get("duration")
    if duration is not None and not _is_length(duration):
        raise ValueError(f"duration: {duration!r} is not a number of seconds above 0")
    audio = files.find(texts["audio_path"])
    lyrics: tuple[Path, ...] = (files.find(texts["lrc_path"]),) if texts["lrc_path"] else ()
    inline = None if lyrics else next((row[key] for key in INLINE if row.get(key)), None)
    if inline is not None and not (isinstance(inline, str) and _is_clean(inline)):
        raise ValueError(f"lyrics: {str(inline)[:40]!r} is not a text")
    style = files.find(texts["prompt_path"]) if texts["prompt_path"] else None
    if "lrc_path" not in row or "prompt_path" not in row:
        entry = files.beside(audio.parent).get(audio)
        if entry is not None:
            lyrics = entry.lyrics if "lrc_path" not in row and inline is None else lyrics
            style = entry.style if "prompt_path" not in row else style
    facts = {key: texts[key] for key in MANIFEST_FACTS}
    return Entry(audio, texts["id"] or audio.stem, lyrics, style, facts, duration, inline, texts["language"])


def find_listed(written: str, folder: Path, root: Path) -> Path:
    """A manifest's path: absolute, or relative to its folder, the songs root or the current folder.

    Raises:
        ValueError: no file can have such a name.
    """
    if "\0" in written or max(len(os.fsencode(part)) for part in written.split("/")) > MAX_NAME_BYTES:
        raise ValueError(f"{written[:40]!r} can name no file; names have at most {MAX_NAME_BYTES} bytes")
    tried = [base / written for base in (folder, root, Path.cwd())]
    found = next((path for path in tried if os.path.lexists(path)), tried[0])
    return Path(os.path.realpath(found.parent), found.name)


def _is_length(value: Any) -> bool:
    """Whether this is a number of seconds that a song can have."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_SECONDS


def _is_clean(text: str) -> bool:
    """Whether a text can stand in a path and in a table: no NUL, no half of a surrogate pair."""
    return "\0" not in text and text.encode("utf-8", "replace").decode() == text
