"""SongPrep's output: ``[structure][start:end]lyric ; [structure][start:end]lyric``, in seconds, read, written, and as parts.

A part's label, its times, and its sentences, which are the song's lines; only the first of a part has a time. Parts without
words are labels alone. https://github.com/tencent-ailab/SongPrep
"""

from __future__ import annotations

import re

from jam_model.words import Word
from tasks.lyrics.parts.labelled import LAST_S
from tasks.lyrics.parts.stated_parts import in_time
from tasks.lyrics.parts.written import (
    Form,
    Line,
    Remark,
    Syllable,
    Written,
    checked_times,
    plain_line,
    seconds,
)

TIME = r"\d{1,6}(?:\.\d{1,9})?"
PART = re.compile(rf"\[(?P<label>[^\[\]:;\n]{{1,40}})\]\s*\[\s*(?P<start>{TIME})\s*:\s*(?P<end>{TIME})\s*\]")
CLOCK = re.compile(r"\[\d\d:\d\d(?:\.\d+)?\]")
SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


def fits(text: str) -> bool:
    """It begins with a label and its times, which are not all minutes and seconds as in an LRC."""
    times = [f"[{part['start']}:{part['end']}]" for part in PART.finditer(text)]
    return PART.match(text.lstrip()) is not None and not all(map(CLOCK.fullmatch, times))


def read(text: str) -> Written:
    lines: list[Line] = []
    remarks: list[Remark] = []
    parts = list(PART.finditer(text))
    ends = [part.start() for part in parts[1:]] + [len(text)]
    for number, (part, upto) in enumerate(zip(parts, ends, strict=True), start=1):
        stated_s, stated_end_s = (seconds(float(part[bound])) for bound in ("start", "end"))
        start_s, end_s = checked_times(stated_s, stated_end_s, remarks, number, part[0])
        lines.append(plain_line(f"[{part['label'].strip()}]", number))
        said = text[part.end() : upto].strip().removesuffix(";").strip()
        for place, sentence in enumerate(SENTENCE.findall(said)):
            if sentence.strip(" ;\n"):
                first = place == 0
                lines.append(
                    Line(
                        (Syllable(sentence.strip()),),
                        start_s if first else None,
                        end_s if first else None,
                        number,
                    )
                )
    return Written(tuple(lines), remarks=tuple(remarks))


def read_parts(text: str) -> tuple[Word, ...]:
    """The parts with their labels and times, those without words too."""
    rows = [
        (part["label"].strip(), seconds(float(part["start"])), seconds(float(part["end"])))
        for part in PART.finditer(text)
    ]
    return in_time(rows)


def write(written: Written) -> bytes:
    """A part for each label, else for each timed line, to a millisecond; lines end with a full stop.

    Raises:
        ValueError: nothing has a time.
    """
    parts: list[tuple[str, list[Line]]] = []
    label = "verse"
    for line in written.lines:
        text = line.text.strip()
        if found := re.fullmatch(r"\[([^\[\]:;\n]{1,40})(?:[:;][^\[\]\n]*)?\]", text):
            label = found[1].strip()
            parts.append((label, []))
        elif text and (not parts or (line.start_s is not None and parts[-1][1])):
            parts.append((label, [line]))
        elif text:
            parts[-1][1].append(line)
    starts = [next((line.start_s for line in lines if line.start_s is not None), None) for _, lines in parts]
    if all(start_s is None for start_s in starts):
        raise ValueError(
            "no line has a time, and SongPrep's form needs them; write txt, or align the lyrics first"
        )
    said = []
    at_s = 0.0
    for place, (name, lines) in enumerate(parts):
        start_s = at_s if starts[place] is None else starts[place] or 0.0
        next_s = next((start for start in starts[place + 1 :] if start is not None), None)
        stated = [line.end_s for line in lines if line.end_s is not None]
        last_s = start_s + LAST_S if next_s is None else max(start_s, next_s)
        end_s = start_s if not lines else max(stated[-1], start_s) if stated else last_s
        texts = " ".join(f"{re.sub(r'[.!?。！？;]+', '', line.text).strip()}." for line in lines)
        said.append(f"[{name}][{start_s:.3f}:{end_s:.3f}]{texts}")
        at_s = end_s
    return (" ; ".join(said) + "\n").encode()


FORM = Form("SongPrep", (".songprep.txt",), fits, read, write, has_labels=True)
