"""jam verify, forget and prune, and that a second writer of a work folder is one line and exit code 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from flows.commands.main import run
from flows.settings.project import Project, writes_work
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tasks.storage.files import write_json
from tasks.upkeep.checksums import CHECKSUMS
from tests.flows.prefect_server import until
from tests.flows.prepared import preparing, toy_songs
from tests.flows.test_deployments import is_alive, is_ray_worker
from tests.tasks.storage.test_lease import another_process
from tests.tasks.upkeep.test_verify import flip, flow

PROCESSES_LEFT_S = 10.0  # from a signal on, no process of a run is left after this long


@writes_work("prepare")
def failing_flow(project: Project, value: int) -> int:
    """Writes a report; fails at 0."""
    write_json(project.work.report("a") / "report.json", {"value": value})
    return 1 // value


def test_verify_names_the_damaged_file_and_repair_removes_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline = flow(tmp_path)
    assert run(["verify", "--work", str(tmp_path)]) == 0
    assert "13 files, 0 MB, all as written" in capfd.readouterr().out
    shard = pipeline.shard_path("cut", 1)
    assert shard is not None
    flip(shard)
    assert run(["verify", "--work", str(tmp_path)]) == 1
    said = capfd.readouterr().out
    assert f"shards/{shard.name}: not the bytes that were written" in said and "1 of 13 files damaged" in said
    assert run(["verify", "--repair", "--work", str(tmp_path)]) == 0
    assert not shard.exists() and pipeline.missing("cut") == [1]


def test_training_log_that_is_damaged_is_left_and_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "checkpoints" / "sft" / "0123" / "log.jsonl"
    log.parent.mkdir(parents=True)
    log.write_text('{"step": 1}\n')
    flow(tmp_path)
    flip(log)
    assert run(["verify", "--repair", "--work", str(tmp_path)]) == 1
    assert "left checkpoints/sft/0123/log.jsonl: a record of training" in capfd.readouterr().out


def test_command_on_a_held_folder_is_one_line_and_exit_code_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    process = another_process(tmp_path)
    try:
        assert run(["forget", "a-song", "--work", str(tmp_path)]) == 2
    finally:
        process.kill()
        process.wait()
    said = capfd.readouterr().err
    assert said.count("\n") == 1 and "is held by `jam train` (host" in said and f"pid {process.pid}" in said
    assert run(["forget", "a-song", "--work", str(tmp_path)]) == 2
    said = capfd.readouterr()
    assert "took" in said.out and "is 'a-song' or begins so" in said.err


def test_prune_shows_what_no_setting_needs_and_frees_it_when_it_is_told_to(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    given_up = tmp_path / "checkpoints/sft/0123"
    write_json(given_up / "train.json", {"params": {"steps": 3}})
    facts = {"content_hash": "aa", "audio": {"path": "a.wav", "bytes": None}, "title": "a"}
    Table(tmp_path / "table", SONG_COLUMNS).admit([Source("a", "aa", facts)], 4, fewest=1)
    stale = tmp_path / "table/ingest/part-00000-0123456789ab.parquet"
    stale.parent.mkdir()
    stale.write_bytes(b"of other settings")
    for arguments, says, stands in (([], "that nothing needs", True), (["--yes"], "freed", False)):
        assert run(["prune", *arguments, "--work", str(tmp_path)]) == 0
        said = capfd.readouterr().out.splitlines()
        assert said[0] == f"table/ingest/{stale.name}" and said[1] == "checkpoints/sft/0123"
        assert "prune: 2 in all" in said[2] and says in said[2]
        assert stale.exists() == given_up.exists() == stands


def test_flow_that_fails_gives_the_folder_back_with_what_it_wrote_recorded(tmp_path: Path) -> None:
    project = Project.at(tmp_path)
    with pytest.raises(ZeroDivisionError):
        failing_flow(project, 0)
    assert not (tmp_path / "lease.json").exists()
    assert "reports/a/report.json" in (tmp_path / CHECKSUMS).read_text()
    assert failing_flow(project, 1) == 1
    assert run(["verify", "--work", str(tmp_path)]) == 0


@pytest.mark.slow
def test_kills_inside_the_commits_of_a_stage_change_nothing(tmp_path: Path) -> None:
    house = Path(__file__).resolve().parents[3]
    command = [sys.executable, str(house / "bench/chaos.py"), "--episodes", "1", "--only", "ingest"]
    command += ["--random", "0", "--num-songs", "5", "--out", str(tmp_path / "chaos.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kills: 0 lost, 0 doubled, 0 differing" in done.stdout


@pytest.mark.slow
def test_run_that_is_told_to_end_leaves_no_process_and_no_half_file(tmp_path: Path) -> None:
    songs, work = toy_songs(tmp_path / "toy", 4), tmp_path / "W"
    running = preparing(songs, str(work), "engine.partition_size=1", "engine.num_workers=1")
    until("a column file", lambda: list(work.glob("table/separate/*.parquet")))
    driver = psutil.Process(running.pid)
    family = [driver, *driver.children(recursive=True)]
    assert any(map(is_ray_worker, family))
    driver.terminate()
    until("the end of its processes", lambda: not any(map(is_alive, family)), PROCESSES_LEFT_S)
    said = running.communicate()[0]
    assert running.returncode != 0 and "pack" not in said, "it should have been stopped before the end"
    assert not (work / "lease.json").exists() and not list(work.rglob(".tmp-*"))


@pytest.mark.slow
def test_run_whose_ray_is_gone_ends_and_says_so_and_the_next_goes_on(tmp_path: Path) -> None:
    songs, work = toy_songs(tmp_path / "toy", 4), tmp_path / "W"
    running = preparing(songs, str(work), "engine.partition_size=1", "engine.num_workers=1")
    until("a column file", lambda: list(work.glob("table/separate/*.parquet")))
    family = psutil.Process(running.pid).children(recursive=True)
    gone = [
        p for p in family if p.name() == "raylet" or is_ray_worker(p)
    ]  # workers alone would finish the run
    assert len(gone) > 1
    for process in gone:
        process.kill()
    said = running.communicate(timeout=120)[0]
    assert running.returncode == 1
    assert "StageFailed: Ray's node has died" in said  # Ray's own words may come after
    again = preparing(songs, str(work), "engine.partition_size=1", "engine.num_workers=1")
    assert "4 of 4 songs kept" in again.communicate()[0]
