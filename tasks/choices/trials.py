"""Which two candidates a rater hears when (`trials_of`): sets of pairs, prompts in an order of their own, sides drawn, some pairs again with sides swapped.

The order follows from the candidates and the rater's name alone, so it is the same whenever the page is opened.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.engine.fingerprint import fingerprint
from tasks.storage.files import parquet_file

ONE_AGAIN_OF = 5
"""A pair of so many is heard again; at least one where there are as many as `APART`."""
APART = 3
"""So many others lie between the two times at the least."""
MADE_OF = ("song_id", "seed", "checkpoint", "style_guidance_scale", "lyrics_guidance_scale", "num_steps")


@dataclass(frozen=True)
class ToHear:
    """Two candidates of one prompt, which a person is to compare."""

    prompt: str
    first: str
    second: str


@dataclass(frozen=True)
class PairSet:
    """Candidates to compare. `key`: a hash of what they were made from, so that others have other choices."""

    key: str
    pairs: Sequence[ToHear]


@dataclass(frozen=True)
class Trial:
    """What a rater hears at once: `a` and `b` are candidates; `again`: the number of the trial it repeats."""

    number: int
    prompt: str
    a: str
    b: str
    again: int | None = None


def trials_of(pairs: PairSet, rater: str) -> list[Trial]:
    """All trials of one rater, numbered from 1."""
    draw = random.Random(fingerprint([pairs.key, rater]))
    order = draw.sample(list(pairs.pairs), len(pairs.pairs))
    sided = [(one, draw.random() < 0.5) for one in order]  # True: the second candidate is A
    shown: list[tuple[int, bool]] = [(place, False) for place in range(len(sided))]
    count = max(len(sided) // ONE_AGAIN_OF, 1) if len(sided) >= APART else 0
    for place in sorted(
        draw.sample(range(max(1, len(sided) - APART)), min(count, max(1, len(sided) - APART)))
    ):
        first = shown.index((place, False))
        earliest = min(first + APART + 1, len(shown))
        shown.insert(draw.randint(earliest, len(shown)), (place, True))
    number_of = {place: number for number, (place, again) in enumerate(shown, 1) if not again}
    trials = []
    for number, (place, again) in enumerate(shown, 1):
        one, is_swapped = sided[place]
        a, b = (one.second, one.first) if is_swapped != again else (one.first, one.second)
        trials.append(Trial(number, one.prompt, a, b, number_of[place] if again else None))
    return trials


def round_set(scores: Path) -> PairSet:
    """The best and the worst candidate of every prompt of a round's ``scores.parquet``, as the judge ranks them.

    Raises:
        FileNotFoundError: the round has no candidates yet.
    """
    with parquet_file(scores) as file:
        rows = file.read(use_threads=False).to_pylist()
    made_of = sorted([row[name] for name in MADE_OF] for row in rows)
    prompts: dict[str, list[tuple[float, int, str]]] = {}
    for row in rows:
        if row["drop_reason"] is None and row["reward"] is not None:
            prompts.setdefault(row["parent"], []).append((-row["reward"], row["candidate"], row["song_id"]))
    pairs = [
        ToHear(prompt, min(found)[2], max(found)[2])
        for prompt, found in sorted(prompts.items())
        if len(found) > 1
    ]
    return PairSet(fingerprint(made_of), pairs)


def ring_set(key: str, prompt: str, candidates: Sequence[str]) -> PairSet:
    """Candidates of one prompt, each beside the next one, the last beside the first: every one is heard twice."""
    order = random.Random(key).sample(list(candidates), len(candidates))
    ends = zip(order, [*order[1:], order[0]], strict=True)
    pairs = [ToHear(prompt, one, other) for one, other in ends]
    return PairSet(key, pairs if len(order) > 2 else pairs[:1] if len(order) == 2 else [])
