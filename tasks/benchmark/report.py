"""A measured benchmark as a Report (`report_of`): metrics in rows of systems and songs, players with mixes, loss curves, heard songs, remarks and notes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.metrics.error_rates import NORMALISER, ErrorCounts, RateMetric
from eval.metrics.fad import FAD
from eval.metrics.metric import SongMetric
from eval.pages.players import waveform_peaks, worst_songs
from eval.report.catalogue import HEADLINE, chapter_of
from eval.results.published import published_rows
from eval.results.report import HeardSong, LossCurve, Report
from eval.results.report import System as ReportSystem
from eval.results.songs import SongRow, genre_rows, language_rows
from eval.stats.intervals import Estimate
from jam_model.words import words_of
from tasks.audio.mix import mp3_bytes
from tasks.audio.sound import remark_counts
from tasks.benchmark.song_metrics import SongMeasures
from tasks.benchmark.strata import stratum_rows
from tasks.benchmark.system_metrics import Measured
from tasks.benchmark.systems import BenchmarkParams
from tasks.languages.table import LANGUAGES
from tasks.prompts.prompts import Prompt, System
from tasks.trainer.heard import kept_songs

MOST_AT_ONCE = 8  # mixes held and encoded
LISTENING_GAIN = np.float32(0.9)
"""Of every sound alike: coding moves peaks, and few then need a gain of their own."""
NOTES = (
    f"Words are compared as: {NORMALISER}. They are transcribed from vocals separated from the mix as far as the reference end; "
    "rates are not capped.",
    "All systems are judged on the same songs; differences are paired within songs, and a song that failed is "
    "counted and never averaged away.",
)
UNITS = {code: language.unit for code, language in LANGUAGES.items()}
"""What an error rate over the words of a language counts."""
Mixes = Callable[[str], np.ndarray]
"""The mix of a song of the benchmark's tables, by its id."""


def report_of(
    measured: Measured,
    systems: Sequence[System],
    params: BenchmarkParams,
    title: str,
    subtitle: str,
    notes: Sequence[str],
    mixes: Mixes,
    settings: Mapping[str, Any],
    run: Mapping[str, Any],
) -> Report:
    """The report of the songs alone: without training, rounds or a data set; `notes` are those that only the flow knows."""
    made_by = [made for songs in measured.systems.values() for song in songs for made in song.row["made_by"]]
    rows = _song_rows(measured, systems, params.player_songs, mixes)
    entries = [_report_system(measured, system) for system in systems]
    parts = {part for entry in entries for made in entry.made_by for part in made.split()}
    return Report(
        title=title,
        subtitle=subtitle,
        systems=entries,
        metrics=[metric.of_embedding(made_by) for metric in measured.metrics],
        pairs=measured.pair_tables([system.name for system in systems]),
        songs=rows,
        genres=genre_rows(rows, _of_songs(measured), measured.corpus),
        languages=language_rows(rows, _error_rates(measured), measured.corpus, UNITS),
        strata=stratum_rows(measured) if params.strata else (),
        published=published_rows(asks_for_controls(systems)) if params.published else (),
        headline=[name for name in HEADLINE if any(metric.name == name for metric in measured.metrics)],
        headings={metric.name: chapter_of(metric.name).title for metric in measured.metrics},
        settings=settings,
        stand_ins=sorted(part for part in parts if part.startswith("embedded/")),
        remarks=_remarks(measured, params),
        notes=[*notes, *_audio_notes(measured, systems), *NOTES],
        run=run,
    )


def asks_for_controls(systems: Sequence[System]) -> bool:
    """Whether any system's songs were asked to follow something."""
    return any(prompt.controls for system in systems for prompt in system.prompts)


def loss_curve(name: str, log: Path) -> LossCurve:
    """The loss column of a training log."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return LossCurve(name, [(line["step"], line["loss"]) for line in lines])


def heard_songs(name: str, out: Path) -> list[HeardSong]:
    """The songs that were kept while a run in `out` trained."""
    return [
        HeardSong(name, song.step, song.song_id, song.scores, song.file.read_bytes() if song.file else None)
        for song in kept_songs(out)
    ]


def _remarks(measured: Measured, params: BenchmarkParams) -> dict[str, str]:
    """What stands beside a metric: of FAD the least it can be, and what it is to."""
    reference = measured.corpus.reference
    if reference is None:
        return {}
    floor, windows = _short(measured.floor(params.seed)), reference.statistics.num_windows
    return {
        FAD.name: f"Floor, as many true songs against the others: {floor}. The reference: {windows} windows of "
        f"{len(measured.reference_songs)} true songs, none of them the benchmark's. Every system is measured on the "
        "songs that all systems have."
    }


def _report_system(measured: Measured, system: System) -> ReportSystem:
    songs = measured.systems[system.name]
    made_by = sorted({made for song in songs for made in song.row["made_by"]})
    failures = measured.failures(system.name)
    listed = ", ".join(f"{reason} {count}" for reason, count in failures.items())
    stamp = f"{sum(failures.values())} of {len(songs)} songs failed: {listed}" if failures else ""
    note = "; ".join(part for part in (system.note, stamp) if part)
    return ReportSystem(system.name, system.title, made_by, measured.estimates(system.name), note)


def _audio_notes(measured: Measured, systems: Sequence[System]) -> list[str]:
    """What was seen in the systems' files: a line a system whose files have flaws or a delay that they do not state."""
    notes = []
    for system in systems:
        rows = [song.row for song in measured.systems[system.name]]
        counts = [f"{word} {songs}" for word, songs in remark_counts(rows).items()]
        if late := sum(row.get("unstated_delay_s") is not None for row in rows):
            counts.append(f"encoder delay not stated, and left in, {late}")
        if counts:
            notes.append(f"{system.title}: flaws of its audio files, by songs: {', '.join(counts)}.")
    return notes


def _song_rows(
    measured: Measured, systems: Sequence[System], player_songs: int, mixes: Mixes
) -> list[SongRow]:
    """Every song of every system; the first `player_songs` songs and the worst songs by each metric with sound."""
    songs = [
        (system.name, song, prompt)
        for system in systems
        for song, prompt in zip(measured.systems[system.name], measured.prompts, strict=True)
    ]
    metrics = _of_songs(measured)
    rows = [_song_row(song, prompt, metrics, system) for system, song, prompt in songs]
    hypothesis = {prompt.song_id for prompt in measured.prompts[:player_songs]}
    worst = worst_songs(rows, measured.metrics) if player_songs else set()
    sounds = {
        place: song.row["song_id"]
        for place, (row, (_, song, _)) in enumerate(zip(rows, songs, strict=True))
        if song.has_sound and (row.song_id in hypothesis or (row.system, row.song_id) in worst)
    }
    return _with_sounds(rows, sounds, mixes)


def _with_sounds(rows: Sequence[SongRow], sounds: Mapping[int, str], mixes: Mixes) -> list[SongRow]:
    """The rows; those at the places of `sounds` with the mix of this song. As many are held as are encoded at once."""
    found, places = list(rows), list(sounds)
    at_once = min(MOST_AT_ONCE, os.cpu_count() or 1)
    with ThreadPoolExecutor(at_once) as threads:
        for start in range(0, len(places), at_once):
            some = places[start : start + at_once]
            hypothesis = [mixes(sounds[place]) for place in some]
            made = threads.map(_with_sound, [rows[place] for place in some], hypothesis)
            for place, row in zip(some, made, strict=True):
                found[place] = row
    return found


def _of_songs(measured: Measured) -> list[SongMetric]:
    """The metrics that one song alone has."""
    return [metric for metric in measured.metrics if isinstance(metric, SongMetric)]


def _error_rates(measured: Measured) -> list[SongMetric]:
    """Those of them that count errors in what was sung."""
    return [metric for metric in _of_songs(measured) if isinstance(metric, RateMetric)]


def _song_row(song: SongMeasures, prompt: Prompt, metrics: Sequence[SongMetric], system: str) -> SongRow:
    values = {metric.name: song.value(metric.name) for metric in metrics}
    hypothesis = song.row.get("aligned_transcript") or song.row["transcript_times"]
    return SongRow(
        song_id=prompt.song_id,
        title=prompt.title,
        system=system,
        duration_s=prompt.duration_s or song.row.get("duration_s") or 0.0,
        scores={metric.name: metric.score(values[metric.name]) for metric in metrics},
        reasons={name: reason for name in values if (reason := song.reason(name))},
        reference=_lane(song.row["reference_words"]) if prompt.is_timed else (),
        hypothesis=_lane(hypothesis or ()),
        genre=prompt.genre or "",
        language=prompt.language or "",
        counts={name: value for name, value in values.items() if isinstance(value, ErrorCounts)},
        facts=_facts(song.row),
    )


def _with_sound(row: SongRow, mix_CN: np.ndarray) -> SongRow:
    sound = mp3_bytes(LISTENING_GAIN * mix_CN)
    return replace(row, audio=sound, audio_type="audio/mpeg", peaks=waveform_peaks(mix_CN))


def _facts(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each stage did to this song, in a line a stage: the code and models that ran, and how it was asked."""
    facts = [(made.split("-v")[0], made) for made in row["made_by"]]
    reference = [("made from", row["recipe"]), ("weights", row["checkpoint"]), ("seed", row["seed"])]
    facts += [(name, str(value)) for name, value in reference if value is not None]
    facts += [("audio", told) for told in row.get("audio_remarks") or ()]
    return facts + ([("dropped", row["drop_reason"])] if row["drop_reason"] else [])


def _lane(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float]]:
    return [(word.text, word.start_s, word.end_s) for word in words_of(rows)]


def _short(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"not available, {estimate.reason}"
    return f"{estimate.value:.3g} [{estimate.low:.3g}, {estimate.high:.3g}]"
