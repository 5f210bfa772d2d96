"""What the report tells of a data set, from rows of its table."""

from __future__ import annotations

from typing import Any

from eval.results.data_set import data_set_record
from flows.settings.params import load_params
from tasks.quality.measures import MEASURES
from tasks.quality.summary import data_set_of

LIMITS = load_params().filter


def row(drop_reason: str | None, **measured: float | None) -> dict[str, Any]:
    quality = {measure.name: measured.get(measure.name) for measure in MEASURES} if measured else None
    return {"drop_reason": drop_reason, "split": "train", "flags": [], "quality": quality}


def test_every_song_is_counted_once_and_flags_apart() -> None:
    flagged = {**row(None, alignment=0.4), "split": "benchmark", "flags": ["low_alignment"]}
    data = data_set_of([row(None, alignment=0.9), row("not_audio"), flagged], LIMITS)
    assert (data.songs_in, data.kept, data.drops) == (3, 2, {"not_audio": 1})
    assert data.splits == {"benchmark": 1, "train": 1} and data.flags == {"low_alignment": 1}
    assert "languages" not in data_set_record(data)
    read = [("en", None), ("ko", None), ("ko", "phoneme_unknown"), (None, "no_transcript")]
    rows = [{**row(reason), "song_language": code, "duration_s": 36.0} for code, reason in read]
    assert data_set_of(rows[:1] + rows[3:], LIMITS).languages == []
    several = data_set_record(data_set_of(rows, LIMITS))["languages"]
    assert [
        (one["language"], one["songs_in"], one["kept"], one["hours"], one["drops"]) for one in several
    ] == [
        ("ko", 2, 1, 0.01, {"phoneme_unknown": 1}),
        ("en", 1, 1, 0.01, {}),
        ("unknown", 1, 0, 0, {"no_transcript": 1}),
    ]


def test_a_measure_is_drawn_with_its_limits_where_any_song_has_it() -> None:
    rows = [
        row(None, alignment=0.9, times_offset_s=0.01),
        row("times_disagree", alignment=0.8, times_offset_s=0.3),
    ]
    drawn = {one.name: one for one in data_set_of([*rows, row("not_audio")], LIMITS).histograms}
    assert list(drawn) == ["alignment", "times_offset_s"]
    assert list(drawn["alignment"].limits) == [LIMITS.min_alignment] and drawn["alignment"].missing == 1
    limit = LIMITS.max_times_offset_s
    assert limit is not None and list(drawn["times_offset_s"].limits) == [-limit, limit]
    assert sum(drawn["times_offset_s"].dropped) == 1
