"""What the stages wrote about a policy's songs of the gate becomes scores, a prompt each: means over its takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from eval.metrics.error_rates import ErrorCounts
from eval.metrics.frechet import WindowStatistics, merged, window_statistics
from eval.metrics.style_similarity import style_similarity, take_diversity
from eval.metrics.tail_energy import METRICS as ENERGY_METRICS
from tasks.audio.read import array_of
from tasks.benchmark.song_metrics import word_counts
from tasks.models.judge import JudgeParams, judge_identity
from tasks.models.phonemizer import Phonemizer
from tasks.preference.gate import DIVERSITY, FAILED, OTHER_JUDGES, REWARD, STYLE, PolicyScores
from tasks.prompts.prompts import Prompt
from tasks.stages.reward import RewardParams

GATE_COLUMNS = (
    "parent",
    "system",
    "take",
    "transcript",
    "heard_phones",
    "style_embedding",
    "window_embedding",
    "judged",
    "reward",
    "tail_energy",
)
TAIL = ENERGY_METRICS[0].name
Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Sung:
    """A prompt with the takes that were sung of it, and how many were asked for."""

    prompt: Prompt
    takes: Sequence[Row]
    asked: int

    def mean(self, value: Callable[[Row], float | None]) -> float | None:
        """Mean over the takes that have a value."""
        values = [found for take in self.takes if (found := value(take)) is not None]
        return float(np.mean(values)) if values else None


def policy_scores(
    prompts: Sequence[Prompt],
    rows: Iterable[Row],
    phonemizer: Phonemizer,
    other_judges: Callable[[Row], float | None],
) -> PolicyScores:
    """Score one policy's songs against what was asked.

    Args:
        rows: its songs, dropped ones too; every prompt has some.
        other_judges: see `unrewarded`.
    """
    of_prompt: dict[str, list[Row]] = {prompt.song_id: [] for prompt in prompts}
    made_by: set[str] = set()
    for row in rows:
        of_prompt[row["parent"]].append(row)
        made_by |= set(row["made_by"])
    sung = [
        _Sung(prompt, [row for row in takes if not row["drop_reason"]], len(takes))
        for prompt, takes in zip(prompts, of_prompt.values(), strict=True)
    ]
    scores: dict[str, list[float | None]] = {
        REWARD: [one.mean(lambda take: take["reward"]) for one in sung],
        OTHER_JUDGES: [one.mean(other_judges) for one in sung],
        STYLE: [one.mean(_similarity_to(one.prompt)) for one in sung],
        DIVERSITY: [take_diversity([_style(take) for take in one.takes]) for one in sung],
        TAIL: [one.mean(lambda take: take["tail_energy"]) for one in sung],
        FAILED: [1 - len(one.takes) / one.asked for one in sung],
    }
    measured = {name: values for name, values in scores.items() if any(value is not None for value in values)}
    counts = [_words(one, phonemizer) for one in sung]
    heard = set.intersection(*(set(found) for found in counts if found)) if any(counts) else set()
    words = {name: [found.get(name) for found in counts] for name in sorted(heard)}
    return PolicyScores(measured, words, [_windows(one) for one in sung], sorted(made_by))


def unrewarded(reward: RewardParams, judge: JudgeParams) -> Callable[[Row], float | None]:
    """The mean of those axes of a song that were judged and that the reward does not weigh."""
    judges = reward.judges(judge)
    weighed = set()
    for term in reward.terms:
        chosen = judges[term.judge_of(judge.model)]
        weighed |= {(judge_identity(chosen), axis) for axis in ([term.axis] if term.axis else chosen.axes)}

    def mean(row: Row) -> float | None:
        others = [entry["score"] for entry in row["judged"] if (entry["judge"], entry["axis"]) not in weighed]
        return float(np.mean(others)) if others else None

    return mean


def _similarity_to(prompt: Prompt) -> Callable[[Row], float]:
    return lambda take: style_similarity(_style(take), prompt.style_NS).mean


def _style(take: Row) -> np.ndarray:
    return np.asarray(take["style_embedding"], np.float32)


def _words(one: _Sung, phonemizer: Phonemizer) -> dict[str, ErrorCounts]:
    """Errors of all takes of a prompt together, by metric; empty where none was sung."""
    texts = one.prompt.texts
    asked_phones = phonemizer.phones(texts)
    found = [word_counts(take, texts, asked_phones, phonemizer) for take in one.takes]
    return {name: reduce(add, [counts[name] for counts in found]) for name in found[0]} if found else {}


def _windows(one: _Sung) -> WindowStatistics | None:
    parts = [window_statistics(array_of(take["window_embedding"])) for take in one.takes]
    return merged(parts) if parts else None
