"""What became of a data set for the report: songs kept and dropped, flags, histograms of every measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eval.results.data_set import DataSet, Histogram, StageRate, histogram
from tasks.quality.by_language import LANGUAGE_COLUMNS, fates_by_language
from tasks.quality.limits import FilterParams
from tasks.quality.measures import MEASURES, Measure

DATA_SET_COLUMNS = ("split", "flags", "quality", *LANGUAGE_COLUMNS)
"""What `data_set_of` reads of a song, besides its drop."""


def data_set_of(
    rows: Iterable[Mapping[str, Any]], limits: FilterParams, rates: Sequence[StageRate] = ()
) -> DataSet:
    """Every song that went in, from rows of the prepared table with `DATA_SET_COLUMNS`."""
    rows = list(rows)
    kept = [row for row in rows if not row["drop_reason"]]
    dropped = [row for row in rows if row["drop_reason"]]
    return DataSet(
        len(rows),
        len(kept),
        _counted(row["drop_reason"] for row in dropped),
        _counted(row["split"] for row in kept),
        _counted(flag for row in kept for flag in row.get("flags") or ()),
        [_histogram(measure, kept, dropped, limits) for measure in MEASURES if _is_measured(measure, rows)],
        rates,
        fates_by_language(rows),
    )


def _histogram(
    measure: Measure,
    kept: Sequence[Mapping[str, Any]],
    dropped: Sequence[Mapping[str, Any]],
    limits: FilterParams,
) -> Histogram:
    given = [getattr(limits, setting) for setting in measure.limits]
    lines = [float(limit) for limit in given if limit is not None]
    lines += [-limit for limit in lines] if measure.by_size else []
    of_kept, of_dropped = ([_value(measure, row) for row in side] for side in (kept, dropped))
    return histogram(measure.name, measure.label, measure.unit, of_kept, of_dropped, sorted(lines))


def _is_measured(measure: Measure, rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(_value(measure, row) is not None for row in rows)


def _value(measure: Measure, row: Mapping[str, Any]) -> float | None:
    quality = row.get("quality")
    return None if quality is None else quality[measure.name]


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))
