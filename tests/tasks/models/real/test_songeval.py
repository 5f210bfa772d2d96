"""SongEval on small weights of the true form, its head against plain numpy, and what it refuses."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from safetensors.torch import save_file

from flows.settings.params import load_params
from tasks.models import released_weights as weights
from tasks.models.judge import AXES, JudgeParams, build_judge
from tasks.models.real.common import mono_at
from tasks.models.real.import_masks import import_foreign
from tasks.models.real.songeval import SongEvalJudge
from tasks.stages.generated.score import Score
from tests.tasks.models.checkpoints.muq import write_muq
from tests.tasks.models.checkpoints.songeval import write_songeval
from tests.tasks.models.refusals import cut_short, refusal
from tests.tasks.pooled import through_the_table
from tests.tasks.tiny import tones_CN

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("judge")
    write_songeval(root / "songeval")
    write_muq(root / "muq", depth=9)
    return root


def params(root: Path, **settings: Any) -> JudgeParams:
    base = load_params().models.judge
    given = {"weights": str(root / "songeval"), "muq_weights": str(root / "muq"), "device": "cpu", **settings}
    return base.model_copy(
        update={
            "model": "songeval",
            "songeval": base.songeval.model_validate({**base.songeval.model_dump(), **given}),
        }
    )


@pytest.fixture(scope="module")
def judge(released: Path) -> SongEvalJudge:
    judge = build_judge(params(released))
    assert isinstance(judge, SongEvalJudge)
    return judge


def head_by_hand(features_TD: np.ndarray, state: dict[str, np.ndarray]) -> np.ndarray:
    """The head as its formulas say, one attention head and one frame at a time."""
    hidden = np.maximum(features_TD @ state["ffd.0.weight"].T + state["ffd.0.bias"], 0)
    heard_TD = hidden @ state["ffd.2.weight"].T + state["ffd.2.bias"]
    mixed_TD = heard_TD
    width = heard_TD.shape[1]
    size = width // 8
    for layer in range(4):
        projected = mixed_TD @ state[f"attn.{layer}.in_proj_weight"].T + state[f"attn.{layer}.in_proj_bias"]
        query_TD, key_TD, value_TD = np.split(projected, 3, axis=1)
        out_TD = np.zeros_like(mixed_TD)
        for head in range(8):
            part = slice(head * size, (head + 1) * size)
            for frame in range(len(out_TD)):
                logits_T = key_TD[:, part] @ query_TD[frame, part] / np.sqrt(size)
                weight_T = np.exp(logits_T - logits_T.max())
                out_TD[frame, part] = weight_T @ value_TD[:, part] / weight_T.sum()
        mixed_TD = out_TD @ state[f"attn.{layer}.out_proj.weight"].T + state[f"attn.{layer}.out_proj.bias"]
    pooled_D = np.concatenate([mixed_TD.mean(axis=0), heard_TD.max(axis=0)])
    return np.tanh(state["fc.weight"] @ pooled_D + state["fc.bias"]) * 2 + 3


def test_scores_are_the_head_by_hand_on_the_sixth_hidden_state(judge: SongEvalJudge, released: Path) -> None:
    mix_CN = tones_CN(4.0)
    scores_A = judge.score(mix_CN)
    assert scores_A.shape == (5,) and scores_A.dtype == np.float64
    assert ((scores_A > 1) & (scores_A < 5)).all() and scores_A.std() > 0.1
    whole = (
        import_foreign("muq").MuQ.from_pretrained(released / "muq").eval()
    )  # as the released code loads it
    with torch.inference_mode():
        heard = whole(torch.from_numpy(mono_at(mix_CN, 24_000))[None], output_hidden_states=True)
    features_TD = heard["hidden_states"][6][0].double().numpy()
    assert features_TD.shape == (100, 32)
    state = load_file(released / "songeval" / "ckpt" / "model.safetensors")
    expected_A = head_by_hand(features_TD, {name: value.astype(np.float64) for name, value in state.items()})
    np.testing.assert_allclose(scores_A, expected_A, atol=1e-5)


def test_the_axes_are_those_of_the_released_code_in_its_order(judge: SongEvalJudge) -> None:
    assert judge.axes == AXES == ("coherence", "musicality", "memorability", "clarity", "naturalness")
    assert (judge.low, judge.high) == (1.0, 5.0)


def test_the_same_song_gets_the_same_bytes_and_bfloat16_runs(judge: SongEvalJudge, released: Path) -> None:
    mix_CN = tones_CN(2.0)
    assert judge.score(mix_CN).tobytes() == build_judge(params(released)).score(mix_CN).tobytes()
    near_A = build_judge(params(released, precision="bfloat16")).score(mix_CN)
    np.testing.assert_allclose(near_A, judge.score(mix_CN), atol=0.2)
    with pytest.raises(ValueError, match=r"a mix is finite \[2, N\]"):
        judge.score(np.full((2, 9000), np.nan, np.float32))


def test_two_songs_are_scored_through_the_table(released: Path, tmp_path: Path) -> None:
    choice = params(released)
    for row in through_the_table(Score(choice), tmp_path, seconds=2.0):
        assert len(row["scores"]) == 5
        assert row["made_by"] == [f"score-v2 {choice.identity()}"]
        assert row["made_by"][0].startswith("score-v2 songeval-v1@")


def test_weights_that_cannot_be_used_are_refused_in_one_line(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    head = tmp_path / "songeval" / "ckpt" / "model.safetensors"

    def said(**settings: Any) -> str:
        return refusal(lambda: build_judge(params(tmp_path, **settings)))

    assert "models.judge.songeval.weights: /no/such does not exist; give a file" in said(weights="/no/such")
    assert "models.judge.songeval.muq_weights: nobody/muq is not on this machine" in said(
        muq_weights="nobody/muq"
    )
    assert "holds no config.yaml" in said(weights=str(tmp_path / "muq"))
    write_muq(tmp_path / "wide", width=64)
    assert "the head takes layer 6 of 32" in said(muq_weights=str(tmp_path / "wide"))
    write_muq(tmp_path / "flat", depth=4)
    assert "it has 4 layers of 32" in said(muq_weights=str(tmp_path / "flat"))
    save_file({"fc.weight": torch.ones(5, 64)}, head)
    assert "cannot be loaded as SongEval" in said()
    shutil.copy(released / "songeval" / "ckpt" / "model.safetensors", head)
    cut_short(head)
    assert "ends before its last tensor; get it again" in said()
    monkeypatch.setattr(weights, "installed", lambda name: None)
    assert "packages torch, muq, transformers are not installed" in said()
