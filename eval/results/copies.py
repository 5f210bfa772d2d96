"""Whether generated songs are copies of what a model learned from, as records, and when their share forbids a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.stats.intervals import Estimate


@dataclass(frozen=True)
class CopyRow:
    """What was found of one system's songs.

    Attributes:
        of_training: the share of its songs that are near any training song.
        of_drawn, of_held_out: near one of `Copies.num_drawn` training songs, and of as many that nobody trained on.
        difference: `of_drawn` minus `of_held_out`, paired within songs: what is no coincidence.
        near: (song, training song) of all that were found.
    """

    system: str
    of_training: Estimate
    of_drawn: Estimate
    of_held_out: Estimate
    difference: Estimate
    near: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Copies:
    """Every system whose songs were held against the training songs. `max_share`: more forbids a release; None: no limit."""

    num_training: int
    num_drawn: int
    max_share: float | None
    rows: Sequence[CopyRow]


def release_refusal(record: Mapping[str, Any], system: str, max_share: float | None) -> str | None:
    """Why the weights of a system in a report.json may not leave the house, in a line; None where they may.

    A limit that nothing was held against refuses too: silence is no proof.
    """
    if max_share is None:
        return None
    row = (record.get("copies") or {}).get("systems", {}).get(system)
    if row is None or row["of_training"]["value"] is None:
        return (
            f"copies.max_share is {max_share:g}, but the report does not say whether {system} copies; "
            "set copies.check: always and run `jam benchmark` again"
        )
    share, n = row["of_training"]["value"], row["of_training"]["n"]
    if share <= max_share:
        return None
    return (
        f"copies.max_share is {max_share:g}, but {round(share * n)} of {n} songs by {system} are near a training song "
        f"({share:.3g}); no card is written"
    )
