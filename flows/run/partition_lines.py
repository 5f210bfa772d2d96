"""One line a partition, and one a dropped song, for those who watch a run by its log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flows.run.progress import say
from tasks.engine.run_partition import Receipt
from tasks.engine.scheduler import StageReport, Watcher


def partition_lines(form: str) -> list[Watcher]:
    """The watcher that says them, as ``text`` or ``json``; ``none``: none."""
    if form == "none":
        return []
    written = _as_json if form == "json" else _as_text
    num_said: dict[int, int] = {}

    def watch(report: StageReport) -> None:
        for receipt in report.receipts[num_said.get(id(report), 0) :]:
            for line in written(receipt):
                say(line)
        num_said[id(report)] = len(report.receipts)

    return [watch]


def _as_json(receipt: Receipt) -> list[str]:
    """Objects with `time`, `event`, `stage` and `partition`, and what the event is about."""
    common = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    place = {"stage": receipt.stage, "partition": receipt.number}
    events: list[dict[str, Any]] = [
        {
            "event": "partition",
            **place,
            "songs": receipt.songs,
            "kept": receipt.kept,
            "dropped": receipt.dropped,
            "seconds": round(receipt.seconds, 3),
            "waiting_s": round(receipt.waiting_s, 3),
            "real_time_factor": receipt.real_time_factor,
            "device": receipt.device,
            "peak_memory_mb": round(receipt.peak_memory_mb),
        },
        *(
            {"event": "dropped", **place, "song": song, "detail": why}
            for song, why in receipt.details.items()
        ),
    ]
    return [json.dumps({**common, **event}, ensure_ascii=False) for event in events]


def _as_text(receipt: Receipt) -> list[str]:
    speed = f", {receipt.real_time_factor:.0f}x real time" if receipt.real_time_factor else ""
    dropped = "".join(f", dropped {reason} {count}" for reason, count in sorted(receipt.dropped.items()))
    place = f"{receipt.stage} {receipt.number}"
    lines = [f"{place}: {receipt.kept} of {receipt.songs} songs in {receipt.seconds:.1f} s{speed}{dropped}"]
    return [*lines, *(f"{place}: {song}: {why}" for song, why in receipt.details.items())]
