"""What a report is made of beside the measures: rows out of the pipelines' tables, mixes, texts' styles, real-time factors, and the key of all that decides it."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tasks.audio.mix import mix_of
from tasks.benchmark.external_systems import text_style
from tasks.benchmark.song_metrics import MEASURED_COLUMNS, TextStyles
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Pipeline
from tasks.engine.source_code import NO_VALUES, closure, data_beside, hash_of_modules
from tasks.models.style_encoder import StyleEncoder, StyleParams, build_style_encoder
from tasks.prompts.prompts import Prompt
from tasks.upkeep.rates import receipts_of

KNOWN_OTHERWISE = (*NO_VALUES, "tasks.stages", "flows.run", "flows.settings")
"""Code that is no part of a report's key: stages are in it by their versions, settings by their values."""


def measured_rows(pipelines: Sequence[Pipeline]) -> list[dict[str, Any]]:
    """What the stages wrote of every song that is still asked for."""
    return [row for pipeline in pipelines for row in pipeline.listed_rows(MEASURED_COLUMNS)]


class Mixes:
    """The mixes of the songs of some tables, read when they are asked for, a partition at a time."""

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self._place = {
            source.song_id: (pipeline, number)
            for pipeline in pipelines
            for number, part in pipeline.partitions.items()
            for source in part.sources
        }
        self._held: tuple[tuple[Pipeline, int], dict[str, Any]] | None = None

    def __call__(self, song_id: str) -> np.ndarray:
        place = self._place[song_id]
        if self._held is None or self._held[0] != place:
            pipeline, number = place
            audio = {row["song_id"]: row["audio"] for row in pipeline.rows(["audio"], numbers=[number])}
            self._held = place, audio
        return mix_of(song_id, self._held[1][song_id], place[0].table.songs_root)


def text_styles(prompts: Iterable[Prompt], encoder: StyleEncoder, genres: Sequence[str]) -> TextStyles:
    """The styles of all texts that the encoder can read; genres only where it reads at least two of them.

    Raises:
        ValueError: it reads some genres and not others: accuracy over a part of the list would be another number.
    """
    read = cache(lambda text: text_style(encoder, text))
    of_song = {prompt.song_id: read(prompt.style_text) for prompt in prompts}
    of_genre = {genre: read(genre) for genre in genres}
    unread = sorted(genre for genre, style_S in of_genre.items() if style_S is None)
    if unread and len(unread) < len(of_genre):
        raise ValueError(
            f"benchmark.genres: {encoder.identity} cannot read {', '.join(unread)}; leave these out: "
            f"--set benchmark.genres=[{', '.join(genre for genre in of_genre if genre not in unread)}]"
        )
    known = {genre: style_S for genre, style_S in of_genre.items() if style_S is not None}
    return TextStyles(
        {song_id: style_S for song_id, style_S in of_song.items() if style_S is not None},
        known if len(known) > 1 else {},
    )


def check_genres(params: StyleParams, genres: Sequence[str]) -> None:
    """Asks the style encoder before there are songs.

    Raises:
        ValueError: as `text_styles`.
    """
    text_styles((), build_style_encoder(params), genres)


def columns_of(pipelines: Sequence[Pipeline]) -> str:
    """A fingerprint of the column files of all songs of these tables."""
    return fingerprint(
        [
            pipeline.path(stage, number).name
            for pipeline in pipelines
            for stage in pipeline.stages
            for number in pipeline.partitions
        ]
    )


def report_recipe(
    pipelines: Sequence[Pipeline], settings: Mapping[str, Any], flow: str, **more: Any
) -> dict[str, Any]:
    """All that decides a report: the songs' column files, the settings, and the code that measures and writes.

    `flow`: the module of the flow that makes the report.
    """
    modules = closure([flow], KNOWN_OTHERWISE)
    code = hash_of_modules(modules, data_beside(modules))
    return {"columns": columns_of(pipelines), "code": code, "settings": dict(settings), **more}


def run_facts(started: float, rtf: Mapping[str, float]) -> dict[str, Any]:
    """What differs from run to run and machine to machine: nothing else of a report may."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "seconds": round(time.time() - started),
        "machine": platform.machine(),
        "rtf": {system: round(value, 4) for system, value in rtf.items()},
    }


def generation_rtf(pipeline: Pipeline, receipts: Path) -> dict[str, float]:
    """Seconds of work a second of generated audio, by system: a partition holds the songs of one system."""
    system_of: dict[int, str] = {}
    audio_s, work_s, sung_s = Counter[int](), Counter[str](), Counter[str]()
    for row in pipeline.rows(["system", "duration_s", "checkpoint"]):
        if row.get("checkpoint") and row.get("duration_s"):
            system_of[row["partition"]] = row["system"]
            audio_s[row["partition"]] += row["duration_s"]
    for receipt in receipts_of(pipeline, "generate", receipts):
        if system := system_of.get(receipt["number"]):
            work_s[system] += receipt["seconds"]
            sung_s[system] += audio_s[receipt["number"]]
    return {system: work_s[system] / sung_s[system] for system in sorted(work_s)}
