"""A curve of estimates over one number, with their intervals, as an SVG file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from eval.pages.charts import scale_of, ticks
from eval.stats.intervals import Estimate

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 240, 56, 12, 28, 40


def curve_svg(title: str, x_label: str, points: Sequence[tuple[float, Estimate]], times: float = 1.0) -> str:
    """Dots joined by a line, a bar for each interval; a missing value leaves a gap. Values are shown `times` over."""
    known = [(x, estimate) for x, estimate in points if estimate.value is not None]
    edges = [edge * times for _, e in known for edge in (e.value, e.low, e.high) if edge is not None]
    across, up = scale_of([x for x, _ in points]), scale_of(edges, include=[0.0])

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + across.place(x) / 100 * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up.place(y) / 100 * (HEIGHT - TOP - BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="11"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="16" font-size="13">{escape(title)}</text>',
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{escape(x_label)}</text>',
    ]
    for tick in ticks(up):
        _, y = place(across.low, tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for x_value, _ in points:
        x, _ = place(x_value, up.low)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x_value:g}</text>')
    dots = [place(x, (estimate.value or 0.0) * times) for x, estimate in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
    parts.append(f'<polyline points="{line}" fill="none" stroke="#2563a8" stroke-width="1.5"/>')
    for (x_value, estimate), (x, y) in zip(known, dots, strict=True):
        if estimate.low is not None and estimate.high is not None:
            low, high = (place(x_value, edge * times)[1] for edge in (estimate.low, estimate.high))
            parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="#2563a8"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="#2563a8"/>')
    return "".join(parts) + "</svg>\n"
