"""The section about rounds says which was kept and why, and shows every guard."""

from __future__ import annotations

from eval.metrics.metric import Metric
from eval.pages.players import build_players
from eval.pages.report import report_html
from eval.pages.rounds import rounds_section
from eval.results.report import Report
from eval.results.report_json import report_record
from eval.results.rounds import Change, RoundRow, RoundsReport
from eval.stats.intervals import Estimate

REWARD = Metric("reward", "Reward", "ours", "(1, 5)", "higher", "", "What pairs are ranked by.")
PER = Metric("per", "PER", "jiwer", "[0, inf)", "lower", "", "Phones.", percent=True, decimals=1)


def estimate(value: float) -> Estimate:
    return Estimate(value, value - 0.05, value + 0.05, 12, 0)


def rounds() -> RoundsReport:
    first = RoundRow(0, "w0", {"reward": estimate(3.0), "per": estimate(0.1)}, ["score-v2 embedded/judge@1"])
    broken = RoundRow(
        1,
        "w1",
        {"reward": estimate(4.5), "per": estimate(0.4)},
        ["score-v2 embedded/judge@1"],
        [Change("reward", 0, estimate(1.5)), Change("per", 0, estimate(0.3), 0.05, 0.002, True)],
        control={"reward": estimate(3.1), "per": estimate(0.1)},
        over_control={"reward": estimate(1.4)},
        num_prompts=24,
        num_pairs=20,
        refusals={"tie": 1, "loses_<words>": 3},
        num_held_out=8,
        held_out_accuracy=0.75,
        error_over="song",
    )
    why, stopped = "round 0 is kept: nothing else is better", "round 1 stops the rounds: per got worse"
    return RoundsReport(
        [REWARD, PER], [first, broken], 0, why, stopped, ["not converged: look at the control"]
    )


def test_the_section_says_which_round_was_kept_why_and_what_stopped_them() -> None:
    page = rounds_section(rounds())
    for line in ("Round 0 is kept: nothing else is better.", "Round 1 stops the rounds", "Not converged"):
        assert line in page
    assert page.count(">kept<") == 1 and page.count(">got worse beyond a margin<") == 1
    assert "Control of round 1" in page and page.count("stand-in, not a result") == 3


def test_every_guard_is_shown_with_its_margin_and_p_value() -> None:
    page = rounds_section(rounds())
    guard = page.split("<h3>Guards</h3>")[1].split("</table>")[0]
    for cell in ("PER", "round 0", "30.0 points [25.0, 35.0]", "5.0 points", "0.002", "<b>broken</b>"):
        assert cell in guard
    assert "Reward" not in guard  # what has no margin is no guard


def test_pairs_and_refusals_are_told_and_escaped() -> None:
    page = rounds_section(rounds())
    assert "Round 1: 20 pairs from 24 prompts, refused: tie 1, loses_&lt;words&gt; 3" in page
    assert (
        "75 % of 8 held-out pairs; flow errors are means over the song&#x27;s own frames; its reward minus its control&#x27;s: 1.40 [1.35, 1.45]"
        in page
    )


def test_without_rounds_there_is_no_section() -> None:
    empty = Report("t", [], [])
    assert 'id="rounds"' not in report_html(empty, build_players(empty))
    assert report_record(empty)["rounds"] is None


def test_the_rounds_stand_in_the_report_as_json() -> None:
    record = report_record(Report("t", [], [], rounds=rounds()))["rounds"]
    assert record["kept"] == 0 and record["rows"][1]["changes"][1]["exceeded"] is True


def test_rounds_are_drawn_as_curves_with_their_intervals() -> None:
    page = rounds_section(rounds())
    curves = page.split('class="panels curves"')[1].split("</div>")[0]
    shown = {name for row in rounds().rows for name in row.estimates}
    assert curves.count("<figure") == len(shown)
    assert curves.count('class="dot policy"') == sum(len(row.estimates) for row in rounds().rows)
    assert curves.count('class="dot control"') == 2 * len(shown)  # it begins where the policy does
    assert 'class="interval policy"' in curves
