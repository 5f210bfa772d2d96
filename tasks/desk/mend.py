"""Which edits a song may take (times, approve, reject, undo): what a person asks for, held against the song as it stands, before it is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.edits.kinds import AGAIN, APPROVE, TIMES, UNDO, WORDS, check_value
from tasks.edits.store import Conflict, Edit, add_edit
from tasks.engine.sources import SOURCES
from tasks.quality.detected import DETECTED
from tasks.quality.measures import MEASURES
from tasks.quality.mining import TOO_LITTLE
from tasks.stages.filter import REJECTED, Filter

OF_LIMITS = {reason for measure in (*MEASURES, *DETECTED) for reason in measure.limits.values()}
OF_LIMITS |= {TOO_LITTLE, REJECTED}
"""Drop reasons that a person may overrule: those of the measures' limits, and a person's own."""
PAST_END_S = 0.01


def mend(root: Path, song: Mapping[str, Any], before: str, kind: str, value: Mapping[str, Any]) -> Edit:
    """Write an edit of a song; `song`: as `tasks.desk.song.song_facts` gives it, `before`: the edit that was seen last.

    Raises:
        Conflict: somebody edited the song since, or its words are others by now.
        ValueError: the song cannot take it; the line says why and what it can take.
    """
    check_value(kind, value)
    if not song["content_hash"]:
        raise ValueError("edit: the song has no audio file of its own in the listing")
    if kind == TIMES:
        _check_times(song, value)
    elif kind == WORDS:
        _check_words(song, value)
    elif kind == APPROVE:
        _check_approval(song)
    elif kind == AGAIN:
        _check_again(song, value["stage"])
    elif kind == UNDO and not song["edits"]["standing"]:
        raise ValueError("undo: no edit of the song counts")
    return add_edit(root, song["content_hash"], song["song_id"], before, kind, value)


def _check_times(song: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    if value["words"] != song["words_hash"]:
        raise Conflict("times: the words of the song changed since; look at it again")
    if len(value["times"]) != len(song["words"]):
        raise ValueError(f"times: {len(value['times'])} of {len(song['words'])} words; give all")
    _check_end(song, value)


def _check_words(song: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    if value["made_on"] != song["made_on"]:
        raise Conflict("words: the lyrics of the song changed since; look at it again")
    _check_end(song, value)


def _check_end(song: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    last_s = max(end_s for _, end_s in value["times"])
    if last_s > song["duration_s"] + PAST_END_S:
        raise ValueError(f"times: a word ends at {last_s:.2f} s, the song at {song['duration_s']:.2f} s")


def _check_approval(song: Mapping[str, Any]) -> None:
    reason, by = song["reason"], song["dropped_by"]
    if reason is None:
        return
    if by != Filter.name:
        raise ValueError(
            f"approve: {by} dropped the song ({reason}), not a limit; it can be sent back to {by}"
        )
    if reason not in OF_LIMITS:
        raise ValueError(f"approve: {reason} is no limit of a measure, and no approval changes it")


def _check_again(song: Mapping[str, Any], stage: str) -> None:
    by = song["dropped_by"]
    if by is None or by in (SOURCES, Filter.name) or stage != by:
        hint = f"{by} dropped it" if by else "it was not dropped"
        raise ValueError(f"again: a song goes back to the stage that dropped it, before filter; {hint}")
