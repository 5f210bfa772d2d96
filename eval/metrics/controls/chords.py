"""Chords by time: the share of the time in which the chord that was found is the true one, by a rule (majmin: triads, sevenths) over spans of labels.

Conventions, those of mir_eval.chord: durations weigh; only the time of the truth counts, what was heard beyond is cut, and a
gap in it is ``N``. `majmin` compares root and triad (the tones below a minor sixth) where the truth is major, minor or ``N``; `sevenths` root and
all tones where it is one of maj, min, maj7, 7, min7 and ``N``. Time in which the truth is another chord is not measured; without any other there
is no value (mir_eval says 0). Basses are not compared.

Source: J. Pauwels, G. Peeters, Evaluating Automatically Estimated Chord Sequences (ICASSP 2013); mir_eval 0.8.2.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from eval.metrics.controls.chord_labels import NO_CHORD, QUALITIES, Chord, chord_of

Spans = Sequence[tuple[float, float, str]]
"""(start, end, label), seconds, in order, none over another."""
Rule = Callable[[Chord, Chord], bool | None]
TRIAD_SEMITONES = 8  # tones below are a triad's
SEVENTHS = {QUALITIES[name] for name in ("maj", "min", "maj7", "7", "min7")}


def majmin(truth: Chord, found: Chord) -> bool | None:
    """Whether root and triad are right; None where the truth is neither major, minor nor no chord."""
    triad = _triad(truth)
    if triad not in (QUALITIES["maj"], QUALITIES["min"], ()):
        return None
    return truth.root == found.root and triad == _triad(found)


def sevenths(truth: Chord, found: Chord) -> bool | None:
    """Whether root and all tones are right; None where the truth is none of the chords that MIREX compares."""
    if truth.tones != () and truth.tones not in SEVENTHS:
        return None
    return truth.root == found.root and truth.tones == found.tones


def chord_accuracy(truth: Spans, found: Spans, rule: Rule) -> float | None:
    """Share of the measured time in which `rule` holds; None where no time is measured.

    Raises:
        ValueError: a label is none.
    """
    right_s = measured_s = 0.0
    for seconds, true_label, label in _pieces(truth, found):
        said = rule(chord_of(true_label), chord_of(label))
        if said is not None:
            measured_s += seconds
            right_s += seconds * said
    return right_s / measured_s if measured_s > 0 else None


def label_at(spans: Spans, time_s: float, default: str = NO_CHORD) -> str:
    """The label of the span that holds a time; a bound belongs to the span that it begins."""
    number = bisect_right(spans, time_s, key=lambda span: span[0]) - 1
    return spans[number][2] if number >= 0 and time_s < spans[number][1] else default


def _pieces(truth: Spans, found: Spans) -> Iterator[tuple[float, str, str]]:
    """The time of the truth in pieces within which both labels stand: seconds and the two."""
    for start_s, end_s, label in truth:
        inside = {time for span in found for time in span[:2] if start_s < time < end_s}
        edges = [start_s, *sorted(inside), end_s]
        for first_s, last_s in pairwise(edges):
            yield last_s - first_s, label, label_at(found, (first_s + last_s) / 2)


def _triad(chord: Chord) -> tuple[int, ...] | None:
    return None if chord.tones is None else tuple(tone for tone in chord.tones if tone < TRIAD_SEMITONES)
