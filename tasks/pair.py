"""Pair: of the takes of one prompt, the best and the worst, or why there is no pair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.engine.song import Song
from tasks.engine.stage import Section


class PairParams(Section):
    """`min_candidates`: takes with a finite reward that a prompt needs. `min_margin`: reward between the two."""

    min_candidates: int
    min_margin: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """A take of a prompt. `reward` None: it was dropped before it could be scored."""

    song_id: str
    parent: str
    take: int
    reward: float | None


@dataclass(frozen=True, slots=True)
class Pair:
    """The preferred take and the other one; `margin` > 0 is the reward between them."""

    winner: str
    loser: str
    margin: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a prompt gave no pair: ``too_few_candidates``, ``tie`` or ``margin_too_small``."""

    reason: str


def choose_pair(candidates: Iterable[Candidate], rule: PairParams) -> Pair | Refusal:
    """The best against the worst take by reward; of equal rewards the lower take number counts.

    Takes without a finite reward are left out. Equal best and worst are a tie whatever `min_margin` says.
    """
    scored = [
        (c.reward, c.take, c.song_id) for c in candidates if c.reward is not None and math.isfinite(c.reward)
    ]
    if len(scored) < max(2, rule.min_candidates):
        return Refusal("too_few_candidates")
    best_reward, _, winner = min(scored, key=lambda take: (-take[0], take[1]))
    worst_reward, _, loser = min(scored, key=lambda take: (take[0], take[1]))
    if best_reward == worst_reward:
        return Refusal("tie")
    margin = best_reward - worst_reward
    if not math.isfinite(margin) or margin < rule.min_margin:
        return Refusal("margin_too_small")
    return Pair(winner, loser, margin)


def pair_rows(parents: Sequence[str], candidates: Iterable[Candidate], rule: PairParams) -> list[Song]:
    """One row a prompt in the order of `parents`: `winner`, `loser`, `margin`, or nulls and a `refusal`.

    Raises:
        ValueError: a take of a prompt that is not among `parents`.
    """
    takes: dict[str, list[Candidate]] = {parent: [] for parent in parents}
    for candidate in candidates:
        if candidate.parent not in takes:
            raise ValueError(f"parent {candidate.parent!r} of {candidate.song_id} is no prompt of this round")
        takes[candidate.parent].append(candidate)
    rows = []
    for parent, of_parent in takes.items():
        found = choose_pair(of_parent, rule)
        if isinstance(found, Pair):
            columns = {"winner": found.winner, "loser": found.loser, "margin": found.margin, "refusal": None}
        else:
            columns = {"winner": None, "loser": None, "margin": None, "refusal": found.reason}
        rows.append(Song(parent, columns))
    return rows
