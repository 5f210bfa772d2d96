"""jam why: every stage, training and flow of the life cycle, why it would run again, and what runs again with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.console.why import print_why, steps_of
from flows.prepare import admit_songs
from flows.settings.project import Project
from tasks.storage.files import write_json
from tests.tasks.tiny import write_song


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Songs that were listed, a finished training of these settings, and the report of them; nothing else stands."""
    write_song(tmp_path / "songs" / "a.wav", 4.0, seed=0)
    project = Project.at(tmp_path / "W", None, [f"songs.path={tmp_path / 'songs'}"])
    admit_songs(project)
    params, work = project.params, project.work
    config = params.jam.config(params.pretrain.max_frames).to_dict()
    recipe = {"params": params.pretrain.model_dump(mode="json"), "config": config, "by_ear": None}
    write_json(work.checkpoint("pretrain") / "0123" / "train.json", recipe)
    write_json(work.checkpoint("pretrain") / "0123" / "done.json", {})
    settings = json.loads(json.dumps(params.decides()))
    write_json(work.report("benchmark") / "recipe.json", {"settings": {**settings, "weights": {}}})
    return project


def changed(project: Project, *settings: str) -> Project:
    return Project.at(project.work.root, None, settings)


def test_every_part_of_the_life_cycle_is_known_and_what_is_made_from_it(project: Project) -> None:
    steps = {step.title: step for step in steps_of(project)}
    assert {"ingest", "pack", "pretrain", "sft", "dpo", "benchmark"} <= steps.keys()
    assert {"round 1 generate", "gate 0 score", "gate 1 reward", "benchmark align_transcript"} <= steps.keys()
    assert list(steps["group"].then) == ["filter", "pack", "pretrain", "sft", "dpo", "benchmark"]
    assert list(steps["sft"].then) == ["dpo", "benchmark"] and not steps["benchmark"].then


def test_a_changed_setting_of_a_training_is_its_first_reason_and_what_runs_before_it_another(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    print_why(changed(project, "pretrain.steps=4000"), "pretrain")
    assert capsys.readouterr().out.splitlines() == [
        "pretrain: params.steps: 2000 -> 4000",
        "pretrain: ingest would run before it",
        "pretrain: with it again: sft, dpo, benchmark",
    ]


def test_the_report_names_the_settings_that_it_was_not_made_with(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    print_why(changed(project, "benchmark.num_songs=8"), "benchmark")
    assert "benchmark: benchmark.num_songs: 32 -> 8" in capsys.readouterr().out


def test_alone_it_lists_all_that_would_run_with_the_first_reason_of_each(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    print_why(project, None)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "ingest: never made (1 partitions)"
    assert (
        "pretrain: ingest would run before it" in shown and "sft: never made (and 1 more reason)" not in shown
    )
    assert "sft: never made" in shown and "gate 0 generate: never made" in shown


def test_an_unknown_stage_is_answered_with_those_there_are(project: Project) -> None:
    with pytest.raises(ValueError, match=r"'singing' is none of ingest, .*pretrain, sft, dpo, .*benchmark"):
        print_why(project, "singing")
