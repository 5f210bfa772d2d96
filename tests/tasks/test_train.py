"""Training: a run resumes exactly, is recognised when finished, and learns what it is shown."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jam_model.checkpoint import load_model
from jam_model.learner import UpdateRule
from tasks.engine import fit as fitting
from tasks.engine.steps import Worker, newest_checkpoint, run_steps
from tasks.train import FlowObjective, JamParams, TrainParams, train
from tests.jam_model.test_shards import members_of, write_folder

JAM = JamParams(
    dim=16,
    depth=2,
    heads=2,
    ff_mult=2,
    text_dim=8,
    text_layers=1,
    style_dim=512,
    latent_channels=64,
    num_text_embeddings=63,
    use_implicit_duration=True,
)
PARAMS = TrainParams(
    seed=5,
    steps=6,
    batch_size=2,
    num_workers=1,
    threads_per_worker=1,
    gpus_per_worker=0,
    precision="float32",
    learning_rate=3e-3,
    warmup_steps=2,
    decay_start=0.5,
    final_share=0.1,
    beta1=0.9,
    beta2=0.98,
    weight_decay=0.01,
    clip_norm=1.0,
    ema_decay=0.9,
    log_every_steps=1,
    checkpoint_every_steps=3,
    keep_checkpoints=2,
    max_failures=0,
    max_frames=16,
    past_end_share=0.3,
    shuffle_shards=8,
    cache_mb=8,
    style_dropout=0.1,
    lyrics_dropout=0.1,
    dropout_rule="independent",
    time_weight=False,
)
SILENCE = tuple(float(value) for value in np.linspace(-1, 1, 64))
ALONE = Worker(0, 1, torch.device("cpu"))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    splits = {f"s{n}": "train" if n < 6 else "validation" for n in range(8)}
    return write_folder(tmp_path / "shards", [{f"s{n}": members_of(n, 12 + 3 * n) for n in range(8)}], splits)


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop itself, without Ray around it; tests of the wrapper are in tests/tasks/engine/test_fit.py."""
    monkeypatch.setattr(
        fitting, "_run_on_ray", lambda objective, params, out: run_steps(objective, params, out, ALONE)
    )


def changed(**values: Any) -> TrainParams:
    return PARAMS.model_copy(update=values)


def objective(shards: Path, params: TrainParams = PARAMS, init: Path | None = None) -> FlowObjective:
    return FlowObjective(
        params, JAM.config(params.max_frames), str(init) if init else None, str(shards), SILENCE
    )


def log_of(out: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_killed_run_resumes_to_the_same_losses_and_weights(shards: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for out in (whole, killed):
        out.mkdir()
    run_steps(objective(shards), PARAMS, whole, ALONE)
    run_steps(objective(shards), PARAMS, killed, ALONE, stop_at=5)
    assert [line["step"] for line in log_of(killed)] == [1, 2, 3, 4, 5]
    assert not (killed / "done.json").exists()
    run_steps(objective(shards), PARAMS, killed, ALONE)
    assert log_of(killed) == log_of(whole) and len(log_of(whole)) == 6
    assert (killed / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert (killed / "done.json").read_bytes() == (whole / "done.json").read_bytes()


def test_damaged_newest_checkpoint_falls_back_to_the_one_before(shards: Path, tmp_path: Path) -> None:
    whole = train(PARAMS, JAM, shards, np.array(SILENCE), None, tmp_path / "whole")
    out = tmp_path / "damaged"
    out.mkdir()
    run_steps(objective(shards), changed(checkpoint_every_steps=2), out, ALONE, stop_at=5)
    (out / "steps" / "step-000004" / "average.safetensors").write_bytes(b"half a file")
    assert newest_checkpoint(out) == out / "steps" / "step-000002"
    with pytest.warns(UserWarning, match="step-000004 is damaged"):
        result = train(PARAMS, JAM, shards, np.array(SILENCE), None, out)
    assert result.weights == whole.weights


def test_finished_run_returns_at_once_and_changes_nothing(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = train(PARAMS, JAM, shards, np.array(SILENCE), None, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    shutil.rmtree(out / "steps")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = train(PARAMS, JAM, shards, np.array(SILENCE), None, out)
    assert second == first
    assert all(path.stat().st_mtime_ns == before[path] for path in out.iterdir() if path.is_file())


def test_folder_of_another_recipe_is_refused(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(PARAMS, JAM, shards, np.array(SILENCE), None, out)
    with pytest.raises(ValueError, match="another recipe"):
        train(changed(learning_rate=1e-3), JAM, shards, np.array(SILENCE), None, out)


def test_same_seed_gives_the_same_weights_and_another_seed_others(shards: Path, tmp_path: Path) -> None:
    runs = [
        train(changed(seed=seed), JAM, shards, np.array(SILENCE), None, tmp_path / name).weights
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_sft_starts_from_the_pretrained_weights_at_its_own_length(shards: Path, tmp_path: Path) -> None:
    pretrained = train(PARAMS, JAM, shards, np.array(SILENCE), None, tmp_path / "pretrain")
    still = changed(max_frames=40, learning_rate=0.0, steps=1)
    tuned = train(still, JAM, shards, np.array(SILENCE), pretrained.checkpoint, tmp_path / "sft")
    before, after = load_model(pretrained.checkpoint), load_model(tuned.checkpoint)
    assert after.config == replace(before.config, max_frames=40)
    assert all(torch.equal(before.state_dict()[name], value) for name, value in after.state_dict().items())


def test_init_of_another_size_is_refused(shards: Path, tmp_path: Path) -> None:
    pretrained = train(PARAMS, JAM, shards, np.array(SILENCE), None, tmp_path / "pretrain")
    with pytest.raises(ValueError, match="params jam"):
        other = JAM.model_copy(update={"depth": 4})
        train(PARAMS, other, shards, np.array(SILENCE), pretrained.checkpoint, tmp_path / "sft")


def test_training_lowers_the_validation_loss_and_reports_it(shards: Path, tmp_path: Path) -> None:
    figures = [
        train(
            changed(steps=steps, warmup_steps=1), JAM, shards, np.array(SILENCE), None, tmp_path / str(steps)
        ).figures
        for steps in (1, 60)
    ]
    assert figures[0]["num_validation_songs"] == 2
    assert set(figures[0]["validation_loss_by_time"]) == {"0.1", "0.3", "0.5", "0.7", "0.9"}
    assert figures[1]["validation_loss"] < 0.95 * figures[0]["validation_loss"]


def test_checkpoints_between_log_lines_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of log_every_steps"):
        changed(checkpoint_every_steps=5, log_every_steps=2).rule()


def test_learning_rate_rises_stays_and_falls() -> None:
    rule = UpdateRule(100, 2.0, 10, 0.5, 0.1, (0.9, 0.99), 0.0, 1.0, 0.99)
    rates = [rule.learning_rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.2) and rates[9:51] == [2.0] * 42
    assert rates[75] == pytest.approx(1.0) and rates[99] == pytest.approx(0.2)


def test_only_so_many_checkpoints_are_kept(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    out.mkdir()
    params = changed(checkpoint_every_steps=1, keep_checkpoints=2)
    run_steps(objective(shards, params), params, out, ALONE)
    assert [path.name for path in sorted((out / "steps").iterdir())] == ["step-000005", "step-000006"]
