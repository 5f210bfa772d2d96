"""report.json, schema 2: every number of the page as records, unrounded, as fractions and seconds, with provenance.

    schema          2
    title, subtitle str
    stamp           "stand-in, not a result" or null; stand_ins: identities of the embedded models
    headline        [name] of the metrics that lead
    metric_order    [name]           metrics:     {name: title, source, range, direction, unit, protocol, remark}
    system_order    [name]           systems:     {name: title, note, made_by, stand_in, stamp,
                                                         metrics: {metric: ESTIMATE}}
    comparison_order [name]         comparisons: {name: ESTIMATE and question, metric, left, right,
                                                         expect, limit, holds, verdict, note, made_by,
                                                         stand_in, stamp}
    pairs           {metric: {method, tests, pairs: [PAIR]}}, every two systems, corrected together
    songs           [{song_id, title, genre, system, duration_s, scores: {metric: number or null},
                      counts: {metric: {hits, substitutions, deletions, insertions}},
                      reasons: {metric: str}, asked: [WORD], heard: [WORD], facts: [[stage, str]],
                      has_audio, note, stand_in, stamp}]
    genres          [{genre, system, metrics: {metric: ESTIMATE}}]
    languages       [{language, unit: "words" or "characters", system, metrics: {error rate: ESTIMATE}}], where
                      songs have several; a song then has its `language`
    strata          [{measure: "syllables_per_s" or "s_per_syllable", low, high: number or null, system, num_words, metrics: {error
                      rate: ESTIMATE}}], where `benchmark.strata` asks for them
    listening       [{question, left, right, estimate: ESTIMATE of the share that preferred left, p_value,
                      num_listeners, num_answers, made_by, stand_in, stamp}]
    published       [{system, metric, value, citation, note, comparable: false}]
    losses          [{name, points: [[step, loss or null]], reason}]
    rounds          {kept, why, stopped, notes, metrics: [METRIC], rows: [{number, weights, made_by, estimates,
                      control, over_control: {metric: ESTIMATE}, changes: [{metric, against, estimate, margin,
                      p_value, exceeded}], num_prompts, num_pairs, refusals: {reason: prompts}, num_held_out,
                      held_out_accuracy; num_by_people: of the pairs, where people chose any; raters: {name: {answers,
                      twice, alike}} of the round, where anybody chose}]} or null
    data_set        {songs_in, kept, dropped, drops: {reason: songs}, splits: {split: songs}, flags: {reason:
                      songs}, histograms: [{name, title, unit, edges, kept, dropped, missing, limits}], languages:
                      [{language, songs_in, kept, hours, drops}] where songs have several} or null
    copies          {num_training, num_drawn, max_share, systems: {name: {of_training, of_drawn, of_held_out,
                      difference: ESTIMATE, near: [[song, training song]]}}}; only where it was looked for
    heard           [{training, step, song_id, scores: {metric: number or null}}], only where songs were generated while
                      a model trained
    settings, run   as given; only `run` may hold dates, durations and devices
    notes           [str]
    answers         [{question, verdict: "yes", "no" or "open", text, reason}] at the head of the page
    caution         str: what so few songs can tell; "" where they are enough for a comparison

ESTIMATE = {value, low, high, n, n_failed, unit, method, reason}; a null value or interval has a reason.
PAIR = {left, right, difference: ESTIMATE of left minus right, p_value, p_corrected, significant, detectable,
failed_as_one: ESTIMATE or null}; docs/report_schema.json says the same to a machine.
WORD = {word, start_s, end_s}. Keys are sorted; NaN and infinity never appear.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval.results.comparisons import PairTable
from eval.results.copies import Copies
from eval.results.data_set import data_set_record
from eval.results.groups_json import estimate_record, finite, groups_record
from eval.results.headline import answers, caution
from eval.results.report import STAMP, Comparison, HeardSong, LossCurve, Report, System, is_stand_in
from eval.results.songs import SongRow
from eval.results.stored import SCHEMA
from eval.results.wording import comparison_verdict


def report_json(report: Report) -> str:
    """The text of report.json."""
    return (
        json.dumps(report_record(report), sort_keys=True, indent=1, allow_nan=False, ensure_ascii=False)
        + "\n"
    )


def report_record(report: Report) -> dict[str, Any]:
    """The report as plain dicts, lists and numbers, as the module's docstring lays out."""
    stand_in = bool(report.stand_ins) or any(system.stand_in for system in report.systems)
    return {
        "schema": SCHEMA,
        "title": report.title,
        "subtitle": report.subtitle,
        "stamp": STAMP if stand_in else None,
        "stand_ins": list(report.stand_ins),
        "metric_order": [metric.name for metric in report.metrics],
        "headline": list(report.headline) or [metric.name for metric in report.metrics],
        "metrics": {
            metric.name: {
                "title": metric.title,
                "source": metric.source,
                "range": metric.range,
                "direction": metric.direction,
                "unit": metric.unit,
                "protocol": metric.protocol,
                "remark": report.remarks.get(metric.name, ""),
            }
            for metric in report.metrics
        },
        "system_order": [system.name for system in report.systems],
        "systems": {system.name: _system(report, system) for system in report.systems},
        "comparison_order": [comparison.name for comparison in report.comparisons],
        "comparisons": {
            comparison.name: _comparison(report, comparison) for comparison in report.comparisons
        },
        "pairs": {table.metric: _pairs(table) for table in report.pairs},
        "songs": [_song(report, row) for row in report.songs],
        **groups_record(report),
        "listening": [
            {**asdict(one), "estimate": estimate_record(one.estimate), **_provenance(one.made_by)}
            for one in report.listening
        ],
        "published": [{**asdict(row), "comparable": False} for row in report.published],
        "losses": [_loss(curve) for curve in report.losses],
        "rounds": report.rounds.record() if report.rounds else None,
        "data_set": data_set_record(report.data_set) if report.data_set else None,
        **({"heard": [_heard_song(song) for song in report.heard]} if report.heard else {}),
        **({"copies": _copies(report.copies)} if report.copies else {}),
        "settings": plain(report.settings, "settings"),
        "run": plain(report.run, "run"),
        "notes": list(report.notes),
        "answers": [asdict(one) for one in answers(report)],
        "caution": caution(report),
    }


def plain(value: Any, where: str) -> Any:
    """Settings as JSON can hold them.

    Raises:
        ValueError: a value has no JSON form; names where it stands.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain(item, f"{where}[{position}]") for position, item in enumerate(items)]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"{where} is a {type(value).__name__}: give numbers, text, lists or mappings")


def _system(report: Report, system: System) -> dict[str, Any]:
    return {
        "title": system.title,
        "note": system.note,
        **_provenance(system.made_by),
        "metrics": {metric.name: estimate_record(system.estimate(metric.name)) for metric in report.metrics},
    }


def _comparison(report: Report, comparison: Comparison) -> dict[str, Any]:
    return {
        **estimate_record(comparison.estimate),
        "question": comparison.question,
        "metric": comparison.metric,
        "left": comparison.left,
        "right": comparison.right,
        "expect": comparison.expect,
        "limit": comparison.limit,
        "holds": comparison.holds,
        "verdict": comparison_verdict(report, comparison),
        "note": comparison.note,
        **_provenance(report.made_by(comparison)),
    }


def _pairs(table: PairTable) -> dict[str, Any]:
    return {
        "method": table.method,
        "tests": table.num_tests,
        "pairs": [
            {
                "left": pair.left,
                "right": pair.right,
                "difference": estimate_record(pair.estimate),
                "p_value": pair.p_value,
                "p_corrected": pair.corrected,
                "significant": pair.significant,
                "detectable": finite(pair.detectable),
                "failed_as_one": estimate_record(pair.failed_as_one) if pair.failed_as_one else None,
            }
            for pair in table.pairs
        ],
    }


def _heard_song(song: HeardSong) -> dict[str, Any]:
    return {
        "training": song.training,
        "step": song.step,
        "song_id": song.song_id,
        "scores": {name: None if score is None else finite(score) for name, score in song.scores.items()},
    }


def _copies(copies: Copies) -> dict[str, Any]:
    shares = ("of_training", "of_drawn", "of_held_out", "difference")
    return {
        "num_training": copies.num_training,
        "num_drawn": copies.num_drawn,
        "max_share": copies.max_share,
        "systems": {
            row.system: {
                **{name: estimate_record(getattr(row, name)) for name in shares},
                "near": [list(pair) for pair in row.near],
            }
            for row in copies.rows
        },
    }


def _provenance(made_by: Sequence[str]) -> dict[str, Any]:
    stand_in = is_stand_in(made_by)
    return {"made_by": list(made_by), "stand_in": stand_in, "stamp": STAMP if stand_in else None}


def _song(report: Report, row: SongRow) -> dict[str, Any]:
    system = report.system(row.system)
    stand_in = system is not None and system.stand_in
    scores = {name: None if score is None else finite(score) for name, score in row.scores.items()}
    reasons = {name: row.reasons.get(name, "not scored") for name, score in scores.items() if score is None}
    return {
        "song_id": row.song_id,
        "title": row.title,
        "genre": row.genre,
        **({"language": row.language} if report.languages else {}),
        "system": row.system,
        "duration_s": row.duration_s,
        "scores": scores,
        "counts": {name: asdict(counts) for name, counts in row.counts.items()},
        "reasons": reasons,
        "reference": [_word(word) for word in row.reference],
        "hypothesis": [_word(word) for word in row.hypothesis],
        "facts": [list(fact) for fact in row.facts],
        "has_audio": row.audio is not None,
        "note": row.note,
        "stand_in": stand_in,
        "stamp": STAMP if stand_in else None,
    }


def _word(word: tuple[str, float, float]) -> dict[str, Any]:
    return dict(zip(("word", "start_s", "end_s"), word, strict=True))


def _loss(curve: LossCurve) -> dict[str, Any]:
    points = [[int(step), finite(loss)] for step, loss in curve.points]
    lost = sum(loss is None for _, loss in points)
    return {"name": curve.name, "points": points, "reason": f"{lost} losses were not finite" if lost else ""}
