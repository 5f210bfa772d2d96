"""Charts are well-formed, stay inside their drawing, and draw what they were given."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from eval.pages.charts import Scale, axis, bar, curve, dot_plot, histogram_chart, scale_of, ticks
from eval.stats.intervals import Estimate


def places(svg: str, name: str) -> list[float]:
    return [float(value) for value in re.findall(rf'{name}="(-?[\d.]+)%"', svg)]


def test_a_scale_holds_all_values_and_a_missing_one_is_no_end() -> None:
    scale = scale_of([2.0, float("nan"), 8.0, float("inf")], include=[0.0])
    assert scale.low == pytest.approx(-0.4) and scale.high == pytest.approx(8.4)
    assert scale_of([]) == scale_of([float("nan")]) == Scale(0.0, 1.0)
    assert scale_of([5.0]).low < 5.0 < scale_of([5.0]).high and scale_of([0.0]).high > 0
    assert [Scale(0, 10).place(value) for value in (-5, 0, 2.5, 99)] == [0.0, 0.0, 25.0, 100.0]


def test_ticks_are_round_few_and_inside() -> None:
    for low, high in [(0, 1), (-0.4, 8.4), (0.0011, 0.0019), (-350, 20_000), (0.97, 1.03)]:
        found = ticks(Scale(low, high))
        steps = {round(after - before, 9) for before, after in pairwise(found)}
        assert 2 <= len(found) <= 6 and low - 1e-9 <= found[0] and found[-1] <= high + 1e-9, (low, high)
        (step,) = steps
        assert round(step / 10 ** math.floor(math.log10(step)), 6) in (1, 2, 5, 10), (low, high)


def test_a_dot_lies_in_its_interval_and_a_missing_value_draws_none() -> None:
    svg = dot_plot(Estimate(0.5, 0.25, 0.75, 9, 0), Scale(0, 1), "a < b", marks=[0.1], points=[0.3, 0.4])
    drawing = ElementTree.fromstring(svg)
    assert drawing.get("aria-label") == "a < b" and places(svg, "cx") == [30.0, 40.0, 50.0]
    assert 'class="interval" x1="25.0%" x2="75.0%"' in svg and 'class="mark" x1="10.0%"' in svg
    nothing = dot_plot(Estimate(None, None, None, 0, 9), Scale(0, 1), "nothing")
    assert "circle" not in nothing and "interval" not in nothing


def test_bars_of_a_histogram_stand_on_one_another_up_to_the_most() -> None:
    svg = histogram_chart([0, 1, 2], [3, 0], [1, 2], [1.5], "words")
    ElementTree.fromstring(svg)
    bars = re.findall(
        r'class="(kept|lost)" x="([\d.]+)%" width="([\d.]+)%" y="([\d.]+)%" height="([\d.]+)%"', svg
    )
    assert [(css, float(y), float(height)) for css, _, _, y, height in bars] == [
        ("kept", 25.0, 75.0),
        ("lost", 0.0, 25.0),
        ("lost", 50.0, 50.0),
    ]


def test_a_curve_leaves_out_what_is_not_finite_and_needs_two_points() -> None:
    svg = curve([(1, 2.0), (2, float("nan")), (3, 1.0)], "loss & more")
    ElementTree.fromstring(svg)
    raw = re.search(r'class="raw" points="([^"]+)"', svg)
    assert raw is not None and len(raw[1].split()) == 2 and "nan" not in svg
    assert "Too few" in curve([(1, 2.0), (2, float("inf"))], "loss")


def test_an_axis_about_zero_has_more_numbers_than_zero_however_wide() -> None:
    for width in np.geomspace(0.01, 1000, 200):
        assert len(ticks(Scale(-width, width), about=3)) in (3, 5), width


def test_bars_and_axes_stay_inside() -> None:
    assert [places(bar(share, "x"), 'class="fill" width')[-1] for share in (-1, 0.5, 7)] == [0.0, 50.0, 100.0]
    ruler = axis(Scale(-0.9, 0.9), percent=True)
    assert all(0 <= place <= 100 for place in places(ruler, "x1")) and "\u2212" in ruler
