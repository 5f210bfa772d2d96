"""What a data card says of grades: tiers, judges, songs that are kept for their good lines or beyond limits that were set aside.

It says nothing where nobody asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from eval.results.plural import counted
from tasks.quality.limits import UNCALIBRATED
from tasks.quality.mining import MINED, without_masks
from tasks.quality.tiers import NAMES, axis_name

GRADE_COLUMNS = ("tier", "aesthetics")


def tier_of(row: Mapping[str, Any], weights: Mapping[str, float] | None) -> dict[str, Any]:
    """What the id list tells of a song's tier, and how often it is trained on; nothing without tiers."""
    tier = row.get("tier")
    return {} if weights is None or tier is None else {"tier": tier, "weight": float(weights[tier])}


def grades(kept: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Kept songs and hours by tier, quartiles of every judge's axes, and the seconds that line mining won."""
    tiers = {name: [row for row in kept if row.get("tier") == name] for name in NAMES}
    mined = [row for row in kept if MINED in (row.get("flags") or ())]
    found: dict[str, Any] = {}
    if any(tiers.values()):
        found["tiers"] = {
            name: {"songs": len(rows), "hours": round(sum(r["duration_s"] for r in rows) / 3600, 4)}
            for name, rows in tiers.items()
        }
    if judged := _by_axis(kept):
        found["aesthetics"] = {
            name: [round(float(q), 3) for q in np.quantile(scores, (0.25, 0.5, 0.75))]
            for name, scores in sorted(judged.items())
        }
    if mined:
        won_s = sum(without_masks(row["masked"], row["duration_s"]) for row in mined)
        found["mined"] = {"songs": len(mined), "seconds": round(won_s, 2)}
    if beyond := sum(UNCALIBRATED in (row.get("flags") or ()) for row in kept):
        found[UNCALIBRATED] = beyond
    return found


def grade_lines(card: Mapping[str, Any]) -> list[str]:
    """The same for people."""
    lines: list[str] = []
    if "tiers" in card:
        rows = [f"| {name} | {of['songs']} | {of['hours']:.2f} |" for name, of in card["tiers"].items()]
        lines += ["| tier | songs | hours |", "|---|---|---|", *rows, ""]
    if "aesthetics" in card:
        rows = [
            f"| {name} | {median} | {low} to {high} |"
            for name, (low, median, high) in card["aesthetics"].items()
        ]
        lines += ["| judge and axis | median | half of the songs |", "|---|---|---|", *rows, ""]
    if "mined" in card:
        songs, seconds = card["mined"]["songs"], card["mined"]["seconds"]
        lines += [f"{counted(songs, 'song')} kept for good lines alone: {seconds} s between masks.", ""]
    if UNCALIBRATED in card:
        songs = counted(card[UNCALIBRATED], "song")
        lines += [
            f"{songs} kept beyond limits that were chosen for other models and set aside, `uncalibrated`.",
            "",
        ]
    return lines


def _by_axis(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    judged: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for one in row.get("aesthetics") or ():
            judged[axis_name(one["judge"], one["axis"])].append(one["score"])
    return judged
