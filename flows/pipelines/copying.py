"""The songs behind "Does it copy?": which of the prepared table and of the generated one `tasks.benchmark.copies` is given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eval.results.copies import Copies
from flows.settings.project import Project
from tasks.benchmark.copies import REFERENCE_COLUMNS, References, copies_in
from tasks.benchmark.report_inputs import Mixes
from tasks.benchmark.system_metrics import Measured
from tasks.benchmark.systems import DPO, START, TRAINED
from tasks.engine.pipeline import Pipeline

LOOKED_AT = (START, TRAINED, DPO)
"""The systems whose songs a model made: before tuning, and after."""


def copies_of(
    project: Project,
    prepared: Pipeline,
    rows: Sequence[Mapping[str, Any]],
    measured: Measured,
    generated: Pipeline,
) -> Copies:
    """What of the benchmark's songs is near the songs of `rows`, those of the table `prepared` that are through."""
    params, references = project.params, References.of(rows)
    return copies_in(
        {name: measured.systems[name] for name in LOOKED_AT if name in measured.systems},
        Mixes([generated]),
        references,
        _sketches(prepared, references),
        params.group,
        params.dedup_features,
        params.copies,
        params.benchmark.resampling,
    )


def _sketches(prepared: Pipeline, references: References) -> Iterator[Mapping[str, Any]]:
    """The rows of the references, a partition at a time."""
    for number in prepared.partitions:
        rows = prepared.rows(REFERENCE_COLUMNS, numbers=[number])
        yield from (row for row in rows if row["song_id"] in references.all)
