"""The checkpoint that a person means by a folder, or by a work folder alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.pipelines.checkpoints import brought, checkpoint_at, first_checkpoint, kept_checkpoint
from flows.settings.params import load_params
from flows.settings.project import Project, WorkFolder
from tests.tasks.stages.generated.test_generate import TINY, tiny_checkpoint


def run_at(folder: Path) -> Path:
    """A finished run."""
    folder.mkdir(parents=True)
    for name in ("model.safetensors", "done.json"):
        (folder / name).write_text("{}")
    return folder


def test_a_checkpoint_is_named_by_its_file_its_folder_or_the_folder_that_holds_it_alone(
    tmp_path: Path,
) -> None:
    run = run_at(tmp_path / "checkpoints" / "sft" / "0123")
    assert checkpoint_at(run) == checkpoint_at(run.parent) == run
    assert checkpoint_at(run / "model.safetensors") == run / "model.safetensors"


def test_of_several_checkpoints_none_is_guessed(tmp_path: Path) -> None:
    for name in ("0123", "4567"):
        run_at(tmp_path / "sft" / name)
    with pytest.raises(ValueError, match="holds 2 of them; name one: 0123, 4567"):
        checkpoint_at(tmp_path / "sft")
    with pytest.raises(ValueError, match=r"none at .*; it lies in sft there"):
        checkpoint_at(tmp_path)
    with pytest.raises(ValueError, match=r"none at .*; give a folder with model.safetensors"):
        checkpoint_at(tmp_path / "nowhere")


def test_a_work_folder_alone_means_the_kept_round_or_the_fine_tuned_model(tmp_path: Path) -> None:
    work = WorkFolder(tmp_path)
    with pytest.raises(ValueError, match="run `jam train` first"):
        kept_checkpoint(work)
    tuned = run_at(work.checkpoint("sft") / "0123")
    assert kept_checkpoint(work) == tuned
    policy = run_at(work.round(1) / "train" / "4567")
    (work.rounds / "kept.json").write_text(json.dumps({"checkpoint": "rounds/1/train/4567"}))
    assert kept_checkpoint(work) == policy
    (policy / "model.safetensors").unlink()
    assert kept_checkpoint(work) == tuned, "what was kept is superseded"


def test_foreign_weights_of_a_refused_command_leave_no_copy_and_those_that_stood_stay(tmp_path: Path) -> None:
    tiny_checkpoint(tmp_path / "theirs")
    short = ["dpo.max_frames=8", f"start.dpo={tmp_path / 'theirs'}"]
    project = Project(load_params(None, short), WorkFolder(tmp_path / "W"))
    refusal = f"set dpo.max_frames={TINY.max_frames}"
    with pytest.raises(ValueError, match=refusal):
        first_checkpoint(project)
    assert not project.work.root.exists()
    project.work.rounds.mkdir(parents=True)
    with pytest.raises(ValueError, match=refusal):
        first_checkpoint(project)
    assert list(project.work.root.rglob("*")) == [project.work.rounds]
    kept = brought(project, str(tmp_path / "theirs"), "test").checkpoint
    with pytest.raises(ValueError, match=refusal):
        first_checkpoint(project)
    assert sorted(path.name for path in kept.iterdir()) == [
        "config.json",
        "model.safetensors",
        "training.json",
    ]
