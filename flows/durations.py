"""durations: trains the predictor of word times on the words of a prepared work folder, alone or jointly with the pretrained DiT."""

from __future__ import annotations

from collections.abc import Sequence

from eval.results.plural import counted
from flows.pipelines.runs import remove_superseded
from flows.pipelines.stages import finished_rows, prepared_pipeline
from flows.run.lazy_flow import flow
from flows.run.progress import progress_bar, say
from flows.run.standing import before_work
from flows.settings.project import Project, writes_work
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.engine.fingerprint import fingerprint
from tasks.models.codec import build_codec
from tasks.storage.object_store import local_folder
from tasks.trainer.run_folder import TrainResult, finished_run
from tasks.training.duration_songs import COLUMNS, OPTIONAL, TimedSong, hash_of_songs, timed_songs
from tasks.training.durations import VERSION, train_durations
from tasks.training.joint_durations import JointTraining


@writes_work("durations")
def run_durations(project: Project) -> TrainResult:
    """A run in ``checkpoints/durations/<fingerprint>``, whose cache key is the settings and the words; others there are superseded.

    Raises:
        ValueError: nothing was prepared, no song of a side has words with times, or there is no pretrained model to learn beside.
    """
    params, work = project.params, project.work
    train, validation = songs_of_table(project)
    key = [params.durations.decides(), hash_of_songs(train), hash_of_songs(validation), VERSION]
    beside = joint_training(project) if params.joint_durations.chosen else None
    key += [beside.recipe] if beside else []
    out = work.checkpoint("durations") / fingerprint(key)
    result = finished_run(out)
    if result is None:
        before_work()
        project.keep_settings("durations")
        with progress_bar("durations", "steps") as show, local_folder(out) as folder:
            dit = beside.build() if beside else None
            train_durations(train, validation, params.durations, folder, show, beside=dit)
        result = finished_run(out)
        assert result is not None, "a run that was not stopped is finished"
    remove_superseded(out.parent, out)
    nats = result.figures["validation_nats"]
    say(
        f"durations: {counted(len(train), 'song')}, {nats:.3f} nats a word on {counted(len(validation), 'validation song')}"
    )
    say(f"durations: checkpoint {out}")
    return result


def songs_of_table(project: Project) -> tuple[list[TimedSong], list[TimedSong]]:
    """The songs of the work folder to learn from, and to choose the best step by."""
    pipeline = prepared_pipeline(project)
    known = {name for stage in pipeline.stages.values() for name in stage.writes}
    rows = finished_rows(pipeline, [*COLUMNS, *(name for name in OPTIONAL if name in known)])
    styled = project.params.durations.style
    return timed_songs(rows, TRAIN, styled), timed_songs(rows, VALIDATION, styled)


def joint_training(project: Project) -> JointTraining:
    """Fine-tuning of the work folder's pretrained model in the steps of its predictor.

    Raises:
        ValueError: no model was pretrained.
    """
    params, work = project.params, project.work
    stand = sorted(path.parent for path in work.checkpoint("pretrain").glob("*/done.json"))
    if not stand:
        raise ValueError(
            f"joint_durations.arm is {params.joint_durations.arm}, but no model was pretrained in {work.root}; run `jam train` first, "
            "or set joint_durations.arm: none"
        )
    section = params.sft.model_copy(update={"steps": params.durations.steps})
    style = params.models.style_encoder.identity()
    silence_C = build_codec(params.models.codec).silence_C
    times = params.word_times.chosen
    return JointTraining(
        params.joint_durations, section, params.jam, work.shards, silence_C, style, stand[-1], times
    )


@flow(name="durations", flow_run_name="durations-{work_dir}")
def durations(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Train the predictor of word times on a prepared work folder; returns the sha256 of the weights.

    Args:
        work_dir: a work folder that `prepare` has filled.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as durations.steps=200.
    """
    return run_durations(Project.at(work_dir, params_file, overrides)).weights
