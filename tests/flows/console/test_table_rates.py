"""What a person sees of a work folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.console import look
from flows.settings.project import Project
from tasks.engine.pipeline import Pipeline
from tests.tasks.engine.probes import Factor, Measure, table_of


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    pipeline = Pipeline(table_of(tmp_path, ["one", "two"]), [Measure(Factor(factor=1.0))])
    monkeypatch.setattr(look, "prepared_pipeline", lambda project: pipeline)
    return pipeline


def test_rates_show_what_a_stage_took_and_a_dash_for_what_is_not_known(
    prepared: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = {
        "number": 0, "songs": 2, "seconds": 36.0, "audio_s": 3600.0, "waiting_s": 9.0, "workers": 4,
        "device": "NVIDIA H200", "peak_memory_mb": 512.0, "peak_gpu_memory_mb": None,
    }  # fmt: skip
    path = (
        tmp_path / "receipts" / "prepare" / "measure" / prepared.path("measure", 0).with_suffix(".json").name
    )
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(note))
    look.print_rates(Project.at(tmp_path))
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if line.startswith("measure"))
    assert row.split() == [
        "measure",
        "2",
        "1.00",
        "36.0",
        "100",
        "25%",
        "512",
        "-",
        "4",
        "2.5",
        "h",
        "NVIDIA",
        "H200",
    ]
    assert "1,000 hours of audio through all of them, on as many workers: 2.5 h" in shown


def test_rates_of_a_work_folder_in_which_nothing_ran_are_refused(prepared: Pipeline, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no receipts"):
        look.print_rates(Project.at(tmp_path))
