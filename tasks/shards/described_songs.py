"""What a data card says of descriptions: parts of songs by label and source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.results.plural import counted


def section_counts(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    """How many songs have sections, by who says them, and how many sections of each label there are."""
    parts = [row["sections"] for row in rows if row.get("sections")]
    songs = Counter(source for song in parts for source in {part["source"] for part in song})
    labels = Counter(part["label"] for song in parts for part in song)
    return {"songs": dict(sorted(songs.items())), "labels": dict(sorted(labels.items()))}


def section_lines(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The same for people; nothing where no song has sections."""
    if not counts:
        return []
    says = {"times": "as files state them", "labels": "labels at the words' times", "heard": "heard"}
    songs = ", ".join(f"{counted(count, 'song')} {says[source]}" for source, count in counts["songs"].items())
    parts = ", ".join(f"{label} {count}" for label, count in counts["labels"].items())
    return [f"Parts (`sections`): {songs}; {parts}.", ""]
