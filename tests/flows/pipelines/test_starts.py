"""Rounds and fine-tuning that begin with weights from elsewhere: what stands, what is said, what a report is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import flows.dpo
from flows.dpo import run_dpo
from flows.pipelines.checkpoints import (
    any_checkpoint,
    begun_from,
    is_foreign,
    kept_checkpoint,
    reported_checkpoint,
    start_behind,
    tuned_checkpoint,
)
from flows.pipelines.rounds import shown_round
from flows.settings.project import Project, WorkFolder
from flows.train import run_train
from jam_model.checkpoint import load_config, load_model, weights_hash
from tasks.trainer import ray_train as fitting
from tasks.trainer.loop import run_steps
from tasks.training.adapters import read_adapter
from tests.flows.pipelines.test_rounds import NUM_SONGS, params_of, prepared_rows, prepared_song, work_folder
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.stages.generated.test_generate import TINY, tiny_checkpoint
from tests.tasks.training.test_train import ALONE

pytestmark = pytest.mark.slow
SIZES = [f"jam.{name}={getattr(TINY, name)}" for name in ("heads", "style_dim", "latent_channels")]
FOREIGN = [*SIZES, "start.preset=jam", "start.licence=CC-BY-4.0"]

STEPS = [f"sft.{name}=2" for name in ("steps", "log_every_steps", "checkpoint_every_steps")]
SHORT = ["sft.num_workers=1", "sft.max_frames=32", "sft.best_by=none", *STEPS]


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fitting, "_run_on_ray", lambda o, params, out: run_steps(o, params, out, ALONE))
    monkeypatch.setattr(flows.dpo, "finished_rows", prepared_rows)
    yield


def foreign(folder: Path) -> Path:
    """Tiny weights as somebody hands them on: a bare file."""
    tiny_checkpoint(folder / "made", seed=5)
    return (folder / "made" / "model.safetensors").rename(folder / "theirs.safetensors")


def with_shards_alone(root: Path) -> WorkFolder:
    work = WorkFolder(root)
    splits = {f"s{n}": prepared_song(n)["split"] for n in range(NUM_SONGS)}
    write_folder(work.shards, [{name: members_of(n, 24) for n, name in enumerate(splits)}], splits)
    return work


def test_rounds_begin_with_foreign_weights_where_nothing_was_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, theirs = with_shards_alone(tmp_path), foreign(tmp_path)
    params = params_of(*FOREIGN, f"start.dpo={theirs}", "sft.max_frames=32")
    report = run_dpo(Project(params, work))
    said = capsys.readouterr().out
    assert "dpo: begins with weights of theirs.safetensors" in said
    start = tuned_checkpoint(work)
    assert is_foreign(work, start)
    assert report.rows[0].weights == weights_hash(start)
    shown = shown_round(work)
    assert shown is not None
    begun = begun_from(shown.policy)  # what a round learned keeps the terms of what it began with
    assert begun is not None
    assert begun.licence == "CC-BY-4.0"
    assert reported_checkpoint(work, report.rows[0].weights) == start
    assert kept_checkpoint(work) in (start, shown.policy)


def test_rounds_from_foreign_weights_leave_a_fine_tuned_model_where_it_is(tmp_path: Path) -> None:
    work, theirs = work_folder(tmp_path), foreign(tmp_path)
    own = tuned_checkpoint(work)
    report = run_dpo(
        Project(params_of(*FOREIGN, f"start.dpo={theirs}", "sft.max_frames=32", "round.control=false"), work)
    )
    assert tuned_checkpoint(work) == own
    assert is_foreign(work, reported_checkpoint(work, report.rows[0].weights))


def test_fine_tuning_begins_with_foreign_weights_of_other_sizes_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work, theirs = with_shards_alone(tmp_path), foreign(tmp_path)
    params = params_of(*FOREIGN, f"start.sft={theirs}", *SHORT)
    tuned = run_train(Project(params, work))
    said = capsys.readouterr().out
    assert "train: pretraining is skipped" in said
    assert "the section `jam` of the settings is passed over" in said
    assert load_config(tuned.checkpoint).dim == TINY.dim != params.jam.dim
    assert not work.checkpoint("pretrain").exists()
    begun = begun_from(tuned.checkpoint)
    assert begun is not None
    start = start_behind(work, tuned.checkpoint)
    assert start is not None
    assert is_foreign(work, start)
    assert not is_foreign(work, tuned.checkpoint)
    assert tuned_checkpoint(work) == tuned.checkpoint
    assert any_checkpoint(theirs, params, work) == start
    with pytest.raises(ValueError, match=r"pretrain: start\.sft gives the weights"):
        run_train(Project(params, work), only="pretrain")


def test_fine_tuning_and_rounds_may_learn_adapters_alone(tmp_path: Path) -> None:
    work, theirs = with_shards_alone(tmp_path), foreign(tmp_path)
    adapter = ["adapter.rank=2", "adapter.targets=[attention, fusion]"]
    params = params_of(*FOREIGN, f"start.sft={theirs}", *SHORT, *adapter)
    tuned = run_train(Project(params, work))
    start = start_behind(work, tuned.checkpoint)
    assert start is not None
    tensors, facts = read_adapter(tuned.checkpoint / "adapter.safetensors")
    assert facts["base"] == weights_hash(start)
    before, after = load_model(start).state_dict(), load_model(tuned.checkpoint).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"{name.partition('.parametrizations')[0]}.weight" for name in tensors}
    report = run_dpo(Project(params_of(*SIZES, "sft.max_frames=32", "round.control=false", *adapter), work))
    shown = shown_round(work)
    assert (
        shown is not None
    )  # at its first step the policy with adapters is its reference exactly, or this had stopped
    assert read_adapter(shown.policy / "adapter.safetensors")[1]["base"] == report.rows[0].weights
    everything = run_train(Project(params_of(*FOREIGN, f"start.sft={theirs}", *SHORT), work))
    assert everything.checkpoint != tuned.checkpoint
    assert not (everything.checkpoint / "adapter.safetensors").exists()
