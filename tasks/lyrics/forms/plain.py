"""Plain text, a line of text a line of song."""

from __future__ import annotations

from tasks.lyrics.forms.written import Form, Written, plain_line


def read(text: str) -> Written:
    return Written(tuple(plain_line(line, number) for number, line in enumerate(text.splitlines(), start=1)))


def write(written: Written) -> bytes:
    return "".join(f"{line.text.strip()}\n" for line in written.lines).encode()


FORM = Form("plain text", (".txt",), lambda text: True, read, write)
