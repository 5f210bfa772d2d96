r"""ASS and SSA: rows of dialogue with times, and syllables with lengths in hundredths where they are karaoke (``{\k25}``).

Read by our own, as pysubs2 1.8.1 drops the lengths with all tags, and the whole file for one bad time. Rows stand in any
order, so they are put in that of their times. Where a karaoke effect was rendered, the rows it was made from stand as comments
named ``karaoke``, and those are read in place of its thousands of ``fx`` rows. http://www.tcax.org/docs/ass-specs.htm
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.lyrics.parts.timed import timed_pieces
from tasks.lyrics.parts.written import Form, Line, Remark, Syllable, Written, checked_times, seconds

SECTION = re.compile(r"^[ \t]*\[(?:Script Info|V4\+? Styles|Events)\][ \t]*$", re.IGNORECASE | re.MULTILINE)
ROW = re.compile(r"^\s*(Dialogue|Comment)\s*:(.*)$", re.IGNORECASE)
FORMAT = re.compile(r"^\s*Format\s*:(.*)$", re.IGNORECASE)
COLUMNS = ("layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text")
TIME = re.compile(r"\s*(\d{1,4}):(\d{1,2}):(\d{1,2})[.,:](\d{1,3})\s*")
TAGS = re.compile(r"\{([^{}]*)\}")
LENGTH = re.compile(r"\\[kK][fo]?\s*(\d{1,6}(?:\.\d{1,3})?)")
DRAWING = re.compile(r"\\p(\d)")
HEAD = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, Alignment
Style: Default,Arial,48,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class Row:
    """A row of the events."""

    number: int
    is_comment: bool
    effect: str
    start_s: float | None
    end_s: float | None
    text: str


def fits(text: str) -> bool:
    """A section of its own and a row of dialogue."""
    return SECTION.search(text) is not None and any(ROW.match(row) for row in text.splitlines())


def read(text: str) -> Written:
    remarks: list[Remark] = []
    rows = list(_rows(text, remarks))
    rendered = any(row.is_comment and row.effect == "karaoke" for row in rows)
    lines, said, left_out = [], set(), 0
    for row in _by_time(rows):
        is_sung = row.effect != "fx" if rendered else not row.is_comment
        line = Line(_syllables(row), row.start_s, row.end_s, row.number)
        if not is_sung or (row.is_comment and row.effect != "karaoke") or (row.start_s, line.text) in said:
            left_out += bool(line.text.strip())
            continue
        said.add((row.start_s, line.text))
        lines.append(line)
    if left_out:
        remarks.append(
            Remark("layer", 0, f"{left_out} rows are comments, effects or the same text once more")
        )
    return Written(tuple(lines), remarks=tuple(remarks))


def write(written: Written) -> bytes:
    """Times to 10 ms, ends for all (`timed_pieces`); a gap between syllables is one without text."""
    rows = [HEAD]
    for line in timed_pieces(written, "ASS"):
        first = now = round(line[0].start_s * 100)
        text = ""
        for piece in line:
            start, end = round(piece.start_s * 100), round(piece.end_s * 100)
            if not piece.is_line:
                text += f"{{\\k{start - now}}}" * (start > now) + f"{{\\k{max(0, end - max(start, now))}}}"
            text += re.sub(r"\s*\n\s*", r"\\N", piece.text).translate({ord("{"): "(", ord("}"): ")"})
            now = max(now, end)
        rows.append(f"Dialogue: 0,{_time(first)},{_time(now)},Default,,0,0,0,,{text.rstrip()}\n")
    return "".join(rows).encode()


def _rows(text: str, remarks: list[Remark]) -> Iterator[Row]:
    columns: tuple[str, ...] = COLUMNS
    for number, row in enumerate(text.splitlines(), start=1):
        if (names := FORMAT.match(row)) and "text" in names[1].lower():
            columns = tuple(name.strip().lower() for name in names[1].split(","))
        elif match := ROW.match(row):
            cells = dict(zip(columns, match[2].split(",", len(columns) - 1), strict=False))
            start_s, end_s = (_seconds(cells.get(key, "")) for key in ("start", "end"))
            if "text" not in cells:
                remarks.append(Remark("not_read", number, row))
                continue
            told = f"{cells.get('start')} to {cells.get('end')}"
            start_s, end_s = checked_times(start_s, end_s, remarks, number, told)
            words = cells["text"].replace("\\h", " ").replace("\\N", " ").replace("\\n", " ")
            is_comment = match[1].lower() == "comment"
            yield Row(number, is_comment, cells.get("effect", "").strip().lower(), start_s, end_s, words)


def _by_time(rows: list[Row]) -> list[Row]:
    """Rows by their starts; one without a start stays behind the row it follows, the first ones behind the next."""
    starts = [row.start_s for row in rows if row.start_s is not None]
    at_s = starts[0] if starts else 0.0
    keys = []
    for row in rows:
        at_s = at_s if row.start_s is None else row.start_s
        keys.append((at_s, row.start_s is None))
    return [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]


def _syllables(row: Row) -> tuple[Syllable, ...]:
    """The pieces between tags with lengths; what has no text is a gap."""
    head, *rest = TAGS.split(row.text)
    pieces = [Syllable(head)] if head.strip() else []
    now_s, start_s, draws = row.start_s, None, False
    for tags, text in zip(rest[::2], rest[1::2], strict=True):
        for length in LENGTH.findall(tags):
            start_s = now_s
            now_s = None if now_s is None else seconds(now_s + float(length) / 100)
        draws = DRAWING.findall(tags)[-1] != "0" if DRAWING.search(tags) else draws
        if draws:  # a shape's points
            continue
        if text.strip():
            pieces.append(Syllable(text, start_s, None if start_s is None else now_s))
        elif text and pieces and not pieces[-1].text.endswith(" "):
            last = pieces[-1]
            pieces[-1] = Syllable(last.text + " ", last.start_s, last.end_s)
    return tuple(pieces)


def _seconds(text: str) -> float | None:
    match = TIME.fullmatch(text)
    if not match:
        return None
    hours, minutes, whole, digits = match.groups()
    return seconds(int(hours) * 3600 + int(minutes) * 60 + int(whole) + int(digits) / 10 ** len(digits))


def _time(hundredths: int) -> str:
    return f"{hundredths // 360_000}:{hundredths // 6000 % 60:02d}:{hundredths // 100 % 60:02d}.{hundredths % 100:02d}"


FORM = Form("ASS", (".ass", ".ssa"), fits, read, write)
