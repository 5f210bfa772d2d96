"""One DPO round: the policy moves towards the better candidates, and the control shows what truth alone does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from jam_model.shards import Sample
from jam_model.words import Word
from tasks.preference.dpo import PreferenceObjective, ReferenceDiffers, prefer
from tasks.preference.pairs import Pair, write_pairs
from tasks.preference.params import PreferParams
from tasks.trainer import ray_train as fitting
from tasks.trainer.loop import Worker, run_steps
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import bare_base
from tests.tasks.training.test_train import JAM, PARAMS

SILENCE_C = np.linspace(-1, 1, 64, dtype=np.float32)
SHARED = set(PreferParams.model_fields) & set(type(PARAMS).model_fields)
ROUND = PreferParams(
    **{name: getattr(PARAMS, name) for name in SHARED},
    error_over="max_frames",
    beta=200.0,
    term="gt",
    term_weight=0.2,
).model_copy(update={"max_frames": 24, "steps": 30, "checkpoint_every_steps": 10, "warmup_steps": 1})
ALONE = Worker(0, 1, torch.device("cpu"))


def pair(seed: int, num_frames: int = 20) -> Pair:
    """The better candidate is near the truth, the worse one far off."""
    rng = np.random.default_rng(seed)
    mean_TC = rng.standard_normal((num_frames, 64)).astype(np.float32)
    style_NS = rng.standard_normal((1, 512)).astype(np.float32)
    words = (Word("love", 0.1, 0.5, "lˈʌv"),)
    prompt = Sample(f"s{seed}", mean_TC, np.full_like(mean_TC, 0.05), style_NS, words)
    return Pair(prompt, 0.5 * mean_TC, 2.0 * np.abs(mean_TC) + 1)


def run_in_process(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        fitting, "_run_on_ray", lambda objective, params, out: run_steps(objective, params, out, ALONE)
    )


@pytest.fixture(autouse=True)
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    run_in_process(monkeypatch)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "policy"
    torch.manual_seed(0)
    save_model(folder, Jam(JAM.config(24)))
    return folder


@pytest.fixture(scope="module")
def whole(policy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole round that no test writes into."""
    out = tmp_path_factory.mktemp("whole") / "round"
    with pytest.MonkeyPatch.context() as patch:
        run_in_process(patch)
        run(policy, out)
    return out


def changed(**values: Any) -> PreferParams:
    return ROUND.model_copy(update=values)


def run(policy: Path, out: Path, params: PreferParams = ROUND) -> dict[str, Any]:
    pairs, held_out = [pair(n) for n in range(4)], [pair(n) for n in range(10, 13)]
    return prefer(params, pairs, held_out, policy, SILENCE_C, out).figures


def log_of(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def test_policy_learns_to_prefer_the_better_takes_of_held_out_pairs(policy: Path, whole: Path) -> None:
    figures = run(policy, whole)  # which stands
    assert figures["num_held_out_pairs"] == 3
    assert figures["held_out_accuracy"] > 0.9 and figures["held_out_margin"] > 0
    log = log_of(whole)
    assert log[0]["margin"] == 0  # the reference is the policy the round starts from
    assert log[-1]["margin"] > 0.01 and log[-1]["loss"] < log[0]["loss"]


def test_control_with_beta_zero_has_no_preference_gradient(policy: Path, tmp_path: Path) -> None:
    run(policy, tmp_path / "control", changed(beta=0.0, term_weight=0.0, weight_decay=0.0, steps=10))
    assert {line["grad_norm"] for line in log_of(tmp_path / "control")} == {0.0}
    run(policy, tmp_path / "truth", changed(beta=0.0, steps=10))
    log = log_of(tmp_path / "truth")
    assert log[0]["loss"] == pytest.approx(np.log(2) + 0.2 * log[0]["term_error"], rel=1e-5)
    assert log[-1]["term_error"] < log[0]["term_error"]


def test_a_round_of_adapters_holds_no_other_reference_than_its_own_base_and_learns_the_same(
    policy: Path, tmp_path: Path
) -> None:
    pairs, held_out = [pair(n) for n in range(4)], [pair(10)]
    for kind in ("lora", "dora"):
        adapter = AdapterParams(kind=kind, rank=2, alpha=4.0, targets=("attention", "mlp"))
        logs = {}
        for reference in (None, policy):  # shared, and loaded beside it
            out = tmp_path / f"{kind}-{reference is None}"
            prefer(changed(steps=6), pairs, held_out, policy, SILENCE_C, out, None, reference, adapter)
            logs[reference] = [{**line, "seconds": 0} for line in log_of(out)]
        assert logs[None] == logs[policy] and logs[None][0]["margin"] == 0
        assert logs[None][-1]["margin"] != 0
    folders = write_pairs(tmp_path / "learn", pairs), write_pairs(tmp_path / "check", held_out)
    objective = PreferenceObjective(
        ROUND, str(policy), None, *folders, tuple(SILENCE_C.tolist()), adapter=adapter
    )
    model = objective.build()
    base = bare_base(model)
    assert {weight.data_ptr() for weight in base.parameters()} < {w.data_ptr() for w in model.parameters()}


def test_killed_round_resumes_to_the_same_losses(policy: Path, whole: Path, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    pairs, held_out = [pair(n) for n in range(4)], [pair(n) for n in range(10, 13)]
    folders = write_pairs(killed / "pairs", pairs), write_pairs(killed / "held_out", held_out)
    objective = PreferenceObjective(ROUND, str(policy), None, *folders, tuple(SILENCE_C.tolist()))
    run_steps(objective, ROUND, killed, ALONE, stop_at=17)
    run(policy, killed)
    losses = [[line["loss"] for line in log_of(out)] for out in (whole, killed)]
    assert losses[0] == losses[1] and len(losses[0]) == 30


def test_round_on_other_pairs_needs_another_folder(policy: Path, whole: Path) -> None:
    with pytest.raises(ValueError, match="another recipe"):
        prefer(ROUND, [pair(77)], [], policy, SILENCE_C, whole)


def test_no_pairs_and_unequal_takes_are_refused(policy: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is none"):
        prefer(ROUND, [], [], policy, SILENCE_C, tmp_path / "round")
    crooked = Pair(pair(1).prompt, np.zeros((20, 64), np.float32), np.zeros((19, 64), np.float32))
    with pytest.raises(ValueError, match="trim both"):
        prefer(ROUND, [crooked], [], policy, SILENCE_C, tmp_path / "round")


def test_round_without_held_out_pairs_says_so(policy: Path, tmp_path: Path) -> None:
    result = prefer(changed(steps=1), [pair(1)], [], policy, SILENCE_C, tmp_path / "round")
    assert result.figures == {"num_held_out_pairs": 0, "error_over": "max_frames"}


def test_the_log_names_accuracy_margins_errors_and_the_norm_of_every_update(
    policy: Path, tmp_path: Path
) -> None:
    run(policy, tmp_path / "round", changed(steps=10, max_grad_norm=0.001))
    for line in log_of(tmp_path / "round"):
        for name in ("accuracy", "margin", "win_error", "lose_error", "term_error", "grad_norm"):
            assert name in line
        assert line["reference_win_error"] > 0 and line["reference_lose_error"] > 0
        assert (
            0
            < line["update_norm"]
            < 2 * ROUND.learning_rate * sum(p.numel() for p in Jam(JAM.config(24)).parameters()) ** 0.5
        )


def test_errors_over_the_song_alone_are_another_recipe_and_the_figures_say_which(
    policy: Path, tmp_path: Path
) -> None:
    over_all = run(policy, tmp_path / "all", changed(steps=10))
    over_song = run(policy, tmp_path / "song", changed(steps=10, error_over="song"))
    assert (over_all["error_over"], over_song["error_over"]) == ("max_frames", "song")
    logs = [log_of(tmp_path / name) for name in ("all", "song")]
    assert logs[1][0]["margin"] == 0 and logs[0][0]["win_error"] != logs[1][0]["win_error"]


def test_a_reference_that_is_not_the_policy_before_any_update_stops_the_round(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rounded(self: PreferenceObjective, worker: Worker) -> Jam:
        return self.build().to(torch.bfloat16).float().requires_grad_(False)

    monkeypatch.setattr(PreferenceObjective, "_frozen", rounded)
    with pytest.raises(ReferenceDiffers, match=r"step 0: .* must be exactly 0"):
        run(policy, tmp_path / "round", changed(steps=10))


def test_an_earlier_model_may_be_the_reference_and_is_part_of_the_recipe(
    policy: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    save_model(tmp_path / "first", Jam(JAM.config(24)))
    out, pairs = tmp_path / "round", [pair(n) for n in range(4)]
    prefer(changed(steps=10), pairs, [], policy, SILENCE_C, out, reference=tmp_path / "first")
    assert log_of(out)[0]["margin"] != 0
    with pytest.raises(ValueError, match="another recipe"):
        prefer(changed(steps=10), pairs, [], policy, SILENCE_C, out)
