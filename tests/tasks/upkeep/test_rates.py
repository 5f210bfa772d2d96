"""Rates from receipts: what is not known is not 0, and an estimate that anyone can follow by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.results.data_set import StageRate
from tasks.engine.pipeline import Pipeline
from tasks.upkeep.rates import hours_in_all, rates
from tests.tasks.engine.probes import Factor, Flag, Measure, table_of

FULL = {
    "songs": 2, "seconds": 10.0, "audio_s": 600.0, "waiting_s": 4.0, "workers": 2, "device": "cpu",
    "peak_memory_mb": 300.0, "peak_gpu_memory_mb": None,
}  # fmt: skip
OLD = {"songs": 4, "seconds": 30.0, "audio_s": 600.0, "peak_memory_mb": 500.0}


def written(root: Path, *notes: dict[str, Any]) -> tuple[Pipeline, Path]:
    """A pipeline of as many partitions as there are receipts of `measure`; `flag` has none."""
    pipeline = Pipeline(
        table_of(root, ["song"] * 4 * len(notes)), [Measure(Factor(factor=1.0)), Flag(Factor(factor=1.0))]
    )
    folder = root / "receipts"
    (folder / "measure").mkdir(parents=True)
    for number, note in enumerate(notes):
        path = folder / "measure" / pipeline.path("measure", number).with_suffix(".json").name
        path.write_text(json.dumps({**note, "number": number}))
    return pipeline, folder


def test_rates_add_up_the_receipts_of_the_present_files(tmp_path: Path) -> None:
    pipeline, folder = written(tmp_path, OLD, FULL)
    (folder / "measure" / "part-00000-superseded.json").write_text(json.dumps(FULL))
    (rate,) = rates(pipeline, folder)
    assert (rate.stage, rate.songs, rate.worker_s, rate.audio_s) == ("measure", 6, 40.0, 1200.0)
    assert rate.speed == pytest.approx(30.0) and rate.workers == 2 and rate.device == "cpu"
    assert rate.waiting_share == pytest.approx(0.4), "only of the receipts that know it"
    assert rate.peak_memory_mb == 500.0 and rate.peak_gpu_memory_mb is None and rate.decodes is None
    assert rate.hours_for(1000.0) == pytest.approx(1000 / 30 / 2)


def test_what_old_receipts_do_not_say_is_unknown(tmp_path: Path) -> None:
    (rate,) = rates(*written(tmp_path, {**OLD, "audio_s": 0.0}))
    assert rate.speed is None and rate.waiting_share is None and rate.hours_for(1000.0) is None
    assert hours_in_all([rate], 1000.0, ()) is None


def test_stages_of_the_pool_add_up_and_own_groups_run_beside_them() -> None:
    def at(stage: str, speed: float) -> StageRate:
        return StageRate(stage, 1, worker_s=1.0, audio_s=speed, workers=1)

    found = [at("ingest", 100.0), at("separate", 10.0), at("encode", 50.0)]
    assert hours_in_all(found, 1000.0, ()) == pytest.approx(10 + 100 + 20)
    assert hours_in_all(found, 1000.0, {"separate"}) == pytest.approx(100)
    assert hours_in_all(found, 1000.0, {"encode"}) == pytest.approx(110)
