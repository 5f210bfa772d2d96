"""The kinds of models, and whether those the params choose can be used, told before anything long begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flows.settings.params import Params
from tasks.engine.stage import BadModel
from tasks.models.aligner import aligner_identity
from tasks.models.codec import codec_identity
from tasks.models.judge import AXES, judge_identity
from tasks.models.phonemizer import phonemizer_identity
from tasks.models.separator import separator_identity
from tasks.models.style_encoder import style_encoder_identity
from tasks.models.transcriber import check_apart, transcriber_identity

IDENTITY: dict[str, Callable[[Any], str]] = {
    "separator": separator_identity,
    "transcriber": transcriber_identity,
    "aligner": aligner_identity,
    "phonemizer": phonemizer_identity,
    "style_encoder": style_encoder_identity,
    "codec": codec_identity,
    "judge": judge_identity,
    "guard_transcriber": transcriber_identity,
}
"""Each kind by its entry of `models`, and what tells the chosen model's name and revision without building it."""

KINDS_OF: dict[str, tuple[str, ...]] = {
    "prepare": ("separator", "transcriber", "aligner", "phonemizer", "style_encoder", "codec"),
    "train": ("codec", "style_encoder"),
    "generate": ("codec", "style_encoder", "phonemizer"),
    "dpo": ("codec", "style_encoder", "judge", "separator", "transcriber", "guard_transcriber", "phonemizer"),
    "benchmark": ("codec", "separator", "transcriber", "aligner", "phonemizer", "style_encoder", "judge"),
    "all": tuple(IDENTITY),
}
"""What each flow uses."""

STAGE_OF = {
    "separator": "separate",
    "transcriber": "transcribe",
    "aligner": "align",
    "style_encoder": "style",
    "codec": "encode",
}
"""The stage of `prepare` that runs a kind alone: where it has an interpreter of its own, that one is asked."""


def check_models(params: Params, flow: str) -> None:
    """Looks up the packages and weights of the models a flow uses; nothing is loaded, downloaded or started.

    Models that run under another interpreter are looked up there, when their stage is planned.

    Raises:
        BadModel: one cannot be used, or scores other axes than the benchmark compares; the line names the setting and the cure.
    """
    if flow in ("benchmark", "all") and params.models.judge.axes != AXES:
        raise BadModel(
            f"models.judge.model is {params.models.judge.model!r}, which scores {', '.join(params.models.judge.axes)}; "
            f"the benchmark compares {', '.join(AXES)}: choose embedded or songeval"
        )
    for trouble in unusable_models(params, flow):
        raise trouble
    if flow in ("dpo", "all"):
        check_apart(params.models.guard_transcriber, params.models.transcriber)


def unusable_models(params: Params, flow: str) -> Iterator[BadModel]:
    """What each model of a flow lacks that cannot be used; the messages name the setting and the cure."""
    elsewhere = params.engine.pythons() if flow == "prepare" else {}
    kinds = [kind for kind in KINDS_OF[flow] if STAGE_OF.get(kind) not in elsewhere]
    chosen = [(IDENTITY[kind], getattr(params.models, kind)) for kind in kinds]
    if flow in ("dpo", "all"):
        chosen += [(judge_identity, judge) for judge in params.reward.judges(params.models.judge).values()]
    if flow == "benchmark" and (second := params.benchmark.second_judge) is not None:
        chosen.append((judge_identity, params.models.judge.model_copy(update={"model": second})))
    for identity_of, section in chosen:
        try:
            identity_of(section)
        except BadModel as trouble:
            yield trouble


def measuring_models(params: Params) -> tuple[str, str]:
    """The models whose values the limits of `filter` are for: the aligner and the recogniser."""
    return aligner_identity(params.models.aligner), transcriber_identity(params.models.transcriber)
