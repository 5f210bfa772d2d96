"""Labels of parts (`part_labels`) that our own JSON of word times states beside its words.

``"part_labels": [{"before": 4, "text": "Verse: soft piano"}]`` stands beside their words.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from tasks.lyrics.parts.written import Line, Remark, Written, plain_line

PART_LABELS = "part_labels"
MAX_LABELS, LONGEST_LABEL = 1000, 200
NO_BRACKETS = str.maketrans("[]\n\r", "()  ")


def with_labels(written: Written, line_words: Sequence[int], labels: Any) -> Written:
    """The lines with labels between them, each before the line that holds the word whose number, from 0, it states (``before``).

    `line_words`: how many words each line holds. What is no label is told and left out.
    """
    if not isinstance(labels, list):
        return written
    ends = list(accumulate(max(1, count) for count in line_words))
    placed: list[tuple[int, int, Line]] = [(place, 1, line) for place, line in enumerate(written.lines)]
    remarks = [*written.remarks]
    for number, entry in enumerate(labels[:MAX_LABELS], start=1):
        before, text = (entry.get(key) if isinstance(entry, dict) else None for key in ("before", "text"))
        if type(before) is not int or not isinstance(text, str) or not 0 < len(text) <= LONGEST_LABEL:
            told = f"label {number} has no 'text' of up to {LONGEST_LABEL} letters, or no 'before', a word's number"
            remarks.append(Remark("no_text", number, told))
            continue
        placed.append((bisect_right(ends, before), 0, plain_line(f"[{text.translate(NO_BRACKETS)}]")))
    placed.sort(key=lambda one: one[:2])
    return replace(written, lines=tuple(line for *_, line in placed), remarks=tuple(remarks))
