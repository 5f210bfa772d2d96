"""The gate of a round: its policy and its control generate the same validation songs as every policy before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.pipelines.listening_stages import gate_stages, listening_pipeline
from flows.run.prefect_tasks import run_stages
from flows.settings.project import Project
from tasks.models.phonemizer import build_phonemizer
from tasks.preference.gate import PolicyScores
from tasks.preference.gate_scores import GATE_COLUMNS, policy_scores, unrewarded
from tasks.prompts.prompts import Prompt, gate_sources, policy_systems


def gate_songs(
    project: Project, prompts: Sequence[Prompt], number: int, checkpoints: Mapping[str, Path]
) -> dict[str, PolicyScores]:
    """The scores of each checkpoint of a round, by its name, on the gate's prompts. Its songs lie in
    ``rounds/<number>/gate``; what was made of them already is found, not made.
    """
    params, work, gate = project.params, project.work, project.params.gate
    systems = policy_systems(checkpoints, params.sampler, prompts)
    pipeline = listening_pipeline(
        project,
        work.round(number) / "gate",
        gate_sources(systems, gate.candidates, gate.seed),
        {str(system.checkpoint): checkpoints[system.name] for system in systems},
        gate_stages(project),
    )
    run_stages([pipeline], params.engine, work.receipts / f"gate-{number}")
    rows, phonemizer = pipeline.listed_rows(GATE_COLUMNS), build_phonemizer(params.models.phonemizer)
    others = unrewarded(params.reward, params.models.judge)
    return {
        name: policy_scores(prompts, [row for row in rows if row["system"] == name], phonemizer, others)
        for name in checkpoints
    }
