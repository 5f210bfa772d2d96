"""Bytes of a lyrics or style file become text by their encoding: UTF-8 or UTF-16 by marks, else Windows-1252; an office document or mojibake is told.

Text that was once read in the wrong encoding and saved so (Ã© for é) is refused by name: its words would be said letter by
letter. So is a file that lost letters (�), and one that is a document of another program.
"""

from __future__ import annotations

import codecs
import re

from tasks.engine.song import Refused

DOCUMENTS = {
    b"%PDF": "a PDF",
    b"{\\rtf": "an RTF document",
    b"PK\x03\x04": "a zip file or an office document",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"\x1f\x8b": "a gzip file",
    b"bplist": "a property list",
}
PAGE = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)
MISREAD = re.compile(
    r"(?:[ÃÂ][\u0080-\u00bf\u0152-\u0178\u2013-\u203a\u20ac\u2122]|â€[\u0080-\u00bf™œž\u009d\u0153¦˜“”\u201c\u201d]|Ð[\u0080-\u00bf]Ð)"
)


def decode_text(data: bytes) -> str:
    """Text of a lyrics or style file; see the module for the encodings.

    Raises:
        Refused: ``lyrics_malformed``: the bytes are no text, or a document; ``lyrics_mojibake``: letters were lost before.
    """
    if kind := next((kind for head, kind in DOCUMENTS.items() if data.startswith(head)), None):
        raise Refused("lyrics_malformed", f"the file is {kind}; save the lyrics as plain text")
    text = _decoded(data)
    if text is None:
        raise Refused("lyrics_malformed", "the bytes are no text in UTF-8, UTF-16 or Windows-1252")
    if PAGE.match(text):
        raise Refused("lyrics_malformed", "the file is a web page; save the lyrics as plain text")
    if found := MISREAD.search(text) or re.search("\ufffd", text):
        number = text.count("\n", 0, found.start()) + 1
        line = text.splitlines()[number - 1].strip()[:60]
        raise Refused(
            "lyrics_mojibake",
            f"line {number} reads {line!r}: UTF-8 was once opened in another encoding; save the file anew as UTF-8",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str | None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    elif len(data) > 3 and 0 in data[:4] and data.count(0) * 3 > len(data):  # UTF-16 without its mark
        encodings = ["utf-16-be" if data[0] == 0 else "utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None
