"""What an edit may say, kind by kind (times, approve, reject, again, undo), and which stage each concerns first: there it enters the cache key.

| kind | value | stage |
|---|---|---|
| times | ``words``: hash of the words it was made on; ``times``: a start and an end for each | align |
| words | ``made_on``: hash of the words of the lyrics file; ``words``: all words; ``times``: theirs | ingest, align |
| approve, reject | ``reason``: why, in a person's words | filter |
| again | ``stage``: the one that dropped the song, which tries it again | that stage |
| undo | nothing: the last edit that counts no longer does | |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from tasks.edits.times import words_hash

TIMES, WORDS, APPROVE, REJECT, AGAIN, UNDO = "times", "words", "approve", "reject", "again", "undo"
INGEST, ALIGN, FILTER = "ingest", "align", "filter"
MAX_REASON, MAX_WORD, MAX_WORDS, MAX_SECONDS = 500, 100, 20_000, 1_000_000
_FIELDS = {
    TIMES: {"words", "times"},
    WORDS: {"made_on", "words", "times"},
    APPROVE: {"reason"},
    REJECT: {"reason"},
    AGAIN: {"stage"},
    UNDO: set[str](),
}


class AnEdit(Protocol):
    """What is asked of an edit here."""

    @property
    def kind(self) -> str: ...

    @property
    def value(self) -> Mapping[str, Any]: ...

    @property
    def number(self) -> int: ...


AnyEdit = TypeVar("AnyEdit", bound=AnEdit)


def check_value(kind: str, value: Any) -> None:
    """Raises ValueError where a value is none of this kind."""
    if kind not in _FIELDS:
        raise ValueError(f"kind: {kind!r} is none of {', '.join(_FIELDS)}")
    if not isinstance(value, Mapping) or value.keys() != _FIELDS[kind]:
        raise ValueError(f"value: an edit of kind {kind} has {sorted(_FIELDS[kind]) or 'no fields'}")
    texts = _FIELDS[kind] - {"times"} - ({"words"} if kind == WORDS else set())
    for name in texts:
        text = value[name]
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_REASON:
            raise ValueError(f"{name}: give a text of 1 to {MAX_REASON} characters")
    if "times" in value:
        _check_times(value["times"])
    if kind == WORDS:
        _check_words(value["words"], len(value["times"]))


def _check_words(words: Any, count: int) -> None:
    if not isinstance(words, list) or len(words) != count:
        raise ValueError(f"words: give a text for each of the {count} times")
    for number, word in enumerate(words):
        if not isinstance(word, str) or len(word) > MAX_WORD or word.split() != [word]:
            raise ValueError(
                f"words: word {number + 1} is {word!r}; give 1 to {MAX_WORD} characters and no blank"
            )


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


def effective(edits: Sequence[AnyEdit]) -> list[AnyEdit]:
    """The edits that count: each undo takes the last one away."""
    found: list[AnyEdit] = []
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
        elif edit.kind == WORDS:
            words = edit.value["words"]
            said.setdefault(INGEST, {}).update(made_on=edit.value["made_on"], words=words)
            said.setdefault(ALIGN, {}).update(words=words_hash(words), times=edit.value["times"])
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


def decided(edits: Mapping[str, Sequence[AnEdit]]) -> dict[str, bool]:
    """The songs that a person approved (True) or rejected, by content hash."""
    said = for_pipeline(edits).get(FILTER, {})
    return {name: one["decision"] == APPROVE for name, one in said.items() if "decision" in one}
