"""The report's section on blind listening tests: which system listeners preferred by each question, with interval and p-value."""

from __future__ import annotations

from html import escape

from eval.pages.charts import axis, dot_plot, scale_of
from eval.pages.leaderboard import stamp_mark, unbroken
from eval.results.listening_test import QUESTIONS, Preference
from eval.results.plural import counted
from eval.results.report import Report, is_stand_in
from eval.results.wording import songs


def ratings_section(report: Report) -> str:
    """A row a question of each test."""
    rows = "".join(_row(report, one) for one in report.listening)
    heads = "".join(
        f'<th scope="col" class="figure">{text}</th>' for text in ("preferred, %", "p", "n", "failed")
    )
    return (
        f'<p class="verdict">{unbroken(" ".join(_says(report, one) for one in report.listening))}</p>'
        f'<div class="wide"><table><thead><tr><th scope="col">Test and question</th><th></th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody><tfoot><tr><td></td><td class=plot>{axis(_SCALE, percent=True)}</td>"
        "<td></td><td></td><td></td><td></td></tr></tfoot></table></div>"
        '<p class="caption">Share of songs on which listeners preferred the first system; no difference counts as one '
        "half. Blind, sides dealt by song, equal loudness. Intervals over songs; p: of no preference, by permutation, "
        "uncorrected. Failed: songs nobody judged.</p>"
    )


_SCALE = scale_of([0.0, 1.0])


def _row(report: Report, one: Preference) -> str:
    estimate = one.estimate
    pair = f"{report.title_of(one.left)} over {report.title_of(one.right)}"
    stamp = stamp_mark(report, is_stand_in(one.made_by))
    value = "–" if estimate.value is None else f"{100 * estimate.value:.0f}"
    range_ = "" if estimate.low is None or estimate.high is None else _range(estimate.low, estimate.high)
    p_value = "–" if one.p_value is None else f"{one.p_value:.3f}"
    answers = f"{counted(one.num_answers, 'answer')} by {counted(one.num_listeners, 'listener')}"
    return (
        f'<tr><th scope="row"><b>{escape(pair)}</b><span class="note">{escape(QUESTIONS[one.question])} '
        f"{escape(answers)}</span>{stamp}</th>"
        f'<td class="plot">{dot_plot(estimate, _SCALE, f"{pair}: {value} %", [0.5])}</td>'
        f'<td class="figure">{value} <span class="range">{range_}</span></td><td class="figure">{p_value}</td>'
        f'<td class="figure">{estimate.n}</td><td class="figure">{estimate.n_failed}</td></tr>'
    )


def _says(report: Report, one: Preference) -> str:
    estimate, what = one.estimate, "for enjoyment" if one.question == "enjoyment" else "for its style"
    names = report.title_of(one.left), report.title_of(one.right)
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return f"{names[0]} or {names[1]} {what}: {estimate.reason or 'not judged'}."
    share = f"{100 * estimate.value:.0f} % {_range(estimate.low, estimate.high)} of songs, {songs(estimate)}"
    if estimate.low > 0.5 or estimate.high < 0.5:
        first, second = names if estimate.low > 0.5 else names[::-1]
        return f"Listeners preferred {first} to {second} {what} ({names[0]} on {share})."
    return f"Listeners preferred neither {names[0]} nor {names[1]} {what} ({names[0]} on {share})."


def _range(low: float, high: float) -> str:
    return f"[{100 * low:.0f}, {100 * high:.0f}]"
