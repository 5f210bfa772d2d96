"""How many songs of a data set people changed by hand, for its card: only what took effect counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eval.results.plural import counted
from tasks.edits.kinds import ALIGN, APPROVE, FILTER, REJECT
from tasks.edits.times import SET_ASIDE
from tasks.engine.pipeline import Pipeline
from tasks.engine.sources import edits_within


def edited_songs(pipeline: Pipeline, rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Kept songs whose words were timed by hand or that were approved, and those rejected; empty where there are none.

    Args:
        rows: of the whole table, with `claim_remark` and `flags`.
    """
    if not pipeline.edits:
        return {}
    timed, decided = (_edits_of(pipeline, stage) for stage in (ALIGN, FILTER))
    found = {"timed_by_hand": 0, "approved_by_hand": 0, "rejected_by_hand": 0}
    for row in rows:
        decision = decided.get(row["song_id"], {}).get("decision")
        if row["drop_reason"]:
            found["rejected_by_hand"] += decision == REJECT and row["dropped_by"] == FILTER
            continue
        aside = SET_ASIDE in (row.get("claim_remark") or "")
        found["timed_by_hand"] += "times" in timed.get(row["song_id"], {}) and not aside
        found["approved_by_hand"] += decision == APPROVE and bool(row.get("flags"))
    return found if any(found.values()) else {}


def edited_lines(counts: Mapping[str, int]) -> list[str]:
    """What the card for people says of them; nothing where there are none."""
    if not counts:
        return []
    words = {
        "timed_by_hand": "with times of words set by hand",
        "approved_by_hand": "approved by hand beyond a limit",
        "rejected_by_hand": "rejected by hand",
    }
    told = "; ".join(
        f"{counted(counts[name], 'song')} {text}" for name, text in words.items() if counts[name]
    )
    return [f"{told}.", ""]


def _edits_of(pipeline: Pipeline, stage: str) -> dict[str, Any]:
    parts = pipeline.partitions.values()
    return {name: said for part in parts for name, said in edits_within(pipeline.edits, stage, part).items()}
