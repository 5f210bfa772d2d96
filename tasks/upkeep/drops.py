"""Why songs were dropped (`Drop`), in whole sentences by reason with an example: out of the receipts of what stands, and of the listing's own facts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.engine.pipeline import Pipeline
from tasks.engine.table import GONE, SOURCES
from tasks.songs.folder import refusals_in

DUPLICATE = "duplicate"
ENDED_WORKERS = {
    "worker_died": "each worker that was given this song alone died",
    "out_of_memory": "each worker that was given this song alone took too much memory (engine.song_memory_mb)",
    "timed_out": "it took longer than a song may (engine.song_limit_s)",
}
"""Sentences of drops that no stage gave: their songs ended the workers."""


@dataclass(frozen=True)
class Drop:
    """A song that goes no further, by which stage and why; `sentence` is empty where nothing is known but the reason."""

    song_id: str
    stage: str
    reason: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.sentence}" if self.sentence else self.reason


def drops_of(pipeline: Pipeline, rows: Iterable[Mapping[str, Any]], receipts: Path) -> list[Drop]:
    """The drops among rows of the pipeline's table, in their order; `receipts` is the folder of the flow's receipts."""
    dropped = [row for row in rows if row["drop_reason"]]
    said: dict[str, str] = {}
    firsts = _first_of_each_audio(pipeline) if any(row["drop_reason"] == DUPLICATE for row in dropped) else {}
    for stage, number in sorted({(row["dropped_by"], row["partition"]) for row in dropped}):
        if stage == SOURCES:
            said |= _listing_says(pipeline, number, firsts)
        else:
            said |= _receipt_says(receipts / stage / f"{pipeline.name(stage, number)}.json")
    return [
        Drop(
            row["song_id"],
            row["dropped_by"],
            row["drop_reason"],
            said.get(row["song_id"]) or ENDED_WORKERS.get(row["drop_reason"], ""),
        )
        for row in dropped
    ]


def by_reason(drops: Iterable[Drop]) -> dict[str, list[Drop]]:
    """The drops of each reason, the most frequent reason first."""
    found: dict[str, list[Drop]] = defaultdict(list)
    for drop in drops:
        found[drop.reason].append(drop)
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def example_of(drops: Sequence[Drop]) -> Drop:
    """The first that says more than its reason, else the first."""
    return next((drop for drop in drops if drop.sentence), drops[0])


def refused_paths(path: Path) -> dict[str, list[str]]:
    """What ingest did not take as a song, from its ``ingest.jsonl``: by reason, each path with what is known of it."""
    found: dict[str, list[str]] = defaultdict(list)
    for refusal in refusals_in(path):
        found[refusal["reason"]].append(": ".join(filter(None, (refusal["path"], refusal.get("detail")))))
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def _receipt_says(path: Path) -> dict[str, str]:
    """Sentences by song id; none where the receipt is gone."""
    return json.loads(path.read_text())["details"] if path.is_file() else {}


def _listing_says(pipeline: Pipeline, number: int, firsts: Mapping[str, str]) -> dict[str, str]:
    """Sentences for the songs of a partition that were refused as they were listed."""
    said = {}
    for source in pipeline.partitions[number].sources:
        reason, path = source.facts.get("refused"), (source.facts.get("audio") or {}).get("path")
        if reason == DUPLICATE:
            first = firsts.get(source.facts["content_hash"])
            said[source.song_id] = f"{path} is, byte for byte, the audio of {first}" if first else ""
        elif reason == GONE:
            said[source.song_id] = f"{path} was not among the songs that were listed last"
        elif reason:
            kind, _, fault = reason.partition("_")
            said[source.song_id] = f"the {kind} file of {path} cannot be used: {fault.replace('_', ' ')}"
    return said


def _first_of_each_audio(pipeline: Pipeline) -> dict[str, str]:
    """The song that was taken with an audio file, by the hash of its bytes."""
    sources = (source for part in pipeline.partitions.values() for source in part.sources)
    return {s.facts["content_hash"]: s.song_id for s in sources if not s.facts.get("refused")}
