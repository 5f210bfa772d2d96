"""The gate on hand-made scores: it stops what gets worse beyond its margin, and nothing that only scatters."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from eval.metrics.error_rates import ErrorCounts
from eval.metrics.frechet import FrechetReference, WindowStatistics, window_statistics
from eval.results.rounds import RoundRow
from eval.stats.intervals import Estimate
from tasks.preference.gate import Gate, GateParams, Margins, PolicyScores, best_round
from tasks.preference.round_report import not_converged, why_kept, why_stopped

REWARD, FAILED, STYLE, DIVERSITY = "reward", "failed", "style_similarity", "diversity"
PER, ACOUSTIC_PER, FAD = "per", "acoustic_per", "fad"
NUM_PROMPTS, PHONES, DIM = 24, 60, 4
MARGINS = Margins(per=0.05, fad=0.25, style_similarity=0.05, diversity=0.05, other_judges=None, failed=0.1)
PARAMS = GateParams(
    num_prompts=NUM_PROMPTS,
    candidates=2,
    seed=1,
    num_resamples=500,
    error_rate=0.05,
    margins=MARGINS,
    max_start_per=0.2,
)


def windows(seed: int, shift: float = 0.0) -> list[WindowStatistics]:
    random = np.random.default_rng(seed)
    return [window_statistics(random.standard_normal((20, DIM)) + 0.5 + shift) for _ in range(NUM_PROMPTS)]


GATE = Gate(PARAMS, FrechetReference(window_statistics(np.random.default_rng(0).standard_normal((500, DIM)))))


def sung(seed: int, reward: float = 3.0, per: float = 0.1, shift: float = 0.0, **more: float) -> PolicyScores:
    """A policy whose prompts scatter around these values."""
    random = np.random.default_rng(seed)
    errors = random.binomial(PHONES, per, NUM_PROMPTS)
    centres = {REWARD: reward, STYLE: 0.8, DIVERSITY: 0.3, **more}
    scores = {
        name: list(centre + 0.05 * random.standard_normal(NUM_PROMPTS)) for name, centre in centres.items()
    }
    counts = [ErrorCounts(PHONES - n, n, 0, 0) for n in errors.tolist()]
    words = {PER: counts, ACOUSTIC_PER: counts}
    values = {**scores, FAILED: [0.0] * NUM_PROMPTS, **words, FAD: windows(seed, shift)}
    return PolicyScores(values, ["sung"])


def rows_of(*history: PolicyScores) -> list[RoundRow]:
    return [
        RoundRow(
            number,
            f"w{number}",
            GATE.estimates(history[number]),
            ["sung"],
            GATE.changes(history[: number + 1]) if number else (),
        )
        for number in range(len(history))
    ]


def test_a_reward_that_is_hacked_stops_the_rounds_and_an_earlier_round_is_kept() -> None:
    rows = rows_of(sung(1), sung(2, reward=3.3), sung(3, reward=4.5, per=0.35))
    assert not rows[1].exceeded
    assert {(c.metric, c.against) for c in rows[2].exceeded} == {(ACOUSTIC_PER, 0), (ACOUSTIC_PER, 1)}
    assert why_stopped(rows[1]) == ""
    assert why_stopped(rows[2]).startswith(
        "round 2 stops the rounds: acoustic_per against round 0 changed by 0.2"
    )
    assert "more than 0.05 for the worse" in why_stopped(rows[2])
    assert best_round(rows) == 1
    assert why_kept(rows, 1).startswith("round 1 is kept") and "chance" not in why_kept(rows, 1)


def test_an_honest_gain_is_kept() -> None:
    rows = rows_of(sung(1), sung(2, reward=3.1), sung(3, reward=3.2, per=0.09))
    assert best_round(rows) == 2 and not any(row.exceeded for row in rows)
    change = rows[2].change(REWARD)
    assert change and change.estimate.above_zero and change.margin is None and change.p_value is None


def test_scatter_alone_stops_nothing() -> None:
    stopped = [
        any(row.exceeded for row in rows_of(*(sung(10 * seed + k) for k in range(4)))) for seed in range(5)
    ]
    assert sum(stopped) <= 1


def test_worse_within_the_margin_is_no_reason_to_stop() -> None:
    rows = rows_of(sung(1, per=0.10), sung(2, per=0.12))
    assert not rows[1].exceeded


@pytest.mark.parametrize(
    ("changed", "metric"),
    [({STYLE: 0.5}, STYLE), ({DIVERSITY: 0.1}, DIVERSITY), ({"shift": 1.0}, FAD)],
)
def test_every_guard_stops_what_gets_worse(changed: dict[str, Any], metric: str) -> None:
    rows = rows_of(sung(1), sung(2, reward=5.0, **changed))
    assert [change.metric for change in rows[1].exceeded] == [metric]
    assert best_round(rows) == 0
    assert "round 1 got worse beyond a margin" in why_kept(rows, 0)


def test_a_policy_that_cannot_sing_any_more_is_stopped_and_never_kept() -> None:
    lost = PolicyScores(
        {name: [None] * NUM_PROMPTS for name in (REWARD, STYLE, DIVERSITY, FAD)}
        | {FAILED: [1.0] * NUM_PROMPTS},
        ["sung"],
    )
    rows = rows_of(sung(1), lost)
    assert [change.metric for change in rows[1].exceeded] == [FAILED]
    assert best_round(rows) == 0


def test_a_guard_without_a_margin_stops_nothing() -> None:
    free = Margins(**dict.fromkeys(Margins.model_fields))
    gate = Gate(PARAMS.model_copy(update={"margins": free}), GATE.reference)
    changes = gate.changes([sung(1), sung(2, per=0.9)])
    assert not any(change.exceeded or change.p_value is not None for change in changes)


def test_p_values_are_corrected_for_the_number_of_guards() -> None:
    history = [sung(1), sung(2), sung(3, per=0.2)]
    corrected = {(c.metric, c.against): c.p_value for c in GATE.changes(history)}
    p = GATE._p_value(ACOUSTIC_PER, history[2], history[0], 0.05)
    assert p is not None and corrected[ACOUSTIC_PER, 0] == pytest.approx(min(1.0, p * 10), rel=0.3)


def test_a_transcriber_that_hears_no_phones_is_guarded_by_the_words_it_wrote() -> None:
    def written(policy: PolicyScores) -> PolicyScores:
        values = {name: column for name, column in policy.values.items() if name != ACOUSTIC_PER}
        return PolicyScores(values, policy.made_by)

    rows = rows_of(written(sung(1)), written(sung(2, per=0.5)))
    assert [change.metric for change in rows[1].exceeded] == [PER]


def test_a_model_that_cannot_sing_its_words_yet_is_called_not_converged() -> None:
    first = rows_of(sung(1, per=0.4))[0]
    assert not_converged(first, 0.2).startswith("not converged") and "look at the control" in not_converged(
        first, 0.2
    )
    assert not_converged(first, 0.5) == ""
    unheard = RoundRow(0, "w", {PER: Estimate(None, None, None, 0, 0)}, [])
    assert "not measured" in not_converged(unheard, 0.5)


def test_a_gate_comes_back_as_written() -> None:
    row = rows_of(sung(1), sung(2))[1]
    again = RoundRow.of(json.loads(json.dumps(row.record())))
    assert again.record() == row.record()
