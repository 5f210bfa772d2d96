"""How numbers and intervals are written (`number`, `quantity`), and the verdicts: sentences that say who leads a pair or the board, who is not told apart, which stated expectations hold."""

from __future__ import annotations

from dataclasses import replace

from eval.metrics.metric import Metric
from eval.results.comparisons import Pair, PairTable, smallest_detectable
from eval.results.plural import counted
from eval.results.report import Comparison, Report
from eval.stats.intervals import Estimate
from eval.stats.significance import fewest_songs

MINUS = "\u2212"
SHOWN_PAIRS = 2  # a verdict is one line: beyond these it gives one and the count


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
    """``8.3 points [3.2, 13.4]``, or ``31 of 32 songs`` for a count; a dash where there is none."""
    if estimate.value is None:
        return number(metric, None)
    if estimate.unit == "songs":
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
        return sentence(f"{left}, by {metric.title}: {quantity(metric, estimate)}, {songs(estimate)}")
    if not right:
        return sentence(f"{left}: {metric.title} {quantity(metric, estimate)}, {songs(estimate)}")
    if not estimate.resolved or estimate.n < fewest_songs():
        size = f"{quantity(metric, estimate, True)}, {songs(estimate)}"
        return sentence(f"{left} and {right} are not told apart on {metric.title}: difference {size}")
    return sentence(_difference(report, metric, comparison.left, comparison.right, estimate))


def metric_verdict(report: Report, metric: Metric) -> str:
    """The line above a metric's table: what is told apart, by how much, and what is not."""
    table = report.pair_table(metric.name)
    if table is None or not table.num_tests:
        return _verdict_without_pairs(report, metric)
    apart = sorted(
        (pair for pair in table.pairs if pair.significant), key=lambda pair: _lead_first(report, metric, pair)
    )
    shown = apart if len(apart) <= SHOWN_PAIRS else apart[:1]
    said = [_lead(report, metric, pair) for pair in shown]
    rest = table.num_tests - len(apart)
    if not apart:
        said.append(f"no two of the systems are told apart in {counted(table.num_tests, 'pair')}")
    elif len(shown) < len(apart):
        said.append(f"{len(apart)} of {table.num_tests} pairs are told apart")
    if apart and rest:
        said.append("other differences not resolvable" if rest > 1 else "the other difference not resolvable")
    return sentence("; ".join(said))


def family_line(metric: Metric, table: PairTable) -> str:
    """What was tested together, how, and how small a difference these songs could show."""
    names = {name for pair in table.pairs for name in (pair.left, pair.right)}
    line = f"Family: {counted(table.num_tests, 'pair')} of {len(names)} systems on {metric.title}; {table.method}."
    known = smallest_detectable(table)
    if known is None:
        return line
    low, high = (number(metric, value) for value in known)
    size = low if low == high else f"{low} to {high}, by pair"
    return f"{line} Smallest difference found 8 times in 10: {f'{size} {unit(metric, True)}'.rstrip()}."


def _lead_first(report: Report, metric: Metric, pair: Pair) -> tuple[float, float]:
    """Sorts pairs of the best system first, and of those the one with the closest rival."""
    sign = 1.0 if metric.direction == "higher" else -1.0
    systems = [system for system in map(report.system, (pair.left, pair.right)) if system]
    values = [system.estimate(metric.name).value for system in systems]
    best = max((sign * value for value in values if value is not None), default=0.0)
    return -best, abs(pair.estimate.value or 0.0)


def _verdict_without_pairs(report: Report, metric: Metric) -> str:
    reference = [
        comparison
        for comparison in report.comparisons
        if comparison.metric == metric.name and comparison.right and comparison.estimate.value is not None
    ]
    if not reference:
        return "No paired difference was taken on this metric; overlapping intervals decide nothing."
    said = [
        _difference(report, metric, one.left, one.right, one.estimate)
        for one in reference
        if one.estimate.resolved
    ]
    open_ones = len(reference) - len(said)
    if open_ones:
        other = "other difference" if said else "difference"
        said.append(f"{counted(open_ones, other)} not resolvable")
    return sentence("; ".join(said))


def leaderboard_verdict(report: Report) -> str:
    """The line above the leaderboard: the first metric's verdict, and which stated expectations hold."""
    first = next((metric for metric in report.metrics if report.pair_table(metric.name)), None)
    lines = [metric_verdict(report, first)] if first else []
    every = [comparison for comparison in report.comparisons if comparison.expect != "none"]
    stated = [comparison for comparison in every if not 0 < comparison.estimate.n < fewest_songs()]
    if len(stated) < len(every):
        lines.append(f"{counted(len(every) - len(stated), 'expectation')} on too few songs to hold or not.")
    if stated:
        held = sum(comparison.holds is True for comparison in stated)
        failing = [comparison.question.rstrip("?.") for comparison in stated if comparison.holds is not True]
        lines.append(f"{held} of {len(stated)} expectations stated beforehand hold.")
        lines += [f"Not shown to hold: {'; '.join(failing)}."] if failing else []
    return " ".join(lines or ["No expectation was stated beforehand, and no difference was taken."])


def direction_word(metric: Metric, difference: float) -> str:
    """What a difference of this sign is called."""
    if metric.direction not in ("higher", "lower"):
        return "higher" if difference > 0 else "lower"
    return "better" if metric.better(difference) else "worse"


def _difference(report: Report, metric: Metric, left: str, right: str, estimate: Estimate) -> str:
    """A difference said from the side of `left`, its size without a sign."""
    value = estimate.value or 0.0
    word = direction_word(metric, value)
    size = quantity(metric, _turned(estimate) if value < 0 else estimate, True)
    names = f"{report.title_of(left)} {word} than {report.title_of(right)}"
    return f"{names} on {metric.title} by {size}, {songs(estimate)}"


def _lead(report: Report, metric: Metric, pair: Pair) -> str:
    """A pair said from the side of the better system."""
    if direction_word(metric, pair.estimate.value or 0.0) == "worse":
        return _difference(report, metric, pair.right, pair.left, _turned(pair.estimate))
    return _difference(report, metric, pair.left, pair.right, pair.estimate)


def _turned(estimate: Estimate) -> Estimate:
    """The same difference the other way round."""
    value, low, high = (None if v is None else -v for v in (estimate.value, estimate.high, estimate.low))
    return replace(estimate, value=value, low=low, high=high)


def sentence(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}."
