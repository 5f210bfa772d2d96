"""The rule of pairs (`PairParams`): of a prompt's candidates the best against the worst by reward and margin (`Pair`), or why there is none (`Refusal`)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from pydantic import Field

from eval.metrics.error_rates import count_errors, normalise
from jam_model.words import words_of
from tasks.choices.store import PeoplesPair
from tasks.engine.song import Song
from tasks.engine.stage import BadModel, Section
from tasks.languages.phones import phones_of
from tasks.models.transcriber import GuardTranscriberParams

NOT_CHOSEN, CHOSEN_IS_GONE = "not_chosen", "chosen_is_gone"
CANDIDATE_COLUMNS = (
    *("parent", "candidate", "reward", "judge_scores", "reference_words", "transcript"),
    "transcript_phones",
)


class PairParams(Section):
    """Best against worst by reward, unless one of these refuses.

    `min_candidates`: candidates with a finite reward that a prompt needs. `min_margin`: reward between the two.
    `min_margin_percentile`: the margin must also reach this percentile of the round's margins. `max_axis_loss`:
    how much lower the winner may be on any axis that was judged. `max_word_loss`: how much higher its word
    error rate may be, as the guard's transcriber hears both; `max_phone_loss`: its phone error rate, where that one hears
    phones. null: no limit. `by`: the ``judge``, by these; ``people``: what they
    chose at the desk, whatever the limits say; ``both``: the judge where no person chose.
    """

    by: Literal["judge", "people", "both"]

    min_candidates: int = Field(ge=2)
    min_margin: float = Field(ge=0)
    min_margin_percentile: float | None = Field(ge=0, le=100)
    max_axis_loss: float | None = Field(ge=0)
    max_word_loss: float | None = Field(ge=0)
    max_phone_loss: float | None = Field(ge=0)


def check_guard(rule: PairParams, guard: GuardTranscriberParams) -> None:
    """Raises a BadModel where the rule limits what its guard cannot hear, which would refuse every prompt."""
    choice = f"models.guard_transcriber.model is {guard.model}, which"
    if rule.max_word_loss is not None and not guard.writes_words:
        raise BadModel(
            f"pair.max_word_loss is {rule.max_word_loss:g} and {choice} writes no words; "
            "set it to null and limit pair.max_phone_loss"
        )
    if rule.max_phone_loss is not None and not guard.hears_phones:
        raise BadModel(
            f"pair.max_phone_loss is {rule.max_phone_loss:g} and {choice} hears no phones; "
            "set it to null, or choose embedded or hama"
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate of a prompt. `reward` None: it was dropped before it could be scored. `axes`: every score it was
    given, by judge and axis. `word_error_rate`, `phone_error_rate` None: nobody listened, or who did writes no words or hears no phones.
    """

    song_id: str
    parent: str
    candidate: int
    reward: float | None
    axes: Mapping[str, float]
    word_error_rate: float | None
    phone_error_rate: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """The preferred candidate and the other one; `margin` is the reward between them, above 0 where the judge chose."""

    winner: str
    loser: str
    margin: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a prompt gave no pair.

    ``too_few_candidates``; ``not_scored`` or ``not_finite`` where too many of enough candidates failed or have no
    finite reward; ``tie``; ``margin_too_small``; ``loses_an_axis``, ``loses_words``, ``loses_phones``: the winner would be worse
    elsewhere; ``not_heard``: the guard has nothing to compare; ``not_chosen``: no person compared its candidates; ``people_differ``: those
    who did agree on none; ``chosen_is_gone``: they chose, and one of the two was dropped since.
    """

    refusal: str


def candidate_of(row: Mapping[str, Any]) -> Candidate:
    """The candidate of a candidate's row: its `drop_reason` and CANDIDATE_COLUMNS."""
    if row["drop_reason"]:
        return Candidate(row["song_id"], row["parent"], row["candidate"], None, {}, None)
    axes = {f"{entry['judge']} {entry['axis']}": entry["score"] for entry in row["judge_scores"]}
    asked, words, phones = (row[name] for name in ("reference_words", "transcript", "transcript_phones"))
    rates = (
        None if words is None else word_error_rate(asked, words),
        None if phones is None else phone_error_rate(asked, phones),
    )
    return Candidate(row["song_id"], row["parent"], row["candidate"], row["reward"], axes, *rates)


def word_error_rate(reference_words: Sequence[Mapping[str, Any]], transcript: Sequence[str]) -> float:
    """Errors a reference word of one candidate."""
    return count_errors(
        normalise([word.text for word in words_of(reference_words)]), normalise(transcript)
    ).rate


def phone_error_rate(reference_words: Sequence[Mapping[str, Any]], phones: Sequence[str]) -> float:
    """Errors a reference phone of one candidate."""
    asked = [phone for word in words_of(reference_words) for phone in phones_of(word.phonemes or "")]
    return count_errors(asked, phones).rate


def choose_pairs(
    candidates: Mapping[str, Sequence[Candidate]], rule: PairParams
) -> dict[str, Pair | Refusal]:
    """A pair or a refusal for every prompt; `candidates` by prompt, their order does not matter."""
    found = {parent: extremes(of_parent, rule.min_candidates) for parent, of_parent in candidates.items()}
    least = rule.min_margin
    margins = [_margin(*two) for two in found.values() if not isinstance(two, Refusal)]
    if margins and rule.min_margin_percentile is not None:
        least = max(least, float(np.percentile(margins, rule.min_margin_percentile)))
    return {
        parent: two if isinstance(two, Refusal) else _judged(*two, least, rule)
        for parent, two in found.items()
    }


def extremes(candidates: Sequence[Candidate], min_candidates: int) -> tuple[Candidate, Candidate] | Refusal:
    """The best and the worst candidate by reward; of equal rewards the lower candidate number counts."""
    if len(candidates) < min_candidates:
        return Refusal("too_few_candidates")
    scored = [c for c in candidates if c.reward is not None and math.isfinite(c.reward)]
    if len(scored) < min_candidates:
        return Refusal("not_scored" if any(c.reward is None for c in candidates) else "not_finite")
    best = min(scored, key=lambda c: (-(c.reward or 0.0), c.candidate))
    worst = min(scored, key=lambda c: (c.reward or 0.0, c.candidate))
    return (best, worst) if best.reward != worst.reward else Refusal("tie")


def _margin(best: Candidate, worst: Candidate) -> float:
    return (best.reward or 0.0) - (worst.reward or 0.0)


def _judged(best: Candidate, worst: Candidate, least_margin: float, rule: PairParams) -> Pair | Refusal:
    margin = _margin(best, worst)
    if margin < least_margin:
        return Refusal("margin_too_small")
    if rule.max_axis_loss is not None:
        losses = [worst.axes[axis] - best.axes[axis] for axis in worst.axes]
        if not all(loss <= rule.max_axis_loss for loss in losses):  # a NaN is no small loss
            return Refusal("loses_an_axis")
    for limit, won, lost, refusal in (
        (rule.max_word_loss, best.word_error_rate, worst.word_error_rate, "loses_words"),
        (rule.max_phone_loss, best.phone_error_rate, worst.phone_error_rate, "loses_phones"),
    ):
        if limit is None:
            continue
        if won is None or lost is None:
            return Refusal("not_heard")
        if won - lost > limit:
            return Refusal(refusal)
    return Pair(best.song_id, worst.song_id, margin)


def pair_rows(
    parents: Sequence[str],
    candidates: Iterable[Candidate],
    rule: PairParams,
    people: Mapping[str, PeoplesPair] | None = None,
) -> list[Song]:
    """One row a prompt in the order of `parents`, of which all candidates are: `winner`, `loser`, `margin`, or nulls and
    a `refusal`. `people`: what they chose of prompts; where the rule asks them, `by_people` tells whose a row is.
    """
    by_parent: dict[str, list[Candidate]] = {parent: [] for parent in parents}
    for candidate in candidates:
        by_parent[candidate.parent].append(candidate)
    columns = dict.fromkeys(("winner", "loser", "margin", "refusal"))
    found = choose_pairs(by_parent, rule)
    if rule.by == "judge":
        return [Song(parent, columns | asdict(one)) for parent, one in found.items()]
    chosen = {
        parent: _by_people(of_parent, (people or {}).get(parent)) for parent, of_parent in by_parent.items()
    }
    if rule.by == "both":
        unusable = (Refusal(NOT_CHOSEN), Refusal(CHOSEN_IS_GONE))
        chosen = {parent: one for parent, one in chosen.items() if one not in unusable}
    found |= chosen
    return [
        Song(parent, columns | asdict(one) | {"by_people": parent in chosen}) for parent, one in found.items()
    ]


def _by_people(candidates: Sequence[Candidate], chosen: PeoplesPair | None) -> Pair | Refusal:
    rewards = {candidate.song_id: candidate.reward for candidate in candidates}
    if chosen is None:
        return Refusal(NOT_CHOSEN)
    if chosen.is_tie:
        return Refusal("people_differ")
    won, lost = rewards.get(chosen.winner), rewards.get(chosen.loser)
    if won is None or lost is None:
        return Refusal(CHOSEN_IS_GONE)
    return Pair(chosen.winner, chosen.loser, won - lost)
