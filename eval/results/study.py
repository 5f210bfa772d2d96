"""A finished study as records (`StudyResult`): every arm's levels, what it changed against the base, and where a curve is doubled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval.metrics.metric import Metric
from eval.results.plural import counted
from eval.results.wording import interval, number, songs, unit
from eval.stats.intervals import Estimate
from eval.stats.significance import fewest_songs


@dataclass(frozen=True)
class StudyRow:
    """An arm. `series` and `value`: the curve it is a point of; `changes`: less the base's, none of the base itself;
    `runs`: the level in each run alone, by metric; `detectable`: the true change that these songs would show 8 times in 10.
    """

    name: str
    title: str
    series: str
    value: float | None
    levels: Mapping[str, Estimate]
    changes: Mapping[str, Estimate]
    runs: Mapping[str, Sequence[float | None]]
    detectable: Mapping[str, float | None]


@dataclass(frozen=True)
class Doubling:
    """Where a curve is twice the base's level, between measured values by a straight line.

    Attributes:
        value: None: not within what was measured.
        low, high: 95 % over songs; None at an end where too many draws of songs lead out of what was measured.
        most: the largest value measured.
    """

    series: str
    value: float | None
    low: float | None
    high: float | None
    most: float


@dataclass(frozen=True)
class StudyResult:
    """All of a study. `series`: title, unit and base value of each curve; `runs`: what each run was, in words; `notes`: what a
    reader must know of its songs.
    """

    name: str
    question: str
    doubt: str
    metrics: Sequence[Metric]
    base: StudyRow
    rows: Sequence[StudyRow]
    series: Mapping[str, Mapping[str, Any]]
    doubled: str
    doublings: Sequence[Doubling]
    runs: Sequence[str]
    num_songs: int
    stamp: str | None
    made_by: Sequence[str]
    notes: Sequence[str] = ()

    def metric(self, name: str) -> Metric:
        """The metric of this name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def record(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            **asdict(self),
            "metrics": [metric.record() for metric in self.metrics],
            "answer": answer(self),
        }


def answer(study: StudyResult) -> list[str]:
    """The answer in sentences, each with what it stands on."""
    if study.num_songs < fewest_songs():
        chance = 100 * 2.0 ** (1 - study.num_songs)
        return [
            f"{counted(study.num_songs, 'song')} can tell no two arms apart: equal arms seem so on every one of them "
            f"{chance:.0f} times in 100. It takes {fewest_songs()} songs at the least."
        ]
    return _doubled(study) if study.doubled else _resolved(study)


def in_short(study: StudyResult) -> list[tuple[str, list[str]]]:
    """Each answer as one sentence with its number and interval, and what else `answer` says of it, a line each."""
    if study.num_songs < fewest_songs() or study.doubled:
        return [(line, []) for line in answer(study)]
    return [_largest(study, metric) for metric in study.metrics]


def _largest(study: StudyResult, metric: Metric) -> tuple[str, list[str]]:
    """The largest change of a metric that can be told, with the others behind it; else the largest measured, and what would be seen."""
    of_unit = f" ({unit(metric, True)})" if unit(metric, True) else ""
    told = {
        row.name: f"{row.title} {_signed(metric, change)} {interval(metric, change)} ({songs(change)})"
        for row in study.rows
        if (change := row.changes[metric.name]).value is not None
    }
    if not told:
        return _not_measured(study, metric), []
    by_size = sorted(
        (row for row in study.rows if row.name in told),
        key=lambda row: abs(row.changes[metric.name].value or 0.0),
        reverse=True,
    )
    resolved = [row.name for row in by_size if row.changes[metric.name].resolved]
    if not resolved:
        sentence = f"{metric.title}{of_unit}: no arm can be told from the base; the largest change is {told[by_size[0].name]}."
        return sentence, _would_see(study, metric)
    count = f", the largest of {len(resolved)} changes that can be told" if len(resolved) > 1 else ""
    return (
        f"{metric.title}{of_unit}, against the base: {told[resolved[0]]}{count}.",
        [f"{told[name]}." for name in resolved[1:]],
    )


def _doubled(study: StudyResult) -> list[str]:
    metric = study.metric(study.doubled)
    level = study.base.levels[metric.name]
    lines = [
        f"{metric.title} is {number(metric, level.value)} {unit(metric)} {interval(metric, level)} with the times as they are.".replace(
            "  ", " "
        )
    ]
    if level.value is None or 2 * level.value > 1:
        return [*lines, "Where it doubles cannot be told: it would be more errors than there are phones."]
    for doubling in study.doublings:
        series = study.series[doubling.series]
        told = f"{series['title']}: "
        unit_of = f" {series['unit']}".rstrip()
        if doubling.value is None:
            lines.append(f"{told}less than doubled at {doubling.most:g}{unit_of}, the most measured.")
            continue
        low, high = ("?" if end is None else f"{end:.2g}" for end in (doubling.low, doubling.high))
        lines.append(f"{told}doubled at {doubling.value:.2g}{unit_of} [{low}, {high}].")
    return lines


def _resolved(study: StudyResult) -> list[str]:
    lines = []
    for metric in study.metrics:
        changes = [row.changes[metric.name] for row in study.rows]
        told = [
            f"{row.title} {_signed(metric, change)} {interval(metric, change)} ({songs(change)})"
            for row, change in zip(study.rows, changes, strict=True)
            if change.resolved
        ]
        of_unit = f" ({unit(metric, True)})" if unit(metric, True) else ""
        if told:
            lines.append(f"{metric.title}{of_unit}, against the base: {'; '.join(told)}.")
        elif all(change.value is None for change in changes):
            lines.append(_not_measured(study, metric))
        else:
            lines.append(
                f"{metric.title}: no arm can be told from the base{_could_have_seen(study, metric)}."
            )
    return lines


def _not_measured(study: StudyResult, metric: Metric) -> str:
    reason = (
        study.base.levels[metric.name].reason or next(row.changes[metric.name] for row in study.rows).reason
    )
    return f"{metric.title}: not measured ({reason})."


def _could_have_seen(study: StudyResult, metric: Metric) -> str:
    """The smallest change of each arm that these songs would show."""
    told = _seen(study, metric)
    return f"; of a change they would show, 8 times in 10: {', '.join(told)}" if told else ""


def _would_see(study: StudyResult, metric: Metric) -> list[str]:
    """The same, a line each."""
    return [f"These songs would show, 8 times in 10: {told}." for told in _seen(study, metric)]


def _seen(study: StudyResult, metric: Metric) -> list[str]:
    known = [(row.title, row.detectable[metric.name]) for row in study.rows]
    of_unit = f" {unit(metric, True)}".rstrip()
    return [f"{title} {number(metric, value)}{of_unit}" for title, value in known if value is not None]


def _signed(metric: Metric, change: Estimate) -> str:
    shown = number(metric, change.value)
    return shown if (change.value or 0) < 0 else f"+{shown}"
