"""A sweep's statistics: prompts are the unit, seeds are averaged, and a claim needs both."""

from __future__ import annotations

import numpy as np
import pytest

from eval.metrics.fad import FAD, fad_difference
from eval.metrics.frechet import FrechetReference, WindowStatistics, window_statistics
from eval.metrics.metric import Corpus, SongMetric
from eval.pages.sweep import sweep_html, sweep_json
from eval.results.sweep import Change, Sweep, SweepRow, change
from eval.stats.intervals import Estimate, Resampling, paired_mean_difference
from tests.every import every

RESAMPLING = Resampling(500, 1)
CORPUS = Corpus(RESAMPLING)
REWARD = SongMetric("reward", "Reward", "ours", "", "higher", "", "", measure=lambda song: None)


def windows(seed: int, shift: float = 0.0, songs: int = 10) -> list[WindowStatistics | None]:
    random = np.random.default_rng(seed)
    return [window_statistics(random.standard_normal((6, 3)) + shift) for _ in range(songs)]


def test_one_seed_is_a_paired_difference_over_prompts() -> None:
    random = np.random.default_rng(0)
    ours, others = random.normal(1, 1, 20).tolist(), random.normal(0, 1, 20).tolist()
    found = change(REWARD, [ours], [others], CORPUS)
    assert found.estimate == paired_mean_difference(ours, others, RESAMPLING)
    assert found.seeds == (pytest.approx(found.estimate.value),)


def test_seeds_are_averaged_before_prompts_are_drawn() -> None:
    start = [0.0, 0.0, 0.0, 0.0]
    found = change(REWARD, [[1.0, 2.0, 3.0, 4.0], [3.0, 2.0, 1.0, 0.0]], [start, start], CORPUS)
    assert found.estimate.value == found.estimate.low == found.estimate.high == 2.0
    assert found.seeds == (2.5, 1.5)
    assert found.claim


def test_a_prompt_that_failed_for_one_seed_counts_for_none() -> None:
    start = [0.0, 0.0, 0.0]
    found = change(REWARD, [[1.0, None, 3.0], [1.0, 9.0, 3.0]], [start, start], CORPUS)
    assert found.seeds == (2.0, 2.0)
    assert (found.estimate.n, found.estimate.n_failed) == (2, 1)


@every(
    ("low", "high", "seeds", "claim"),
    [
        (0.1, 0.9, (0.4, 0.6), True),
        (-0.9, -0.1, (-0.4, -0.6), False),
        (0.1, 0.9, (1.2, -0.2), False),
        (-0.1, 1.1, (0.4, 0.6), False),
        (0.1, 0.9, (0.5, None), False),
    ],
)
def test_a_claim_needs_the_interval_and_the_sign_of_every_seed(
    low: float, high: float, seeds: tuple[float | None, ...], claim: bool
) -> None:
    found = Change(Estimate(0.5, low, high, 9, 0), seeds)
    assert found.claim == claim
    fallen = Change(Estimate(-0.5, -0.9, -0.1, 9, 0), (-0.4, -0.6))
    assert fallen.claim


def test_nothing_measured_is_no_claim() -> None:
    found = change(REWARD, [[None, None]], [[1.0, 2.0]], CORPUS)
    assert found.estimate.value is None and found.seeds == (None,) and not found.claim


def test_frechet_change_of_one_seed_is_the_paired_difference_with_its_jackknife() -> None:
    reference = FrechetReference(window_statistics(np.random.default_rng(9).standard_normal((200, 3))))
    to = Corpus(RESAMPLING, reference)
    arm, start = windows(1, 0.5), windows(2)
    found, alone = change(FAD, [arm], [start], to), fad_difference(reference, arm, start)
    assert found.estimate.value == pytest.approx(alone.value)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((alone.low, alone.high))
    two = change(FAD, [arm, windows(3, 1.5)], [start, start], to)
    assert two.seeds[0] == pytest.approx(alone.value) and two.seeds[1] > two.seeds[0]  # type: ignore[operator]
    assert two.estimate.value == pytest.approx(np.mean(two.seeds))  # type: ignore[arg-type]
    assert two.estimate.low < two.estimate.value < two.estimate.high  # type: ignore[operator]


def test_frechet_change_says_why_there_is_none() -> None:
    reference = FrechetReference(window_statistics(np.random.default_rng(9).standard_normal((200, 3))))
    to = Corpus(RESAMPLING, reference)
    few = change(FAD, [windows(1, songs=1)], [windows(2, songs=1)], to)
    assert few.estimate.value is None and few.estimate.reason and few.seeds == (None,)
    uneven = change(FAD, [windows(1), [*windows(3)[:9], None]], [windows(2), windows(2)], to)
    assert uneven.estimate.low is None and "failed for one seed" in uneven.estimate.reason


def test_the_page_and_the_record_tell_every_row_and_escape_what_they_are_given() -> None:
    row = SweepRow(
        "gt<i>", "A & B", {"reward": Change(Estimate(0.5, 0.1, 0.9, 9, 0), (0.4, 0.6))}, {"a": 0.75}
    )
    sweep = Sweep([REWARD], [row], [row], ["24 pairs"], ["embedded/signal-judge@1"])
    page, record = sweep_html(sweep), sweep_json(sweep)
    assert page == sweep_html(sweep)
    assert "A &amp; B" in page and "gt&lt;i&gt;" in page and "<i>" not in page
    assert page.count('class="point"') == 4 and "stand-in" in page
    assert record["arms"][0]["changes"]["reward"]["claim"] is True and record["arms"][0]["a"] == 0.75
    assert record["arms"][0]["changes"]["reward"]["estimate"]["n"] == 9
