"""The head of a report: yes, no, or that these songs cannot tell; a handful of songs is told to be one."""

from __future__ import annotations

from dataclasses import replace

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import PER
from eval.pages.players import Players
from eval.pages.report import report_html
from eval.report.tables import leading_values
from eval.results.headline import answers, caution
from eval.results.report import STAMP, Comparison, Report, System
from eval.results.report_json import report_record
from eval.stats.intervals import Estimate, Resampling
from eval.stats.significance import fewest_songs, paired_p_value
from tests.every import every

STAND_IN = ("score-v1 embedded/judge@1",)


def measured(value: float, low: float, high: float, n: int = 32) -> Estimate:
    return Estimate(value, low, high, n, 0, method="bootstrap")


def report(*asked: Comparison, n: int = 32) -> Report:
    systems = [
        System(name, name.title(), STAND_IN, {PER.name: measured(0.5, 0.4, 0.6, n)})
        for name in ("untrained", "trained", "dpo")
    ]
    return Report("Title", systems, [PER, JUDGE_MEAN], comparisons=asked)


def trained(estimate: Estimate) -> Comparison:
    return Comparison(
        "learned",
        "Words?",
        PER.name,
        "untrained",
        "trained",
        estimate,
        headline="Did it help?",
        gain="trained",
    )


def preferred(estimate: Estimate) -> Comparison:
    return Comparison(
        "dpo", "Judge?", JUDGE_MEAN.name, "dpo", "trained", estimate, headline="Did DPO help?", gain="dpo"
    )


@every(
    ("asked", "line"),
    [
        (
            trained(measured(0.3, 0.2, 0.4)),
            "Did it help? Yes. Untrained worse than Trained on PER by 30.0 points",
        ),
        (
            trained(measured(-0.3, -0.4, -0.2)),
            "Did it help? No, it made it worse. Untrained better than Trained",
        ),
        (preferred(measured(0.3, 0.2, 0.4)), "Did DPO help? Yes. Dpo better than Trained"),
        (preferred(measured(-0.3, -0.4, -0.2)), "Did DPO help? No, it made it worse. Dpo worse than Trained"),
        (
            preferred(measured(0.3, -0.1, 0.4)),
            "Did DPO help? It cannot be told: the interval holds 0. Dpo and",
        ),
        (
            trained(measured(0.3, 0.2, 0.4, n=5)),
            "Did it help? It cannot be told: 5 songs cannot show a difference. ",
        ),
        (
            trained(Estimate(None, None, None, 0, 3, reason="no song")),
            "Did it help? It cannot be told: it was not",
        ),
    ],
)
def test_an_answer_is_yes_or_no_only_where_its_interval_says_so(asked: Comparison, line: str) -> None:
    (found,) = answers(report(asked))
    assert found.line.startswith(line)
    assert "n = " in found.line or asked.estimate.value is None


def test_what_dvc_shows_are_the_systems_and_metrics_that_the_head_asks_about() -> None:
    asked = report(trained(measured(0.3, 0.2, 0.4)), preferred(measured(0.3, 0.2, 0.4)))
    assert {name: list(values) for name, values in leading_values(asked).items()} == {
        name: [PER.name, JUDGE_MEAN.name] for name in ("trained", "dpo")
    }
    assert leading_values(replace(asked, comparisons=(), headline=[PER.name]))["untrained"] == {PER.name: 0.5}


def test_comparisons_that_ask_nothing_at_the_head_are_not_there() -> None:
    assert answers(report(replace(trained(measured(0.3, 0.2, 0.4)), headline=""))) == []


def test_fewer_songs_than_any_test_takes_are_told_to_be_too_few() -> None:
    enough, draws = fewest_songs(), Resampling(1000, 1)
    assert paired_p_value([1.0] * enough, [0.0] * enough, draws) <= 0.05  # type: ignore[operator]
    assert paired_p_value([1.0] * (enough - 1), [0.0] * (enough - 1), draws) > 0.05  # type: ignore[operator]
    assert caution(report(n=2)).startswith(
        "2 songs can tell no two systems apart: "
    ) and "50 times" in caution(report(n=2))
    assert not caution(report(n=enough)) and not caution(Report("Empty", [], []))


def test_the_page_answers_first_says_the_stamp_of_all_rows_once_and_ends_with_the_protocol() -> None:
    whole = replace(report(trained(measured(0.3, 0.2, 0.4)), n=2), notes=["Words are compared so."])
    page = report_html(whole, Players([], {}, {}))
    assert page.index("Did it help?") < page.index("<nav") < page.index('id="leaderboard"')
    assert page.index('id="questions"') < page.index("Words are compared so.")
    assert page.count(STAMP) == 1
    one_real = replace(whole, systems=[replace(whole.systems[0], made_by=()), *whole.systems[1:]])
    assert report_html(one_real, Players([], {}, {})).count(STAMP) > 2, "rows differ, so each says it"
    assert report_record(whole)["answers"][0]["verdict"] == "yes"
