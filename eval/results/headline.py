"""The answers at the head of a report: yes, no, or that these songs cannot tell; each a comparison with its interval and n."""

from __future__ import annotations

from eval.results.plural import counted
from eval.results.report import Comparison, Report
from eval.results.stored import Answer
from eval.results.wording import comparison_verdict
from eval.stats.significance import fewest_songs


def answers(report: Report) -> list[Answer]:
    """The answer to every comparison that asks at the head of the page, in order."""
    return [answer(report, one) for one in report.comparisons if one.headline]


def answer(report: Report, asked: Comparison) -> Answer:
    """What its interval says of `asked.headline`: whether the system `asked.gain` is the better one."""
    estimate, text = asked.estimate, comparison_verdict(report, asked)
    if estimate.value is None:
        return Answer(asked.headline, "open", text, "it was not measured")
    if estimate.n < fewest_songs():
        return Answer(asked.headline, "open", text, f"{counted(estimate.n, 'song')} cannot show a difference")
    if not estimate.resolved:
        return Answer(asked.headline, "open", text, "the interval holds 0")
    left_better = report.metric(asked.metric).better(estimate.value)
    return Answer(asked.headline, "yes" if left_better == (asked.gain == asked.left) else "no", text)


def caution(report: Report) -> str:
    """What too few songs can tell, as a sentence; empty where they are enough for one comparison."""
    most = max((one.n for system in report.systems for one in system.estimates.values()), default=0)
    if not 0 < most < fewest_songs():
        return ""
    chance = 100 * 2.0 ** (1 - most)
    return (
        f"{counted(most, 'song')} can tell no two systems apart: equal systems seem so on every one of them "
        f"{chance:.0f} times in 100. A single comparison takes {fewest_songs()} songs at the least, and several take more. "
        "The numbers and intervals below show that the machinery works, and nothing else."
    )
