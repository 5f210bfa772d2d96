"""train: pretraining on crops, then fine-tuning (SFT) on whole songs, fitted section by section from pretrained or foreign (`--from`) weights; the figures a run ends with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.pipelines.checkpoints import brought, whole_or_nothing
from flows.pipelines.flow_inputs import TRAININGS, check_rules
from flows.pipelines.flow_models import check_models
from flows.pipelines.needs import check_enough, too_few_packed
from flows.pipelines.runs import hearing_of, run_fit, validation_by_ear_of
from flows.run.lazy_flow import flow
from flows.run.prefect_tasks import run_as_task
from flows.run.progress import say
from flows.settings.project import Project, writes_work
from tasks.models.codec import build_codec
from tasks.storage.files import write_bytes, write_json
from tasks.trainer.log import LOG_NAME, loss_csv
from tasks.trainer.run_folder import TrainResult, finished_run
from tasks.training.control_params import control_lines
from tasks.training.params import JamParams, TrainParams
from tasks.training.recipe import check_shards, run_name
from tasks.training.start import fitting

if TYPE_CHECKING:
    from tasks.trainer.ray_train import Progress


@writes_work("train")
def run_train(project: Project, only: str | None = None) -> TrainResult:
    """Pretrain and fine-tune, or fine-tune the weights of `start.sft`; finished runs of the same recipe are found, not run.

    Raises:
        ValueError: a model cannot be used, settings contradict themselves, or there are too few songs.
    """
    params = project.params
    check_models(project, "train")
    check_rules(params, *TRAININGS["train"])
    check_enough(too_few_packed(params, project.work.shards))
    if params.start.sft:
        with whole_or_nothing(project.work):
            return fit_from(project, params.start.sft, only)
    jam, times, cache_mb = params.jam, params.word_times.chosen, params.engine.shard_cache_mb
    for section in (params.pretrain, params.sft):  # what the second lacks is said before the first has run
        check_shards(jam.config(section.max_frames), section, times, project.work.shards, cache_mb)
    pretrained = run_as_task("pretrain", lambda: fit_section(project, "pretrain", params.pretrain, jam, None))
    if only == "pretrain":
        say(f"pretrain: checkpoint {pretrained.checkpoint}")
        return pretrained
    tuned = run_as_task("sft", lambda: fit_section(project, "sft", params.sft, jam, pretrained.checkpoint))
    say(f"train: checkpoint {tuned.checkpoint}")
    return tuned


def fit_from(project: Project, weights: str, only: str | None) -> TrainResult:
    """Fine-tune foreign weights; nothing is pretrained, and the sizes are theirs.

    Raises:
        ValueError: they are no weights of a JAM model, or of other latents and styles than the shards hold.
    """
    params = project.params
    if only == "pretrain":
        raise ValueError("pretrain: start.sft gives the weights to begin with; nothing is pretrained then")
    start = brought(project, weights, "train")
    jam = fitting(start.config, params.jam)
    if jam != params.jam:
        say("train: the section `jam` of the settings is passed over")
    if start.config.max_frames != params.sft.max_frames:
        say(
            f"train: sft.max_frames is {params.sft.max_frames}, the weights were made for {start.config.max_frames}: "
            "relative durations mean another length until they have learned it"
        )
    say("train: pretraining is skipped")
    tuned = run_as_task("sft", lambda: fit_section(project, "sft", params.sft, jam, start.checkpoint))
    say(f"train: checkpoint {tuned.checkpoint}")
    return tuned


def fit_section(
    project: Project, name: str, section: TrainParams, jam: JamParams, init: Path | None
) -> TrainResult:
    """One run in ``checkpoints/<name>/<fingerprint>``; runs of other recipes there are superseded and go."""
    params, work = project.params, project.work
    silence_C = build_codec(params.models.codec).silence_C
    by_ear, hearing = validation_by_ear_of(section, params), hearing_of(params)
    adapter = params.adapter.chosen if init else None  # what is trained from nothing learns all of it
    times = params.word_times.chosen
    run = run_name(section, jam, work.shards, silence_C, init, by_ear, adapter, params.controls, times)
    out = work.checkpoint(name) / run
    project.keep_settings("train")
    if finished_run(out) is not None:
        say(f"{name}: up to date ({out.name})")
    style = params.models.style_encoder.identity()
    given = (section, jam, work.shards, silence_C, style, init, out)

    for line in control_lines(jam.controls, work.shards, params.engine.shard_cache_mb):
        say(f"{name}: {line}")

    def fit(progress: Progress) -> TrainResult:
        from tasks.training.train import train

        return train(
            *given,
            progress,
            by_ear=by_ear,
            shard_cache_mb=params.engine.shard_cache_mb,
            adapter=adapter,
            hearing=hearing,
            wandb=params.wandb,
            controls=params.controls,
            times=times,
        )

    result = run_fit(project, name, out, fit)
    write_bytes(work.report(name) / "loss.csv", loss_csv(out / LOG_NAME))
    write_json(work.report(name) / "metrics.json", leading_figures(result.figures))
    return result


def leading_figures(figures: Mapping[str, Any]) -> dict[str, float]:
    """What `dvc metrics` compares of a run: its validation's results; all figures stand in its ``done.json``."""
    return {
        name: value
        for name, value in figures.items()
        if name.startswith("validation_") and isinstance(value, int | float)
    }


@flow(name="train", flow_run_name="train-{work_dir}")
def train_flow(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Pretrain and fine-tune on the shards of a work folder; returns the sha256 of the weights.

    Args:
        work_dir: a work folder with shards.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    return run_train(Project.at(work_dir, params_file, overrides)).weights
