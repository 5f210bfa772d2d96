"""What a song was asked to play and what is heard in it, lane under lane on one time axis: chords, pitches as a piano roll, beats, kept stretches, peaks of the wave.

Static SVG without a script or an inline style, so that the page's content policy holds; what stands in a song becomes text, never markup. A picture and no
score: a chord is filled that stands on the other side for half of its time or more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

PX_PER_S, HEIGHT = 44.0, 22.0
PITCH_PX, MAX_PITCHES = 4.0, 48
MAX_BEATS = 20_000
SAME_SHARE = 0.5
NO_CHORD = "N"

Chords = Sequence[tuple[float, float, str]]
"""(start, end, label), seconds."""


@dataclass(frozen=True)
class Played:
    """One side. `by`: who asks or hears, in a few words; `pitches`: MIDI numbers, `frame_s` seconds each, None where there is no voice. What is empty has no
    lane. `kept`: stretches of another song that stay.
    """

    by: str
    chords: Chords = ()
    pitches: Sequence[float | None] = ()
    frame_s: float = 0.0
    beats_s: Sequence[float] = ()
    kept: Sequence[tuple[float, float]] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show of it."""
        return not (self.chords or any(p is not None for p in self.pitches) or self.beats_s or self.kept)


def lanes_html(duration_s: float, asked: Played | None, heard: Played | None, peaks: Sequence[float]) -> str:
    """The lanes as HTML, empty where neither side has any. `peaks`: of the wave, shares of full scale."""
    sides = [("asked", asked), ("heard", heard)]
    there = [(name, side) for name, side in sides if side is not None and not side.is_empty]
    if not there or not duration_s > 0:
        return ""
    lanes = [
        *(
            (f"chords {name}", _chords(side.chords, _other(there, name)))
            for name, side in there
            if side.chords
        ),
        *_roll(there),
        *((f"beats {name}", _beats(side.beats_s)) for name, side in there if side.beats_s),
        *((f"{name} to stay", _kept_boxes(side.kept)) for name, side in there if side.kept),
        *([("wave", _wave(peaks, duration_s))] if peaks else []),
        ("", _ruler(duration_s)),
    ]
    width = duration_s * PX_PER_S
    drawn = "".join(
        f'<p class="strip-name">{name}</p>'
        f'<svg class="strip" width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{name or "seconds"}">{body}</svg>'
        for name, (height, body) in lanes
    )
    said = "; ".join(f"{name}: {escape(side.by)}" for name, side in there)
    both = len([side for _, side in there if side.chords]) > 1
    filled = " A filled chord stands on the other side for half of its time or more." if both else ""
    return f'<div class="strips">{drawn}</div><p class="caption">{said}.{filled}</p>'


def _other(there: Sequence[tuple[str, Played]], name: str) -> Chords:
    return next((side.chords for one, side in there if one != name), ())


def _x(seconds: float) -> float:
    return round(seconds * PX_PER_S, 1)


def _box(start_s: float, end_s: float, top: float, height: float, css: str, told: str) -> str:
    width = max(0.5, _x(end_s) - _x(start_s))
    title = f"<title>{escape(told)}</title>"
    return f'<rect class="{css}" x="{_x(start_s)}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}">{title}</rect>'


def _chords(chords: Chords, others: Chords) -> tuple[float, str]:
    parts = []
    for start_s, end_s, label in chords:
        if label == NO_CHORD:
            continue
        shared_s = sum(
            max(0.0, min(end_s, stop_s) - max(start_s, begin_s))
            for begin_s, stop_s, two in others
            if two == label
        )
        same = shared_s >= SAME_SHARE * (end_s - start_s)
        told = f"{label}, {start_s:.2f} to {end_s:.2f} s"
        parts.append(_box(start_s, end_s, 1, HEIGHT - 2, "chord same" if same else "chord", told))
        room = (end_s - start_s) * PX_PER_S
        if room >= 7.5 * len(label):
            parts.append(f'<text x="{_x(start_s) + 3}" y="{HEIGHT - 7}">{escape(label)}</text>')
    return HEIGHT, "".join(parts)


def _roll(there: Sequence[tuple[str, Played]]) -> Iterator[tuple[str, tuple[float, str]]]:
    """One piano roll of both sides: asked as bars, heard as a line."""
    known = [p for _, side in there for p in side.pitches if p is not None]
    if not known:
        return
    middle = sorted(known)[len(known) // 2]
    low = max(math.floor(min(known)) - 1, round(middle) - MAX_PITCHES // 2)
    high = min(math.ceil(max(known)) + 1, low + MAX_PITCHES)
    height = (high - low + 1) * PITCH_PX
    lines = "".join(
        f'<line class="line" x1="0" x2="100%" y1="{_y(pitch, high)}" y2="{_y(pitch, high)}"/>'
        f'<text class="small" x="2" y="{_y(pitch, high) - 1}">C{pitch // 12 - 1}</text>'
        for pitch in range(low, high + 1)
        if pitch % 12 == 0
    )
    drawn = [lines]
    for name, side in there:
        runs = _bars(side, low, high) if name == "asked" else _lines(side, low, high)
        drawn.extend(runs)
    names = " and ".join(name for name, side in there if any(p is not None for p in side.pitches))
    yield f"melody {names}", (height, "".join(drawn))


def _y(pitch: float, high: int) -> float:
    return round((high - pitch + 0.5) * PITCH_PX, 1)


def _bars(side: Played, low: int, high: int) -> Iterator[str]:
    at = 0
    for pitch, run in groupby(side.pitches, key=lambda one: None if one is None else round(one)):
        first, at = at, at + len(list(run))
        if pitch is not None and low <= pitch <= high:
            start_s, end_s = first * side.frame_s, at * side.frame_s
            told = f"{pitch}, {start_s:.2f} to {end_s:.2f} s"
            yield _box(start_s, end_s, _y(pitch, high) - PITCH_PX / 2, PITCH_PX, "asked-note", told)


def _lines(side: Played, low: int, high: int) -> Iterator[str]:
    for is_there, run in groupby(
        enumerate(side.pitches), key=lambda one: one[1] is not None and low <= one[1] <= high
    ):
        if is_there:
            points = [((number + 0.5) * side.frame_s, pitch) for number, pitch in run if pitch is not None]
            ends = [*points, (points[-1][0] + side.frame_s / 2, points[-1][1])]
            text = " ".join(f"{_x(at_s)},{_y(pitch, high)}" for at_s, pitch in ends)
            yield f'<polyline class="voice" points="{text}"/>'


def _beats(beats_s: Sequence[float]) -> tuple[float, str]:
    ticks = (
        f'<line class="beat" x1="{_x(at_s)}" x2="{_x(at_s)}" y1="3" y2="{HEIGHT - 6}"/>'
        for at_s in beats_s[:MAX_BEATS]
    )
    return HEIGHT - 4, "".join(ticks)


def _kept_boxes(kept: Sequence[tuple[float, float]]) -> tuple[float, str]:
    boxes = (
        _box(start_s, end_s, 1, HEIGHT - 8, "kept-stretch", f"stays, {start_s:.2f} to {end_s:.2f} s")
        for start_s, end_s in kept
    )
    return HEIGHT - 6, "".join(boxes)


def _wave(peaks: Sequence[float], duration_s: float) -> tuple[float, str]:
    height, step = 2.4 * HEIGHT, duration_s * PX_PER_S / len(peaks)
    up = [f"{number * step:.1f},{height / 2 * (1 - min(1, peak)):.1f}" for number, peak in enumerate(peaks)]
    down = [f"{number * step:.1f},{height / 2 * (1 + min(1, peak)):.1f}" for number, peak in enumerate(peaks)]
    return height, f'<polygon class="loud" points="{" ".join([*up, *reversed(down)])}"/>'


def _ruler(duration_s: float) -> tuple[float, str]:
    every = next(step for step in (1, 2, 5, 10, 30, 60) if duration_s / step <= 120 or step == 60)
    return 16, "".join(
        f'<line class="line" x1="{_x(second)}" x2="{_x(second)}" y1="0" y2="16"/>'
        f'<text class="small" x="{_x(second) + 2}" y="11">{second // 60}:{second % 60:02d}</text>'
        for second in range(0, math.ceil(duration_s), every)
    )
