"""Plain text, a line of text a line of song; JSON and XML that no other form took are no lyrics, and are refused."""

from __future__ import annotations

import json
import re

from tasks.engine.song import Refused
from tasks.lyrics.forms.json_value import parsed
from tasks.lyrics.forms.written import Form, Written, plain_line

JSON_HEAD = re.compile(r'\s*(?:\{\s*"|\[\s*[\[{]\s*["\[{]|\[\s*"[^"\n]*"\s*,)')
XML = re.compile(
    r"\s*<(?:\?xml\b|!DOCTYPE\b|(?P<root>(?!(?:i|b|u|em|strong|font|span|br|p|c|v)\b)[A-Za-z][\w:.-]*)(?:\s[^<>]*)?>"
    r"(?=.*</(?P=root)\s*>\s*$))",
    re.DOTALL | re.IGNORECASE,
)


def document_of(text: str) -> str | None:
    """What a text is that is a document rather than lines of song; None where it is not."""
    if parsed(text) is not None:
        return "JSON without lyrics in it"
    if JSON_HEAD.match(text):
        try:
            json.loads(text)
        except ValueError as error:
            where = f", line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
            return f"damaged JSON{where}"
        except RecursionError:
            return "JSON nested too deep"
    return "XML without lyrics in it" if XML.match(text) else None


def read(text: str) -> Written:
    if document := document_of(text):
        raise Refused(
            "lyrics_malformed",
            f"the file is {document}; needs words or lines with times, a text named lyrics, or plain text",
        )
    return Written(tuple(plain_line(line, number) for number, line in enumerate(text.splitlines(), start=1)))


def write(written: Written) -> bytes:
    return "".join(f"{line.text.strip()}\n" for line in written.lines).encode()


FORM = Form("plain text", (".txt",), lambda text: True, read, write)
