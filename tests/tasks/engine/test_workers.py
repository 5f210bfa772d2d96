"""Groups of workers: a stage's own resources and interpreter, one budget, no worker left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
from pathlib import Path

import psutil
import pytest
import ray

from tasks.engine.column_file import stored_cache_key
from tasks.engine.interpreter import ask_cache_key, check_interpreter
from tasks.engine.params import EngineParams, StageWorkers, pool_sizes
from tasks.engine.pipeline import Pipeline
from tasks.engine.pool import HEAP, ActorPools, connect
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import BadModel
from tests.tasks.engine.probes import ENGINE, Broken, Factor, Flag, Measure, Where, table_of

FACTOR = Factor(factor=1.0)


def engine(**stages: StageWorkers) -> EngineParams:
    return ENGINE.model_copy(update={"stages": stages, "num_workers": None})


def all_cpus_are_free(within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"]:
            return True
        time.sleep(0.2)
    return False


SONG_AFTER_SONG = """
import resource, numpy as np
for _ in range(20):
    del [np.ones(2**18) for _ in range(16)][:]  # 16 x 2 MiB at once
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's malloc")
def test_a_worker_uses_freed_memory_again_and_does_not_ask_the_kernel_for_every_array() -> None:
    def page_faults(environment: dict[str, str]) -> int:
        run = [sys.executable, "-c", SONG_AFTER_SONG]
        return int(subprocess.run(run, env=environment, capture_output=True, check=True).stdout)

    plain = {name: value for name, value in os.environ.items() if name not in HEAP}
    assert page_faults(plain) - page_faults(plain | HEAP) > 10 * 16 * 512


def test_pools_share_the_machine() -> None:
    stages, machine = {"ingest", "separate", "encode"}, {"CPU": 16.0, "GPU": 2.0}
    gpu = StageWorkers(gpus=0.5, cpus=2.0)
    assert pool_sizes(engine(), stages, machine) == {"": 16}
    assert pool_sizes(engine(separate=gpu), stages, machine) == {"": 8, "separate": 4}
    asked = engine(separate=gpu.model_copy(update={"workers": 1}), encode=StageWorkers())
    assert pool_sizes(asked, stages, machine) == {"": 7, "separate": 1, "encode": 7}
    assert pool_sizes(engine(separate=gpu), {"ingest"}, machine) == {"": 16}, (
        "a stage that stands takes nothing"
    )


def test_more_than_this_machine_has_is_refused_in_one_line() -> None:
    connect(ENGINE)
    with pytest.raises(
        ValueError, match=r"engine\.stages\.measure: a worker asks for 4000 CPU, this machine"
    ):
        ActorPools(engine(measure=StageWorkers(cpus=4000.0)), {"measure"})


@pytest.mark.parametrize("own", [StageWorkers(gpus=64.0), StageWorkers(memory_mb=10**9)])
def test_pool_that_could_never_start_is_refused(own: StageWorkers) -> None:
    with pytest.raises(ValueError, match=r"engine\.stages\.measure: a worker asks for"):
        pool_sizes(engine(measure=own), {"measure"}, {"CPU": 8.0, "memory": 1e9})


def test_stage_with_own_workers_gives_their_room_back(tmp_path: Path) -> None:
    """Each pool asks for the whole machine: the second starts only when the first has ended."""
    connect(ENGINE)
    whole = ray.cluster_resources()["CPU"]
    pipeline = Pipeline(table_of(tmp_path, ["one", "two"]), [Measure(FACTOR), Flag(FACTOR)])
    params = engine(measure=StageWorkers(cpus=whole, workers=1), flag=StageWorkers(cpus=whole, workers=1))
    reports = run_pipelines([pipeline], params, tmp_path / "receipts")
    assert all(report.finished for report in reports)
    assert all_cpus_are_free()
    (raylet,) = [one for one in psutil.Process().children() if one.name() == "raylet"]
    assert raylet.environ()["RAY_prestart_worker_first_driver"] == "0", (
        "no worker that could be given no work"
    )


@pytest.fixture(scope="module")
def other_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own: all packages of this one, and a distribution that only it has."""
    root = tmp_path_factory.mktemp("other")
    venv.EnvBuilder(symlinks=True).create(root)
    packages = next(root.glob("lib/python*/site-packages"))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (packages / "only_there-2.5.dist-info").mkdir()
    facts = "Metadata-Version: 2.1\nName: only-there\nVersion: 2.5\n"
    (packages / "only_there-2.5.dist-info" / "METADATA").write_text(facts)
    return root / "bin" / "python"


def test_stage_runs_in_its_own_interpreter_and_is_made_of_what_that_one_has(
    tmp_path: Path, other_python: Path
) -> None:
    params = engine(where=StageWorkers(workers=1, python=str(other_python), env={"MOOD": "calm"}))
    pipeline = Pipeline(
        table_of(tmp_path, ["one"]), [Measure(FACTOR), Where(FACTOR)], pythons=params.pythons()
    )
    run_pipelines([pipeline], params, tmp_path / "receipts")
    (row,) = pipeline.rows(["artist", "source"])
    assert Path(row["artist"]) == other_python.parents[1] and row["source"] == "calm"
    assert stored_cache_key(pipeline.path("where", 0))["packages"] == {"only-there": "2.5"}
    here = Pipeline(pipeline.table, [Measure(FACTOR), Where(FACTOR)])
    assert here.cache_key("where", 0)["packages"] == {"only-there": "missing"}


@pytest.mark.parametrize("path", ["/nowhere/bin/python", "/bin/sh", __file__])
def test_wrong_interpreter_is_one_line_before_anything_starts(path: str) -> None:
    with pytest.raises(ValueError, match=r"engine\.stages\.where\.python: .* (is|give)") as refusal:
        engine(where=StageWorkers(python=path)).pythons()
    assert "\n" not in str(refusal.value)


def test_interpreter_without_ray_is_refused(tmp_path: Path) -> None:
    venv.EnvBuilder(symlinks=True).create(tmp_path / "bare")
    with pytest.raises(ValueError, match="no Python with ray"):
        check_interpreter("engine.stages.where.python", str(tmp_path / "bare" / "bin" / "python"))


def test_interpreter_that_lacks_a_package_of_ours_is_named(tmp_path: Path) -> None:
    venv.EnvBuilder(symlinks=True).create(tmp_path / "bare")
    python = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(
        ValueError, match=r"engine\.stages\.where\.python: .* cannot run the stage: .*No module"
    ):
        ask_cache_key(python, Where(FACTOR))


def test_model_that_cannot_be_loaded_ends_the_run_and_what_was_committed_stands(tmp_path: Path) -> None:
    pipeline = Pipeline(
        table_of(tmp_path, ["one", "two", "three", "four", "five"]), [Measure(FACTOR), Broken(FACTOR)]
    )
    with pytest.raises(BadModel, match=r"broken: broken\.weights: /w/model\.pt cannot be loaded") as refusal:
        run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    assert "\n" not in str(refusal.value)
    assert len(pipeline.missing("measure")) < 2 and pipeline.missing("broken") == [0, 1]
    assert all_cpus_are_free(), "no worker is left"


def test_receipt_says_what_a_partition_took(tmp_path: Path) -> None:
    pipeline = Pipeline(table_of(tmp_path, ["one", "two"]), [Measure(FACTOR), Flag(FACTOR)])
    (receipt, _) = (r.receipts[0] for r in run_pipelines([pipeline], ENGINE, tmp_path / "receipts"))
    (path,) = (tmp_path / "receipts" / "measure").iterdir()
    note = json.loads(path.read_text())
    assert note["songs"] == 2 and note["workers"] == 2 and note["device"] == "cpu"
    assert note["peak_gpu_memory_mb"] is None and note["real_time_factor"] is None, "not known is never 0"
    assert 0 <= note["waiting_s"] + note["working_s"] <= note["seconds"] and note["peak_memory_mb"] > 10
    assert 0 < note["cpu_s"] == receipt.cpu_s
    assert receipt.kept == 2


def test_idle_workers_give_back_what_they_hold_down_to_the_fewest() -> None:
    connect(ENGINE)
    patient = ENGINE.model_copy(update={"idle_worker_s": 60.0, "min_workers": 1})
    pool = ActorPools(patient, {"measure"})
    group = pool.pools[""]
    try:
        while len(pool.free("", 5)) != 2:  # all at once, as many as the pool may have
            list(pool.finished(timeout_s=1.0))
        pool.make_room()
        assert group.num_idle == 2, "idle, but not for long"
        pool.params = patient.model_copy(update={"idle_worker_s": 0.0})
        pool.make_room()
        assert group.num_idle == 1
    finally:
        pool.close()
    assert all_cpus_are_free()
