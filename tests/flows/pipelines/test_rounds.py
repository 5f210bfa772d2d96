"""Rounds of a tiny policy: killed anywhere they end in the same bytes; any candidate can be generated again, any pair be read."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.applications import Starlette

import flows.dpo
import flows.pipelines.rounds
import flows.run.prefect_tasks
from eval.pages.rounds import rounds_section
from eval.results.rounds import RoundsReport, raters_line
from flows.commands.main import run
from flows.console.rounds import export_pairs
from flows.desk.app import choosing_routes
from flows.dpo import run_dpo
from flows.pipelines.rounds import peoples_choices, run_round, shown_round, standing_rounds
from flows.pipelines.runs import checkpoint_of
from flows.settings.params import Params, load_params
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import weights_hash
from jam_model.training_facts import BOTH, LYRICS, STYLE, TrainingFacts
from tasks.audio.read import npy_bytes
from tasks.desk.choosing import comparison
from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import StageReport
from tasks.engine.song import Song
from tasks.preference.pairs import read_pair_list, read_pairs
from tasks.preference.round_tables import POLICY, GeneratedPairs, RoundPairs, RoundPrompts
from tasks.trainer import ray_train as fitting
from tasks.trainer.loop import run_steps
from tasks.trainer.run_folder import TrainResult
from tasks.upkeep.checksums import place_in
from tasks.upkeep.repair import repair
from tasks.upkeep.verify import verify_folder
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.stages.generated.test_generate import tiny_checkpoint
from tests.tasks.tiny import timed
from tests.tasks.training.test_train import ALONE
from tests.tasks.upkeep.test_verify import flip

pytestmark = pytest.mark.slow

NUM_SONGS, NUM_FRAMES, SECONDS = 6, 24, 1.1
SETTINGS = [
    "engine.num_workers=1",
    "sampler.num_steps=2",
    "round.rounds=1",
    "round.num_prompts=3",
    "round.num_held_out=1",
    "round.candidates=2",
    "gate.num_prompts=2",
    "gate.num_resamples=200",
    "pair.min_margin=0",
    "pair.max_axis_loss=null",
    "pair.max_word_loss=null",
    "dpo.steps=4",
    "dpo.num_workers=1",
    "dpo.max_frames=32",
    "dpo.log_every_steps=1",
    "dpo.checkpoint_every_steps=2",
    "dpo.validate_every_steps=4",
    "dpo.learning_rate=0.001",
]


class Killed(BaseException):
    """As a kill: nothing of ours catches it."""


def prepared_rows(pipeline: Pipeline, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The prepared songs, as the pipeline of `prepare` gives them."""
    return [prepared_song(number) for number in range(NUM_SONGS)]


def prepared_song(number: int) -> dict[str, Any]:
    random = np.random.default_rng(number)
    return {
        "song_id": f"s{number}",
        "split": "train" if number < 4 else "validation",
        "drop_reason": None,
        "audio": {"path": f"s{number}.wav", "bytes": None},
        "title": f"song {number}",
        "words": timed(("love", 0.1, 0.4, "lˈʌv"), ("moon", 0.5, 0.9, "mˈuːn")),
        "style_embedding": random.standard_normal((1, 512)).tolist(),
        "duration_s": SECONDS,
        "window_embedding": npy_bytes(random.standard_normal((30, 36)).astype(np.float32)),
    }


@pytest.fixture(scope="module", autouse=True)
def in_process() -> Iterator[pytest.MonkeyPatch]:
    """Training without Ray around it, and songs that need no preparing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitting, "_run_on_ray", lambda o, params, out: run_steps(o, params, out, ALONE))
        patch.setattr(flows.dpo, "finished_rows", prepared_rows)
        yield patch


def params_of(*settings: str) -> Params:
    return load_params(None, [*SETTINGS, *settings])


def work_folder(root: Path) -> WorkFolder:
    """A tiny policy and the shards of the prepared songs."""
    work = WorkFolder(root)
    splits = {f"s{n}": prepared_song(n)["split"] for n in range(NUM_SONGS)}
    write_folder(work.shards, [{name: members_of(n, NUM_FRAMES) for n, name in enumerate(splits)}], splits)
    weights = tiny_checkpoint(work.checkpoint("sft") / "first")
    TrainingFacts((BOTH, LYRICS, STYLE), None).write(work.checkpoint("sft") / "first")
    (work.checkpoint("sft") / "first" / "done.json").write_text(
        json.dumps({"weights": weights, "figures": {}})
    )
    return work


def digests(work: WorkFolder) -> dict[str, str]:
    """Every file of the rounds; of training logs and checkpoints all but their clock."""
    found = {}
    for path in sorted(path for path in work.rounds.rglob("*") if path.is_file()):
        data = path.read_bytes()
        if path.name in ("log.jsonl", "state.json"):
            data = re.sub(rb'"seconds": [0-9.]+', b"", data)
        found[str(path.relative_to(work.root))] = hashlib.sha256(data).hexdigest()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, in_process: pytest.MonkeyPatch) -> WorkFolder:
    work = work_folder(tmp_path_factory.mktemp("whole"))
    run_dpo(Project(params_of(), work))
    return work


def test_a_round_killed_in_each_of_its_steps_ends_in_the_same_bytes(
    whole: WorkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_folder(tmp_path)
    kills = ["generate", "score", "pair", "train", "gate"]
    real_pipelines, real_pairs = (
        flows.run.prefect_tasks.run_pipelines,
        flows.pipelines.rounds.write_pairs_file,
    )

    def kill_in(step: str) -> None:
        if kills and kills[0] == step:
            raise Killed(kills.pop(0))

    def run_pipelines(pipelines: Any, params: Any, receipts: Path, watch: Any, *more: Any) -> Any:
        is_gate = receipts.name == "gate-1"

        def watched(report: StageReport) -> None:
            watch(report)
            if report.receipts and receipts.name != "gate-0":
                kill_in("gate" if is_gate else report.stage)

        return real_pipelines(pipelines, params, receipts, watched, *more)

    def write_pairs(path: Path, groups: Any) -> None:
        kill_in("pair")
        real_pairs(path, groups)

    def steps(objective: Any, params: Any, out: Path) -> None:
        run_steps(objective, params, out, ALONE, stop_at=3 if kills[:1] == ["train"] else None)
        kill_in("train")

    monkeypatch.setattr(flows.run.prefect_tasks, "run_pipelines", run_pipelines)
    monkeypatch.setattr(flows.pipelines.rounds, "write_pairs_file", write_pairs)
    monkeypatch.setattr(fitting, "_run_on_ray", steps)
    for step in list(kills):
        with pytest.raises(Killed, match=step):
            run_dpo(Project(params_of(), work))
    run_dpo(Project(params_of(), work))
    assert digests(work) == digests(whole)


@pytest.mark.parametrize(
    "damaged",
    [
        ["rounds/1/train/*/model.safetensors", "rounds/1/control/*/pairs/pairs.safetensors"],
        ["rounds/1/train/*/steps/*/average.safetensors", "rounds/1/pairs.parquet", "rounds/kept.json"],
        [
            "rounds/1/candidates/generate/part-00001-*",
            "rounds/1/gate/score/part-00000-*",
            "rounds/1/gate.json",
        ],
    ],
)
def test_damage_to_a_round_is_found_and_dpo_makes_the_same_bytes_again(
    whole: WorkFolder, tmp_path: Path, damaged: list[str]
) -> None:
    shutil.copytree(whole.root, tmp_path / "W")
    work = WorkFolder(tmp_path / "W")
    paths = [path for pattern in damaged for path in work.root.glob(pattern)]
    assert len(paths) == len(damaged)
    for path in paths:
        flip(path)
    found = verify_folder(work.root).damages
    assert {damage.place for damage in found} == {place_in(path, work.root) for path in paths}
    assert repair(work.root, found)[1] == []
    run_dpo(Project(params_of(), work))
    assert digests(work) == digests(whole) and not verify_folder(work.root).damages


def test_the_same_command_again_makes_nothing(whole: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.engine.pool.connect", lambda params: pytest.fail("something was made again"))
    before = digests(whole)
    run_dpo(Project(params_of(), whole))
    assert digests(whole) == before


def test_every_candidate_and_prompt_of_a_round_is_a_row(whole: WorkFolder) -> None:
    folder = whole.round(1)
    prompts = pq.read_table(folder / "prompts.parquet").to_pylist()
    assert [row["split"] for row in prompts] == ["train"] * 3 + ["validation"]
    scores = pq.read_table(folder / "scores.parquet").to_pylist()
    assert len(scores) == 4 * 2
    for row in scores:
        assert row["parent"] in {prompt["song_id"] for prompt in prompts}
        assert (row["seed"], row["num_steps"], row["style_guidance_scale"]) == (1, 2, 1.5)
        assert len(row["checkpoint"]) == 64 and row["duration_s"] == pytest.approx(SECONDS, abs=0.05)
        assert [entry["judge"] for entry in row["judge_scores"]] == ["embedded/signal-judge@1"] * 5
        assert row["reward"] == pytest.approx(np.mean([entry["score"] for entry in row["judge_scores"]]))
    pairs = pq.read_table(folder / "pairs.parquet").to_pylist()
    assert (
        sum(row["winner"] is not None for row in pairs) + sum(row["refusal"] is not None for row in pairs)
        == 4
    )


def test_the_kept_round_and_its_gate_are_written(whole: WorkFolder) -> None:
    report = standing_rounds(whole)
    assert isinstance(report, RoundsReport)
    first, after = report.rows
    assert first.number == 0 and not first.changes and first.control is None
    assert after.control and after.over_control and after.num_prompts == 3
    assert {"reward", "wer", "acoustic_per", "style_similarity", "diversity", "failed"} <= set(
        after.estimates
    )
    assert "not converged" in report.notes[0]  # a tiny policy of random weights generates no words
    kept = json.loads((whole.rounds / "kept.json").read_text())
    assert kept["round"] == report.kept and (whole.root / kept["checkpoint"] / "model.safetensors").is_file()
    shown = shown_round(whole)
    assert shown and shown.number == 1 and shown.is_kept == (report.kept == 1)
    assert shown.control and shown.control.parent.parent == whole.round(1)


def test_the_rounds_are_a_table_that_plots_can_be_drawn_from(whole: WorkFolder) -> None:
    table = pandas.read_csv(whole.report("dpo") / "rounds.csv")
    assert list(table["round"]) == [0, 1]
    led = json.loads((whole.report("dpo") / "metrics.json").read_text())
    assert led.keys() == {"kept", "reward", "reward_before"}, "a line that `dvc metrics show` has room for"
    assert table["reward"][led["kept"]] == pytest.approx(led["reward"])
    assert table["reward"][0] == pytest.approx(led["reward_before"])


@pytest.mark.parametrize("held_against", ["policy", "first"])
def test_a_later_round_is_held_against_its_own_policy_or_the_first_model(
    whole: WorkFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held_against: str
) -> None:
    seen: list[Path | None] = []

    def fit(*given: Any) -> TrainResult:
        *_, reference, out = given
        out.mkdir(parents=True)
        seen.append(reference)
        return TrainResult(out, "weights", {})

    made = RoundPairs([Song("s0", {"winner": "a", "loser": "b", "margin": 1.0, "refusal": None})], "train")
    monkeypatch.setattr(flows.pipelines.rounds, "fit_pairs", fit)
    monkeypatch.setattr(
        flows.pipelines.rounds, "generate_pairs", lambda *given: GeneratedPairs(made, made, ([], []))
    )
    first = checkpoint_of(whole.checkpoint("sft"))
    models = {POLICY: checkpoint_of(whole.round(1) / "train")}
    project = Project(params_of(f"round.reference={held_against}"), WorkFolder(tmp_path))
    run_round(project, 2, RoundPrompts([], []), models, first)
    assert seen == [first if held_against == "first" else None]


def test_a_round_that_is_no_longer_asked_for_goes(whole: WorkFolder, tmp_path: Path) -> None:
    shutil.copytree(whole.root, tmp_path / "W")
    work = WorkFolder(tmp_path / "W")
    (work.round(2) / "train").mkdir(parents=True)
    run_dpo(Project(params_of(), work))
    assert sorted(path.name for path in work.rounds.iterdir()) == ["0", "1", "kept.json"]


def test_a_round_that_would_leave_a_model_of_shorter_songs_is_not_begun(tmp_path: Path) -> None:
    work = work_folder(tmp_path)
    with pytest.raises(ValueError, match=r"dpo.max_frames: it is 8, .* takes songs of 32 frames.*=32"):
        run_dpo(Project(params_of("dpo.max_frames=8"), work))
    assert not work.rounds.exists()


def test_rounds_without_a_single_pair_stop_and_keep_the_model_they_began_with(
    whole: WorkFolder, tmp_path: Path
) -> None:
    shutil.copytree(whole.root, tmp_path / "W")
    work = WorkFolder(tmp_path / "W")
    report = run_dpo(Project(params_of("pair.min_margin=9"), work))
    assert report.kept == 0 and len(report.rows) == 1 and "no prompt gave a pair" in report.stopped
    assert shown_round(work) is None


def test_a_candidate_sung_again_has_the_same_samples(
    whole: WorkFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    replay = ["pairs", "1", "--replay", "s5-r1-k1", "--work", str(whole.root), *settings]
    candidate = pq.read_table(whole.round(1) / "scores.parquet")["song_id"].to_pylist()[-1]
    replay[3] = candidate
    assert run(replay) == 0
    assert f"{candidate}: the same samples; largest difference 0" in capfd.readouterr().out
    assert run([*replay[:3], "nobody-r1-k0", *replay[4:]]) == 2
    assert "round 1 has no candidate 'nobody-r1-k0'" in capfd.readouterr().err


def test_pairs_are_shown_side_by_side_with_their_refusals(
    whole: WorkFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["pairs", "1", "--work", str(whole.root)]) == 0
    shown = capfd.readouterr().out
    rows = pq.read_table(whole.round(1) / "pairs.parquet").to_pylist()
    pairs = [row for row in rows if row["winner"] and row["split"] == "train"]
    assert f"round 1, learned from: 3 prompts, {len(pairs)} pairs, refused: " in shown
    for row in pairs:
        assert row["winner"] in shown and row["loser"] in shown and f"{row['margin']:.3f}" in shown
    assert "musicality" in shown and "\nwinner" in shown and "\nloser" in shown
    assert run(["pairs", "7", "--work", str(whole.root)]) == 2
    assert "there is no round 7" in capfd.readouterr().err


def test_pairs_go_out_as_jamifys_list_and_come_back(whole: WorkFolder, tmp_path: Path) -> None:
    assert run(["pairs", "1", "--work", str(whole.root), "--export", str(tmp_path)]) == 0
    rows = pq.read_table(whole.round(1) / "pairs.parquet").to_pylist()
    learned = [row["song_id"] for row in rows if row["winner"] and row["split"] == "train"]
    back = read_pair_list(tmp_path / "dpo.json", vae_sampled=True)
    assert [pair.prompt.song_id for pair in back] == learned
    (written,) = (whole.round(1) / "train").glob("*/pairs")
    for pair, other in zip(back, read_pairs(written), strict=True):
        np.testing.assert_array_equal(pair.winner_TC, other.winner_TC)
        np.testing.assert_array_equal(pair.loser_TC, other.loser_TC)


def test_jamifys_list_is_learned_from_to_the_weights_of_the_round_that_wrote_it(
    whole: WorkFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole.root, tmp_path / "W")
    export_pairs(whole.root, 1, tmp_path)
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    learn = ["dpo", "--pairs", str(tmp_path / "dpo.json"), "--work", str(tmp_path / "W"), *settings]
    assert run(learn) == 0
    assert "to learn from, 0 held out" in capfd.readouterr().out
    found = checkpoint_of(WorkFolder(tmp_path / "W").checkpoint("pairs"))
    assert weights_hash(found) == weights_hash(checkpoint_of(whole.round(1) / "train"))
    assert run([*learn, "--posteriors"]) == 2
    assert "win_latent has shape" in capfd.readouterr().err


def test_people_choose_the_pairs_of_a_round_at_the_desk_and_it_learns_from_those(
    whole: WorkFolder, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(whole.root, tmp_path / "W")
    work = WorkFolder(tmp_path / "W")
    project, scores = Project(params_of("pair.by=people"), work), work.round(1) / "scores.parquet"
    with pytest.raises(ValueError, match="have chosen none of 4 pairs; open `jam desk"):
        run_dpo(project)
    place: Any = SimpleNamespace(root=work.root, kept_sounds=work.root / "desk" / "sounds")
    app = Starlette(routes=choosing_routes(place))
    found, favourites = comparison(work.root, "round-1"), dict[str, str]()

    def ask(method: str, path: str, **given: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://desk"
            ) as client:
                return await client.request(method, path, **given)

        return asyncio.run(asked())

    def answer(rater: str, count: int, is_contrary: bool = False) -> None:
        for _ in range(count):
            number = ask("GET", "/api/trials", params={"set": "round-1", "rater": rater}).json()["next"]
            sides = {"set": "round-1", "rater": rater, "trial": number}
            heard = [ask("GET", "/api/trial", params={**sides, "name": name}).content for name in "ab"]
            assert all(sound.startswith(b"fLaC") for sound in heard)
            trial = found.trial(rater, number)
            favourites[trial.prompt] = max(trial.a, trial.b)
            side = "a" if (trial.a > trial.b) != is_contrary else "b"
            assert ask("POST", "/api/choices", json={**sides, "side": side}).status_code == 201

    answer("Ann", 1)
    capfd.readouterr()
    assert len(peoples_choices(project, scores)) == 1
    assert "nobody chose of 3 of 4 pairs: those give none" in capfd.readouterr().out
    answer("Ann", 4)
    answer("<b>Ben", 5, is_contrary=True)
    with pytest.raises(ValueError, match="agree on none of 4 pairs"):
        peoples_choices(project, scores)
    answer("Cyd", 5)
    row = run_dpo(project).rows[1]
    assert (row.num_pairs, row.num_by_people, row.num_held_out) == (3, 3, 1)
    rows = pq.read_table(work.round(1) / "pairs.parquet").to_pylist()
    assert {one["song_id"]: one["winner"] for one in rows} == favourites and all(
        one["by_people"] for one in rows
    )
    told = "chosen by <b>Ben (5 answers, 1 of 1 heard twice alike), Ann (5 answers, 1 of 1 heard twice alike), Cyd"
    assert told in capfd.readouterr().out
    report = standing_rounds(work)
    assert report and escape(told) in rounds_section(report)
    assert raters_line(report.record()["rows"][1]["raters"]).startswith(told)
    table = pq.read_table(scores)
    other = table.set_column(
        table.column_names.index("checkpoint"), "checkpoint", pa.array(["other"] * table.num_rows)
    )
    pq.write_table(other, tmp_path / "scores.parquet")
    with pytest.raises(
        ValueError, match=r"\(15 answers about other candidates of these prompts stand unused\)"
    ):
        peoples_choices(project, tmp_path / "scores.parquet")
    next((work.root / "choices").glob("*/*/00001.json")).write_text("{}")
    with pytest.raises(
        ValueError, match=r"choices: .*00001\.json cannot be read .* put it back or remove it"
    ):
        run_dpo(project)
