"""The stages that sing and listen: what a gate and the benchmark put every system's songs through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.settings.params import Params
from jam_model.training_facts import check_guidance, read_facts
from tasks.engine.pipeline import Chain
from tasks.engine.stage import Stage
from tasks.engine.table import Table
from tasks.models.style_encoder import style_encoder_identity
from tasks.stages.align_transcript import Place
from tasks.stages.generate import Generate
from tasks.stages.measure_levels import Gauge
from tasks.stages.reward import Reward, RewardParams, Term
from tasks.stages.score import Score
from tasks.stages.separate import Separate
from tasks.stages.style import Style
from tasks.stages.transcribe import Transcribe


def generate_stage(params: Params, checkpoints: Mapping[str, Path]) -> Generate:
    """Sings with `checkpoints`, given by the hash of their weights.

    Raises:
        ValueError: a checkpoint never learned what the sampler's guidance asks of it.
    """
    for path in checkpoints.values():
        check_guidance(read_facts(path), params.sampler.guidance, style_encoder_identity(params.style))
    where = {weights: str(path.resolve()) for weights, path in checkpoints.items()}
    return Generate(params.codec, params.style, where)


def listening_chain(
    params: Params,
    table: Table,
    checkpoints: Mapping[str, Path],
    more: Sequence[Stage] = (),
) -> Chain:
    """Sing every song and listen to it; then `more`."""
    stages = [
        generate_stage(params, checkpoints),
        *listening_stages(params),
        *more,
    ]
    return Chain(table, stages, pythons=params.engine.pythons())


def listening_stages(params: Params) -> list[Stage]:
    """Separate, transcribe every song to its end, embed and score."""
    always = params.transcribe.model_copy(update={"when": "always"})
    ungated = params.transcriber.model_copy(update={"min_confidence": params.benchmark.min_confidence})
    vocals_only = params.separate.model_copy(update={"stems": "vocals"})
    return [
        Separate(vocals_only),
        Transcribe(always, ungated),
        Style(params.style),
        Score(params.judge),
    ]


def benchmark_stages(params: Params) -> list[Stage]:
    """What the benchmark measures beyond: word times, levels, and a second judge where one is asked for."""
    stages: list[Stage] = [Place(params.aligner, params.phonemizer), Gauge(params.check)]
    if params.benchmark.second_judge is None:
        return stages
    second = RewardParams(terms=(Term(score=params.benchmark.second_judge, weight=1.0),))
    return [*stages, Reward(second, params.judge)]
