"""Pair chooses the best against the worst take, or says why there is no pair."""

from __future__ import annotations

import math

import pytest

from tasks.pair import Candidate, Pair, PairParams, Refusal, choose_pair, pair_rows

RULE = PairParams(min_candidates=3, min_margin=0.1)


def takes(*rewards: float | None, parent: str = "p") -> list[Candidate]:
    return [Candidate(f"{parent}-k{take}", parent, take, reward) for take, reward in enumerate(rewards)]


def test_the_best_is_preferred_to_the_worst() -> None:
    assert choose_pair(takes(2.0, 3.5, 1.5), RULE) == Pair("p-k1", "p-k2", 2.0)


def test_of_equal_takes_the_first_counts_whatever_their_order() -> None:
    candidates = takes(1.0, 3.0, 3.0, 1.0)
    assert choose_pair(candidates, RULE) == choose_pair(candidates[::-1], RULE) == Pair("p-k1", "p-k0", 2.0)


@pytest.mark.parametrize(
    ("rewards", "reason"),
    [
        ((1.0, 2.0), "too_few_candidates"),
        ((), "too_few_candidates"),
        ((1.0, 2.0, None), "too_few_candidates"),
        ((1.0, math.nan, 2.0), "too_few_candidates"),
        ((1.0, math.inf, 2.0), "too_few_candidates"),
        ((2.0, 2.0, 2.0), "tie"),
        ((2.0, 2.05, 2.01), "margin_too_small"),
    ],
)
def test_no_pair_has_its_reason(rewards: tuple[float | None, ...], reason: str) -> None:
    assert choose_pair(takes(*rewards), RULE) == Refusal(reason)


def test_a_tie_is_no_pair_even_without_a_least_margin() -> None:
    rule = PairParams(min_candidates=1, min_margin=0.0)
    assert choose_pair(takes(2.0, 2.0), rule) == Refusal("tie")
    assert choose_pair(takes(2.0), rule) == Refusal("too_few_candidates")


def test_every_prompt_is_a_row_also_without_a_single_take() -> None:
    rows = pair_rows(["b", "a", "c"], [*takes(1.0, 2.0, 3.0, parent="a"), *takes(1.0, parent="b")], RULE)
    assert [row.song_id for row in rows] == ["b", "a", "c"]
    assert rows[1].columns == {"winner": "a-k2", "loser": "a-k0", "margin": 2.0, "refusal": None}
    assert [row["refusal"] for row in rows] == ["too_few_candidates", None, "too_few_candidates"]


def test_a_take_of_an_unknown_prompt_is_an_error() -> None:
    with pytest.raises(ValueError, match="no prompt"):
        pair_rows(["a"], takes(1.0), RULE)
