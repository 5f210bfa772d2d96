"""From measured songs to a study's answer: metrics of each arm, changes against the base song by song, pooled seeds, and where a curve doubles.

Runs are pooled within a song before songs are drawn, so that many runs never pass for many songs. Legend: A arms of a curve,
B draws, N songs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from eval.metrics.error_rates import RateMetric, fractions
from eval.metrics.metric import CorpusMetric, Measurable, Unmeasured, Values, known
from eval.metrics.song import Song
from eval.metrics.word_timing import WORD_START_MEDIAN
from eval.report.catalogue import chapter_of, metric_of
from eval.results.report import STAMP, is_stand_in
from eval.results.study import Doubling, StudyResult, StudyRow
from eval.stats.intervals import LEVEL, Estimate, complete_columns, drawn_counts_BN, ratio
from jam_model.words import rows_of
from tasks.benchmark.system_metrics import Measured
from tasks.studies.by_stratum import Stratum, strata_of
from tasks.studies.study import Arm, Run, Study, system_of

PHRASING = chapter_of("pitch_spread")
"""Told of every study whose songs it was measured on."""
NOT_HERE = Unmeasured("not measured here")
NO_BASE = Estimate(None, None, None, 0, 0, reason="the base itself")
TRUE_START: CorpusMetric = replace(
    WORD_START_MEDIAN,
    name="true_start_median",
    title="Word start error against the undisturbed times, median",
    protocol="As the word start error, but against the times of the prompt before the study changed them.",
)


def result_of(study: Study, runs: Sequence[Run], measured: Measured, made_by: Sequence[str]) -> StudyResult:
    """Everything that the page and the JSON file hold."""
    names = [*study.metrics, *(metric.name for metric in measured.metrics if metric in PHRASING.metrics)]
    own = {metric.name: metric for metric in (TRUE_START, *study.own_metrics)}
    metrics = [own[name] if name in own else metric_of(name) for name in names]
    strata = {one.metric.name: one for one in strata_of(measured.prompts)} if study.strata else {}
    metrics[1:1] = [one.metric for one in strata.values()]
    taken = [metric for metric in metrics if isinstance(metric, Measurable)]
    values = {
        (arm.name, metric.name): [
            _values(study, measured, system_of(arm, run), metric, strata) for run in runs
        ]
        for arm in study.all_arms
        for metric in taken
    }
    rows = [_row(arm, study.base, taken, values, measured) for arm in study.all_arms]
    return StudyResult(
        study.name,
        study.question,
        study.doubt,
        taken,
        rows[0],
        rows[1:],
        {name: asdict(series) for name, series in study.series.items()},
        study.doubled,
        _doublings(study, values, measured) if study.doubled else [],
        [f"weights {run.weights[:12]}, seed {run.seed}" for run in runs],
        len(measured.prompts),
        STAMP if is_stand_in(made_by) else None,
        list(made_by),
        list(study.notes),
    )


def _row(
    arm: Arm,
    base: Arm,
    metrics: Sequence[Measurable],
    values: Mapping[tuple[str, str], Sequence[Values]],
    measured: Measured,
) -> StudyRow:
    levels, changes, runs = {}, {}, {}
    detectable: dict[str, float | None] = {}
    for metric in metrics:
        own, others = values[arm.name, metric.name], values[base.name, metric.name]
        levels[metric.name] = _level(metric, pooled(metric, own), measured)
        runs[metric.name] = [_level(metric, one, measured).value for one in own]
        if arm is base:
            changes[metric.name], detectable[metric.name] = NO_BASE, None
            continue
        both = _known_values(pooled(metric, own)), _known_values(pooled(metric, others))
        change = changes[metric.name] = metric.difference(*both, measured.corpus)
        seen = change.value is not None
        detectable[metric.name] = metric.detectable(*both, change) if seen else None
    return StudyRow(arm.name, arm.title, arm.series, arm.value, levels, changes, runs, detectable)


def pooled(metric: Measurable, runs: Sequence[Values]) -> list[Any]:
    """One value a song of the runs' values; None where any run has none, `Unmeasured` where nobody could measure."""
    if len(runs) == 1:
        return list(runs[0])
    songs = list(zip(*runs, strict=True))
    return [
        next((value for value in song if known(value) is None), None)
        if any(known(value) is None for value in song)
        else metric.pooled(song)
        for song in songs
    ]


def _values(
    study: Study, measured: Measured, system: str, metric: Measurable, strata: Mapping[str, Stratum]
) -> Values:
    if metric.name in strata:
        return strata[metric.name].values(measured, system)
    if metric.name == TRUE_START.name:
        songs = zip(measured.systems[system], measured.prompts, strict=True)
        return [metric.measure(_asked(song.song, prompt.words)) for song, prompt in songs]
    if metric in study.own_metrics:
        return [metric.measure(song.song) for song in measured.systems[system]]
    found = {one.name: one for one in measured.metrics}
    if metric.name not in found:
        return [NOT_HERE] * len(measured.prompts)
    reason = measured.unmeasured(metric, system)
    if reason:
        return [Unmeasured(reason)] * len(measured.prompts)
    return measured.columns(found[metric.name])[system]


def _asked(song: Song, words: Sequence[Any]) -> Song:
    return replace(song, row={**song.row, "reference_words": rows_of(words)})


def _level(metric: Measurable, values: Values, measured: Measured) -> Estimate:
    reasons = {value.reason for value in values if isinstance(value, Unmeasured)}
    if reasons and all(known(value) is None for value in values):
        return Estimate(None, None, None, 0, 0, reason="; ".join(sorted(reasons)))
    return metric.estimate(_known_values(values), measured.corpus)


def _known_values(values: Values) -> list[Any]:
    return [known(value) for value in values]


def _doublings(
    study: Study, values: Mapping[tuple[str, str], Sequence[Values]], measured: Measured
) -> list[Doubling]:
    metric = metric_of(study.doubled)
    if not isinstance(metric, RateMetric):
        raise TypeError(f"{metric.name}: only of a rate it is told where it doubles")
    found = []
    for name, series in study.series.items():
        arms = sorted((arm for arm in study.arms if arm.series == name), key=_at)
        of = [_known_values(pooled(metric, values[arm.name, metric.name])) for arm in (study.base, *arms)]
        points = [series.base, *map(_at, arms)]
        found.append(doubling(name, points, of, measured))
    return found


def doubling(series: str, points: Sequence[float], values: Sequence[Values], measured: Measured) -> Doubling:
    """Where the rate is twice the one at the first point. `values`: counts a song, a list a point; songs that lack any are
    left out.
    """
    columns, _ = complete_columns(*(side for of in values for side in fractions(of)))
    sums_A2 = columns.sum(axis=1).reshape(-1, 2)
    value, most = crossing(points, ratio(sums_A2[:, 0], sums_A2[:, 1])[None])[0], points[-1]
    if columns.shape[1] < 2:
        return Doubling(series, None if np.isinf(value) else float(value), None, None, most)
    counts_BN = drawn_counts_BN(measured.corpus.resampling, columns.shape[1])
    sums_BA2 = (counts_BN @ columns.T).reshape(len(counts_BN), -1, 2)
    drawn_B = crossing(points, ratio(sums_BA2[..., 0], sums_BA2[..., 1]))
    ends = np.quantile(drawn_B, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    low, high = (None if np.isinf(end) else float(end) for end in ends)
    return Doubling(series, None if np.isinf(value) else float(value), low, high, most)


def crossing(points: Sequence[float], rates_BA: np.ndarray) -> np.ndarray:
    """Where each row first reaches twice its first rate, by straight lines between points; inf where it never does, or where
    its first is 0. [B]
    """
    limit_B = 2 * rates_BA[:, :1]
    above_BA = (rates_BA >= limit_B) & (limit_B > 0) & (np.arange(rates_BA.shape[1]) > 0)
    right_B = above_BA.argmax(axis=1)
    reached_B, rows = above_BA.any(axis=1), np.arange(len(rates_BA))
    left_B = np.maximum(right_B - 1, 0)
    low_B, high_B = rates_BA[rows, left_B], rates_BA[rows, right_B]
    places = np.asarray(points, float)
    rise_B = np.where(high_B > low_B, high_B - low_B, 1.0)
    share_B = np.clip((limit_B[:, 0] - low_B) / rise_B, 0.0, 1.0)
    at_B = places[left_B] + share_B * (places[right_B] - places[left_B])
    return np.where(reached_B, at_B, np.inf)


def _at(arm: Arm) -> float:
    if arm.value is None:
        raise ValueError(f"{arm.name} is a point of the curve {arm.series!r} and has no value")
    return arm.value
