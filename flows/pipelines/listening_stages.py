"""The stages that generate and measure: what a gate and the benchmark put every system's songs through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.settings.project import Project
from jam_model.training_facts import check_guidance, read_facts
from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import Stage
from tasks.engine.table import Source
from tasks.models.style_encoder import style_encoder_identity
from tasks.stages.align_transcript import AlignTranscript
from tasks.stages.generate import Generate
from tasks.stages.measure_levels import MeasureLevels
from tasks.stages.reward import Reward, RewardParams, Term
from tasks.stages.score import Score
from tasks.stages.separate import Separate, SeparateParams
from tasks.stages.style import Style
from tasks.stages.transcribe import Transcribe, TranscribeParams


def generate_stage(project: Project, checkpoints: Mapping[str, Path]) -> Generate:
    """Samples from `checkpoints`, given by the hash of their weights.

    Raises:
        ValueError: a checkpoint never learned what the sampler's guidance asks of it.
    """
    params = project.params
    for path in checkpoints.values():
        check_guidance(
            read_facts(path), params.sampler.guidance, style_encoder_identity(params.models.style_encoder)
        )
    where = {weights: str(path.resolve()) for weights, path in checkpoints.items()}
    return Generate(params.models.codec, params.models.style_encoder, where)


def listening_pipeline(
    project: Project,
    table_folder: Path,
    sources: Sequence[Source],
    checkpoints: Mapping[str, Path],
    more: Sequence[Stage] = (),
    songs_root: str = "",
) -> Pipeline:
    """Generate every song and measure it; then `more`."""
    stages = [generate_stage(project, checkpoints), *listening_stages(project), *more]
    return project.pipeline(table_folder, stages, sources, songs_root=songs_root)


def listening_stages(project: Project) -> list[Stage]:
    """Separate, transcribe every song to its end, embed and score."""
    params = project.params
    always = TranscribeParams(when="always", min_confidence=params.benchmark.min_confidence)
    return [
        Separate(SeparateParams(stems="vocals"), params.models.separator),
        Transcribe(always, params.models.transcriber),
        Style(params.models.style_encoder),
        Score(params.models.judge),
    ]


def benchmark_stages(project: Project) -> list[Stage]:
    """What the benchmark measures beyond: word times, levels, and a second judge where one is asked for."""
    params = project.params
    stages: list[Stage] = [
        AlignTranscript(params.models.aligner, params.models.phonemizer),
        MeasureLevels(params.check),
    ]
    if params.benchmark.second_judge is None:
        return stages
    second = RewardParams(terms=(Term(score=params.benchmark.second_judge, weight=1.0),))
    return [*stages, Reward(second, params.models.judge)]


def gate_stages(project: Project) -> list[Stage]:
    """What a gate measures beyond: the reward."""
    return [Reward(project.params.reward, project.params.models.judge)]


def candidate_stages(project: Project, checkpoints: Mapping[str, Path]) -> list[Stage]:
    """Generate the songs of a round, score and transcribe them."""
    params = project.params
    return [
        generate_stage(project, checkpoints),
        Score(params.models.judge),
        Reward(params.reward, params.models.judge),
        Separate(SeparateParams(stems="vocals"), params.models.separator),
        Transcribe(TranscribeParams(when="always", min_confidence=0.0), params.models.guard_transcriber),
    ]
