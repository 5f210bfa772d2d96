"""Files of a label a row, as rows: HTK's .lab (units of 100 ns, or seconds), Audacity's label tracks, CTM, and tables with a header; read and written.

Whisper's .tsv and .csv are such tables, in milliseconds. Whole numbers are ticks of 100 ns where a label lasts 10 ms and
more in them, else milliseconds; HTK knows no others.

Labels of phones, chords or parts of a song are refused by name where words are asked for (`read_phones` takes the first). Rows of several recordings are too: which is the song's
cannot be known.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import median

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.lyrics.forms.word_json import read_rows, rows_of_json
from tasks.lyrics.parts.json_value import LONGEST_WORD, MS, TIMES
from tasks.lyrics.parts.labelled import (
    PARTS,
    PHONES,
    Label,
    is_silence,
    labels_of,
    phones_of_labels,
    unsung_kind,
    written_of_labels,
)
from tasks.lyrics.parts.stated_parts import in_time
from tasks.lyrics.parts.written import NOT_LYRICS, Form, Remark, Written, checked_times, seconds

NUMBER = r"[+-]?\d{1,15}(?:[.,]\d{1,12})?(?:[eE][+-]?\d{1,2})?"
ROW = re.compile(rf"\s*(?P<start>{NUMBER})(?P<between>\s+)(?P<end>{NUMBER})(?P<label>\s.*)?")
CTM_ROW = re.compile(
    rf"\s*(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<start>{NUMBER})\s+(?P<length>{NUMBER})\s+(?P<word>\S+)(?:\s+\S+){{0,4}}\s*"
)
SCORE = re.compile(r"(?P<text>.*\S)\s+-?\d+\.\d+")
MASTER = "#!MLF!#"
TICK_S = 1e-7
SHORTEST = 100_000
"""Ticks of the shortest label, 10 ms: where most are shorter, they are no ticks."""
LATEST = 10_000_000
"""A second in ticks, and hours in milliseconds."""
FITTING = 0.8


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """Rows that hold something, with their numbers."""
    for number, row in enumerate(text.splitlines(), start=1):
        bare = row.strip()
        if bare and bare not in (MASTER, ".") and not bare.startswith((";;", "\\", '"*/', "#")):
            yield number, row


def _matching(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    """The rows of a pattern; none where it is not most of them."""
    rows = [row for _, row in _rows(text)]
    found = [match for row in rows if (match := pattern.fullmatch(row))]
    return found if found and len(found) >= FITTING * len(rows) else []


def _is_ctm(text: str) -> bool:
    rows = [row for row in _matching(text, CTM_ROW) if _number(row["start"]) is not None]
    in_seconds = [row for row in rows if "." in row["start"] or "." in row["length"]]
    return (
        bool(rows) and len(in_seconds) >= FITTING * len(rows) and all("\t" not in row["file"] for row in rows)
    )


def _unit_s(text: str) -> float | None:
    """Seconds a unit of the rows of labels: a tick where numbers are whole and large; None where nothing tells."""
    rows = _matching(text, ROW)
    if not rows or any(re.search("[.,eE]", row["start"] + row["end"]) for row in rows):
        return 1.0 if rows else None
    length = median(abs(int(row["end"]) - int(row["start"])) for row in rows)
    latest = max(int(row["end"]) for row in rows)
    if length >= SHORTEST or latest >= LATEST or text.lstrip().startswith(MASTER):
        return TICK_S
    return MS if length >= LONGEST_WORD else None


def _is_htk(text: str) -> bool:
    return _unit_s(text) == TICK_S


def _is_track(text: str) -> bool:
    """Two times and a label a row; tabs or fractions tell it from a song that counts."""
    unit_s = _unit_s(text)
    rows = _matching(text, ROW)
    tabs = sum("\t" in row["between"] for row in rows) >= FITTING * len(rows)
    return unit_s in (MS, 1.0) and (tabs or all(re.search("[.,]", row["start"] + row["end"]) for row in rows))


def _table(text: str) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a table whose header names a start; nothing where it is none."""
    head = text.lstrip().partition("\n")[0][:400]
    mark = max("\t,;", key=head.count)
    names = [name.strip().strip('"') for name in head.split(mark)]
    known = {start for start, *_ in TIMES} | {"word_start", "line_start", "onset"}
    if len(names) < 2 or not any(name in known for name in names):
        return [], []
    rows = csv.reader(io.StringIO(text.lstrip().partition("\n")[2]), delimiter=mark, strict=False)
    try:
        return names, [dict(zip(names, row, strict=False)) for row in rows if row]
    except csv.Error:
        return names, []


def read_table(text: str) -> Written:
    names, rows = _table(text)
    found = rows_of_json(rows)
    if found is None:
        raise Refused(NOT_LYRICS, f"a table of {', '.join(names)[:80]} without a column word or text")
    return read_rows(found)


def read_ctm(text: str) -> Written:
    labels, remarks, names = [], [], []
    for number, row in _rows(text):
        match = CTM_ROW.fullmatch(row)
        start_s = seconds(_number(match["start"])) if match else None
        length_s = seconds(_number(match["length"])) if match else None
        if match is None or start_s is None or length_s is None:
            remarks.append(Remark("bad_row", number, row))
            continue
        names.append(match["file"])
        word = match["word"].replace("<space>", " ")
        if not (word.startswith("<") and word.endswith(">")):
            labels.append(Label(word, start_s, start_s + length_s, number))
    _one_recording(names)
    written = written_of_labels(labels)
    return replace(written, remarks=(*remarks, *written.remarks))


def read_labels(text: str) -> Written:
    """HTK's labels or Audacity's."""
    labels, remarks = _labels(text)
    written = written_of_labels(labels)
    return replace(written, remarks=(*remarks, *written.remarks))


def read_phones(text: str) -> tuple[Word, ...]:
    """The phones of HTK's labels or Audacity's, where their labels are phones; else none."""
    labels, _ = _labels(text)
    return phones_of_labels(labels) if unsung_kind(labels) == PHONES else ()


def read_parts(text: str) -> tuple[Word, ...]:
    """The parts in time of HTK's labels or Audacity's, where their labels are parts of a song; else none."""
    labels, _ = _labels(text)
    if unsung_kind(labels) != PARTS:
        return ()
    return in_time((one.text.strip(), one.start_s, one.end_s) for one in labels if not is_silence(one.text))


def _labels(text: str) -> tuple[list[Label], list[Remark]]:
    """The labels in a file's rows, and what of it could not be read."""
    unit_s = _unit_s(text) or 1.0
    _one_recording(
        [row.strip() for row in text.splitlines() if re.fullmatch(r'\s*"[^"]*\.(?:lab|rec)"\s*', row)]
    )
    labels: list[Label] = []
    remarks = []
    for number, row in _rows(text):
        match = ROW.fullmatch(row)
        if match is None:
            if not re.fullmatch(r'\s*"[^"]*\.(?:lab|rec)"\s*', row):
                remarks.append(Remark("bad_row", number, row))
            continue
        start, end = _number(match["start"]), _number(match["end"])
        start_s = None if start is None else seconds(start * unit_s)
        end_s = None if end is None else seconds(end * unit_s)
        start_s, end_s = checked_times(start_s, end_s, remarks, number, row)
        if end_s == start_s:  # a point
            end_s = None
        labels.append(Label(_text(match["label"] or "", unit_s), start_s, end_s, number))
    return labels, remarks


def _text(label: str, unit_s: float) -> str:
    """A label without the score that HTK puts behind it, and without its quotes."""
    text = label.strip()
    if unit_s == TICK_S:
        scored = SCORE.fullmatch(text)
        text = scored["text"] if scored else text
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            text = text[1:-1]
    return text


def _one_recording(names: Sequence[str]) -> None:
    several = list(dict.fromkeys(names))
    if len(several) > 1:
        raise Refused(
            "lyrics_malformed",
            f"the rows are of {len(several)} recordings ({', '.join(several[:3])}); keep those of this song",
        )


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def write_htk(written: Written) -> bytes:
    """Whole numbers of 100 ns; a label of several words has its blanks."""
    rows = [
        (round((one.start_s or 0.0) / TICK_S), round((one.end_s or 0.0) / TICK_S), one.text)
        for one in labels_of(written)
    ]
    return "".join(f"{start} {max(start + 1, end)} {text}\n" for start, end, text in rows).encode()


def write_track(written: Written) -> bytes:
    """Audacity's label track, to the microsecond."""
    return "".join(f"{one.start_s:.6f}\t{one.end_s:.6f}\t{one.text}\n" for one in labels_of(written)).encode()


def write_ctm(written: Written) -> bytes:
    """Recording ``song``, channel 1, to a tenth of a millisecond; words under one time are joined by ``<space>``."""
    rows = [
        (one.start_s or 0.0, (one.end_s or 0.0) - (one.start_s or 0.0), one.text.replace(" ", "<space>"))
        for one in labels_of(written)
    ]
    return "".join(
        f"song 1 {start_s:.4f} {length_s:.4f} {text}\n" for start_s, length_s, text in rows
    ).encode()


HTK = Form("HTK labels", (".lab",), _is_htk, read_labels, write_htk)
AUDACITY = Form("Audacity labels", (".labels.txt",), _is_track, read_labels, write_track)
CTM = Form("CTM", (".ctm",), _is_ctm, read_ctm, write_ctm)
TABLE = Form("table", (".tsv",), lambda text: bool(_table(text)[0]), read_table)
