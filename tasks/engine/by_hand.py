"""What people say by hand to a stage, as it enters a cache key: of the partition's own songs alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.engine.inputs import CONTENT_HASH
from tasks.engine.sources import Partition

Edits = Mapping[str, Mapping[str, Any]]
"""Stage -> content hash of a song's audio -> what is said to the stage of the song, as JSON."""


def edits_within(edits: Edits, stage: str, part: Partition) -> dict[str, Any]:
    """What is said to a stage of the songs of a partition, by song id; of a song that the listing refused nothing."""
    said = edits.get(stage)
    if not said:
        return {}
    return {
        source.song_id: said[source.facts[CONTENT_HASH]]
        for source in part.sources
        if source.facts.get(CONTENT_HASH) in said and not source.facts.get("refused")
    }
