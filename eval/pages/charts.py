"""Inline SVG drawn by numbers alone, on scales with ticks: dot plots of intervals, loss curves, bars, histograms.

Horizontal places are percentages of the drawing, so a chart fits any column without its text or dots being
stretched. Colours are classes of page.css. Every chart has a text equivalent in the table beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, pairwise

from eval.stats.intervals import Estimate

_CURVE_POINTS = 400
_ASIDE = 0.06  # of the step from one place to the next


@dataclass(frozen=True)
class Scale:
    """A straight axis from `low` to `high`, in the unit shown."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Percent of the width, kept inside the drawing."""
        return round(min(100.0, max(0.0, 100 * (value - self.low) / (self.high - self.low))), 3)


def scale_of(values: Sequence[float], include: Sequence[float] = ()) -> Scale:
    """An axis that holds all values with a little air; `include` adds fixed points such as 0."""
    finite = [value for value in [*values, *include] if math.isfinite(value)]
    if not finite:
        return Scale(0.0, 1.0)
    low, high = min(finite), max(finite)
    air = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    return Scale(low - air, high + air)


def figures_of(estimates: Iterable[Estimate]) -> list[float]:
    """The values of estimates and the ends of their intervals: what an axis must hold."""
    return [v for e in estimates for v in (e.value, e.low, e.high) if v is not None]


def ticks(scale: Scale, about: int = 4) -> list[float]:
    """Round numbers inside the scale, steps of 1, 2 or 5 times a power of ten: the one nearest to `about` steps."""
    rough = (scale.high - scale.low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    upto = (
        (1, 1.5),
        (2, 3.5),
        (5, 7.5),
        (10, 10),
    )  # at most 1.43 rough steps: an axis about 0 has three numbers
    step = next(factor * power for factor, most in upto if rough <= most * power)
    first = math.ceil(scale.low / step)
    last = math.floor(scale.high / step + 1e-9)
    return [round(position * step, 10) for position in range(first, last + 1)]


def dot_plot(
    estimate: Estimate,
    scale: Scale,
    label: str,
    marks: Sequence[float] = (),
    css: str = "",
    points: Sequence[float] = (),
) -> str:
    """A dot with its interval; `marks` are dashed lines (0, a limit), `points` small dots of what it is made of.
    A missing value draws nothing.
    """
    parts = ['<line class="ground" x1="0" x2="100%" y1="50%" y2="50%"/>']
    parts += [
        f'<line class="mark" x1="{scale.place(mark)}%" x2="{scale.place(mark)}%" y1="0" y2="100%"/>'
        for mark in marks
    ]
    if estimate.low is not None and estimate.high is not None:
        left, right = scale.place(estimate.low), scale.place(estimate.high)
        parts.append(f'<line class="interval" x1="{left}%" x2="{right}%" y1="50%" y2="50%"/>')
    parts += [f'<circle class="point" cx="{scale.place(point)}%" cy="50%" r="2"/>' for point in points]
    if estimate.value is not None:
        parts.append(f'<circle class="dot" cx="{scale.place(estimate.value)}%" cy="50%" r="3.5"/>')
    return f'<svg class="dots {css}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def axis(scale: Scale, percent: bool = False) -> str:
    """The ruler under a column of dot plots."""
    parts = []
    for tick in ticks(scale, about=3):
        place, text = scale.place(tick), _tick_text(tick, 100 if percent else 1)
        parts.append(f'<line x1="{place}%" x2="{place}%" y1="0" y2="4"/>')
        parts.append(f'<text x="{place}%" y="16" text-anchor="{_anchor(place)}">{text}</text>')
    line = '<line x1="0" x2="100%" y1="0.5" y2="0.5"/>'
    return f'<svg class="axis" aria-hidden="true">{line}{"".join(parts)}</svg>'


def bar(share: float, label: str) -> str:
    """One horizontal bar, `share` of the full width."""
    width = round(100 * min(1.0, max(0.0, share)), 3)
    return (
        f'<svg class="bar" role="img" aria-label="{escape(label)}">'
        f'<rect class="track" width="100%" height="100%"/><rect class="fill" width="{width}%" '
        'height="100%"/></svg>'
    )


def histogram_chart(
    edges: Sequence[float], kept: Sequence[int], dropped: Sequence[int], limits: Sequence[float], label: str
) -> str:
    """Bars of songs over a measure, the dropped ones on top of the kept ones; limits are dashed lines."""
    most = max((a + b for a, b in zip(kept, dropped, strict=True)), default=0) or 1
    scale = Scale(edges[0], edges[-1])
    parts = []
    for left, right, few, lost in zip(edges, edges[1:], kept, dropped, strict=False):
        x, width = scale.place(left), scale.place(right) - scale.place(left)
        for css, low, count in (("kept", 0, few), ("lost", few, lost)):
            if count:
                top, height = 100 - 100 * (low + count) / most, 100 * count / most
                parts.append(
                    f'<rect class="{css}" x="{x:.3f}%" width="{width:.3f}%" y="{top:.3f}%" height="{height:.3f}%"/>'
                )
    parts += [
        f'<line class="mark" x1="{scale.place(limit)}%" x2="{scale.place(limit)}%" y1="0" y2="100%"/>'
        for limit in limits
    ]
    feet = "".join(
        f'<text x="{scale.place(tick)}%" y="100%" dy="18" text-anchor="{_anchor(scale.place(tick))}">{tick:g}</text>'
        for tick in ticks(scale)
    )
    top_count = f'<text x="-8" y="0" dy="8" text-anchor="end">{most}</text>'
    ground = '<line class="ground" x1="0" x2="100%" y1="100%" y2="100%"/>'
    return f'<svg class="curve histogram" role="img" aria-label="{escape(label)}">{"".join(parts)}{ground}{top_count}{feet}</svg>'


def curve(points: Sequence[tuple[int, float]], label: str) -> str:
    """A loss over steps: the raw losses thin, their running mean thick, both axes with round numbers."""
    finite = [(step, loss) for step, loss in points if math.isfinite(loss)]
    if len(finite) < 2:
        return '<p class="quiet">Too few losses for a curve.</p>'
    smooth = _running_mean([loss for _, loss in finite], max(1, len(finite) // 25))
    losses = sorted(loss for _, loss in finite)
    top = losses[min(len(losses) - 1, int(0.995 * len(losses)))]  # a first spike must not flatten the rest
    x_scale = Scale(float(finite[0][0]), float(finite[-1][0]))
    y_scale = scale_of([losses[0], top])
    kept = range(0, len(finite), max(1, math.ceil(len(finite) / _CURVE_POINTS)))
    raw = _path([(x_scale.place(finite[i][0]), 100 - y_scale.place(finite[i][1])) for i in kept])
    mean = _path([(x_scale.place(finite[i][0]), 100 - y_scale.place(smooth[i])) for i in kept])
    feet = "".join(
        f'<text x="{x_scale.place(tick)}%" y="100%" dy="18" text-anchor="{_anchor(x_scale.place(tick))}">'
        f"{tick:g}</text>"
        for tick in ticks(x_scale)
    )
    return (
        f'<svg class="curve" role="img" aria-label="{escape(label)}">{_grid(y_scale)}{feet}'
        '<svg x="0" y="0" width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none">'
        f'<polyline class="raw" points="{raw}"/><polyline class="mean" points="{mean}"/></svg></svg>'
    )


def interval_curve(
    lines: Sequence[tuple[str, Sequence[tuple[float, Estimate]]]],
    label: str,
    percent: bool = False,
    beside: Iterable[Estimate] = (),
) -> str:
    """Estimates over a number, such as a round: a line a css class, with dots and upright intervals.

    `beside`: those of other drawings that stand next to this one, for one height of all.

    Lines stand a little beside one another, so that none hides another's intervals.
    """
    known = [(css, [(x, e) for x, e in points if e.value is not None]) for css, points in lines]
    places = sorted({x for _, points in known for x, _ in points})
    if not places:
        return '<p class="quiet">Nothing was measured.</p>'
    y_scale = scale_of(figures_of([*beside, *(e for _, points in known for _, e in points)]))
    step = min((right - left for left, right in pairwise(places)), default=1)
    x_scale = Scale(places[0] - 0.5 * step, places[-1] + 0.5 * step)
    feet = "".join(
        f'<text x="{x_scale.place(x)}%" y="100%" dy="18" text-anchor="middle">{x:g}</text>' for x in places
    )
    aside = [_ASIDE * step * (place - (len(known) - 1) / 2) for place in range(len(known))]
    drawn = "".join(
        _interval_line(css, [(x + away, e) for x, e in points], x_scale, y_scale)
        for away, (css, points) in zip(aside, known, strict=True)
    )
    grid = _grid(y_scale, 100 if percent else 1)
    return f'<svg class="curve rounds" role="img" aria-label="{escape(label)}">{grid}{feet}{drawn}</svg>'


def _interval_line(css: str, points: Sequence[tuple[float, Estimate]], x_scale: Scale, y_scale: Scale) -> str:
    parts, path = [], []
    for position, estimate in points:
        x, y = x_scale.place(position), round(100 - y_scale.place(estimate.value or 0.0), 3)
        path.append((x, y))
        if estimate.low is not None and estimate.high is not None:
            low, high = (round(100 - y_scale.place(end), 3) for end in (estimate.low, estimate.high))
            parts.append(f'<line class="interval {css}" x1="{x}%" x2="{x}%" y1="{low}%" y2="{high}%"/>')
        parts.append(f'<circle class="dot {css}" cx="{x}%" cy="{y}%" r="3.5"/>')
    return (
        '<svg x="0" y="0" width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none">'
        f'<polyline class="between {css}" points="{_path(path)}"/></svg>{"".join(parts)}'
    )


def _grid(scale: Scale, factor: float = 1) -> str:
    """Lines across at round heights, each with its number."""
    heights = [(tick, round(100 - scale.place(tick), 3)) for tick in ticks(scale)]
    return "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{height}%" y2="{height}%"/>'
        f'<text x="-8" y="{height}%" dy="4" text-anchor="end">{_tick_text(tick, factor)}</text>'
        for tick, height in heights
    )


def _tick_text(tick: float, factor: float) -> str:
    return f"{factor * tick:g}".replace("-", "\u2212")


def _path(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in places)


def _anchor(place: float) -> str:
    return "start" if place < 4 else "end" if place > 96 else "middle"


def _running_mean(values: Sequence[float], reach: int) -> list[float]:
    total = [0.0, *accumulate(values)]
    bounds = [(max(0, i - reach), min(len(values), i + reach + 1)) for i in range(len(values))]
    return [(total[last] - total[first]) / (last - first) for first, last in bounds]
