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

from jam_model.batches import Batches
from jam_model.checkpoint import load_model
from jam_model.config import Dropout, UpdateRule
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from jam_model.order import positions_of_step
from jam_model.shards import Shards
from jam_model.training_facts import read_facts
from tasks.trainer import ray_train as fitting
from tasks.trainer.checkpoints import newest_checkpoint
from tasks.trainer.loop import StepLoss, Worker, run_steps
from tasks.training.params import JamParams, TrainParams
from tasks.training.recipe import check_part_styles, check_symbols
from tasks.training.train import FlowObjective, train
from tests.jam_model.test_shards import members_of, npy_bytes, write_folder

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
    own_symbols="",
    filler="average_sparse",
    controls=(),
)
PARAMS = TrainParams(
    seed=5,
    steps=6,
    batch_size=2,
    gradient_accumulation_steps=1,
    num_workers=1,
    threads_per_worker=1,
    gpus_per_worker=0,
    precision="float32",
    compile=False,
    activation_checkpointing=False,
    draws_by="worker",
    optimiser="adamw",
    learning_rate=3e-3,
    warmup_steps=2,
    decay_fraction=0.5,
    min_lr_ratio=0.1,
    betas=(0.9, 0.98),
    weight_decay=0.01,
    max_grad_norm=1.0,
    ema_decay=0.9,
    log_every_steps=1,
    checkpoint_every_steps=3,
    keep_checkpoints=2,
    validate_every_steps=0,
    patience=None,
    best_by="none",
    best_is="lowest",
    trackers=(),
    max_failures=0,
    sharding="none",
    validation_per_songs=0,
    max_frames=16,
    past_end_share=0.3,
    ignore_below_s=0.0,
    resample_below_s=0.0,
    resample_power=1.0,
    shuffle_shards=8,
    cache_mb=8,
    style_condition_dropout=0.1,
    lyrics_condition_dropout=0.1,
    condition_dropout_rule="independent",
    time_weight=False,
    part_style_dropout=None,
)
SILENCE = tuple(float(value) for value in np.linspace(-1, 1, 64))
ENCODER = "embedded/spectral-style@1"
ALONE = Worker(0, 1, torch.device("cpu"))


def write_shards(folder: Path) -> Path:
    splits = {f"s{n}": "train" if n < 6 else "validation" for n in range(8)}
    return write_folder(folder, [{f"s{n}": members_of(n, 12 + 3 * n) for n in range(8)}], splits)


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    return write_shards(tmp_path / "shards")


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop itself, without Ray around it; tests of the wrapper are in tests/tasks/trainer/test_ray_train.py."""
    monkeypatch.setattr(
        fitting, "_run_on_ray", lambda objective, params, out: run_steps(objective, params, out, ALONE)
    )


def changed(**values: Any) -> TrainParams:
    return PARAMS.model_copy(update=values)


def objective(shards: Path, params: TrainParams = PARAMS, init: Path | None = None) -> FlowObjective:
    return FlowObjective(
        params, JAM.config(params.max_frames), str(init) if init else None, str(shards), SILENCE, ENCODER
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


def test_a_run_that_is_asked_saves_a_checkpoint_at_its_next_log_line_and_loses_nothing(
    shards: Path, tmp_path: Path
) -> None:
    params = changed(log_every_steps=2, checkpoint_every_steps=6)
    whole, asked = tmp_path / "whole", tmp_path / "asked"
    whole.mkdir(), asked.mkdir()
    run_steps(objective(shards, params), params, whole, ALONE)
    (asked / "checkpoint-now").touch()
    run_steps(objective(shards, params), params, asked, ALONE, stop_at=3)
    assert [folder.name for folder in (asked / "steps").iterdir()] == ["step-000002"]
    assert not (asked / "checkpoint-now").exists()
    run_steps(objective(shards, params), params, asked, ALONE)
    assert log_of(asked) == log_of(whole)
    assert (asked / "done.json").read_bytes() == (whole / "done.json").read_bytes()


def with_parts(seed: int) -> dict[str, bytes]:
    members = members_of(seed, 12 + 3 * seed)
    parts = [{"label": "a", "start_s": 0, "end_s": 0.3, "style": 0}]
    parts.append({"label": "b", "start_s": 0.3, "end_s": 0.6, "style": 1})
    told = {**json.loads(members["json"]), "parts": parts}
    styles_KS = np.random.default_rng(seed).standard_normal((2, 512)).astype(np.float32)
    return {**members, "json": json.dumps(told).encode(), "part_styles.npy": npy_bytes(styles_KS)}


@pytest.mark.slow
def test_styles_of_parts_are_learned_where_they_are_asked_for_and_one_style_stays_as_it_was(
    shards: Path, tmp_path: Path
) -> None:
    assert "part_style_dropout" not in PARAMS.model_dump(mode="json")
    splits = {f"s{n}": "train" if n < 6 else "validation" for n in range(8)}
    told = write_folder(tmp_path / "told", [{f"s{n}": with_parts(n) for n in range(8)}], splits)
    params = changed(part_style_dropout=0.5)
    outs = {name: tmp_path / name for name in ("bare", "off", "on", "killed")}
    for out in outs.values():
        out.mkdir()
    run_steps(objective(shards), PARAMS, outs["bare"], ALONE)
    run_steps(objective(told), PARAMS, outs["off"], ALONE)
    assert log_of(outs["off"]) == log_of(outs["bare"])
    run_steps(objective(told, params), params, outs["on"], ALONE)
    assert log_of(outs["on"]) != log_of(outs["off"])
    run_steps(objective(told, params), params, outs["killed"], ALONE, stop_at=4)
    run_steps(objective(told, params), params, outs["killed"], ALONE)
    assert log_of(outs["killed"]) == log_of(outs["on"])
    assert (read_facts(outs["on"]).part_styles, read_facts(outs["off"]).part_styles) == (True, False)
    check_part_styles(params, told, 0)
    with pytest.raises(ValueError, match=r"6 of 6 songs have no part_styles\.npy; prepare with pack\.extras"):
        check_part_styles(params, shards, 0)


KILLED = changed(
    steps=12,
    checkpoint_every_steps=2,
    gradient_accumulation_steps=2,
    validate_every_steps=4,
    best_by="validation_loss",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that is never killed."""
    shards, whole = write_shards(tmp_path_factory.mktemp("shards") / "all"), tmp_path_factory.mktemp("whole")
    run_steps(objective(shards, KILLED), KILLED, whole, ALONE)
    return whole


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_run_killed_at_three_random_steps_ends_as_the_undisturbed_one(
    shards: Path, undisturbed: Path, tmp_path: Path, seed: int
) -> None:
    params, whole, killed = KILLED, undisturbed, tmp_path / "killed"
    killed.mkdir()
    for stop in sorted(np.random.default_rng(seed).choice(np.arange(1, 12), 3, replace=False)):
        run_steps(objective(shards, params), params, killed, ALONE, stop_at=int(stop))
    run_steps(objective(shards, params), params, killed, ALONE)
    assert log_of(killed) == log_of(whole)
    for name in ("validation.jsonl", "done.json", "best/model.safetensors"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name


def test_figures_of_the_last_step_are_measured_once(
    shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []
    validate = FlowObjective.validate

    def counted(self: FlowObjective, model: Jam, worker: Worker) -> dict[str, Any]:
        measured.append(out.name)
        return validate(self, model, worker)

    monkeypatch.setattr(FlowObjective, "validate", counted)
    params = changed(steps=4, checkpoint_every_steps=2, validate_every_steps=2)
    for out in (tmp_path / "whole", tmp_path / "killed"):
        out.mkdir()
        if out.name == "killed":
            run_steps(objective(shards, params), params, out, ALONE, stop_at=4)
        run_steps(objective(shards, params), params, out, ALONE)
    assert measured == ["whole"] * 2 + ["killed"] * 3, "a run that ended before its result measures it again"
    (whole, killed) = ((tmp_path / name / "done.json").read_bytes() for name in ("whole", "killed"))
    assert whole == killed and b"validation_loss" in whole


class NoiseBySong(FlowObjective):
    """The same loss, its noise drawn from the position alone, so that only the gathering can differ."""

    def start(self, worker: Worker) -> StepLoss:
        params = self.params
        batches = Batches(
            Shards(Path(self.shards)),
            np.array(self.silence, np.float32),
            params.max_frames,
            0.0,
            8,
            params.seed,
        )
        dropout = Dropout(0.1, 0.1, "independent")

        def step_loss(model: Jam, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            losses = []
            for position in positions_of_step(step, params.batch_size):
                batch, noise = batches.at([position]), torch.Generator().manual_seed(position)
                losses.append(flow_loss(model, batch.latents_BTC, batch.conditions, dropout, noise).loss)
            return {"loss": torch.stack(losses).mean()}

        return step_loss


def test_gathered_micro_batches_learn_what_one_large_batch_learns(shards: Path, tmp_path: Path) -> None:
    logs = []
    for gradient_accumulation_steps, batch_size in ((1, 4), (2, 2), (4, 1)):
        params = changed(gradient_accumulation_steps=gradient_accumulation_steps, batch_size=batch_size)
        out = tmp_path / str(gradient_accumulation_steps)
        out.mkdir()
        plain = objective(shards, params)
        run_steps(
            NoiseBySong(params, plain.config, None, plain.shards, plain.silence, ENCODER), params, out, ALONE
        )
        logs.append([line["loss"] for line in log_of(out)])
    assert len(logs[0]) == 6
    assert logs[1] == pytest.approx(logs[0], rel=1e-5) and logs[2] == pytest.approx(logs[0], rel=1e-5)


def test_best_weights_are_the_result_where_a_figure_decides_and_patience_ends(
    shards: Path, tmp_path: Path
) -> None:
    params = changed(
        steps=9, ema_decay=0.0, checkpoint_every_steps=1, validate_every_steps=1,
        best_by="validation_loss", best_is="highest",
    )  # fmt: skip
    out = tmp_path / "run"
    out.mkdir()
    run_steps(objective(shards, params), params, out, ALONE)
    lines = [json.loads(line) for line in (out / "validation.jsonl").read_text().splitlines()]
    done = json.loads((out / "done.json").read_text())
    best = max(lines, key=lambda line: line["validation_loss"])
    assert len(lines) == 9 and best["step"] < 9, "learning lowers the loss, so the worst is not the last"
    assert done["best"] == {
        "step": best["step"],
        "figure": "validation_loss",
        "value": best["validation_loss"],
    }
    assert done["figures"]["validation_loss"] == pytest.approx(best["validation_loss"])
    assert (out / "best/model.safetensors").read_bytes() == (out / "model.safetensors").read_bytes()
    # a run without a better step ends early, and the same after a kill
    params = changed(
        best_by="validation_loss",
        best_is="highest",
        validate_every_steps=1,
        checkpoint_every_steps=1,
        patience=2,
    )
    outs = [tmp_path / name for name in ("whole", "killed")]
    for out in outs:
        out.mkdir()
    run_steps(objective(shards, params), params, outs[0], ALONE)
    done = json.loads((outs[0] / "done.json").read_text())
    assert done["steps"] == done["best"]["step"] + 2 < params.steps
    run_steps(objective(shards, params), params, outs[1], ALONE, stop_at=done["steps"] - 1)
    assert not (outs[1] / "done.json").exists()
    run_steps(objective(shards, params), params, outs[1], ALONE)
    for name in ("done.json", "model.safetensors"):  # killed once more, before its result was written
        (outs[1] / name).unlink()
    run_steps(objective(shards, params), params, outs[1], ALONE)
    for name in ("done.json", "model.safetensors"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()
    assert "patience" in params.model_dump() and "patience" not in PARAMS.model_dump()
    with pytest.raises(ValueError, match="patience 2 needs best_by"):
        changed(patience=2).rule()


def test_a_figure_nobody_measures_is_refused_by_name(shards: Path, tmp_path: Path) -> None:
    params = changed(validate_every_steps=3, best_by="charm")
    with pytest.raises(ValueError, match=r"'charm' is not measured; choose one of: .*validation_loss"):
        run_steps(objective(shards, params), params, tmp_path, ALONE)
    with pytest.raises(ValueError, match="needs validate_every_steps"):
        changed(best_by="validation_loss").rule()
    with pytest.raises(ValueError, match="no multiple of checkpoint_every_steps"):
        changed(validate_every_steps=4).rule()


def test_validating_changes_nothing_that_is_learned(shards: Path, tmp_path: Path) -> None:
    for name, every in (("never", 0), ("often", 3)):
        (tmp_path / name).mkdir()
        params = changed(validate_every_steps=every)
        run_steps(objective(shards, params), params, tmp_path / name, ALONE)
    assert log_of(tmp_path / "never") == log_of(tmp_path / "often")


def test_what_saves_memory_gives_the_same_losses_within_its_precision_and_resumes(
    shards: Path, tmp_path: Path
) -> None:
    found: dict[str, list[float]] = {}
    for name, within, values in (
        ("plain", 0.0, {}),
        ("recomputed", 1e-5, {"activation_checkpointing": True}),
        ("bfloat16", 5e-3, {"precision": "bfloat16"}),
        ("float16", 1e-3, {"precision": "float16"}),
    ):
        (tmp_path / name).mkdir()
        params = changed(**values)
        run_steps(objective(shards, params), params, tmp_path / name, ALONE, stop_at=4)
        run_steps(objective(shards, params), params, tmp_path / name, ALONE)
        lines = log_of(tmp_path / name)
        found[name] = [line["loss"] for line in lines]
        assert found[name] == pytest.approx(found["plain"], rel=within), name
        assert len(lines) == 6
        assert ("grad_norm" in lines[0]) == (name != "float16") == ("skipped" not in lines[0])
    whole = tmp_path / "whole"
    whole.mkdir()
    run_steps(objective(shards, params), params, whole, ALONE)
    assert log_of(whole) == log_of(tmp_path / "float16"), "the scale of the loss is resumed, too"


def test_figures_go_to_tensorboard_where_asked(shards: Path, tmp_path: Path) -> None:
    params = changed(trackers=("tensorboard",), validate_every_steps=3)
    run_steps(objective(shards, params), params, tmp_path, ALONE)
    assert list((tmp_path / "tensorboard").glob("events.*"))
    with pytest.raises(ValueError, match="'mlflow' is unknown; choose among tensorboard, wandb"):
        changed(trackers=("mlflow",)).rule()


def test_songs_below_the_duration_limit_are_never_read(shards: Path, tmp_path: Path) -> None:
    splits = ["train"] * 6 + ["validation"] * 2
    rows = [{"id": f"s{n}", "duration": 10.0 * n, "split": split} for n, split in enumerate(splits)]
    (shards / "ids.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    params = changed(ignore_below_s=30.0)
    train_state = objective(shards, params)
    kept = train_state._weights(Shards(shards))
    assert kept is not None and kept.tolist() == [0, 0, 0, 0, 1, 1]
    run_steps(train_state, params, tmp_path, ALONE)


def test_damaged_newest_checkpoint_falls_back_to_the_one_before(shards: Path, tmp_path: Path) -> None:
    whole = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / "whole")
    out = tmp_path / "damaged"
    out.mkdir()
    run_steps(objective(shards), changed(checkpoint_every_steps=2), out, ALONE, stop_at=5)
    (out / "steps" / "step-000004" / "average.safetensors").write_bytes(b"half a file")
    assert newest_checkpoint(out) == out / "steps" / "step-000002"
    with pytest.warns(UserWarning, match="step-000004 is damaged"):
        result = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, out)
    assert result.weights == whole.weights


def test_finished_run_returns_at_once_and_changes_nothing(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    shutil.rmtree(out / "steps")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, out)
    assert second == first
    assert all(path.stat().st_mtime_ns == before[path] for path in out.iterdir() if path.is_file())


def test_folder_of_another_recipe_is_refused(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, out)
    with pytest.raises(ValueError, match="another recipe"):
        train(changed(learning_rate=1e-3), JAM, shards, np.array(SILENCE), ENCODER, None, out)


def test_same_seed_gives_the_same_weights_and_another_seed_others(shards: Path, tmp_path: Path) -> None:
    runs = [
        train(changed(seed=seed), JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / name).weights
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    ]
    assert runs[0] == runs[1] != runs[2]


def test_sft_starts_from_the_pretrained_weights_at_its_own_length(shards: Path, tmp_path: Path) -> None:
    pretrained = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / "pretrain")
    still = changed(max_frames=40, learning_rate=0.0, steps=1)
    tuned = train(still, JAM, shards, np.array(SILENCE), ENCODER, pretrained.checkpoint, tmp_path / "sft")
    before, after = load_model(pretrained.checkpoint), load_model(tuned.checkpoint)
    assert after.config == replace(before.config, max_frames=40)
    assert all(torch.equal(before.state_dict()[name], value) for name, value in after.state_dict().items())


def test_init_of_another_size_is_refused(shards: Path, tmp_path: Path) -> None:
    pretrained = train(PARAMS, JAM, shards, np.array(SILENCE), ENCODER, None, tmp_path / "pretrain")
    with pytest.raises(ValueError, match="params jam"):
        other = JAM.model_copy(update={"depth": 4})
        train(PARAMS, other, shards, np.array(SILENCE), ENCODER, pretrained.checkpoint, tmp_path / "sft")


def test_training_lowers_the_validation_loss_and_reports_it(shards: Path, tmp_path: Path) -> None:
    figures = [
        train(
            changed(steps=steps, warmup_steps=1),
            JAM,
            shards,
            np.array(SILENCE),
            ENCODER,
            None,
            tmp_path / str(steps),
        ).figures
        for steps in (1, 60)
    ]
    assert figures[0]["num_validation_songs"] == 2
    assert set(figures[0]["validation_loss_by_time"]) == {"0.1", "0.3", "0.5", "0.7", "0.9"}
    assert figures[1]["validation_loss"] < 0.95 * figures[0]["validation_loss"]


def test_what_cannot_be_trained_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="multiple of log_every_steps"):
        changed(checkpoint_every_steps=5, log_every_steps=2).rule()
    folder = write_folder(tmp_path / "shards", [{"one": members_of(1)}])
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "own_symbols": "çø"}))
    jam = JAM.model_copy(update={"num_text_embeddings": 70})
    with pytest.raises(ValueError, match=r"jam\.own_symbols lacks 2 symbols .* set jam\.own_symbols: 'çø'"):
        train(PARAMS, jam, folder, np.array(SILENCE), ENCODER, None, tmp_path / "out")
    check_symbols(jam.model_copy(update={"own_symbols": "øç"}).config(16), folder)


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
