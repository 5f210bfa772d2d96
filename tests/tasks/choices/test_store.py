"""Choices of people: ten blind answers are ten pairs, a pair is heard again with sides swapped, nothing is kept twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.choices.store import (
    RaterCount,
    add_choice,
    choices_of,
    consistency,
    peoples_pairs,
    raters_of,
    read_choice,
)
from tasks.choices.trials import round_set, trials_of
from tasks.edits.store import Conflict
from tasks.preference.pairing import NOT_CHOSEN, Candidate, pair_rows
from tasks.preference.round_tables import TRAIN, RoundPairs, write_pairs_file, write_rows
from tests.tasks.preference.test_pairing import RULE

PROMPTS = [f"song-{number}" for number in range(10)]


def scores(folder: Path, weights: str = "w") -> Path:
    """A round's scores: three candidates a prompt, the first with the best reward, the second dropped."""
    text, number = pa.string(), pa.float64()
    types = {
        "parent": text,
        "candidate": pa.int32(),
        "seed": pa.int64(),
        "checkpoint": text,
        "reward": number,
    }
    types |= {
        "style_guidance_scale": number,
        "lyrics_guidance_scale": number,
        "num_steps": pa.int32(),
        "drop_reason": text,
    }
    made = {
        "seed": 1,
        "checkpoint": weights,
        "style_guidance_scale": 1.0,
        "lyrics_guidance_scale": 1.0,
        "num_steps": 2,
    }
    rows = [
        {
            "song_id": f"{prompt}-r1-k{k}",
            "parent": prompt,
            "candidate": k,
            **made,
            "reward": [0.9, None, 0.1][k],
        }
        | {"drop_reason": "not_finite" if k == 1 else None}
        for prompt in PROMPTS
        for k in range(3)
    ]
    path = folder / "scores.parquet"
    write_rows(path, rows, types)
    return path


def candidates() -> list[Candidate]:
    return [
        Candidate(f"{one}-r1-k{k}", one, k, [0.9, None, 0.1][k], {"judge a": 0.5}, None)
        for one in PROMPTS
        for k in range(3)
    ]


def test_ten_blind_choices_become_ten_pairs_and_who_differs_from_oneself_has_no_vote(tmp_path: Path) -> None:
    pairs = round_set(scores(tmp_path))
    assert pairs.key != round_set(scores(tmp_path / "other", "x")).key  # other candidates have other choices
    assert {(one.first, one.second) for one in pairs.pairs} == {
        (f"{one}-r1-k0", f"{one}-r1-k2") for one in PROMPTS
    }
    trials = trials_of(pairs, "ann")
    again = [trial for trial in trials if trial.again]
    assert (
        len(trials) == 12 and len(again) == 2 and trials == trials_of(pairs, "ann") != trials_of(pairs, "ben")
    )
    for trial in again:
        first = trials[trial.again - 1]
        assert (first.a, first.b) == (trial.b, trial.a) and trial.number - first.number > 3
    for trial in trials:  # ann prefers what the judge ranks last, whichever side it is on
        add_choice(tmp_path, pairs.key, "ann", trial, "a" if trial.a.endswith("k2") else "b")
    with pytest.raises(Conflict, match="trial 1 has an answer"):
        add_choice(tmp_path, pairs.key, "ann", trials[0], "b")
    with pytest.raises(ValueError, match="side"):
        add_choice(tmp_path, pairs.key, "ann", trials[0], "c")
    choices = choices_of(tmp_path, pairs.key)
    assert len(choices) == 12 and consistency(choices) == {"ann": (2, 2)}
    rule = RULE.model_copy(update={"min_candidates": 2, "by": "people"})
    rows = pair_rows(PROMPTS, candidates(), rule, peoples_pairs(choices))
    assert [(row["winner"], row["loser"]) for row in rows] == [
        (f"{one}-r1-k2", f"{one}-r1-k0") for one in PROMPTS
    ]
    made = RoundPairs(rows, TRAIN)
    assert (made.num_pairs, made.num_by_people) == (10, 10) and all(row["margin"] < 0 for row in rows)
    write_pairs_file(tmp_path / "pairs.parquet", [made])
    unsure = [one for one in choices if one.trial != again[0].number] + [
        one.__class__(**{**vars(one), "side": {"a": "b", "b": "a"}[one.side]})
        for one in choices
        if one.trial == again[0].number
    ]
    assert consistency(unsure) == {"ann": (1, 2)}
    people = peoples_pairs(unsure)
    del people[PROMPTS[0] if again[0].prompt != PROMPTS[0] else PROMPTS[1]]
    for by, refusals in (
        ("people", {NOT_CHOSEN: 1, "people_differ": 1}),
        ("both", {"people_differ": 1}),
        ("judge", {}),
    ):
        found = RoundPairs(
            pair_rows(PROMPTS, candidates(), rule.model_copy(update={"by": by}), people), TRAIN
        )
        assert (found.refusals, found.num_by_people) == (refusals, 0 if by == "judge" else 8)
    gone = [
        replace(one, reward=None) if one.song_id == f"{PROMPTS[0]}-r1-k2" else one for one in candidates()
    ]
    for by, refusal in (("people", "chosen_is_gone"), ("both", "not_scored")):
        rows = pair_rows(PROMPTS, gone, RULE.model_copy(update={"by": by}), peoples_pairs(choices))
        assert (rows[0]["winner"], rows[0]["refusal"]) == (None, refusal) and rows[1]["winner"]
    other = replace(
        trials[0], a=trials[0].b, b="another"
    )  # rewards of another judge: another pair of this number
    assert add_choice(tmp_path, pairs.key, "ann", other, "a").trial == 10_001
    assert raters_of(choices_of(tmp_path, pairs.key)) == {"ann": RaterCount(13, 2, 2)}
    path = next((tmp_path / "choices").glob("*/*/00001.json"))
    path.write_text(path.read_text().replace('"ann"', '"ben"'))
    with pytest.raises(ValueError, match="is not what its name says"):
        read_choice(path)
