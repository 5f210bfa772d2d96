"""What an edit may say, kind by kind, and which stage each concerns first: there it enters the cache key.

| kind | value | stage |
|---|---|---|
| times | ``words``: hash of the words it was made on; ``times``: a start and an end for each | align |
| approve, reject | ``reason``: why, in a person's words | filter |
| again | ``stage``: the one that dropped the song, which tries it again | that stage |
| undo | nothing: the last edit that counts no longer does | |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

TIMES, APPROVE, REJECT, AGAIN, UNDO = "times", "approve", "reject", "again", "undo"
ALIGN, FILTER = "align", "filter"
MAX_REASON, MAX_WORDS, MAX_SECONDS = 500, 20_000, 1_000_000


class AnEdit(Protocol):
    """What is asked of an edit here."""

    @property
    def kind(self) -> str: ...

    @property
    def value(self) -> Mapping[str, Any]: ...

    @property
    def number(self) -> int: ...


def check_value(kind: str, value: Any) -> None:
    """Raises ValueError where a value is none of this kind."""
    fields = {
        TIMES: {"words", "times"},
        APPROVE: {"reason"},
        REJECT: {"reason"},
        AGAIN: {"stage"},
        UNDO: set(),
    }
    if kind not in fields:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(fields)}")
    if not isinstance(value, Mapping) or value.keys() != fields[kind]:
        raise ValueError(f"value: an edit of kind {kind} has {sorted(fields[kind]) or 'no fields'}")
    for name in fields[kind] - {"times"}:
        text = value[name]
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_REASON:
            raise ValueError(f"{name}: give a text of 1 to {MAX_REASON} characters")
    if kind == TIMES:
        _check_times(value["times"])


def _check_times(times: Any) -> None:
    if not isinstance(times, list) or not 0 < len(times) <= MAX_WORDS:
        raise ValueError(f"times: give a start and an end for each of 1 to {MAX_WORDS} words")
    latest_s = 0.0
    for number, pair in enumerate(times):
        if not isinstance(pair, list) or len(pair) != 2 or not all(_is_time(one) for one in pair):
            raise ValueError(f"times: word {number + 1} has {pair!r}; give its start and end in seconds")
        if not latest_s <= pair[0] <= pair[1]:
            raise ValueError(
                f"times: word {number + 1} lasts from {pair[0]} to {pair[1]} s, the one before starts at {latest_s} s; "
                "give starts in order, and no end before its start"
            )
        latest_s = pair[0]


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and 0 <= value < MAX_SECONDS


def effective(edits: Sequence[AnEdit]) -> list[AnEdit]:
    """The edits that count: each undo takes the last one away."""
    found: list[AnEdit] = []
    for edit in edits:
        if edit.kind != UNDO:
            found.append(edit)
        elif found:
            found.pop()
    return found


def by_stage(edits: Sequence[AnEdit]) -> dict[str, dict[str, Any]]:
    """What a song's edits say to each stage they concern; of several of a kind the last."""
    said: dict[str, dict[str, Any]] = {}
    for edit in effective(edits):
        if edit.kind == TIMES:
            said.setdefault(ALIGN, {}).update(edit.value)
        elif edit.kind == AGAIN:
            said.setdefault(edit.value["stage"], {})["again"] = edit.number
        else:
            said.setdefault(FILTER, {}).update(decision=edit.kind, reason=edit.value["reason"])
    return said


def for_pipeline(edits: Mapping[str, Sequence[AnEdit]]) -> dict[str, dict[str, Any]]:
    """The same of many songs, by stage and then by content hash, as `tasks.engine.pipeline.Pipeline` takes them."""
    said: dict[str, dict[str, Any]] = {}
    for content_hash, of_song in edits.items():
        for stage, value in by_stage(of_song).items():
            said.setdefault(stage, {})[content_hash] = value
    return said
