"""A run is watched by its files alone: who holds the folder, how far and how fast stages are, losses, and a log to search."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tasks.desk.watch import Watch
from tasks.storage.lease import Lease
from tests.tasks.desk.test_index import STAGES, fill


def receipt(root: Path, stage: str, number: int, **facts: Any) -> None:
    note = {"stage": stage, "number": number, "songs": 3, "kept": 2, "seconds": 6.0, "audio_s": 60.0}
    note |= {"dropped": {"too_quiet": 1}, "details": {f"{number}-2": "<b>-60 LUFS"}, **facts}
    path = root / "receipts" / "prepare" / stage / f"part-{number:05d}-0.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(note))


def test_a_run_is_told_by_its_files_and_reading_changes_none(tmp_path: Path) -> None:
    for number in range(2):
        fill(tmp_path / "table", number, ["a", "b", "c"], STAGES if number else STAGES[:2])
        receipt(tmp_path, "check", number)
    log = tmp_path / "checkpoints" / "sft" / "abc" / "log.jsonl"
    log.parent.mkdir(parents=True)
    lines = [json.dumps({"step": step, "loss": 1 / step, "seconds": 2.0 * step}) for step in range(1, 1001)]
    log.write_text("\n".join(lines) + '\n{"step": 10')  # the last line is being written
    (tmp_path / "lease.json").write_text("{")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    watch = Watch(tmp_path, STAGES, tmp_path / "receipts" / "prepare")
    facts = watch.facts()
    assert facts["run"] is None
    by_stage = {one["stage"]: one for one in facts["stages"]}
    assert (by_stage["check"]["done"], by_stage["filter"]["done"], by_stage["filter"]["total"]) == (2, 1, 2)
    assert by_stage["check"]["times_real"] == 10 and by_stage["check"]["songs_per_s"] == 0.5
    assert by_stage["check"]["drops"] == {"too_quiet": 2} and by_stage["filter"]["songs_per_s"] is None
    (training,) = facts["trainings"]
    assert (training["name"], training["step"], training["is_done"]) == ("checkpoints/sft", 1000, False)
    assert training["losses"][0] == [1, 1.0] and len(training["losses"]) <= 250
    found = watch.log("lufs")
    assert {line["song"] for line in found["lines"]} == {"0-2", "1-2"} and found["receipts"] == 2
    assert len(watch.log("")["lines"]) == 4 and watch.log("nothing")["lines"] == []
    with pytest.raises(ValueError, match="at most 200"):
        watch.log("x" * 201)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    (tmp_path / "lease.json").unlink()
    lease = Lease(tmp_path, "prepare")
    lease.opened()
    run = watch.facts()["run"]
    assert run["is_alive"] and (run["command"], run["pid"]) == ("prepare", os.getpid())
