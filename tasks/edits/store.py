"""Edits of a song: immutable files under their content's hash, each named by its number and by the one it was made on; conflicts.

``edits/<content hash of the song>/00003-<id>.json``: the id is the hash of the edit before it, so two people who edit
the same state ask for the same name, and the second is refused. An edit that was altered or taken away breaks the row.
The content hash is that of the audio file: a song that is renamed keeps its edits.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from tasks.edits.kinds import check_value
from tasks.storage.files import TEMPORARY_PREFIX, write_new
from tasks.storage.object_store import StorePath

EDITS = "edits"
FIRST = "0" * 12
"""The id in the name of a song's first edit."""
MAX_BYTES = 2_000_000
MAX_EDITS = 9999
_HASH = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"content_hash", "song_id", "number", "before", "made_at", "kind", "value"}


class Conflict(ValueError):
    """Somebody else edited the song since it was looked at; nothing was written."""


@dataclass(frozen=True)
class Edit:
    """One edit as its file has it. `before`: the id of the edit it was made on; `id`: the hash of its own bytes."""

    content_hash: str
    song_id: str
    number: int
    before: str
    made_at: str
    kind: str
    value: Mapping[str, Any]
    id: str

    @property
    def name(self) -> str:
        """The name of its file."""
        return _name(self.number, self.before)


def edits_of(root: Path, content_hash: str) -> list[Edit]:
    """The edits of a song, in order; `root`: the work folder.

    Raises:
        ValueError: a file is none of ours, was altered, or one before it is missing.
    """
    folder, found = _folder(root, content_hash), list[Edit]()
    for path in sorted(folder.glob("*.json")):
        if path.name.startswith(TEMPORARY_PREFIX):
            continue  # whoever wrote it was killed; nobody was told that it stands
        edit = read_edit(path)
        expected = (len(found) + 1, found[-1].id if found else FIRST)
        if (edit.number, edit.before) != expected:
            raise ValueError(
                f"edits: {path} does not follow the edit before it, which was altered or is missing; "
                f"put it back, or remove {folder} to go on without the song's edits"
            )
        found.append(edit)
    return found


def all_edits(root: Path) -> dict[str, list[Edit]]:
    """The edits of every song that has any, by its content hash.

    Raises:
        ValueError: as `edits_of`.
    """
    folder = root / EDITS
    if not folder.is_dir():
        return {}
    names = sorted(path.name for path in folder.iterdir() if _HASH.fullmatch(path.name))
    return {name: edits for name in names if (edits := edits_of(root, name))}


def add_edit(
    root: Path, content_hash: str, song_id: str, before: str, kind: str, value: Mapping[str, Any]
) -> Edit:
    """Write one more edit, which stands for good when this returns; `before`: the id of the last one that was seen.

    Raises:
        Conflict: another edit was made since.
        ValueError: the value is none of this kind.
    """
    if isinstance(root, StorePath):
        raise ValueError("edits: they are written to a folder on this machine; copy the work folder here")
    check_value(kind, value)
    standing = edits_of(root, content_hash)
    last = standing[-1].id if standing else FIRST
    if before != last:
        raise Conflict(f"edits: the song has {counted(len(standing), 'edit')} by now; look at it again")
    if len(standing) >= MAX_EDITS:
        raise ValueError(f"edits: a song has {len(standing)}, at most {MAX_EDITS}")
    number = len(standing) + 1
    made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    data = _bytes(
        {
            "content_hash": content_hash,
            "song_id": song_id,
            "number": number,
            "before": before,
            "made_at": made_at,
            "kind": kind,
            "value": value,
        }
    )
    if len(data) > MAX_BYTES:
        raise ValueError(f"edits: an edit of {len(data)} bytes, at most {MAX_BYTES}")
    try:
        write_new(_folder(root, content_hash) / _name(number, before), data)
    except FileExistsError:
        raise Conflict(f"edits: another edit {number} of the song was just made; look at it again") from None
    return Edit(content_hash, song_id, number, before, made_at, kind, value, _id(data))


def read_edit(path: Path) -> Edit:
    """One file.

    Raises:
        ValueError: it is none of ours, or not that of its name.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        fields = json.loads(data)
        edit = Edit(**fields, id=_id(data)) if fields.keys() == _FIELDS else None
        if edit is not None:
            check_value(edit.kind, edit.value)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"edits: {path} cannot be read ({error}); put it back or remove it") from error
    named = (path.parent.name, path.name)
    if edit is None or type(edit.number) is not int or (edit.content_hash, edit.name) != named:
        raise ValueError(f"edits: {path} is not what its name says; put it back or remove it")
    return edit


def damaged_edits(root: Path) -> Iterator[tuple[Path, str]]:
    """Songs' folders of edits that cannot be read as a row, each with what is wrong."""
    folder = root / EDITS
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _HASH.fullmatch(path.name):
            try:
                edits_of(root, path.name)
            except ValueError as error:
                yield path, str(error)


def last_id(edits: Sequence[Edit]) -> str:
    """What the next edit is made on."""
    return edits[-1].id if edits else FIRST


def _folder(root: Path, content_hash: str) -> Path:
    if not _HASH.fullmatch(content_hash):
        raise ValueError(f"edits: {content_hash[:80]!r} is no sha256")
    return root / EDITS / content_hash


def _name(number: int, before: str) -> str:
    return f"{number:05d}-{before}.json"


def _id(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[: len(FIRST)]


def _bytes(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
