"""The gate on toy songs of every kind, through the real pipeline and with the limits of params.yaml."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from bench.gate import GOOD, KINDS, TIMES, build, prepared

pytestmark = pytest.mark.slow


def test_bad_songs_are_dropped_good_ones_kept_and_wrong_times_repaired(tmp_path: Path) -> None:
    manifest = build(tmp_path / "songs", seed=77, num_good=8, num_bad=2)
    reasons = defaultdict(set)
    kept_good = 0
    for row in prepared(manifest, tmp_path / "W", "given"):
        reasons[row["kind"]].add(row["reason"])
        kept_good += row["kind"] == GOOD and row["reason"] is None
    assert kept_good >= 7
    late = {kind for kind in KINDS if kind.endswith("late")}
    assert all(None not in reasons[kind] for kind in KINDS if kind not in {GOOD, *late}), dict(reasons)
    assert reasons["times drift by 3 %"] == {"times_disagree"}
    assert all(reasons[kind] == {None} for kind in late), "shifted, and kept"

    repaired = prepared(manifest, tmp_path / "W", "align")
    kept_times = sum(row["kind"] in TIMES and row["reason"] is None for row in repaired)
    assert kept_times >= 5, "6 songs with wrong times"
