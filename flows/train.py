"""train: pretraining on crops, then fine-tuning (SFT) on whole songs from its weights."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pandas
from prefect import flow

from flows.pipelines.runs import remove_superseded
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import step
from flows.run.progress import progress_bar, say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from tasks.engine.fingerprint import fingerprint, package_version
from tasks.engine.pool import connect
from tasks.models.codec import build_codec
from tasks.models.style_encoder import style_encoder_identity
from tasks.models.transcriber import check_apart
from tasks.storage.files import write_bytes, write_json
from tasks.training.train import TrainParams, TrainResult, flow_recipe, train
from tasks.training.validation_by_ear import Hearing

PACKAGES = ("torch", "numpy")


@writes_work("train")
def run_train(params: Params, work: WorkFolder, only: str | None = None) -> TrainResult:
    """Pretrain and fine-tune; finished runs of the same recipe are found, not run."""
    check_models(params, "train")
    pretrained = step("pretrain", lambda: fit_section("pretrain", params.pretrain, params, work, None))
    if only == "pretrain":
        return pretrained
    return step("sft", lambda: fit_section("sft", params.sft, params, work, pretrained.checkpoint))


def fit_section(
    name: str, section: TrainParams, params: Params, work: WorkFolder, init: Path | None
) -> TrainResult:
    """One run in ``checkpoints/<name>/<fingerprint>``; runs of other recipes there are superseded and go."""
    silence_C = build_codec(params.models.codec).silence_C
    hearing = hearing_of(section, params)
    recipe = flow_recipe(params.jam.config(section.max_frames), work.shards, silence_C, init, hearing)
    versions = {package: package_version(package) for package in PACKAGES}
    out = work.checkpoint(name) / fingerprint([recipe, section.model_dump(mode="json"), versions])
    if (out / "done.json").is_file():
        say(f"{name}: up to date ({out.name})")
    else:
        connect(params.engine)
    with progress_bar(name, "steps") as step:
        result = train(
            section,
            params.jam,
            work.shards,
            silence_C,
            style_encoder_identity(params.models.style_encoder),
            init,
            out,
            lambda done, total, loss: step(done, total),
            hearing,
            params.engine.shard_cache_mb,
        )
    remove_superseded(work.checkpoint(name), out)
    write_loss_table(out / "log.jsonl", work.report(name) / "loss.csv")
    write_json(work.report(name) / "metrics.json", result.figures)
    return result


def hearing_of(section: TrainParams, params: Params) -> Hearing | None:
    """Who hears validation songs while this section trains: the recogniser that guards, never the one that measures."""
    if not section.validation_per_songs:
        return None
    check_apart(params.models.guard_transcriber, params.models.transcriber)
    return Hearing(
        params.sampler,
        params.models.style_encoder,
        params.models.codec,
        params.models.separator,
        params.models.guard_transcriber,
        params.models.phonemizer,
    )


def write_loss_table(log: Path, table: Path) -> None:
    """The training log as CSV, without its clock: what `dvc plots` draws."""
    frame = pandas.read_json(BytesIO(log.read_bytes()), lines=True)
    write_bytes(table, frame.drop(columns="seconds").to_csv(index=False).encode())


@flow(name="train", flow_run_name="train-{work}", **HOOKS)
def train_flow(work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """Pretrain and fine-tune on the shards of a work folder; returns the sha256 of the weights.

    Args:
        work: a work folder with shards.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return run_train(loaded, WorkFolder.at(work)).weights
