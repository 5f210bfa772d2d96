"""Times of words that a person set: of these words and no others."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jam_model.words import Word

SET_ASIDE = "times set by hand are of other words and are set aside"


def words_hash(words: Sequence[str]) -> str:
    """sha256 of the words of a song; what times of words were set on."""
    return hashlib.sha256(json.dumps(list(words), ensure_ascii=False).encode()).hexdigest()


def fits(said: Mapping[str, Any] | None, words: Sequence[str]) -> bool:
    """Whether an edit has times for just these words."""
    return bool(said) and said is not None and "times" in said and said["words"] == words_hash(words)


def times_by_hand(
    said: Mapping[str, Any] | None, words: Sequence[str], duration_s: float
) -> tuple[list[Word] | None, str | None]:
    """The words with the times that a person set, cut at the song's end, and what to remark of them; None where there
    are none, or none of these words.
    """
    if said is None or "times" not in said:
        return None, None
    if not fits(said, words) or len(said["times"]) != len(words):
        return None, SET_ASIDE
    timed = [
        Word(text, float(start_s), float(end_s)).within(duration_s)
        for text, (start_s, end_s) in zip(words, said["times"], strict=True)
    ]
    return timed, None
