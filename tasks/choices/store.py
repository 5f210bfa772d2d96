"""Choices (``Choice``) as files that never change, ``choices/<key of the candidates>/<rater>/<trial>.json``, and the pairs, wins and votes they come to.

A rater who hears a pair again and chooses otherwise has no vote on it. Of a prompt's votes the majority counts.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tasks.choices.trials import Trial
from tasks.edits.store import Conflict
from tasks.storage.files import write_new

CHOICES = "choices"
LATER = 10_000
"""Added to a trial's number where that has an answer about other candidates, which stands."""
A, B, NEITHER = "a", "b", "neither"
SIDES = (A, B, NEITHER)
MAX_RATER_CHARS, MAX_BYTES = 60, 10_000
_KEY = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Choice:
    """One answer: which of the candidates `a` and `b` of a prompt a rater preferred; `side`: one of `SIDES`."""

    rater: str
    trial: int
    prompt: str
    a: str
    b: str
    side: str
    made_at: str

    @property
    def chosen(self) -> str | None:
        """The candidate that was preferred; None for neither."""
        return {A: self.a, B: self.b}.get(self.side)

    def is_about(self, trial: Trial) -> bool:
        """It answers this trial: the same candidates on the same sides."""
        return (self.prompt, self.a, self.b) == (trial.prompt, trial.a, trial.b)


@dataclass(frozen=True)
class PeoplesPair:
    """What people say of a prompt: `winner` over `loser` by `votes` to `against`; of as many votes they agree on none."""

    winner: str
    loser: str
    votes: int
    against: int

    @property
    def is_tie(self) -> bool:
        """As many preferred the other one, or nobody one of them twice."""
        return self.votes <= self.against


@dataclass(frozen=True)
class RaterCount:
    """How many `answers` a rater gave, how many pairs were heard `twice`, and on how many of these they were `alike`."""

    answers: int
    twice: int
    alike: int


def checked_rater(name: object) -> str:
    """A rater's name as it is kept.

    Raises:
        ValueError: it is none.
    """
    rater = " ".join(name.split()) if isinstance(name, str) else ""
    if not rater or len(rater) > MAX_RATER_CHARS or not rater.isprintable():
        raise ValueError(f"rater: give a name of at most {MAX_RATER_CHARS} characters")
    return rater


def add_choice(root: Path, key: str, rater: str, trial: Trial, side: str) -> Choice:
    """Keep an answer, which stands for good when this returns; `root`: the work folder.

    Where other rewards made another pair of a trial that was answered, the answer of before stands beside the new one.

    Raises:
        Conflict: the trial has one already, about these two.
        ValueError: it is none of `SIDES`.
    """
    if side not in SIDES:
        raise ValueError(f"side: {str(side)[:20]!r} is none of {', '.join(SIDES)}")
    made_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    folder, number = _folder(root, key) / _rater(rater), trial.number
    while True:
        choice = Choice(rater, number, trial.prompt, trial.a, trial.b, side, made_at)
        data = (json.dumps(asdict(choice), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        path = folder / f"{number:05d}.json"
        try:
            write_new(path, data)
        except FileExistsError:
            if read_choice(path).is_about(trial):
                raise Conflict(f"choice: trial {trial.number} has an answer already") from None
            number += LATER
        else:
            return choice


def choices_of(root: Path, key: str) -> list[Choice]:
    """All answers of all raters about some candidates, each rater's in order.

    Raises:
        ValueError: a file is none of ours.
    """
    return [read_choice(path) for path in sorted(_folder(root, key).glob("*/[!.]*.json"))]


def read_choice(path: Path) -> Choice:
    """One file.

    Raises:
        ValueError: it is none of ours.
    """
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        choice = Choice(**json.loads(data))
        texts = (choice.rater, choice.prompt, choice.a, choice.b, choice.made_at)
        known = (
            choice.side in SIDES and type(choice.trial) is int and all(isinstance(one, str) for one in texts)
        )
        fits = known and path.name == f"{choice.trial:05d}.json" and path.parent.name == _rater(choice.rater)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"choices: {path} cannot be read ({error}); put it back or remove it") from error
    if not fits:
        raise ValueError(f"choices: {path} is not what its name says; put it back or remove it")
    return choice


def peoples_pairs(choices: Iterable[Choice]) -> dict[str, PeoplesPair]:
    """What the raters say of each prompt; of several pairs of one the one with the most votes."""
    votes: dict[tuple[str, str, str], Counter[str]] = {}
    for (_, prompt, first, second), chosen in _by_pair(choices).items():
        counted = votes.setdefault((prompt, first, second), Counter())
        if len(set(chosen)) == 1 and chosen[0] is not None:
            counted[chosen[0]] += 1
    found: dict[str, PeoplesPair] = {}
    for (prompt, first, second), counted in sorted(votes.items()):
        winner, loser = (first, second) if counted[first] >= counted[second] else (second, first)
        pair = PeoplesPair(winner, loser, counted[winner], counted[loser])
        before = found.get(prompt)
        if before is None or pair.votes - pair.against > before.votes - before.against:
            found[prompt] = pair
    return found


def consistency(choices: Iterable[Choice]) -> dict[str, tuple[int, int]]:
    """Of each rater how many of the pairs heard twice were answered alike, and how many were heard twice."""
    found: dict[str, tuple[int, int]] = {}
    for (rater, *_), chosen in _by_pair(choices).items():
        alike, count = found.get(rater, (0, 0))
        found[rater] = (alike + (len(set(chosen)) == 1), count + 1) if len(chosen) > 1 else (alike, count)
    return found


def raters_of(choices: Iterable[Choice]) -> dict[str, RaterCount]:
    """Who answered how often, and how surely, by name."""
    given = list(choices)
    sure = consistency(given)
    answers = Counter(choice.rater for choice in given)
    return {rater: RaterCount(answers[rater], sure[rater][1], sure[rater][0]) for rater in sorted(answers)}


def answers_elsewhere(root: Path, key: str, prompts: Collection[str]) -> int:
    """Answers about other candidates of these prompts: of other weights, another seed or sampler. They stand, and count for nothing here."""
    folders = [path for path in (root / CHOICES).glob("*") if _KEY.fullmatch(path.name) and path.name != key]
    return sum(choice.prompt in prompts for folder in folders for choice in choices_of(root, folder.name))


def wins_of(choices: Iterable[Choice]) -> dict[str, tuple[int, int]]:
    """Of each candidate how often it was preferred, and how often it was heard."""
    wins, heard = Counter[str](), Counter[str]()
    for choice in choices:
        heard.update((choice.a, choice.b))
        wins.update([choice.chosen] if choice.chosen else [])
    return {name: (wins[name], count) for name, count in heard.items()}


def _by_pair(choices: Iterable[Choice]) -> Mapping[tuple[str, str, str, str], Sequence[str | None]]:
    found: dict[tuple[str, str, str, str], list[str | None]] = {}
    for choice in choices:
        first, second = sorted((choice.a, choice.b))
        found.setdefault((choice.rater, choice.prompt, first, second), []).append(choice.chosen)
    return found


def _folder(root: Path, key: str) -> Path:
    if not _KEY.fullmatch(key):
        raise ValueError(f"choices: {key[:80]!r} is no key of candidates")
    return root / CHOICES / key


def _rater(rater: str) -> str:
    return hashlib.sha256(rater.encode()).hexdigest()[:16]
