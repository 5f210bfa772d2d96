"""What became of the songs: counts that add up, and histograms that lose no song."""

from __future__ import annotations

import math

from eval.pages.data_set import data_section
from eval.results.data_set import DataSet, StageRate, data_set_record, histogram
from eval.results.report import Report
from tests.every import every


def test_no_song_is_lost_between_the_bars_of_a_histogram() -> None:
    kept = [i / 100 for i in range(100)] + [50.0, -50.0, None, math.nan]
    dropped = [0.2, None]
    one = histogram("x", "x", "s", kept, dropped, [0.5])
    assert sum(one.kept) == 102 and sum(one.dropped) == 1 and one.missing == 3
    assert len(one.edges) == len(one.kept) + 1 == len(one.dropped) + 1


def test_a_value_on_an_edge_belongs_to_the_bar_it_opens() -> None:
    one = histogram("x", "x", "", [0.0, 0.1, 0.2, 0.3], [], [])
    places = [edge for edge, count in zip(one.edges, one.kept, strict=False) if count]
    assert places == [0.0, 0.1, 0.2, 0.3]


def test_every_threshold_lies_inside_the_axis() -> None:
    one = histogram("x", "x", "", [0.5, 0.6], [], [0.1, 2.0])
    assert one.edges[0] <= 0.1 and one.edges[-1] >= 2.0


@every("values", [[], [None], [3.0], [3.0, 3.0]])
def test_few_or_equal_values_still_draw(values: list[float | None]) -> None:
    one = histogram("x", "x", "", values, [])
    assert one.edges[0] < one.edges[-1]
    assert data_section(DataSet(1, 1, {}, histograms=[one]))


def test_a_stage_without_audio_or_time_has_no_speed() -> None:
    assert StageRate("filter", 3, 0.0, 10.0).speed is None
    assert StageRate("filter", 3, 1.0, 0.0).speed is None
    assert StageRate("encode", 3, 2.0, 10.0).speed == 5.0


def test_speeds_are_on_the_page_but_not_in_the_record_that_is_compared(report: Report) -> None:
    assert report.data_set is not None
    record = data_set_record(report.data_set)
    assert "rates" not in record
    assert record["flags"] and record["histograms"][0]["limits"] == [0.6]
    assert "Speed of the stages" in data_section(report.data_set)
