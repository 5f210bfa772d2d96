"""`jam why`: which steps (stages, trainings, rounds, the report) of the life cycle would run again and for which reason, and what runs again then; nothing is run.

A stage over a table would run where its column files do not stand as settings and songs ask for them. Trainings and the
report are held against the recipe they wrote down; what is before them and would run is a reason, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.results.plural import counted
from flows.pipelines.checkpoints import KEPT, is_foreign, tuned_checkpoint
from flows.pipelines.runs import validation_by_ear_of
from flows.pipelines.stages import (
    benchmark_stages,
    candidate_stages,
    gate_stages,
    generate_stage,
    listening_stages,
    prepared_pipeline,
)
from flows.run.progress import say
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import weights_hash
from tasks.engine.fingerprint import differences
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Stage
from tasks.upkeep.status import why

NEVER = "never made"
OF_ROUNDS = ("dpo", "gate", "pair", "reward", "round", "sampler")
"""Sections of the settings that rounds go by, beside the models."""


@dataclass(frozen=True)
class Step:
    """A stage of a flow, or a training or report as a whole: why it would run again, and what is made from it.

    `where`: the table of the stage, such as ``round 1``; empty for `prepare` and for what is no stage over a table.
    """

    where: str
    stage: str
    reasons: Sequence[str]
    then: Sequence[str]

    @property
    def title(self) -> str:
        """``benchmark generate``."""
        return f"{self.where} {self.stage}".strip()


def print_why(project: Project, stage: str | None) -> None:
    """``jam why [STAGE]``: every reason of a stage wherever it runs, or the first of everything that would run.

    Raises:
        ValueError: nothing is prepared, or there is no such stage.
    """
    steps = list(steps_of(project))
    if stage is None:
        again = [step for step in steps if step.reasons]
        for step in again:
            more = f" (and {counted(len(step.reasons) - 1, 'more reason')})" if len(step.reasons) > 1 else ""
            say(f"{step.title}: {step.reasons[0]}{more}")
        if not again:
            say("nothing would run")
        return
    named = [step for step in steps if stage in (step.stage, step.title)]
    if not named:
        known = dict.fromkeys(step.stage for step in steps)
        raise ValueError(f"stage: {stage!r} is none of {', '.join(known)}")
    for step in named:
        say("\n".join(f"{step.title}: {line}" for line in step.reasons or ["nothing would run"]))
        if step.then:
            verb = "with it again" if step.reasons else "made from it"
            say(f"{step.title}: {verb}: {', '.join(step.then)}")


def steps_of(project: Project) -> Iterator[Step]:
    """All steps of the life cycle, in order."""
    pipeline = prepared_pipeline(project)
    before = ""  # the first step that would run: what follows is made from it
    for step in _table_steps("", pipeline, ["pretrain", "sft", "dpo", "benchmark"], "pack"):
        before = before or (step.title if step.reasons else "")
        yield step
    for name, then in (("pretrain", ["sft", "dpo", "benchmark"]), ("sft", ["dpo", "benchmark"])):
        step = Step("", name, _why_trained(project, name, before), then)
        before = before or (step.title if step.reasons else "")
        yield step
    rounds = list(_round_steps(project))
    reasons = _why_rounds(project, before)
    reasons += [f"{step.title} would run" for step in rounds if step.reasons]
    yield Step("", "dpo", reasons, ["benchmark"])
    before = before or ("dpo" if reasons else "")
    yield from rounds
    stages = [generate_stage(project, {}), *listening_stages(project), *benchmark_stages(project)]
    measured = list(
        _standing_steps(project, "benchmark", project.work.benchmark / "table", stages, ["benchmark"])
    )
    reasons = _why_reported(project, before)
    reasons += [f"{step.title} would run" for step in measured if step.reasons]
    yield Step("", "benchmark", reasons, [])
    yield from measured


def _table_steps(where: str, pipeline: Pipeline, then: Sequence[str], last: str = "") -> Iterator[Step]:
    """The stages of a table; `then`: what is made from the stage `last`, or, without one, from every stage."""
    for stage in pipeline.stages:
        made = pipeline.made_from({stage})
        again = [other for other in pipeline.stages if other in made and other != stage]
        yield Step(where, stage, why(pipeline, stage), [*again, *(then if not last or last in made else [])])


def _standing_steps(
    project: Project, where: str, table: Path, stages: Sequence[Stage], then: Sequence[str]
) -> Iterator[Step]:
    """The stages of a table of generated songs, over the songs that are in it so far."""
    pipeline = project.pipeline(table, stages)
    if pipeline.partitions:
        yield from _table_steps(where, pipeline, then)
    else:
        yield from (Step(where, stage.name, [NEVER], then) for stage in stages)


def _round_steps(project: Project) -> Iterator[Step]:
    """The stages of every round's candidates and of every gate, in order."""
    params, work = project.params, project.work
    gate = [generate_stage(project, {}), *listening_stages(project), *gate_stages(project)]
    yield from _standing_steps(project, "gate 0", work.round(0) / "gate", gate, ["dpo", "benchmark"])
    for number in range(1, max(params.round.rounds, 1) + 1):
        folder, then = work.round(number), ["dpo", "benchmark"]
        candidates = candidate_stages(project, {})
        yield from _standing_steps(project, f"round {number}", folder / "candidates", candidates, then)
        yield from _standing_steps(project, f"gate {number}", folder / "gate", gate, then)


def _why_trained(project: Project, name: str, before: str) -> list[str]:
    """Why a training would run again."""
    params, work = project.params, project.work
    if params.start.sft and name == "pretrain":
        return []
    made = sorted(path.parent for path in work.checkpoint(name).glob("*/done.json"))
    if not made:
        return [] if _begun_elsewhere(work) else [NEVER]
    section = getattr(params, name)
    stored = json.loads((made[-1] / "train.json").read_text())
    by_ear = validation_by_ear_of(section, params)
    now = {
        "config": params.jam.config(section.max_frames).to_dict(),
        "by_ear": by_ear.facts() if by_ear else None,
        "params": section.model_dump(mode="json"),
    }
    if params.start.sft:
        del now["config"]  # the sizes are those of the weights
    return differences({key: stored.get(key) for key in now}, now) + _after(before)


def _begun_elsewhere(work: WorkFolder) -> bool:
    """Whether the rounds began with weights that were not trained here, and nothing else was trained."""
    try:
        return is_foreign(work, tuned_checkpoint(work))
    except ValueError:
        return False


def _why_rounds(project: Project, before: str) -> list[str]:
    """Why the rounds would run again."""
    work = project.work
    if not (work.rounds / KEPT).is_file():
        return [NEVER]
    reasons = []
    first = json.loads((work.round(0) / "gate.json").read_text())["weights"]
    if not before and not project.params.start.dpo and first != weights_hash(tuned_checkpoint(work)):
        reasons.append("the fine-tuned weights changed")
    then = reported_settings(project)
    now = plain(project.params.decides())
    for name in OF_ROUNDS:
        reasons += differences(then[name], now[name], f"{name}.") if name in then else []
    return reasons + _after(before)


def _why_reported(project: Project, before: str) -> list[str]:
    """Why the benchmark's report would be made again."""
    if not (then := reported_settings(project)):
        return [NEVER]
    return differences(then, plain(project.params.decides())) + _after(before)


def _after(before: str) -> list[str]:
    """That what it is made from would run."""
    return [f"{before} would run before it"] if before else []


def reported_settings(project: Project) -> dict[str, Any]:
    """The settings of the report that stands; none where there is no report."""
    recipe = project.work.report("benchmark") / "recipe.json"
    settings = json.loads(recipe.read_text())["settings"] if recipe.is_file() else {}
    return {name: value for name, value in settings.items() if name != "weights"}


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As they come back from JSON."""
    found: dict[str, Any] = json.loads(json.dumps(settings))
    return found
