"""How fast stages ran (`Pace`, hours), from the receipts of the partitions that stand."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.results.data_set import StageRate
from tasks.engine.pipeline import Pipeline
from tasks.storage.files import names_in


def receipts_of(pipeline: Pipeline, stage: str, folder: Path) -> list[dict[str, Any]]:
    """The receipts of a stage's present column files, in the order of the table."""
    names = [f"{pipeline.name(stage, number)}.json" for number in pipeline.partitions]
    standing = names_in(folder / stage)
    return [json.loads((folder / stage / name).read_text()) for name in names if name in standing]


def rates(pipeline: Pipeline, folder: Path) -> list[StageRate]:
    """The stages that have receipts in `folder`, in order; what an old receipt does not say stays unknown.

    A stage that is not told how long its songs are counts the audio of their partitions.
    """
    partition_s: dict[int, float] = defaultdict(float)
    for row in pipeline.rows(["duration_s"]):
        partition_s[row["partition"]] += row.get("duration_s") or 0.0
    notes = {stage: receipts_of(pipeline, stage, folder) for stage in pipeline.stages}
    return [
        StageRate(
            stage,
            songs=sum(note["songs"] for note in of_stage),
            worker_s=sum(note["seconds"] for note in of_stage),
            audio_s=sum(note["audio_s"] or partition_s[note["number"]] for note in of_stage),
            device=", ".join(sorted({note["device"] for note in of_stage if "device" in note})),
            peak_memory_mb=_most(of_stage, "peak_memory_mb"),
            waiting_share=_share(of_stage, "waiting_s"),
            peak_gpu_memory_mb=_most(of_stage, "peak_gpu_memory_mb"),
            workers=of_stage[-1].get("workers"),
            decodes=_sum(of_stage, "decodes"),
            reads=_sum(of_stage, "reads"),
        )
        for stage, of_stage in notes.items()
        if of_stage
    ]


def hours_in_all(found: Sequence[StageRate], audio_h: float, own: Collection[str]) -> float | None:
    """Hours this much audio takes: the stages of the shared pool one after another, `own` ones beside them."""
    hours = {rate.stage: rate.hours_for(audio_h) for rate in found}
    known = {stage: value for stage, value in hours.items() if value is not None}
    if not known or len(known) < len(hours):
        return None
    shared = sum(value for stage, value in known.items() if stage not in own)
    return max(shared, *(value for stage, value in known.items() if stage in own), 0.0)


def _most(notes: Sequence[dict[str, Any]], kind: str) -> float | None:
    return max((note[kind] for note in notes if note.get(kind) is not None), default=None)


def _sum(notes: Sequence[dict[str, Any]], kind: str) -> int | None:
    """None where a receipt does not know this kind."""
    return sum(note[kind] for note in notes) if all(kind in note for note in notes) else None


def _share(notes: Sequence[dict[str, Any]], kind: str) -> float | None:
    """Of the seconds of the receipts that know this kind."""
    knowing = [note for note in notes if kind in note]
    seconds = sum(note["seconds"] for note in knowing)
    return sum(note[kind] for note in knowing) / seconds if seconds else None


@dataclass(frozen=True)
class Pace:
    """What one song took of a worker in earlier runs of a stage, whatever its settings were. None: not recorded."""

    song_s: float
    workers: int | None
    memory_mb: float | None


def paces(folder: Path) -> dict[str, Pace]:
    """The pace of every stage that has receipts in any flow's folder of `folder`, also of files that went since."""
    notes: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted(folder.glob("*/*/part-*.json")):
        note = json.loads(path.read_text())
        notes[note["stage"]].append(note)
    return {
        stage: Pace(
            sum(note["seconds"] for note in of_stage) / songs,
            of_stage[-1].get("workers"),
            _most(of_stage, "peak_memory_mb"),
        )
        for stage, of_stage in notes.items()
        if (songs := sum(note["songs"] for note in of_stage))
    }
