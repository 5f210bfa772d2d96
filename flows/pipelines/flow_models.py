"""The models each flow needs, stage by stage, and whether they can be used (`check_models`): the trouble is told before anything long begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Any

from flows.pipelines.checkpoints import shorter_than
from flows.pipelines.runs import validation_by_ear_of
from flows.pipelines.stages import (
    benchmark_stages,
    candidate_stages,
    gate_stages,
    generate_stage,
    listening_stages,
    prepare_pipeline,
    prepare_stages,
)
from flows.settings.params import Params
from flows.settings.project import Project
from tasks.engine.stage import BadModel, Stage
from tasks.models.description.captioner import ENDPOINT
from tasks.models.description.endpoint import key_of
from tasks.models.judge import AXES
from tasks.models.style_encoder import StyleParams
from tasks.models.transcriber import check_apart
from tasks.preference.pairing import check_guard
from tasks.stages.description.caption import Caption
from tasks.stages.description.part_caption import PartCaption
from tasks.training.params import TrainParams

BESIDE = {
    "train": ("codec", "style_encoder"),
    "generate": ("style_encoder", "phonemizer"),
    "dpo": ("phonemizer",),
    "benchmark": ("style_encoder", "phonemizer"),
}
"""The kinds that a flow builds beside its stages, by their entries of `models` (a test holds this to the source)."""


def stages_of(project: Project) -> dict[str, list[Stage]]:
    """The stages of each flow in order, those of all its tables."""
    sung = [generate_stage(project, {}), *listening_stages(project)]
    return {
        "prepare": prepare_stages(project.params),
        "train": [],
        "generate": [generate_stage(project, {})],
        "dpo": [*candidate_stages(project, {}), *sung, *gate_stages(project)],
        "benchmark": [*sung, *benchmark_stages(project)],
    }


def check_models(project: Project, flow: str) -> None:
    """Looks up the packages and weights of the models a flow uses; nothing is loaded, downloaded or started.

    Models that run under another interpreter are looked up there, when their stage is planned.

    Raises:
        BadModel: one cannot be used, or scores other axes than the benchmark compares; the line names the setting and the hint.
    """
    models = project.params.models
    if flow in ("benchmark", "all") and models.judge.axes != AXES:
        raise BadModel(
            f"models.judge.model is {models.judge.model!r}, which scores {', '.join(models.judge.axes)}; "
            f"the benchmark compares {', '.join(AXES)}: choose embedded or songeval"
        )
    for trouble in unusable_models(project, flow):
        raise trouble
    if flow in ("dpo", "all"):
        check_apart(models.guard_transcriber, models.transcriber)
        check_guard(project.params.pair, models.guard_transcriber)


def check_caption_key(project: Project, only: Collection[str] | None = None) -> None:
    """Looks for the key of `caption.endpoint` where captions are yet to be asked for, by stages among `only` (None: all).

    On a cluster (`engine.address`) keys are in the environments of its nodes, which this process does not know.

    Raises:
        BadModel: its variable is not set.
    """
    params = project.params
    if params.caption.model != ENDPOINT or params.engine.address:
        return
    pipeline, asked = prepare_pipeline(project), params.caption.endpoint
    for name in (Caption.name, PartCaption.name):
        if name not in pipeline.stages or (only is not None and name not in only):
            continue
        own = params.engine.stages.get(name)
        has_own_key = own is not None and asked.key_variable in (own.env or {})
        if not has_own_key and (not pipeline.partitions or pipeline.missing(name)):
            key_of(asked)


def unusable_models(project: Project, flow: str) -> Iterator[BadModel]:
    """What each model of a flow (or of ``all``) lacks that cannot be used, once each; the messages name the setting
    and the hint.
    """
    told: set[str] = set()
    for look_up in _look_ups(project, flow):
        try:
            look_up()
        except BadModel as trouble:
            if str(trouble) not in told:
                told.add(str(trouble))
                yield trouble


def _look_ups(project: Project, flow: str) -> Iterator[Callable[[], Any]]:
    """What tells the identities of a flow's models, and raises where one cannot be used."""
    params = project.params
    elsewhere = params.engine.pythons()
    for name, stages in stages_of(project).items():
        if flow not in (name, "all"):
            continue
        for kind in BESIDE.get(name, ()):
            yield getattr(params.models, kind).identity
        for stage in stages:
            if stage.name not in elsewhere:
                yield partial(getattr, stage, "models")
        if name == "train":
            yield from (partial(_heard_by, section, params) for section in (params.pretrain, params.sft))
    if flow in ("benchmark", "all"):
        yield partial(_check_genres, params.models.style_encoder, params.benchmark.genres)
    if flow == "all" and not params.start.dpo:
        yield partial(_check_lengths, params.dpo.max_frames, params.sft.max_frames)


def _check_genres(section: StyleParams, genres: Sequence[str]) -> None:
    """Whether an embedded style encoder reads the genres that the report tells apart; a real one is asked once it is loaded."""
    from tasks.benchmark.report_inputs import check_genres

    if section.model in section.embedded:
        try:
            check_genres(section, genres)
        except ValueError as error:
            raise BadModel(str(error)) from None


def _check_lengths(frames: int, tuned_at: int) -> None:
    """Whether rounds leave a model of songs as long as fine-tuning does."""
    if frames < tuned_at:
        raise BadModel(shorter_than(frames, tuned_at))


def _heard_by(section: TrainParams, params: Params) -> dict[str, Any] | None:
    by_ear = validation_by_ear_of(section, params)
    return by_ear.facts() if by_ear else None
