"""Audiobox Aesthetics: its own predictor's numbers, through our loader. The package has one size only, 94 M."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from tasks.models import released_weights as weights
from tasks.models.judge import JudgeParams, build_judge
from tasks.models.real.common import mono_at
from tasks.models.real.import_masks import import_foreign
from tasks.stages.generated.score import Score
from tests.tasks.models.checkpoints.audiobox import TARGETS, write_audiobox, write_audiobox_checkpoint
from tests.tasks.models.refusals import cut_short, refusal
from tests.tasks.pooled import through_the_pool
from tests.tasks.tiny import tones_CN

torch.set_num_threads(1)
AXES = ("CE", "CU", "PC", "PQ")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("audiobox")
    yield write_audiobox(root / "hub")
    shutil.rmtree(root)  # 190 MB


def params(folder: Path | str, **settings: Any) -> JudgeParams:
    base = load_params().models.judge
    given = {"weights": str(folder), "device": "cpu", **settings}
    return base.model_copy(
        update={
            "model": "audiobox",
            "audiobox": base.audiobox.model_validate({**base.audiobox.model_dump(), **given}),
        }
    )


@pytest.mark.slow
def test_scores_are_those_of_the_packages_own_predictor(released: Path) -> None:
    judge = build_judge(params(released, batch_size=2))
    assert judge.axes == AXES and (judge.low, judge.high) == (1.0, 10.0)
    mix_CN = tones_CN(13.0)
    scores_A = judge.score(mix_CN)
    assert scores_A.shape == (4,) and scores_A.dtype == np.float64
    expected = by_the_package(judge, mono_at(mix_CN, 16_000))
    np.testing.assert_allclose(scores_A, [expected[axis] for axis in AXES], atol=1e-4)
    assert (
        len(
            {
                round(float(score - TARGETS[axis]["mean"]), 3)
                for score, axis in zip(scores_A, AXES, strict=True)
            }
        )
        > 1
    )


def by_the_package(judge: Any, audio_N: np.ndarray) -> dict[str, float]:
    """`AesPredictor.forward` with our model in it."""
    infer = import_foreign("audiobox_aesthetics.infer")
    predictor = infer.AesPredictor.__new__(infer.AesPredictor)
    predictor.sample_rate, predictor.data_col = 16_000, "path"
    predictor.device, predictor.model = torch.device("cpu"), judge._model
    predictor.target_transform = {axis: infer.Normalize(**TARGETS[axis]) for axis in AXES}
    (row,) = predictor.forward([{"path": torch.from_numpy(audio_N)[None], "sample_rate": 16_000}])
    return row


@pytest.mark.slow
def test_both_forms_of_the_weights_and_any_batch_size_give_the_same_scores(
    released: Path, tmp_path: Path
) -> None:
    mix_CN = tones_CN(11.0)
    first_A = build_judge(params(released, batch_size=2)).score(mix_CN)
    folder = write_audiobox_checkpoint(tmp_path / "checkpoint")
    second_A = build_judge(params(folder, batch_size=1)).score(mix_CN)
    np.testing.assert_allclose(first_A, second_A, atol=1e-5)


@pytest.mark.slow
def test_two_songs_are_scored_in_bfloat16_through_the_pool(released: Path, tmp_path: Path) -> None:
    choice = params(released, precision="bfloat16")
    for row in through_the_pool(Score(choice), tmp_path, seconds=2.0):
        assert len(row["scores"]) == 4
        assert row["made_by"] == [f"score-v2 {choice.identity()}"]


@pytest.mark.slow
def test_weights_of_another_architecture_are_refused(released: Path, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").symlink_to(released / "model.safetensors")
    config = json.loads((released / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "proj_num_layer": 2}))
    assert "cannot be loaded as Audiobox Aesthetics" in refusal(lambda: build_judge(params(tmp_path)))


def test_weights_that_are_not_there_or_not_whole_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(folder: Path | str = tmp_path) -> str:
        return refusal(lambda: build_judge(params(folder)))

    assert "models.judge.audiobox.weights: nobody/nothing is not on this machine" in said("nobody/nothing")
    assert "holds no config.json or checkpoint.pt" in said()
    torch.save({"state_dict": {}}, tmp_path / "checkpoint.pt")
    assert "cannot be loaded as Audiobox Aesthetics (KeyError" in said()
    torch.save({"state_dict": {}, "evil": Path("a")}, tmp_path / "checkpoint.pt")
    assert "cannot be loaded as Audiobox Aesthetics (UnpicklingError" in said()
    cut_short(tmp_path / "checkpoint.pt")
    assert "ends before its last byte" in said()
    monkeypatch.setattr(weights, "installed", lambda name: None)
    assert "packages audiobox-aesthetics, torch are not installed" in said()
