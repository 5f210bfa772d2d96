"""Files of a label a row: HTK's .lab (units of 100 ns, or seconds), Audacity's label tracks, and CTM.

Labels of phones, chords or parts of a song are refused by name. Rows of several recordings are too: which is the song's
cannot be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.engine.song import Refused
from tasks.lyrics.forms.labelled import Label, labels_of, written_of_labels
from tasks.lyrics.forms.written import Form, Remark, Written, seconds

NUMBER = r"[+-]?\d{1,15}(?:[.,]\d{1,12})?(?:[eE][+-]?\d{1,2})?"
ROW = re.compile(rf"\s*(?P<start>{NUMBER})(?P<between>\s+)(?P<end>{NUMBER})(?P<label>\s.*)?")
CTM_ROW = re.compile(
    rf"\s*(?P<file>\S+)\s+(?P<channel>\S+)\s+(?P<start>{NUMBER})\s+(?P<length>{NUMBER})\s+(?P<word>\S+)(?:\s+\S+){{0,4}}\s*"
)
SCORE = re.compile(r"(?P<text>.*\S)\s+-?\d+\.\d+")
MASTER = "#!MLF!#"
TICK_S = 1e-7
FEWEST_TICKS = 10_000
"""A millisecond: whole numbers from here on are HTK's ticks, below they could be anything."""
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


def _is_htk(text: str) -> bool:
    rows = _matching(text, ROW)
    whole = all("." not in row["start"] and "," not in row["start"] for row in rows)
    ends = [int(float(row["end"].replace(",", "."))) for row in rows]
    return bool(rows) and ((whole and max(ends) >= FEWEST_TICKS) or text.lstrip().startswith(MASTER))


def _is_track(text: str) -> bool:
    """Two times and a label a row; tabs or fractions tell it from a song that counts."""
    rows = _matching(text, ROW)
    return bool(rows) and all(
        "\t" in row["between"] or re.search("[.,]", row["start"] + row["end"]) for row in rows
    )


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


def read_rows(text: str) -> Written:
    """HTK's labels or Audacity's."""
    unit_s = TICK_S if _is_htk(text) else 1.0
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
        if start_s is None or end_s is None or end_s < start_s:
            remarks.append(Remark("bad_time", number, row))
            end_s = None
        if end_s == start_s:  # a point
            end_s = None
        labels.append(Label(_text(match["label"] or "", unit_s), start_s, end_s, number))
    written = written_of_labels(labels)
    return replace(written, remarks=(*remarks, *written.remarks))


def _text(label: str, unit_s: float) -> str:
    """A label without the score that HTK puts behind it, and without its quotes."""
    text = label.strip()
    if unit_s != 1.0:
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


HTK = Form("HTK labels", (".lab",), _is_htk, read_rows, write_htk)
AUDACITY = Form("Audacity labels", (".labels.txt",), _is_track, read_rows, write_track)
CTM = Form("CTM", (".ctm",), _is_ctm, read_ctm, write_ctm)
