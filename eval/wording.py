"""How numbers are written on the page, and the sentences that say what they mean."""

from __future__ import annotations

from eval.intervals import Estimate
from eval.metric import Metric
from eval.report import Comparison, Report

MINUS = "\u2212"


def number(metric: Metric, value: float | None) -> str:
    """A value as the page shows it: percent where the metric says so, a true minus sign, a dash for None."""
    if value is None:
        return "\u2013"
    shown = f"{100 * value if metric.percent else value:.{metric.decimals}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", MINUS)


def unit(metric: Metric, difference: bool = False) -> str:
    """The unit behind a number on the page."""
    if metric.percent:
        return "points" if difference else "%"
    return metric.unit


def interval(metric: Metric, estimate: Estimate) -> str:
    """``[12.1, 15.0]``, or nothing where there is none."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(metric, estimate.low)}, {number(metric, estimate.high)}]"


def songs(estimate: Estimate) -> str:
    """``n = 32`` with the failed ones, if any, beside it."""
    failed = f", {estimate.n_failed} failed" if estimate.n_failed else ""
    return f"n = {estimate.n}{failed}"


def quantity(metric: Metric, estimate: Estimate, difference: bool = False) -> str:
    """``8.3 points [3.2, 13.4]``, or ``31 of 32 songs`` for a count."""
    if estimate.unit == "songs" and estimate.value is not None:
        return f"{estimate.value:g} of {estimate.n} songs"
    parts = [number(metric, estimate.value), unit(metric, difference), interval(metric, estimate)]
    return " ".join(part for part in parts if part)


def comparison_verdict(report: Report, comparison: Comparison) -> str:
    """One sentence: who is better on what, by how much, over how many songs."""
    if comparison.verdict:
        return comparison.verdict
    metric, estimate = report.metric(comparison.metric), comparison.estimate
    left, right = report.title_of(comparison.left), report.title_of(comparison.right)
    if estimate.value is None:
        return f"{metric.title}: not measured ({estimate.reason or 'no reason given'})."
    if estimate.unit == "songs":
        return _sentence(f"{left}, by {metric.title}: {quantity(metric, estimate)}, {songs(estimate)}")
    if not right:
        return _sentence(f"{left}: {metric.title} {quantity(metric, estimate)}, {songs(estimate)}")
    if not estimate.resolved:
        sentence = f"{left} and {right} are not told apart on {metric.title}: difference"
        return _sentence(f"{sentence} {quantity(metric, estimate, True)}, {songs(estimate)}")
    return _sentence(_resolved(report, comparison))


def metric_verdict(report: Report, metric: Metric) -> str:
    """The line above a metric's table: every resolved difference, then how many are not."""
    asked = [
        comparison
        for comparison in report.comparisons
        if comparison.metric == metric.name and comparison.right and comparison.estimate.value is not None
    ]
    if not asked:
        return "No paired difference was taken on this metric; overlapping intervals decide nothing."
    resolved = [_resolved(report, comparison) for comparison in asked if comparison.estimate.resolved]
    open_ones = len(asked) - len(resolved)
    tail = f"{open_ones} difference{'s' if open_ones > 1 else ''} not resolvable" if open_ones else ""
    if resolved and tail:
        tail = f"{open_ones} other{'s' if open_ones > 1 else ''} not resolvable"
    return _sentence("; ".join(part for part in [*resolved, tail] if part))


def leaderboard_verdict(report: Report) -> str:
    """The line above the leaderboard: how many of the expectations stated beforehand hold."""
    stated = [comparison for comparison in report.comparisons if comparison.expect != "none"]
    if not stated:
        return (
            "No expectation was stated beforehand; the paired differences below say what can be told apart."
        )
    held = sum(comparison.holds is True for comparison in stated)
    failing = [comparison.question.rstrip("?.") for comparison in stated if comparison.holds is not True]
    line = f"{held} of {len(stated)} expectations stated beforehand hold"
    return f"{line}. Not shown to hold: {'; '.join(failing)}." if failing else f"{line}."


def _resolved(report: Report, comparison: Comparison) -> str:
    metric, estimate = report.metric(comparison.metric), comparison.estimate
    left, right = report.title_of(comparison.left), report.title_of(comparison.right)
    value, low, high = estimate.value or 0.0, estimate.low or 0.0, estimate.high or 0.0
    word = "better" if metric.better(value) else "worse"
    if value < 0:
        value, low, high = -value, -high, -low
    size = Estimate(value, low, high, estimate.n, estimate.n_failed)
    return f"{left} {word} than {right} on {metric.title} by {quantity(metric, size, True)}, {songs(size)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
