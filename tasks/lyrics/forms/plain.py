"""Plain text, a line of text a line of song; JSON and XML that no other form took are no lyrics, and are refused."""

from __future__ import annotations

import json
import re

from tasks.engine.song import Refused
from tasks.lyrics.parts.json_value import parsed
from tasks.lyrics.parts.written import NOT_LYRICS, Form, Written, plain_line

JSON_HEAD = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{]\s*(?:["\'\[{]|$)|\[\s*"[^"\n]*"\s*,)')
XML = re.compile(
    r"\s*<(?:\?xml\b|!DOCTYPE\b|(?P<root>(?!(?:i|b|u|em|strong|font|span|br|p|c|v)\b)[A-Za-z][\w:.-]*)(?:\s[^<>]*)?>"
    r"(?=.*</(?P=root)\s*>\s*$))",
    re.DOTALL | re.IGNORECASE,
)


def read(text: str) -> Written:
    refuse_document(text)
    return Written(tuple(plain_line(line, number) for number, line in enumerate(text.splitlines(), start=1)))


def refuse_document(text: str) -> None:
    """Refuses JSON and XML: their signs and names are no words to sing.

    Raises:
        Refused: ``not_lyrics`` where it is whole, ``lyrics_malformed`` where it is damaged.
    """
    if parsed(text) is not None:
        raise Refused(NOT_LYRICS, "JSON without words, or a text that is named lyrics")
    if JSON_HEAD.match(text):
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refused("lyrics_malformed", f"damaged JSON: {error}; write the file anew") from error
    if XML.match(text):
        raise Refused(NOT_LYRICS, "XML of no form of lyrics that is read")


def write(written: Written) -> bytes:
    return "".join(f"{line.text.strip()}\n" for line in written.lines).encode()


FORM = Form("plain text", (".txt",), lambda text: True, read, write, has_labels=True)
