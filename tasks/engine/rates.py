"""How fast stages ran, from the receipts of the partitions that stand; an old receipt lacks what it lacks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.engine.table import Chain

MANY_HOURS = 1000.0  # of audio: what a run of a lab's size is measured by


@dataclass(frozen=True)
class StageRate:
    """One stage, over all its receipts. None: not known, never 0.

    `times_real_time`: seconds of audio a second of one worker. `waiting_share`: of the workers' seconds, those in
    which the model waited for songs to be opened. `many_hours_h`: hours that 1,000 hours of audio would take on as
    many workers as ran it last.
    """

    stage: str
    songs: int
    audio_h: float | None
    worker_s: float
    times_real_time: float | None
    waiting_share: float | None
    working_share: float | None
    devices: tuple[str, ...]
    workers: int | None
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None
    many_hours_h: float | None


def receipts_of(chain: Chain, stage: str, folder: Path) -> list[dict[str, Any]]:
    """The receipts of a stage's present column files, in the order of the table."""
    names = [chain.path(stage, number).with_suffix(".json").name for number in chain.partitions]
    paths = [folder / stage / name for name in names]
    return [json.loads(path.read_text()) for path in paths if path.is_file()]


def rates(chain: Chain, folder: Path) -> list[StageRate]:
    """The stages that have receipts, in order. A stage that is not told durations worked on its partitions' audio."""
    partition_s: dict[int, float] = defaultdict(float)
    for row in chain.rows(["duration_s"]):
        partition_s[row["partition"]] += row.get("duration_s") or 0.0
    found = []
    for stage in chain.stages:
        notes = receipts_of(chain, stage, folder)
        if notes:
            audio_s = sum(note["audio_s"] or partition_s[note["number"]] for note in notes)
            found.append(_rate(stage, notes, audio_s))
    return found


def _rate(stage: str, notes: Sequence[dict[str, Any]], audio_s: float) -> StageRate:
    worker_s = sum(note["seconds"] for note in notes)
    times = audio_s / worker_s if audio_s else None
    workers = notes[-1].get("workers")
    gpu_mb = [note["peak_gpu_memory_mb"] for note in notes if note.get("peak_gpu_memory_mb") is not None]
    return StageRate(
        stage,
        songs=sum(note["songs"] for note in notes),
        audio_h=audio_s / 3600 if audio_s else None,
        worker_s=worker_s,
        times_real_time=times,
        waiting_share=_share(notes, "waiting_s"),
        working_share=_share(notes, "working_s"),
        devices=tuple(sorted({note["device"] for note in notes if "device" in note})),
        workers=workers,
        peak_memory_mb=max(note["peak_memory_mb"] for note in notes),
        peak_gpu_memory_mb=max(gpu_mb, default=None),
        many_hours_h=MANY_HOURS / times / workers if times and workers else None,
    )


def _share(notes: Sequence[dict[str, Any]], kind: str) -> float | None:
    """Of the seconds of the receipts that know this kind."""
    knowing = [note for note in notes if kind in note]
    seconds = sum(note["seconds"] for note in knowing)
    return sum(note[kind] for note in knowing) / seconds if seconds else None


def many_hours_in_all_h(found: Sequence[StageRate], own: Collection[str]) -> float | None:
    """Hours that 1,000 hours of audio take: stages of the shared pool one after another, `own` ones beside them."""
    known = {rate.stage: rate.many_hours_h for rate in found if rate.many_hours_h is not None}
    if len(known) < len(found) or not known:
        return None
    shared = sum(hours for stage, hours in known.items() if stage not in own)
    return max([shared, *(hours for stage, hours in known.items() if stage in own)])
