"""The kinds of models, and whether those the params choose can be used, told before anything long begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flows.params import Params
from tasks.engine.stage import BadModel
from tasks.models.aligner import aligner_identity
from tasks.models.codec import codec_identity
from tasks.models.judge import AXES, judge_identity
from tasks.models.phonemizer import phonemizer_identity
from tasks.models.separator import separator_identity
from tasks.models.style_encoder import style_encoder_identity
from tasks.models.transcriber import check_apart, transcriber_identity

IDENTITY: dict[str, Callable[[Any], str]] = {
    "separate": separator_identity,
    "transcriber": transcriber_identity,
    "aligner": aligner_identity,
    "phonemizer": phonemizer_identity,
    "style": style_encoder_identity,
    "codec": codec_identity,
    "judge": judge_identity,
    "guard_transcriber": transcriber_identity,
}
"""Each kind by its section of params, and what tells the chosen model's name and revision without building it."""

KINDS_OF: dict[str, tuple[str, ...]] = {
    "prepare": ("separate", "transcriber", "aligner", "phonemizer", "style", "codec"),
    "train": ("codec", "style"),
    "generate": ("codec", "style", "phonemizer"),
    "dpo": ("codec", "style", "judge", "separate", "transcriber", "guard_transcriber", "phonemizer"),
    "benchmark": ("codec", "separate", "transcriber", "phonemizer", "style", "judge"),
    "all": tuple(IDENTITY),
}
"""What each flow uses."""

STAGE_OF = {
    "separate": "separate",
    "transcriber": "transcribe",
    "aligner": "align",
    "style": "style",
    "codec": "encode",
}
"""The stage of `prepare` that runs a kind alone: where it has an interpreter of its own, that one is asked."""


def check_models(params: Params, flow: str) -> None:
    """Looks up the packages and weights of the models a flow uses; nothing is loaded, downloaded or started.

    Models that run under another interpreter are looked up there, when their stage is planned.

    Raises:
        BadModel: one cannot be used, or scores other axes than the benchmark compares; the line names the setting and the cure.
    """
    if flow in ("benchmark", "all") and params.judge.axes != AXES:
        raise BadModel(
            f"judge.model is {params.judge.model!r}, which scores {', '.join(params.judge.axes)}; "
            f"the benchmark compares {', '.join(AXES)}: choose embedded or songeval"
        )
    if flow in ("dpo", "all"):
        for judge in params.reward.judges(params.judge).values():
            judge_identity(judge)
        check_apart(params.guard_transcriber, params.transcriber)
    elsewhere = params.engine.pythons()
    for kind in KINDS_OF[flow]:
        if flow == "prepare" and STAGE_OF.get(kind) in elsewhere:
            continue
        IDENTITY[kind](getattr(params, kind))


def measuring_models(params: Params) -> tuple[str, str]:
    """The models whose values the limits of `filter` are for: the aligner and the recogniser."""
    return aligner_identity(params.aligner), transcriber_identity(params.transcriber)
