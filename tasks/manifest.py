"""jamify's manifest: songs listed one by one, with their lyrics, style text, and whose they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tasks.folder import MANIFEST_FACTS, Entry, Refused, entries_of_files

MAX_NAME_BYTES = 255
MAX_SECONDS = 1_000_000


def entries_of_manifest(path: Path, root: Path) -> tuple[list[Entry], list[Refused]]:
    """The rows of a manifest, and those that are no song.

    A row without the key `lrc_path` (or `prompt_path`) takes the file beside its audio; null is none.

    Raises:
        ValueError: the file is neither a JSON list nor JSON lines.
    """
    entries: list[Entry] = []
    refused: list[Refused] = []
    beside = cache(_entries_in)
    for number, row in enumerate(manifest_rows(path), start=1):
        try:
            entries.append(_entry_of_row(row, path.parent, root, beside))
        except ValueError as error:
            refused.append(
                {"path": f"{path.name}:{number}", "reason": "manifest_entry", "detail": str(error)}
            )
    return entries, refused


def manifest_rows(path: Path) -> Iterator[Any]:
    """What is listed, as written: the items of a JSON list, or of JSON lines.

    Raises:
        ValueError: the file is neither.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if text.lstrip().startswith("["):
            yield from json.loads(text)
        else:
            yield from (json.loads(line) for line in text.splitlines() if line.strip())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(
            f"manifest {path}: not a JSON list nor JSON lines ({error}); give jamify's input form"
        ) from error


def _entries_in(folder: Path) -> Mapping[Path, Entry]:
    """The songs of a folder by their audio."""
    found, _ = entries_of_files(folder.iterdir()) if folder.is_dir() else ([], [])
    return {entry.audio: entry for entry in found}


def _entry_of_row(
    row: Any, folder: Path, root: Path, beside: Callable[[Path], Mapping[Path, Entry]]
) -> Entry:
    if not isinstance(row, dict):
        raise ValueError("a row is not an object")
    texts = {}
    for key in ("id", "audio_path", "lrc_path", "prompt_path", *MANIFEST_FACTS):
        texts[key] = row.get(key)
        if not isinstance(texts[key], str | None) or not _is_clean(texts[key] or ""):
            raise ValueError(f"{key}: {texts[key]!r} is not a text")
    if not texts["audio_path"]:
        raise ValueError("no audio_path")
    duration = row.get("duration")
    if duration is not None and not _is_length(duration):
        raise ValueError(f"duration: {duration!r} is not a number of seconds above 0")
    audio = find_listed(texts["audio_path"], folder, root)
    lyrics = find_listed(texts["lrc_path"], folder, root) if texts["lrc_path"] else None
    style = find_listed(texts["prompt_path"], folder, root) if texts["prompt_path"] else None
    if "lrc_path" not in row or "prompt_path" not in row:
        entry = beside(audio.parent).get(audio)
        if entry is not None:
            lyrics = entry.lyrics if "lrc_path" not in row else lyrics
            style = entry.style if "prompt_path" not in row else style
    facts = {key: texts[key] for key in MANIFEST_FACTS}
    return Entry(audio, texts["id"] or audio.stem, lyrics, style, facts, duration)


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
