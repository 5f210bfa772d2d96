"""What the stages wrote about a policy's songs of the gate becomes one value a prompt and metric, over all its candidates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from eval.metrics.metric import CorpusMetric
from eval.metrics.song import Song
from tasks.benchmark.song_metrics import Ruler, columns_of
from tasks.models.judge import JudgeParams, judge_identity
from tasks.models.phonemizer import Phonemizer
from tasks.preference.gate import GATE_METRICS, OTHER_JUDGES, PolicyScores
from tasks.prompts.prompts import Prompt
from tasks.stages.reward import RewardParams

GATE_COLUMNS = ("parent", "system", "candidate", *columns_of(GATE_METRICS))
Row = Mapping[str, Any]


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
    ruler = Ruler(phonemizer)
    phones = {prompt.song_id: phonemizer.phones(prompt.texts) for prompt in prompts}
    by_id = {prompt.song_id: prompt for prompt in prompts}
    candidates: dict[str, list[Song]] = {prompt.song_id: [] for prompt in prompts}
    made_by: set[str] = set()
    for row in rows:
        parent = row["parent"]
        candidates[parent].append(ruler.song(row, by_id[parent], phones[parent]))
        made_by |= set(row["made_by"])
    values = {}
    for metric in GATE_METRICS:
        if metric is OTHER_JUDGES:
            metric = replace(OTHER_JUDGES, measure=lambda song: other_judges(song.row))
        found = [metric.of_candidates(songs) for songs in candidates.values()]
        if isinstance(metric, CorpusMetric) or any(value is not None for value in found):
            values[metric.name] = found
    return PolicyScores(values, sorted(made_by))


def unrewarded(reward: RewardParams, judge: JudgeParams) -> Callable[[Row], float | None]:
    """The mean of those axes of a song that were judged and that the reward does not weigh."""
    judges = reward.judges(judge)
    weighed = set()
    for term in reward.terms:
        chosen = judges[term.judge_of(judge.model)]
        weighed |= {(judge_identity(chosen), axis) for axis in ([term.axis] if term.axis else chosen.axes)}

    def mean(row: Row) -> float | None:
        others = [
            entry["score"] for entry in row["judge_scores"] if (entry["judge"], entry["axis"]) not in weighed
        ]
        return float(np.mean(others)) if others else None

    return mean
