"""The score in a zip file (``.mxl``), by the container that names it."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from tasks.engine.song import Refused

MAX_BYTES = 16 << 20
"""Of one member, unzipped."""
MAX_MEMBERS = 1000
CONTAINER = "META-INF/container.xml"
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What a damaged, encrypted or unknown zip file raises: RuntimeError asks for a password."""
ROOT_FILE = re.compile(rb"<rootfile\b[^<>]*?full-path\s*=\s*[\"']([^\"'<>]{1,300})[\"']")


def holds_score(data: bytes) -> bool:
    """Whether it is a zip file that names a score, and no book or document."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        return _name(data) is not None
    except Refused:
        return False


def unzipped_score(data: bytes) -> bytes:
    """The bytes of the score.

    Raises:
        Refused: ``lyrics_malformed``: the zip file is damaged; ``lyrics_too_long``: more than `MAX_BYTES`.
    """
    name = _name(data)
    if name is None:
        raise Refused("lyrics_malformed", "MXL: the zip file names no score; export the score anew")
    return _unzipped(data, name)


def _name(data: bytes) -> str | None:
    names = _names(data)
    if CONTAINER in names:
        found = ROOT_FILE.search(_unzipped(data, CONTAINER)[:10_000])
        name = found[1].decode("utf-8", "replace") if found else ""
        return name if name in names and name.lower().endswith((".xml", ".musicxml")) else None
    return next((name for name in names if name.lower().endswith(".musicxml")), None)


def _names(data: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            names = file.namelist()
    except DAMAGE as error:
        raise Refused("lyrics_malformed", f"MXL: {error}; export the score anew") from error
    return names[:MAX_MEMBERS]


def _unzipped(data: bytes, name: str) -> bytes:
    """A member, read no further than it may be long, whatever the zip file says of its length."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file, file.open(name) as member:
            inner = member.read(MAX_BYTES + 1)
    except DAMAGE as error:
        raise Refused("lyrics_malformed", f"MXL: {name}: {error}; export the score anew") from error
    if len(inner) > MAX_BYTES:
        raise Refused("lyrics_too_long", f"MXL: {name} is longer than {MAX_BYTES} bytes")
    return inner
