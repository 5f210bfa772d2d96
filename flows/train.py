"""train: pretraining on crops, then fine-tuning (SFT) on whole songs from its weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from prefect import flow

from flows.pipelines.flow_models import check_models
from flows.pipelines.runs import run_fit, validation_by_ear_of
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_as_task
from flows.run.progress import say
from flows.settings.project import Project, writes_work
from tasks.models.codec import build_codec
from tasks.models.style_encoder import style_encoder_identity
from tasks.storage.files import write_bytes, write_json
from tasks.trainer.log import LOG_NAME, loss_csv
from tasks.training.train import TrainParams, TrainResult, run_name, train


@writes_work("train")
def run_train(project: Project, only: str | None = None) -> TrainResult:
    """Pretrain and fine-tune; finished runs of the same recipe are found, not run."""
    params = project.params
    check_models(project, "train")
    pretrained = run_as_task("pretrain", lambda: fit_section(project, "pretrain", params.pretrain, None))
    if only == "pretrain":
        return pretrained
    return run_as_task("sft", lambda: fit_section(project, "sft", params.sft, pretrained.checkpoint))


def fit_section(project: Project, name: str, section: TrainParams, init: Path | None) -> TrainResult:
    """One run in ``checkpoints/<name>/<fingerprint>``; runs of other recipes there are superseded and go."""
    params, work = project.params, project.work
    silence_C = build_codec(params.models.codec).silence_C
    by_ear = validation_by_ear_of(section, params)
    out = work.checkpoint(name) / run_name(section, params.jam, work.shards, silence_C, init, by_ear)
    project.keep_settings("train")
    if (out / "done.json").is_file():
        say(f"{name}: up to date ({out.name})")
    style = style_encoder_identity(params.models.style_encoder)
    given = (section, params.jam, work.shards, silence_C, style, init, out)
    fit = partial(train, *given, by_ear=by_ear, shard_cache_mb=params.engine.shard_cache_mb)
    result = run_fit(project, name, out, fit)
    write_bytes(work.report(name) / "loss.csv", loss_csv(out / LOG_NAME))
    write_json(work.report(name) / "metrics.json", result.figures)
    return result


@flow(name="train", flow_run_name="train-{work_dir}", **HOOKS)
def train_flow(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Pretrain and fine-tune on the shards of a work folder; returns the sha256 of the weights.

    Args:
        work_dir: a work folder with shards.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    return run_train(Project.at(work_dir, params_file, overrides)).weights
