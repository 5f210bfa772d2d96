"""The deployments of prefect.yaml: what they offer, and a run of them on a server and a worker of their own."""

from __future__ import annotations

import importlib
import json
import logging
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import yaml
from prefect.states import Failed
from prefect.utilities.callables import parameter_schema

from flows.run import notify as notes
from flows.run.prefect_tasks import STOPPED
from flows.settings.params import load_params
from flows.settings.params_files import BASE
from tasks.engine.stage import BadModel
from tasks.toy.params import render
from tests.every import every
from tests.flows.prefect_server import Server, documented, listening, serving, until

DEPLOYED = yaml.safe_load((BASE.parent / "prefect.yaml").read_text())["deployments"]
FLOWS = ("lifecycle", "prepare", "train", "dpo", "benchmark", "generate", "calibrate")
STOPPED_S, WORKERS_LEFT_S = (
    30.0,
    10.0,
)  # no Ray worker of a run is left so long after Cancelling, and after SIGTERM

TINY = [
    *(
        f"{name}.{setting}"
        for name in ("pretrain", "sft", "dpo")
        for setting in (
            "steps=2", "log_every_steps=2", "checkpoint_every_steps=2", "validate_every_steps=2", "num_workers=1",
        )
    ),
    "round.num_prompts=2",
    "round.control=false",
    "gate.num_prompts=1",
    "gate.candidates=1",
    "gate.num_resamples=200",
    "round.num_held_out=1",
    "round.candidates=2",
    "sampler.num_steps=2",
    "benchmark.num_songs=1",
    "benchmark.num_resamples=100",
    "benchmark.player_songs=1",
    "group.benchmark_share=0.2",
    "group.validation_share=0.2",
]  # fmt: skip


def flow_of(deployment: dict[str, Any]) -> Any:
    path, name = deployment["entrypoint"].split(":")
    return getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)


def test_every_flow_is_deployed_for_toy_and_full() -> None:
    deployed = {(flow_of(deployment).name, deployment["name"]) for deployment in DEPLOYED}
    assert deployed == {(flow, kind) for flow in FLOWS for kind in ("toy", "full")}
    assert len(DEPLOYED) == len(deployed)
    for deployment in DEPLOYED:
        assert deployment["tags"] == ["jam", deployment["name"]] and deployment["description"]
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


@every("deployment", DEPLOYED, ids=lambda one: f"{one['entrypoint']} {one['name']}")
def test_parameters_of_a_deployment_are_typed_described_and_known(deployment: dict[str, Any]) -> None:
    flow = flow_of(deployment)
    schema = parameter_schema(flow.fn).model_dump_for_openapi()
    for name, described in schema["properties"].items():
        assert {"type", "anyOf"} & described.keys(), name
        assert len(described.get("description", "")) > 20, f"{flow.name}: {name} is not described"
    given = deployment["parameters"]
    assert given.keys() <= schema["properties"].keys()
    missing = set(schema.get("required", ())) - given.keys()
    assert missing <= {"checkpoint"}, "what only the one who runs it can know"
    if overlay := given.get("params_file"):
        load_params(BASE.parent / overlay)
    assert flow.description and flow.on_failure_hooks and flow.on_cancellation_hooks


def ended(name: str, parent: str | None = None) -> tuple[Any, Any, Any]:
    run = SimpleNamespace(name=name, id="1", parent_task_run_id=parent)
    return SimpleNamespace(name="prepare"), run, Failed(message="no songs")


def test_the_end_of_a_run_is_told_once_to_the_address_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with listening() as listener:
        monkeypatch.setenv(notes.VARIABLE, listener.url)
        notes.notify(*ended("prepare-W"))
        notes.notify(*ended("prepare-W", parent="of a life cycle"))
    assert [told["text"] for told in listener.heard] == ["prepare-W: Failed (no songs)"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "file:///etc/passwd"])
def test_an_address_nobody_answers_at_fails_no_run(
    url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(notes.VARIABLE, url)
    logger = logging.getLogger("prefect.flows.notify")
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr("prefect.logging.get_logger", lambda name: logging.getLogger(name))
    with caplog.at_level(logging.WARNING):
        notes.notify(*ended("prepare-W"))
    assert "nobody was told" in caplog.text


@pytest.mark.parametrize(
    ("error", "kept"), [(BadModel("models.codec is missing"), False), (RuntimeError("a bug"), True)]
)
def test_the_trace_of_a_foreseen_error_is_left_out_of_a_run_log(error: Exception, kept: bool) -> None:
    told = "Encountered exception during execution"
    trace = (type(error), error, None)
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        record = logging.LogRecord(name, logging.ERROR, "", 0, told, None, trace)
        assert bool(logging.getLogger(name).filter(record)) is kept


def test_what_is_typed_ends_in_a_run_of_the_life_cycle() -> None:
    *_, songs, run = documented()
    assert songs == "jam toy"
    words = shlex.split(run)
    assert words[:5] == ["prefect", "deployment", "run", "lifecycle/toy", "-p"]
    name, _, value = words[5].partition("=")
    assert name == "overrides" and load_params(None, json.loads(value))


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_ray_worker(process: psutil.Process) -> bool:
    try:
        return is_alive(process) and process.name().startswith("ray::")
    except psutil.NoSuchProcess:
        return False


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    render(load_params().toy.model_copy(update={"out": str(folder), "num_songs": 12, "seed": 11}))
    return folder / "songs"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with listening() as listener:
        folder = tmp_path_factory.mktemp("prefect")
        with serving(folder, listener.url) as (server, worker):
            yield SimpleNamespace(server=server, worker=worker, heard=listener.heard, work=folder / "W")


@pytest.fixture(scope="module")
def cancelled(house: Any, toy: Path) -> str:
    """A `prepare` that was cancelled in its middle, once no Ray process of it is left."""
    server: Server = house.server
    run = server.run("prepare/toy", songs=str(toy), work_dir=str(house.work), overrides=TINY)
    until("a column file", lambda: list(house.work.glob("table/encode/*.parquet")) or server.ended(run))
    family = house.worker.children(recursive=True)
    assert any(is_ray_worker(member) for member in family)
    end = time.monotonic() + STOPPED_S
    server.api(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLING", "name": "Cancelling"}})
    until("SIGTERM", lambda: STOPPED in server.log.read_text(), STOPPED_S)
    left_s = min(WORKERS_LEFT_S, end - time.monotonic())
    until("the end of its Ray workers", lambda: not any(map(is_ray_worker, family)), left_s)
    until("the end of its processes", lambda: not any(map(is_alive, family)))
    return run


@pytest.fixture(scope="module")
def lived(house: Any, toy: Path, cancelled: str) -> str:
    """`lifecycle/toy` in the work folder of the cancelled run."""
    until("the end of the cancelled run", lambda: house.server.ended(cancelled))
    run = house.server.run("lifecycle/toy", songs=str(toy), work_dir=str(house.work), overrides=TINY)
    state = until("the life cycle", lambda: house.server.ended(run))
    assert state == "Completed", house.server.log.read_text()[-8000:]
    return run


@pytest.mark.slow
def test_a_cancelled_run_ends_cancelled_and_leaves_no_half_file(house: Any, cancelled: str) -> None:
    assert until("its last state", lambda: house.server.ended(cancelled)) == "Cancelled"
    assert not list(house.work.glob("shards/*.tar")), "it should have been cancelled before the end"
    told = until("the notification", lambda: [note for note in house.heard if note["id"] == cancelled])
    assert [note["state"] for note in told] == ["Cancelled"]


@pytest.mark.slow
def test_the_life_cycle_goes_on_where_the_cancelled_run_was_and_shows_its_artifacts(
    house: Any, lived: str
) -> None:
    server: Server = house.server
    assert server.api(f"/flow_runs/{lived}")["name"] == f"lifecycle-{house.work}"
    assert not list(house.work.rglob(".tmp-*"))
    artifacts = {one["key"]: one for one in server.api("/artifacts/latest/filter", {})}
    assert {
        "partitions",
        "stages",
        "pairs-1",
        "benchmark",
        "verdicts",
        "questions",
        "report",
    } <= artifacts.keys()
    assert artifacts["partitions"]["type"] == "progress" and float(artifacts["partitions"]["data"]) == 100.0
    assert (house.work / "reports/benchmark/report.html").resolve().as_uri() in artifacts["report"]["data"]
    assert "stage" in artifacts["stages"]["data"] and "untrained" in artifacts["benchmark"]["data"].lower()
    assert "stand-in, not a result" in artifacts["benchmark"]["data"]
    inside = server.api("/flow_runs/filter", {"flow_runs": {"parent_flow_run_id": {"any_": [lived]}}})
    assert {one["state"]["name"] for one in inside} == {"Completed"} and len(inside) == 4
    assert [note["state"] for note in house.heard if note["id"] == lived] == ["Completed"]


@pytest.mark.slow
def test_a_run_whose_model_is_missing_fails_in_one_line(house: Any, toy: Path, cancelled: str) -> None:
    until("the end of the cancelled run", lambda: house.server.ended(cancelled))
    before = len(house.server.log.read_text())
    missing = ["models.separator.model=demucs", "models.separator.demucs.weights=/nowhere"]
    run = house.server.run(
        "prepare/toy", songs=str(toy), work_dir=str(house.work / "none"), overrides=missing
    )
    assert until("its end", lambda: house.server.ended(run)) == "Failed"
    said = until("its verdict", lambda: _with_verdict(house.server.log.read_text()[before:]))
    verdict = next(line for line in said.splitlines() if "Finished in state Failed" in line)
    assert "models.separator.demucs.weights: /nowhere does not exist; give a file" in verdict
    assert "Traceback" not in said and said.count("/nowhere does not exist") == 1
    assert not (house.work / "none").exists()


def _with_verdict(log: str) -> str | None:
    return log if "Finished in state Failed" in log else None


@pytest.mark.slow
def test_a_parameter_of_the_wrong_type_is_refused_before_a_run_begins(house: Any) -> None:
    with pytest.raises(AssertionError, match=r"(?i)validation|not of type"):
        house.server.run("prepare/toy", songs=3)
