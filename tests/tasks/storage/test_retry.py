"""Transient errors of the machine: what passes is waited for, a full disk is one clear line, and the next run goes on."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from flows.commands import headings
from flows.commands import main as cli
from tasks.engine import column_file
from tasks.engine.run_partition import run_partition
from tasks.storage import files
from tasks.storage import retry as trouble
from tasks.storage.files import remove_temporaries, write_bytes
from tasks.storage.retry import hint_of, with_retries
from tests.tasks.engine.probes import Cut, Factor, Measure, pipeline_of_titles, run_here, work_of


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "part-00000.tar")


def test_error_that_passes_is_tried_again_and_another_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(trouble.time, "sleep", waited.append)
    moods = [errno.EIO, errno.ESTALE, 0]

    def moody() -> str:
        if mood := moods.pop(0):
            raise OSError(mood, "for a moment")
        return "done"

    assert with_retries(moody) == "done" and waited == list(trouble.WAITS_S[:2])
    with pytest.raises(OSError, match="No space"):
        with_retries(full)
    assert len(waited) == 2


def test_storage_that_stays_away_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble.time, "sleep", lambda _: None)

    def away() -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError) as raised:
        with_retries(away)
    assert "storage failed again and again" in (hint_of(raised.value) or "")
    assert "storage failed" in (hint_of(OSError("AWS Error SLOW_DOWN during PutObject operation")) or "")
    assert hint_of(OSError("AWS Error ACCESS_DENIED during PutObject operation")) is None
    assert hint_of(ValueError("no transient error of the machine")) is None


def test_write_that_fails_for_a_moment_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failed = files.sync, []

    def once(path: Path) -> None:
        if not failed:
            failed.append(path)
            raise OSError(errno.EIO, "Input/output error")
        real(path)

    monkeypatch.setattr(files, "sync", once)
    write_bytes(tmp_path / "a.json", b"{}")
    assert failed and (tmp_path / "a.json").read_bytes() == b"{}"
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("when", ["in the shard", "in the column file", "in the receipt"])
def test_full_disk_in_the_middle_of_a_shard_leaves_nothing_and_the_next_run_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    pipeline = pipeline_of_titles(
        tmp_path, ["one", "two"], Measure(Factor(factor=1.0)), Cut(Factor(factor=1.0))
    )
    run_partition(pipeline.stages["measure"], work_of(pipeline, "measure", 0, tmp_path))
    work = work_of(pipeline, "cut", 0, tmp_path)
    with monkeypatch.context() as disk:
        if when == "in the shard":
            disk.setattr(column_file.ColumnFile, "_append", full)
        elif when == "in the column file":
            disk.setattr(column_file.pq.ParquetWriter, "write_table", full)
        else:
            disk.setattr("tasks.engine.run_partition.write_json", full)
        with pytest.raises(OSError, match="No space left"):
            run_partition(pipeline.stages["cut"], work)
    assert not list(tmp_path.rglob(".tmp-*"))
    assert work.shard is not None and not work.shard.exists() and not work.out.exists()
    run_partition(pipeline.stages["cut"], work)
    calm = pipeline_of_titles(tmp_path / "calm", ["one", "two"], *pipeline.stages.values())
    run_here(calm, tmp_path / "receipts")
    assert pipeline.missing("cut") == [] and work.shard.read_bytes() == calm.shard_path("cut", 0).read_bytes()
    assert work.out.read_bytes() == calm.path("cut", 0).read_bytes()


def test_full_disk_and_no_memory_are_one_line_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def out_of_memory(*_: object, **__: object) -> None:
        raise MemoryError

    for trouble_of, words in ((full, "the disk is full; free space"), (out_of_memory, "no memory left")):
        monkeypatch.setattr(headings, "app", lambda *_, raises=trouble_of, **__: raises())
        monkeypatch.setattr(cli, "_kept_trace", lambda: "")
        assert cli.run(["prepare"]) == 1
        said = capfd.readouterr().err
        assert words in said and "the same command goes on from there" in said and said.count("\n") == 1


def test_folder_that_may_not_be_written_is_one_line_with_its_cure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/w/lease.json")

    monkeypatch.setattr(headings, "app", refused)
    assert cli.run(["prepare"]) == 2
    said = capfd.readouterr().err
    assert "'/w/lease.json'; it may not be read or written; change its rights" in said
    assert said.count("\n") == 1


def test_sweep_takes_files_and_folders_of_ours_alone(tmp_path: Path) -> None:
    step = tmp_path / "checkpoints" / "sft" / "0123" / "steps" / ".tmp-89abcdef-step-000010"
    step.mkdir(parents=True)
    (step / ".tmp-00000000-model.safetensors").write_bytes(b"half")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / ".tmp-my-song.wav").write_bytes(b"the user's")
    assert remove_temporaries(tmp_path) == 1
    assert not step.exists() and (tmp_path / "raw" / ".tmp-my-song.wav").exists()
