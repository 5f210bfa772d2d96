"""Unheard runs of written words (`UnheardRun`): the heaviest stretches nobody heard: credits, translations, a chorus that is not sung again; invented words, which nobody wrote.

A share of a song hides them (5 words of 330 are 1.5 %), so they are looked for where they are: between words that were
heard. A run's weight is the best sum of adjacent words, where a word counts from 1 (none of its phones was heard) to -1
(all were): one word of the run that is heard by chance does not cut it in two, and words half heard make none.

The other side are words that were heard in a row and that nobody wrote (`invented_words`): a recogniser's inventions, and lines
that are sung and not written. The share of all that is heard (`unwritten_share`) hides six made-up words among two hundred, and
is counted in phones where the recogniser gives some, which it does not make up with the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from eval.metrics.error_rates import normalise
from eval.results.plural import counted
from jam_model.frames import frames_of_seconds, free_stretches
from jam_model.words import Word
from tasks.quality.heard_marks import heard_marks

LEAST_WEIGHT = 1.0
"""A lighter run is no run: a single word that was misheard in part."""
SHOWN_WORDS = 8
RUN = pa.struct(
    [
        ("text", pa.string()),
        ("num_words", pa.int32()),
        ("weight", pa.float64()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
    ]
)

SPAN = pa.struct([("start_s", pa.float64()), ("end_s", pa.float64())])


@dataclass(frozen=True)
class UnheardRun:
    """Words `first` to `end` (not included); `weight` is in words."""

    first: int
    end: int
    weight: float


def unheard_runs(missed_W: np.ndarray) -> list[UnheardRun]:
    """The runs of at least `LEAST_WEIGHT`, in the order of the song; none can be extended or joined to a heavier one.

    Args:
        missed_W: the share of each word's phones that was not heard, 0 to 1; 0.5 where there is nothing to hear.
    """
    weights_W = (2 * missed_W - 1).tolist()
    parts, found = [(0, len(weights_W))], []
    while parts:
        first, end = parts.pop()
        run = _heaviest(weights_W, first, end)
        if run.weight >= LEAST_WEIGHT:
            found.append(run)
            parts += [(first, run.first), (run.end, end)]
    return sorted(found, key=lambda run: run.first)


def _heaviest(weights_W: Sequence[float], first: int, end: int) -> UnheardRun:
    """The run with the greatest sum (Kadane), the first of equals."""
    best, total, start = UnheardRun(first, first, 0.0), 0.0, first
    for place in range(first, end):
        if total <= 0:
            total, start = 0.0, place
        total += weights_W[place]
        if total > best.weight:
            best = UnheardRun(start, place + 1, total)
    return best


def run_rows(runs: Sequence[UnheardRun], words: Sequence[Word]) -> list[dict[str, Any]]:
    """Rows of the column `unheard_runs`, with the times that the words are kept with."""
    return [
        {
            "text": _first_words([word.text for word in words[run.first : run.end]]),
            "num_words": run.end - run.first,
            "weight": run.weight,
            "start_s": min(word.start_s for word in words[run.first : run.end]),
            "end_s": max(word.end_s for word in words[run.first : run.end]),
        }
        for run in runs
    ]


def _first_words(texts: Sequence[str]) -> str:
    return " ".join(texts[:SHOWN_WORDS]) + (" ..." if len(texts) > SHOWN_WORDS else "")


def runs_beyond(rows: Sequence[Mapping[str, Any]] | None, limit: float | None) -> list[Mapping[str, Any]]:
    """The runs heavier than the limit, the heaviest first; none without a limit."""
    beyond = [row for row in rows or () if limit is not None and row["weight"] > limit]
    return sorted(beyond, key=lambda row: -row["weight"])


def mask_of(rows: Sequence[Mapping[str, Any]], duration_s: float) -> list[dict[str, float]]:
    """The seconds of these runs, in order; none where they leave nothing of the song to train on."""
    spans = sorted((row["start_s"], row["end_s"]) for row in rows)
    if not free_stretches(spans, frames_of_seconds(duration_s)):
        return []
    return [{"start_s": start_s, "end_s": end_s} for start_s, end_s in spans]


def in_words(rows: Sequence[Mapping[str, Any]], limit: float) -> str:
    """Which words were not heard, and where: the sentence of a drop."""
    return f"{'; '.join(_unheard_runs(rows))}; at most {limit:g} words in a row may be missed"


def _unheard_runs(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    first, *others = rows
    words = counted(first["num_words"], "word")
    yield f"'{first['text']}' ({words} near {first['start_s']:.1f} s) was not heard"
    if others:
        places = ", ".join(f"{row['start_s']:.1f}" for row in others[:3])
        runs = f"nor {'was' if len(others) == 1 else 'were'} {counted(len(others), 'more run')}"
        yield f"{runs} (at {places}{', ...' if len(others) > 3 else ''} s)"


def invented_words(heard: Sequence[str], written: Sequence[str] | None) -> float | None:
    """The weight in words of the heaviest run that was heard and not written: a word counts from 1 (none of its letters is written
    there) to -1 (all are), since a misheard word keeps some. None without lyrics, and where both are too long to be compared.
    """
    heard, written = normalise(heard), normalise(written or ())
    marks = heard_marks(list("".join(heard)), list("".join(written))) if written else None
    if marks is None:
        return None
    left = iter(marks)
    missed_W = np.array([1 - np.mean([next(left) for _ in word]) for word in heard])
    return max((run.weight for run in unheard_runs(missed_W)), default=0.0)
