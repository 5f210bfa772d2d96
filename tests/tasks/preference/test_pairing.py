"""Pair chooses the best against the worst candidate, or says why there is no pair."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.preference.pairing import (
    Candidate,
    Pair,
    PairParams,
    Refusal,
    candidate_of,
    check_guard,
    choose_pairs,
    pair_rows,
)
from tests.every import every
from tests.tasks.tiny import timed

RULE = PairParams(
    by="judge",
    min_candidates=3,
    min_margin=0.1,
    min_margin_percentile=None,
    max_axis_loss=None,
    max_word_loss=None,
    max_phone_loss=None,
)


def rule(**values: Any) -> PairParams:
    return RULE.model_copy(update=values)


def candidates(*rewards: float | None, parent: str = "p") -> list[Candidate]:
    return [
        Candidate(f"{parent}-k{candidate}", parent, candidate, r, {}, None)
        for candidate, r in enumerate(rewards)
    ]


def chosen(candidates: list[Candidate], rule: PairParams = RULE) -> Pair | Refusal:
    return choose_pairs({"p": candidates}, rule)["p"]


def two(best: dict[str, float], worst: dict[str, float]) -> list[Candidate]:
    """Two candidates, the first with the higher reward, with these axes."""
    return [Candidate("p-k0", "p", 0, 3.0, best, 0.0), Candidate("p-k1", "p", 1, 2.0, worst, 0.0)]


def heard(best: float | None, worst: float | None) -> list[Candidate]:
    """Two candidates, the first with the higher reward, with these word error rates."""
    return [Candidate("p-k0", "p", 0, 3.0, {}, best), Candidate("p-k1", "p", 1, 2.0, {}, worst)]


def test_the_best_is_preferred_to_the_worst() -> None:
    assert chosen(candidates(2.0, 3.5, 1.5)) == Pair("p-k1", "p-k2", 2.0)


def test_of_equal_takes_the_first_counts_whatever_their_order() -> None:
    made = candidates(1.0, 3.0, 3.0, 1.0)
    assert chosen(made) == chosen(made[::-1]) == Pair("p-k1", "p-k0", 2.0)


@every(
    ("rewards", "reason"),
    [
        ((1.0, 2.0), "too_few_candidates"),
        ((1.0,), "too_few_candidates"),
        ((), "too_few_candidates"),
        ((1.0, 2.0, None), "not_scored"),
        ((1.0, math.nan, None), "not_scored"),
        ((1.0, math.nan, 2.0), "not_finite"),
        ((1.0, math.inf, 2.0), "not_finite"),
        ((2.0, 2.0, 2.0), "tie"),
        ((2.0, 2.05, 2.01), "margin_too_small"),
    ],
)
def test_no_pair_has_its_reason(rewards: tuple[float | None, ...], reason: str) -> None:
    assert chosen(candidates(*rewards)) == Refusal(reason)


def test_takes_that_failed_are_left_out_where_enough_others_stand() -> None:
    assert chosen(candidates(1.0, math.nan, 2.0, None, 3.0)) == Pair("p-k4", "p-k0", 2.0)


def test_a_tie_is_no_pair_even_without_a_least_margin() -> None:
    assert chosen(candidates(2.0, 2.0), rule(min_candidates=2, min_margin=0.0)) == Refusal("tie")


def test_a_percentile_of_the_rounds_margins_refuses_the_smallest_and_counts_no_ties() -> None:
    prompts = {
        name: candidates(1.0, 1.0 + margin) for name, margin in zip("abcd", (0.0, 0.2, 0.3, 0.9), strict=True)
    }
    found = choose_pairs(prompts, rule(min_candidates=2, min_margin_percentile=50.0))
    assert [getattr(found[name], "refusal", "pair") for name in "abcd"] == [
        "tie",
        "margin_too_small",
        "pair",
        "pair",
    ]


def test_the_absolute_margin_holds_beside_the_percentile() -> None:
    prompts = {"a": candidates(1.0, 1.05), "b": candidates(1.0, 1.06)}
    found = choose_pairs(prompts, rule(min_candidates=2, min_margin_percentile=0.0))
    assert set(found.values()) == {Refusal("margin_too_small")}


def test_a_winner_that_loses_on_another_axis_is_refused_beyond_the_tolerance() -> None:
    limit = rule(min_candidates=2, max_axis_loss=0.25)
    assert chosen(two({"a": 4.0, "b": 2.0}, {"a": 2.0, "b": 2.25}), limit) == Pair("p-k0", "p-k1", 1.0)
    assert chosen(two({"a": 4.0, "b": 2.0}, {"a": 2.0, "b": 2.5}), limit) == Refusal("loses_an_axis")
    assert chosen(two({"a": 4.0, "b": math.nan}, {"a": 2.0, "b": 2.0}), limit) == Refusal("loses_an_axis")
    assert isinstance(chosen(two({"b": 1.0}, {"b": 5.0}), rule(min_candidates=2)), Pair)


def test_a_winner_that_is_less_intelligible_is_refused_beyond_the_tolerance() -> None:
    limit = rule(min_candidates=2, max_word_loss=0.25)
    assert isinstance(chosen(heard(0.5, 0.25), limit), Pair)
    assert chosen(heard(0.75, 0.25), limit) == Refusal("loses_words")
    assert isinstance(chosen(heard(0.0, 1.5), limit), Pair)
    assert chosen(heard(None, 0.25), limit) == chosen(heard(0.0, None), limit) == Refusal("not_heard")
    assert isinstance(chosen(heard(None, None), rule(min_candidates=2)), Pair)
    phones = rule(min_candidates=2, max_phone_loss=0.1)
    assert chosen(heard(0.0, 0.0), phones) == Refusal("not_heard")
    won, lost = (
        replace(one, phone_error_rate=rate) for one, rate in zip(heard(None, None), (0.5, 0.3), strict=True)
    )
    assert chosen([won, lost], phones) == Refusal("loses_phones")
    assert isinstance(chosen([replace(won, phone_error_rate=0.375), lost], phones), Pair)
    hama = load_params().models.guard_transcriber.model_copy(update={"model": "hama"})
    check_guard(phones, hama)
    with pytest.raises(BadModel, match=r"max_word_loss is 0.25 and .* is hama, which writes no words; set"):
        check_guard(limit, hama)
    with pytest.raises(
        BadModel, match=r"max_phone_loss is 0.1 and .* is whisper, which hears no phones; set"
    ):
        check_guard(phones, hama.model_copy(update={"model": "whisper"}))


def test_every_prompt_is_a_row_also_without_a_single_take() -> None:
    rows = pair_rows(
        ["b", "a", "c"], [*candidates(1.0, 2.0, 3.0, parent="a"), *candidates(1.0, parent="b")], RULE
    )
    assert [row.song_id for row in rows] == ["b", "a", "c"]
    assert rows[1].columns == {"winner": "a-k2", "loser": "a-k0", "margin": 2.0, "refusal": None}
    assert [row["refusal"] for row in rows] == ["too_few_candidates", None, "too_few_candidates"]


def test_a_candidate_is_read_off_its_row() -> None:
    row = {
        "song_id": "p-r1-k2",
        "drop_reason": None,
        "parent": "p",
        "candidate": 2,
        "reward": 3.0,
        "judge_scores": [{"judge": "one@1", "axis": "clarity", "score": 2.5}],
        "reference_words": [
            {**word, "phonemes": phonemes}
            for word, phonemes in zip(
                timed(("Hold", 0.0, 0.5), ("on,", 0.5, 1.0)), ("hˈoʊld", "ˈɑn"), strict=True
            )
        ],
        "transcript": ["hold"],
        "transcript_phones": ["h", "oʊ", "d", "ɑ", "n"],
    }
    assert candidate_of(row) == Candidate("p-r1-k2", "p", 2, 3.0, {"one@1 clarity": 2.5}, 0.5, 1 / 6)
    assert candidate_of({**row, "transcript": None, "transcript_phones": None}).phone_error_rate is None
    assert candidate_of({**row, "transcript": []}).word_error_rate == 1.0
    unheard = dict.fromkeys(("reward", "judge_scores", "transcript", "transcript_phones"))
    dropped = {**row, "drop_reason": "not_finite", **unheard}
    assert candidate_of(dropped) == Candidate("p-r1-k2", "p", 2, None, {}, None)
