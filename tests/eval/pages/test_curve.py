"""The figure of a probe."""

from __future__ import annotations

import xml.etree.ElementTree as tree

from eval.pages.curve import curve_svg
from eval.stats.intervals import Estimate


def test_dot_a_known_value_bar_an_interval_and_text_escaped() -> None:
    points = [
        (0.0, Estimate(0.1, 0.05, 0.2, 8, 0)),
        (0.5, Estimate(None, None, None, 0, 8, reason="nothing heard")),
        (1.0, Estimate(0.4, None, None, 8, 0)),
    ]
    drawing = tree.fromstring(curve_svg("a < b", "seconds & more", points, 100.0))
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawing.findall(f"{space}circle")) == 2
    assert sum(path.get("stroke") == "#2563a8" for path in drawing.findall(f"{space}path")) == 1
    texts = [text.text for text in drawing.findall(f"{space}text")]
    assert "a < b" in texts and "seconds & more" in texts
    line = drawing.find(f"{space}polyline")
    assert line is not None and len((line.get("points") or "").split()) == 2
