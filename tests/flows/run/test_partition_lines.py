"""One line a partition and one a dropped song, for people or for machines."""

from __future__ import annotations

import json

import pytest

from flows.run.progress import partition_lines
from tasks.engine.run_partition import Receipt
from tasks.engine.scheduler import StageReport

RECEIPT = Receipt(
    "align", 7, songs=16, kept=15, dropped={"not_aligned": 1}, details={"song-0123": "no word was found"},
    seconds=2.0, waiting_s=0.25, working_s=1.5, cpu_s=1.75, audio_s=160.0, workers=2, device="cpu", peak_memory_mb=310.4,
    peak_gpu_memory_mb=None, decodes=16, reads=16, sha256={},
)  # fmt: skip


def shown(form: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    (watch,) = partition_lines(form)
    report = StageReport("align", partitions=2, fresh=1)
    watch(report)
    report.receipts.append(RECEIPT)
    watch(report)
    watch(report)  # nothing is said twice
    return capsys.readouterr().out.splitlines()


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown("text", capsys) == [
        "align 7: 15 of 16 songs in 2.0 s, 80x real time, dropped not_aligned 1",
        "align 7: song-0123: no word was found",
    ]


def test_lines_for_machines_say_stage_partition_and_song(capsys: pytest.CaptureFixture[str]) -> None:
    partition, song = map(json.loads, shown("json", capsys))
    assert partition["event"] == "partition" and partition["real_time_factor"] == 80.0
    assert (partition["stage"], partition["partition"], partition["dropped"]) == (
        "align",
        7,
        {"not_aligned": 1},
    )
    assert song["event"] == "dropped" and song["song"] == "song-0123" and song["time"].endswith("+00:00")


def test_nothing_is_said_unless_asked_for() -> None:
    assert partition_lines("none") == []
