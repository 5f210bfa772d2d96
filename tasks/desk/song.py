"""One song as the desk shows it: lanes of lines, words and parts in time, measures beside their limits, what made each, and its edits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.desk.song_row import SongRow, applied_edits, drop_sentence, song_row
from tasks.edits.kinds import ALIGN, FILTER, INGEST, by_stage, effective
from tasks.edits.store import edits_of, last_id
from tasks.edits.times import fits, words_hash
from tasks.lyrics.by_hand import ASIDE
from tasks.quality.limits import FilterParams, beside_limits

NO_CHORD = "N"
LINE_GAP_S = 0.8
"""Where no lines are known, a pause of so many seconds between two words opens one."""
WORD_LANES = {"given": "lyrics_times", "heard": "transcript_times", "aligner": "aligned_words"}
MADE_BY = {
    "song": ("phonemize", "align"),
    "given": ("ingest",),
    "heard": ("transcribe",),
    "aligner": ("align",),
    "phones": ("phones",),
    "notes": ("ingest",),
    "chords": ("chords",),
    "beats": ("beats",),
    "sections": ("sections", "ingest"),
}
"""The stages that make each lane, the last first."""


def song_facts(
    root: Path,
    song_id: str,
    files: Mapping[str, Path],
    large: Sequence[str],
    limits: FilterParams,
    receipts: Path,
) -> dict[str, Any]:
    """Everything of a song that the page shows, as JSON.

    Args:
        root: the work folder, where edits lie.
        files: the column files of its partition by stage, in order.
        limits: of the quality filter.

    Raises:
        KeyError: there is no such song.
        ValueError: its edits cannot be read.
    """
    row = song_row(song_id, files, large)
    content_hash = row.get("content_hash") or ""
    edits = edits_of(root, content_hash) if content_hash else []
    said = by_stage(edits)
    aside = any(remark["kind"] == ASIDE for remark in row.get("lyrics_remarks") or ())
    by_hand = {} if aside else said.get(INGEST, {})
    words, moved = _words(row, by_hand.get("words"), said.get(ALIGN))
    applied = applied_edits(files, song_id, {INGEST, ALIGN, FILTER, *said})
    quality = row.get("quality")
    return {
        "song_id": song_id,
        "title": row.get("title") or song_id,
        "artist": row.get("artist"),
        "license": row.get("license"),
        "split": row.get("split"),
        "language": row.get("song_language", "language", "lyrics_language"),
        "duration_s": row.get("duration_s") or _end_of(words),
        "content_hash": content_hash,
        "state": _state(row),
        "reason": row.reason,
        "dropped_by": row.dropped_by,
        "sentence": drop_sentence(receipts, row),
        "flags": row.get("flags") or [],
        "words": words,
        "words_hash": words_hash([word["text"] for word in words]),
        "made_on": _made_on(row, {} if aside else {**applied.get(INGEST, {}), **by_hand}),
        "lines": lines_of(words, row.get("lyrics_lines"), row.get("num_lines")),
        "lanes": lanes_of(row, words),
        "measures": _measures(quality, limits),
        "made_by": {lane: _maker(row, stages) for lane, stages in MADE_BY.items() if _maker(row, stages)},
        "stages": [
            {"stage": stage, "made_by": row.made_by.get(stage, ""), "file": path.name}
            for stage, path in files.items()
        ],
        "remarks": _remarks(row),
        "edits": {
            "last": last_id(edits),
            "count": len(edits),
            "standing": [
                {
                    "number": one.number,
                    "kind": one.kind,
                    "reason": one.value.get("reason"),
                    "made_at": one.made_at,
                }
                for one in effective(edits)
            ],
            "waiting": sorted(stage for stage in {*said, *applied} if said.get(stage) != applied.get(stage)),
            "moved": moved,
            "aside": aside or ("times" in said.get(ALIGN, {}) and not moved),
            "decision": said.get(FILTER, {}).get("decision"),
        },
    }


def lines_of(
    words: Sequence[Mapping[str, Any]], timed_lines: Sequence[Mapping[str, Any]] | None, num_lines: int | None
) -> list[list[int]]:
    """Where each line begins and ends among the words (the end is not in it): as timed lines have it, else by the longest
    pauses where the number of lines is known, else by long ones.
    """
    counts = [len(line["text"].split()) for line in timed_lines or ()]
    if words and sum(counts) == len(words):
        ends = [sum(counts[: place + 1]) for place in range(len(counts))]
        return [[end - count, end] for end, count in zip(ends, counts, strict=True) if count]
    pauses_s = {place: words[place]["start_s"] - words[place - 1]["end_s"] for place in range(1, len(words))}
    if num_lines:
        opens = sorted(pauses_s, key=lambda place: -pauses_s[place])[: num_lines - 1]
    else:
        opens = [place for place, pause_s in pauses_s.items() if pause_s >= LINE_GAP_S]
    starts = sorted([0, *opens]) if words else []
    return [[first, end] for first, end in zip(starts, [*starts[1:], len(words)], strict=False)]


def _words(
    row: SongRow, by_hand: Sequence[str] | None, said: Mapping[str, Any] | None
) -> tuple[list[dict[str, Any]], bool]:
    """The words that the song has, or will have by hand, with times set by hand where there are any of these words;
    whether there are.
    """
    rows = row.get("words", "timed_words") or _complete_times(row.get("lyrics_times")) or []
    if by_hand and by_hand != [word["text"] for word in rows] and fits(said, by_hand):
        rows = [{"text": text, "start_s": 0.0, "end_s": 0.0} for text in by_hand]
    runs = row.get("unheard_runs") or []
    moved = fits(said, [word["text"] for word in rows])
    times = said["times"] if said and moved else [(word["start_s"], word["end_s"]) for word in rows]
    words = [
        {
            "text": word["text"],
            "start_s": float(start_s),
            "end_s": float(end_s),
            "phonemes": word.get("phonemes"),
            "score": word.get("score"),
            "unheard": any(
                run["start_s"] <= word["start_s"] and word["end_s"] <= run["end_s"] for run in runs
            ),
        }
        for word, (start_s, end_s) in zip(rows, times, strict=True)
    ]
    return words, moved


def _made_on(row: SongRow, by_hand: Mapping[str, Any]) -> str:
    """The hash of the words of the lyrics file, also where the row has those that a person set in their place."""
    return by_hand.get("made_on") or words_hash(row.get("lyrics") or [])


def _complete_times(rows: Sequence[Mapping[str, Any] | None] | None) -> list[Mapping[str, Any]] | None:
    """Input times of a song that has no others, where every word has both ends."""
    given = [row for row in rows or () if row is not None and _is_finite(row["end_s"])]
    return given if given and rows is not None and len(given) == len(rows) else None


def lanes_of(row: SongRow, words: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Everything else in time, each as [text, start, end]; a lane that nothing stands in is left out."""
    lanes: dict[str, list[Any]] = {}
    for lane, column in WORD_LANES.items():
        rows = row.get(column) or (row.get("lyrics_lines") if lane == "given" else None) or ()
        lanes[lane] = [_span(one["text"], one["start_s"], one["end_s"]) for one in rows if one is not None]
    lanes["phones"] = [_span(one["phone"], one["start_s"], one["end_s"]) for one in row.get("phones") or ()]
    lanes["chords"] = [
        _span(one["label"], one["start_s"], one["end_s"])
        for one in row.get("chords") or ()
        if one["label"] != NO_CHORD
    ]
    lanes["notes"] = [[one["pitch"], one["start_s"], one["end_s"]] for one in row.get("lyrics_notes") or ()]
    lanes["beats"] = [["", at_s, at_s] for at_s in row.get("beats_s") or ()]
    lanes["masked"] = [_span("masked", one["start_s"], one["end_s"]) for one in row.get("masked") or ()]
    if parts := row.get("sections"):
        lanes["sections"] = [
            _span(one["text"] or one["label"], one["start_s"], one["end_s"]) for one in parts
        ]
        return {name: lane for name, lane in lanes.items() if lane}
    labels = [one for one in row.get("lyrics_labels") or () if one["before"] < len(words)]
    starts_s = [words[one["before"]]["start_s"] for one in labels]
    ends_s = [*starts_s[1:], row.get("duration_s") or _end_of(words)]
    lanes["sections"] = [
        _span(one["text"], start_s, end_s)
        for one, start_s, end_s in zip(labels, starts_s, ends_s, strict=False)
    ]
    return {name: lane for name, lane in lanes.items() if lane}


def _span(text: str, start_s: float, end_s: float | None) -> list[Any]:
    return [text, start_s, end_s if _is_finite(end_s) else start_s]


def _measures(quality: Mapping[str, Any] | None, limits: FilterParams) -> list[dict[str, Any]]:
    return [
        {
            "name": one.measure.name,
            "label": one.measure.label,
            "unit": one.measure.unit,
            "value": one.value,
            "limit": one.limit,
            "broken": one.is_broken,
        }
        for one in (beside_limits(quality, limits) if quality else ())
    ]


def _remarks(row: SongRow) -> list[str]:
    lyrics = [
        f"lyrics: {one['kind']} {one['count']}: {'; '.join(one['examples'])}"
        for one in row.get("lyrics_remarks") or ()
    ]
    audio = [f"audio file: {one}" for one in row.get("audio_remarks") or ()]
    claim = row.get("claim_remark")
    return [*audio, *lyrics, *([f"given times: {claim}"] if claim else [])]


def _state(row: SongRow) -> str:
    if row.reason:
        return "dropped"
    return "kept" if "pack" in row.files else "waiting"


def _maker(row: SongRow, stages: Sequence[str]) -> str:
    return next((row.made_by[stage] for stage in stages if stage in row.made_by), "")


def _end_of(words: Sequence[Mapping[str, Any]]) -> float:
    return max((word["end_s"] for word in words), default=0.0)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
