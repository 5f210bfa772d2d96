"""The report of a measured benchmark: its systems, songs with their sound, and notes on what the numbers rest on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.data_set import DataSet
from eval.intervals import Estimate
from eval.players import waveform_peaks
from eval.report import Comparison, LossCurve, Report, SongRow
from eval.report import System as ReportSystem
from eval.words import NORMALISER
from tasks.benchmark import BenchmarkParams
from tasks.fanout import Prompt, System
from tasks.measure import OF_SETS, Measured
from tasks.mix import mp3_bytes
from tasks.song_measures import SongMeasures, Timed

Mixes = Callable[[str], np.ndarray]
"""The mix of a song of the benchmark's tables, by its id."""


@dataclass(frozen=True)
class ReportText:
    """What stands above the tables, and notes that only the flow knows."""

    title: str
    subtitle: str
    notes: Sequence[str] = ()


def report_of(
    measured: Measured,
    systems: Sequence[System],
    params: BenchmarkParams,
    text: ReportText,
    mixes: Mixes,
    settings: Mapping[str, Any],
    run: Mapping[str, Any],
    comparisons: Sequence[Comparison] = (),
) -> Report:
    """The report without what is known of a data set and its training; players for the first `player_songs` songs."""
    shown = {prompt.song_id for prompt in measured.prompts[: params.player_songs]}
    rows = [
        _song_row(song, prompt, measured, system.name, mixes if prompt.song_id in shown else None)
        for system in systems
        for song, prompt in zip(measured.systems[system.name], measured.prompts, strict=True)
    ]
    entries = [_report_system(measured, system) for system in systems]
    parts = {part for entry in entries for made in entry.made_by for part in made.split()}
    return Report(
        title=text.title,
        subtitle=text.subtitle,
        systems=entries,
        metrics=measured.metrics,
        comparisons=comparisons,
        songs=rows,
        settings=settings,
        stand_ins=sorted(part for part in parts if part.startswith("embedded/")),
        notes=[*text.notes, *_notes(measured, params)],
        run=run,
    )


def with_training(report: Report, losses: Sequence[LossCurve], data_set: DataSet) -> Report:
    """The report with its training curves and what became of the data set."""
    return replace(report, losses=losses, data_set=data_set)


def loss_curve(name: str, log: Path) -> LossCurve:
    """The loss column of a training log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return LossCurve(name, [(line["step"], line["loss"]) for line in lines])


def _notes(measured: Measured, params: BenchmarkParams) -> list[str]:
    notes = [
        f"Words are compared as: {NORMALISER}. They are heard in vocals separated from the mix as far as the asked end; "
        "rates are not capped.",
        "All systems are judged on the same songs; differences are paired within songs, and a song that failed is "
        "counted and never averaged away.",
    ]
    if measured.reference is not None:
        windows = measured.reference.statistics.num_windows
        notes.insert(
            0,
            f"Frechet floor (as many true songs against the others): {_short(measured.floor(params.seed))}.",
        )
        notes.insert(
            1,
            f"Reference set of the Frechet distance: {windows} windows of {len(measured.reference_songs)} true songs; no "
            "benchmark song is among them. Every system is measured on the songs that all systems have.",
        )
    return notes


def _report_system(measured: Measured, system: System) -> ReportSystem:
    songs = measured.systems[system.name]
    made_by = sorted({made for song in songs for made in song.row["made_by"]})
    failures = measured.failures(system.name)
    listed = ", ".join(f"{reason} {count}" for reason, count in failures.items())
    stamp = f"{sum(failures.values())} of {len(songs)} songs failed: {listed}" if failures else ""
    note = "; ".join(part for part in (system.note, stamp) if part)
    return ReportSystem(system.name, system.title, made_by, measured.estimates(system.name), note)


def _song_row(
    song: SongMeasures, prompt: Prompt, measured: Measured, system: str, mixes: Mixes | None
) -> SongRow:
    names = [metric.name for metric in measured.metrics if metric.name not in OF_SETS]
    reasons = {name: reason for name in names if (reason := song.reason(name))}
    sound: dict[str, Any] = {}
    if mixes is not None and song.has_sound:
        mix_CN = mixes(song.row["song_id"])
        sound = {"audio": mp3_bytes(mix_CN), "audio_type": "audio/mpeg", "peaks": waveform_peaks(mix_CN)}
    heard = song.row.get("placed_words") or song.row["transcript_times"]
    return SongRow(
        song_id=prompt.song_id,
        title=prompt.title,
        system=system,
        duration_s=prompt.duration_s or song.row.get("duration_s") or 0.0,
        scores={name: song.scores.get(name) for name in names},
        reasons=reasons,
        asked=_lane(song.row["asked_words"]) if prompt.is_timed else (),
        heard=_lane(heard or ()),
        **sound,
    )


def _lane(words: Sequence[Mapping[str, Any]]) -> list[Timed]:
    return [Timed(word["word"], word["start_s"], word["end_s"]) for word in words]


def _short(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not available, {estimate.reason}"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
