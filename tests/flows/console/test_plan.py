"""jam run --plan: what would run and what it would take, from what ran before; nothing is touched."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.commands.main import run
from flows.console.plan import plan_lifecycle, print_plan
from flows.settings.project import Project, WorkFolder
from tasks.storage.files import write_json
from tasks.upkeep.plan import UP_TO_DATE, Item, Plan
from tests.tasks.stages.generated.test_generate import tiny_checkpoint
from tests.tasks.tiny import write_song

ROOT = Path(__file__).resolve().parents[3]
ENOUGH = (  # for three songs
    *("group.min_validation_songs=1", "group.min_benchmark_songs=1", "benchmark.num_songs=1"),
    *("round.num_prompts=1", "round.num_held_out=1", "gate.num_prompts=1"),
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for number in range(3):
        write_song(tmp_path / "songs" / f"{number}.wav", 4.0, seed=number)
    settings = [f"songs.path={tmp_path / 'songs'}", *ENOUGH]
    return Project.at(tmp_path / "W", None, settings)


def receipt(work: WorkFolder, stage: str, **values: object) -> None:
    note = {"stage": stage, "songs": 4, "seconds": 10.0, "workers": 2, "peak_memory_mb": 300.0, **values}
    write_json(work.receipts / "prepare" / stage / "part-00000-old.json", note)


def test_songs_that_are_new_are_planned_and_nothing_is_written(project: Project, tmp_path: Path) -> None:
    plan = plan_lifecycle(project)
    assert [(item.todo, item.songs) for item in plan.flows["prepare"]] == [("3 of 3 partitions", 3)] * 12
    assert not (tmp_path / "W").exists()
    assert not plan.missing
    assert {"ingest", "pretrain", "generate", "rounds"} <= set(plan.unknown()), "never ran: not 0 seconds"


def test_rounds_and_benchmark_are_planned_with_all_stages_that_they_run(project: Project) -> None:
    asked = project.params.benchmark.model_copy(update={"second_judge": "audiobox"})
    second = Project(project.params.model_copy(update={"benchmark": asked}), project.work)
    flows = plan_lifecycle(second).flows
    of_gate = {"generate", "separate", "transcribe", "style", "score", "reward"}
    assert of_gate | {"rounds"} == {item.name for item in flows["dpo"]} and len(flows["dpo"]) == 7
    assert "reward" in {item.name for item in flows["benchmark"]}, "the second judge"


def test_time_is_that_of_earlier_runs_whatever_their_settings_were(project: Project, tmp_path: Path) -> None:
    receipt(project.work, "separate")
    item = {item.name: item for item in plan_lifecycle(project).flows["prepare"]}["separate"]
    assert (item.worker_s, item.workers, item.seconds, item.memory_mb) == (7.5, 2, 3.75, 300.0)


def test_stages_of_the_shared_pool_add_up_and_own_workers_stand_beside_them() -> None:
    shared = [Item(name, "1 of 1 partitions", 1, 10.0, 2) for name in ("ingest", "check")]
    own = Item("separate", "1 of 1 partitions", 1, 80.0, 10, own=True)
    stands = Item("align", UP_TO_DATE)
    assert Plan({"prepare": [*shared, own, stands]}, []).seconds() == 10.0
    assert Plan({"prepare": [*shared, Item("separate", "all", 1, 80.0, 4, own=True)]}, []).seconds() == 20.0


def test_a_finished_training_of_the_same_section_stands_only_behind_what_stands(
    project: Project, tmp_path: Path
) -> None:
    run = project.work.checkpoint("pretrain") / "0123"
    write_json(run / "train.json", {"params": project.params.pretrain.model_dump(mode="json")})
    write_json(run / "done.json", {})
    (run / "log.jsonl").write_text(json.dumps({"step": 50, "seconds": 5.0}) + "\n")
    pretrain = plan_lifecycle(project).flows["train"][0]
    assert pretrain.todo == "2000 steps", "its shards would change"
    assert pretrain.seconds == pytest.approx(200.0)


def test_what_is_missing_is_said_with_its_cure_and_ends_in_1(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poor = Project.at(
        project.work.root, None, ["models.style_encoder.model=muq_mulan", f"songs.path={tmp_path}"]
    )
    assert print_plan(poor) == 1
    shown = capsys.readouterr().out
    assert "missing: models.style_encoder.muq_mulan" in shown and "jam doctor --download" in shown
    assert run(["run", "--plan", "--songs", "/nowhere", "--work", str(project.work.root)]) == 2
    said = capsys.readouterr()
    refusal = "jam: songs: /nowhere is neither a folder with songs nor a manifest; give one that exists\n"
    assert (said.out, said.err) == ("", refusal)


def test_a_plan_says_what_more_songs_are_needed_for_and_ends_in_1(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = project.params.benchmark.model_copy(update={"num_songs": 2})
    more = Project(project.params.model_copy(update={"benchmark": asked}), project.work)
    assert print_plan(more) == 1
    shown = capsys.readouterr().out
    assert (
        "missing: songs: 3 found; at least 34 by benchmark.num_songs (2 benchmark songs with lyrics)" in shown
    )
    assert "in all: not known yet: no earlier run here had ingest" in shown


def test_the_plan_is_readable_without_a_terminal(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    receipt(project.work, "encode")
    assert print_plan(project) == 0
    shown = capsys.readouterr().out
    row = next(line for line in shown.splitlines() if "encode" in line)
    assert row.split() == ["prepare", "encode", "3", "of", "3", "partitions", "3", "8", "2", "300", "4"]
    assert "in all: about 4 s, as earlier runs went, and the time of ingest" in shown
    assert "needs: 600 MB of memory for the largest stage; 0 GPUs" in shown


def test_a_training_is_planned_with_memory_time_and_money_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--plan", "--work", str(tmp_path / "W")]
    assert run(["train", *given, "--set", "plan.price_per_device_hour=3"]) == 0
    told = capsys.readouterr().out
    for name in ("pretrain", "sft"):
        assert f"{name}: 1,196,288 parameters" in told and f"{name}: 2 devices at 3 an hour: " in told
    assert "optimiser: bitsandbytes_8bit" in told and "hours, from 6 steps here" in told
    preset = str(ROOT / "params" / "one_gpu_12gb.yaml")
    assert run(["dpo", *given, "--params", preset]) == 0
    told = capsys.readouterr().out
    assert "dpo: 532,934,592 parameters and 8,290,304 of adapters, which alone are learned" in told
    assert "a reference of its own" in told and "this machine has no GPU to measure" in told
    tiny_checkpoint(tmp_path / "made")
    assert run(["train", *given, "--from", str(tmp_path / "made")]) == 0
    told = capsys.readouterr().out
    assert "pretrain" not in told and "money is not told; give plan.price_per_device_hour" in told
    assert not (tmp_path / "W").exists()
