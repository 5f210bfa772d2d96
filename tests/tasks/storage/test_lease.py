"""One writer a work folder: the second is told who, the dead are taken over, and who lost the folder commits nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tasks.engine.scheduler import run_pipelines
from tasks.storage import lease as leases
from tasks.storage.lease import LEASE_NAME, LeaseLost, WorkHeld, fence_over, hold, read_holder
from tests.tasks.engine.probes import ENGINE, Factor, Measure, pipeline_of_titles

HOLDER = """
import sys, time
from tasks.storage.lease import hold
from tasks.storage.object_store import place_of
with hold(place_of(sys.argv[1]), "train", print):
    print("held", flush=True)
    time.sleep(600)
"""


def another_process(root: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def silent(line: str) -> None:
    raise AssertionError(f"nothing was to be said, but: {line}")


def taken_over(path: Path) -> None:
    """As another machine does it."""
    holder = read_holder(path)
    assert holder is not None
    taker = replace(holder, token="another", host="other", command="dpo")
    path.write_bytes(json.dumps(asdict(taker)).encode())


def test_second_writer_is_told_who_holds_the_folder_and_a_killed_one_is_taken_over(tmp_path: Path) -> None:
    process = another_process(tmp_path)
    with (
        pytest.raises(WorkHeld, match=f"held by `jam train` .*pid {process.pid}, since 20"),
        hold(tmp_path, "prepare", silent),
    ):
        pass
    process.kill()
    process.wait()
    (tmp_path / "shards").mkdir()
    half_written = tmp_path / "shards" / ".tmp-0123abcd-part-00000.tar"
    half_written.write_bytes(b"half")
    mine = tmp_path / "shards" / ".tmp-notes"
    mine.write_bytes(b"not of a killed run")
    said: list[str] = []
    with hold(tmp_path, "prepare", said.append):
        assert not half_written.exists() and mine.exists()
    assert len(said) == 1 and f"took {tmp_path} over from `jam train`" in said[0]
    assert not (tmp_path / LEASE_NAME).exists()


def test_lease_of_another_machine_is_stale_when_its_heart_stops(tmp_path: Path) -> None:
    with hold(tmp_path, "prepare", silent):
        holder = read_holder(tmp_path / LEASE_NAME)
    assert holder is not None and holder.alive()
    far = replace(holder, machine="another", host="node-2", pid=1)
    assert far.alive()
    assert not replace(far, beat_at=time.time() - leases.STALE_S - 1).alive()


def test_pid_that_another_process_has_now_is_no_holder(tmp_path: Path) -> None:
    with hold(tmp_path, "prepare", silent):
        holder = read_holder(tmp_path / LEASE_NAME)
        assert holder is not None and holder.pid == os.getpid()
        assert not replace(holder, born="1").alive()


def test_flow_inside_a_flow_goes_on_under_the_same_lease(tmp_path: Path) -> None:
    with hold(tmp_path, "run", silent):
        outer = fence_over(tmp_path / "table")
        with hold(tmp_path, "prepare", silent):
            assert fence_over(tmp_path) == outer
        assert (tmp_path / LEASE_NAME).exists()
    assert fence_over(tmp_path) is None


def test_refused_command_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing here"), hold(tmp_path / "new", "dpo", silent):
        raise ValueError("nothing here")
    assert not (tmp_path / "new").exists()


def test_heart_notices_that_the_folder_is_anothers_and_leaves_its_lease_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_S", 0.02)
    with hold(tmp_path, "prepare", silent):
        taken_over(tmp_path / LEASE_NAME)
        time.sleep(0.2)
        with pytest.raises(LeaseLost, match=r"taken over by `jam dpo` \(host other"):
            fence = fence_over(tmp_path)
            assert fence is not None
            fence.check()
    holder = read_holder(tmp_path / LEASE_NAME)
    assert holder is not None and holder.token == "another"


def test_writer_that_lost_its_lease_commits_nothing(tmp_path: Path) -> None:
    pipeline = pipeline_of_titles(tmp_path, ["one", "two"], Measure(Factor(factor=1.0)))
    with hold(tmp_path, "prepare", silent):
        taken_over(tmp_path / LEASE_NAME)
        with pytest.raises(LeaseLost, match="host other"):
            run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    assert pipeline.missing("measure") == [0]
    assert not list(tmp_path.rglob(".tmp-*"))
