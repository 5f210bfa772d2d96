"""`jam pairs --replay`: a candidate made again from its row, and held against what stands, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.table import Partition, Table
from tasks.stages.generated.generate import Generate
from tasks.storage.files import parquet_rows


def compare_samples(
    stored: Mapping[str, Any], stage: Generate, song: Song, num_threads: int
) -> tuple[bool, str]:
    """Make `song` again by `stage` on as many threads as its worker had, and hold it against its `stored` row.

    Returns whether every sample is the same, and what was found, in words.
    """
    import torch

    torch.set_num_threads(num_threads)
    again = stage.one(song)
    before_CN, after_CN = (read_bytes(audio["bytes"])[0] for audio in (stored["audio"], again["audio"]))
    num_samples = before_CN.shape[1]
    if before_CN.shape != after_CN.shape:
        return False, f"not the same: {after_CN.shape[1]} samples, {num_samples} in the table"
    largest = float(np.abs(after_CN - before_CN).max())
    same = "the same samples" if largest == 0 else "not the same samples"
    return largest == 0, f"{same}; largest difference {largest:g} over {num_samples} samples"


def find_candidate(table: Table, number: int, candidate: str) -> tuple[Partition, Song]:
    """A candidate of a round with the partition it lies in.

    Raises:
        ValueError: the round has no such candidate.
    """
    for part in table.partitions():
        for source in part.sources:
            if source.song_id == candidate:
                return part, Song(candidate, dict(source.facts))
    raise ValueError(
        f"candidate: round {number} has no candidate {candidate!r}; `jam pairs {number}` names them"
    )


def stored_row(table: Table, part: Partition, candidate: str, stage: Generate) -> dict[str, Any]:
    """The candidate's row as `generate` left it.

    Raises:
        ValueError: it was dropped or not sung, or other models than those of `stage` made it.
    """
    for path in sorted((table.root / stage.name).glob(f"part-{part.number:05d}-*.parquet")):
        for row in parquet_rows(path, ["song_id", "audio", "drop_reason", "made_by"]):
            if row["song_id"] != candidate:
                continue
            if row["drop_reason"]:
                raise ValueError(
                    f"candidate: {candidate!r} was dropped ({row['drop_reason']}); there is no sound"
                )
            if row["made_by"] != stage.made_by(stage.models):
                raise ValueError(
                    f"candidate: {candidate!r} was made by {row['made_by']}, params choose "
                    f"{stage.made_by(stage.models)}; give the params of the round"
                )
            return row
    raise ValueError(f"candidate: {candidate!r} has not been sung; run `jam dpo` first")
