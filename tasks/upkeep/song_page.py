"""The page of one song, from the table: every column and measure that stands, input times, lanes, the sound as players."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from eval.pages.players import song_peaks
from eval.pages.song import MeasureLine, SongPage, Sound, StageLine, song_html
from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word, input_times_of, words_of
from tasks.audio.mix import mix_of, mp3_bytes
from tasks.audio.read import read_bytes
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import SongError
from tasks.engine.table import SOURCES
from tasks.quality.limits import Measured, beside_limits
from tasks.shards.played import played_in
from tasks.stages.filter import Filter
from tasks.storage.files import parquet_file, write_bytes
from tasks.upkeep.drops import Drop

MAX_LISTEN_S = 600.0  # of each sound; a page stays small enough to open
SHOWN_CHARS = 240
UNCUT = frozenset(
    {
        *("audio_remarks", "lyrics_remarks", "lyrics_labels", "lyrics_notes", "claim_remark"),
        "sections",
        *("quality", "unheard_runs", "masked", "flags"),
        *("detected", "aesthetics", "line_fits", "unwritten_stretches", "sound_loops"),
    }
)
"""Columns that say why a song is as it is: nothing of them is left out."""
WORD_FIELDS = frozenset(Word.__slots__)
FLAC = b"fLaC"


def write_song_page(
    pipeline: Pipeline, row: Mapping[str, Any], drop: Drop | None, songs_root: str, path: Path
) -> SongPage:
    """Writes the page of a song of `pipeline.rows(...)` with all light columns; returns what it shows."""
    page = song_page(
        pipeline, row, drop, _large_columns(pipeline, row["partition"], row["song_id"]), songs_root
    )
    write_bytes(path, song_html(page).encode())
    return page


def song_page(
    pipeline: Pipeline, row: Mapping[str, Any], drop: Drop | None, large: Mapping[str, Any], songs_root: str
) -> SongPage:
    """What the page shows of a song: `row` its light columns, `large` the large ones that stand, `drop` why it was
    dropped, if it was.
    """
    sounds = _sounds(row["song_id"], large, songs_root)
    words = words_of(row.get("words") or row.get("timed_words") or ())
    claims = input_times_of(row.get("lyrics_times") or row.get("lyrics_lines") or ())
    claimed = [
        claim if math.isfinite(claim.end_s) else replace(claim, end_s=claim.start_s)
        for claim in claims
        if claim
    ]
    lanes = {"aligned": words, "claimed": claimed, "heard": words_of(row.get("transcript_times") or ())}
    lanes["parts"] = [
        Word(part["text"] or part["label"], part["start_s"], part["end_s"])
        for part in row.get("sections") or ()
    ]
    same = len(claims) == len(words) and all(
        claim is None or claim.text == word.text for claim, word in zip(claims, words, strict=True)
    )
    ends = [word.end_s for lane in lanes.values() for word in lane]
    facts = [row.get("artist"), _minutes(row.get("duration_s")), row.get("split"), row.get("license")]
    return SongPage(
        song_id=row["song_id"],
        title=row.get("title") or row["song_id"],
        subtitle=" · ".join(str(fact) for fact in facts if fact),
        duration_s=float(row.get("duration_s") or max(ends, default=0.0)),
        verdict=_verdict(row, drop),
        dropped=drop is not None,
        words=[astuple(word) for word in words],
        claimed_s=[None if claim is None else claim.start_s for claim in claims] if same else (),
        lanes={name: [astuple(word) for word in lane] for name, lane in lanes.items() if lane},
        sounds=sounds,
        measures=[
            MeasureLine(one.measure.label, one.measure.unit, one.value, one.limit, one.is_broken)
            for one in measured_of(pipeline, row)
        ],
        stages=[_stage_line(pipeline, name, row, drop, large) for name in pipeline.order],
        heard=played_in({**row, **large}),
    )


def _verdict(row: Mapping[str, Any], drop: Drop | None) -> str:
    if drop is not None:
        return f"by {drop.stage}: {drop}"
    flags = ", ".join(row.get("flags") or ())
    return "by every stage that ran" + (f", in spite of {flags}" if flags else "")


def measured_of(pipeline: Pipeline, row: Mapping[str, Any]) -> list[Measured]:
    """What `check` measured of a song, beside the limits of the table's filter; nothing where neither has run."""
    keeper, quality = pipeline.stages.get(Filter.name), row.get("quality")
    return beside_limits(quality, keeper.params) if isinstance(keeper, Filter) and quality else []


def shown_column(name: str, value: Any) -> str:
    """A column's value in a line of text, cut where that loses nothing that tells why."""
    text = shown(value)
    return text if name in UNCUT or len(text) <= SHOWN_CHARS else text[: SHOWN_CHARS - 1] + "…"


def shown(value: Any) -> str:
    """A value in a line of text."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        text = ", ".join(f"{key} {shown(part)}" for key, part in value.items() if part is not None)
    elif isinstance(value, list) and value and isinstance(value[0], list):
        text = f"{len(value)} x {len(value[0])} numbers"
    elif isinstance(value, list) and any(
        isinstance(part, Mapping) and part.keys() == WORD_FIELDS for part in value
    ):
        text = " ".join(map(_shown_word, input_times_of(value)))
    elif isinstance(value, list):
        nested = bool(value) and isinstance(value[0], Mapping)
        text = ("; " if nested else " ").join(map(shown, value))
    else:
        text = str(value)
    return text


def _shown_word(word: Word | None) -> str:
    if word is None:
        return "(no time)"
    return f"{word.text}@{word.start_s:.2f}-" + (f"{word.end_s:.2f}" if math.isfinite(word.end_s) else "")


def _sounds(song_id: str, large: Mapping[str, Any], songs_root: str) -> list[Sound]:
    """The mix, and every column that is a FLAC file or a list of named ones."""
    sounds = []
    if large.get("audio"):
        try:
            sounds.append(_sound("mix", mix_of(song_id, large["audio"], songs_root)))
        except SongError as error:
            sounds.append(Sound("mix", b"", [], f"the mix cannot be read: {error.reason}, {error.detail}"))
    stems = {name: data for name, data in large.items() if isinstance(data, bytes) and data.startswith(FLAC)}
    named = [stem for parts in large.values() if isinstance(parts, list) for stem in parts if "bytes" in stem]
    stems |= {stem["name"]: stem["bytes"] for stem in named if stem["name"] not in stems}
    return sounds + [_sound(name, read_bytes(data)[0]) for name, data in stems.items()]


def _sound(name: str, audio_CN: np.ndarray) -> Sound:
    audio_CN = np.atleast_2d(audio_CN)
    seconds = audio_CN.shape[1] / SAMPLE_RATE_HZ
    peaks = song_peaks(audio_CN, seconds)
    note = f"the first {MAX_LISTEN_S:g} of {seconds:.0f} s can be played" if seconds > MAX_LISTEN_S else ""
    return Sound(name, mp3_bytes(audio_CN[:, : round(MAX_LISTEN_S * SAMPLE_RATE_HZ)]), peaks, note)


def _stage_line(
    pipeline: Pipeline, name: str, row: Mapping[str, Any], drop: Drop | None, large: Mapping[str, Any]
) -> StageLine:
    made_by = next((line for line in row["made_by"] if line.split("-v")[0] == name), "")
    standing = set(_columns_of(pipeline, name, row["partition"]))
    values = {**row, **large}
    columns = [
        (column, shown_column(column, values[column]), about.meaning)
        for column, about in pipeline.columns.items()
        if column in standing and values.get(column) is not None
    ]
    dropped = f"dropped: {drop}" if drop is not None and drop.stage == name else ""
    if name == SOURCES:
        note = "as it was found"
    elif not standing:
        note = "has not run"
    else:
        note = "" if columns or dropped else "nothing for this song in the table"
    return StageLine(name, made_by, columns, dropped, note)


def _columns_of(pipeline: Pipeline, stage: str, number: int) -> list[str]:
    for path in (pipeline.path(stage, number), pipeline.stub_path(stage, number)):
        if path.is_file():
            with parquet_file(path) as file:
                return list(file.schema_arrow.names)
    return []


def _large_columns(pipeline: Pipeline, number: int, song_id: str) -> dict[str, Any]:
    """The large columns of one song, each from its own row group."""
    place = [source.song_id for source in pipeline.partitions[number].sources].index(song_id)
    found: dict[str, Any] = {}
    large = {name for name, column in pipeline.columns.items() if column.large}
    for stage in pipeline.order:
        names = [name for name in _columns_of(pipeline, stage, number) if name in large]
        if names:
            with parquet_file(pipeline.path(stage, number)) as file:
                found.update(_row(file, place, names))
    return found


def _row(file: pq.ParquetFile, place: int, names: list[str]) -> dict[str, Any]:
    for group in range(file.num_row_groups):
        size = file.metadata.row_group(group).num_rows
        if place < size:
            return file.read_row_group(group, columns=names).slice(place, 1).to_pylist()[0]
        place -= size
    return {}


def _minutes(seconds: float | None) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}" if seconds else ""
