"""The card of a system: every number with its interval, the stamp in front, nothing that breaks LaTeX."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from eval.report.card import latex_row, methods_paragraph, system_card
from eval.results.report_json import report_record
from tests.eval.conftest import HOSTILE, make_report


def test_the_paragraph_says_songs_protocol_statistics_and_models() -> None:
    record = report_record(replace(make_report("plain"), headline=["wer", "judge_mean"]))
    text = methods_paragraph(record, "trained")
    for part in (
        "STAND-IN, NOT A RESULT",
        "on 2 songs",
        "not capped",
        "Normaliser",
        "Holm",
        "1 pairs a metric",
    ):
        assert part in text, part
    assert "at most 1 here" in text and "embedded/codec@1" in text
    assert "STAND-IN" not in methods_paragraph(record, "truth")


def test_the_row_has_a_cell_for_each_measured_metric() -> None:
    record = report_record(replace(make_report("plain"), headline=["wer", "judge_mean"]))
    stamp, head, row = latex_row(record, "trained").split("\n")
    assert stamp == "% stand-in, not a result"
    assert head == r"% System & WER $\downarrow$ & Judge, mean $\uparrow$ \\"
    assert row.startswith(r"Trained plain$^{\ast}$ & $0.270$ {\scriptsize $[0.200, 0.340]$} & $3.100$")
    assert row.endswith("% n = 31 to 32")
    assert (
        latex_row(record, "truth").count("&") == 2
    )  # a head and one metric: what was not measured has no cell


def test_a_title_cannot_leave_its_cell() -> None:
    record = report_record(make_report(HOSTILE + r" \input{/etc/passwd} 5% a_b #1 $x$"))
    row = latex_row(record, "trained").split("\n")[-1].split(r"$^{\ast}$")[0]
    assert not re.search(r"(?<!\\)[%$#_{}&]", row.replace(r"\textbackslash{}", ""))


def test_an_unknown_system_is_refused_with_the_known_ones() -> None:
    known = r"'muse' is not in this report; it has truth \(.+\), trained \(.+\)"
    with pytest.raises(ValueError, match=known):
        system_card(report_record(make_report()), "muse")


def test_a_system_may_be_called_by_its_title() -> None:
    record = report_record(make_report())
    title = record["systems"]["trained"]["title"]
    assert title != "trained" and system_card(record, title) == system_card(record, "trained")
