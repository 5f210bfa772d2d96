"""durations: trains the predictor of word times on the words of a prepared work folder."""

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
from tasks.storage.object_store import local_folder
from tasks.trainer.run_folder import TrainResult, finished_run
from tasks.training.duration_songs import COLUMNS, OPTIONAL, hash_of_songs, timed_songs
from tasks.training.durations import VERSION, train_durations


@writes_work("durations")
def run_durations(project: Project) -> TrainResult:
    """A run in ``checkpoints/durations/<fingerprint>``, whose cache key is the settings and the words; others there are superseded.

    Raises:
        ValueError: nothing was prepared, or no song of a side has words with times.
    """
    params, work = project.params, project.work
    pipeline = prepared_pipeline(project)
    known = {name for stage in pipeline.stages.values() for name in stage.writes}
    rows = finished_rows(pipeline, [*COLUMNS, *(name for name in OPTIONAL if name in known)])
    train, validation = (timed_songs(rows, side, params.durations.style) for side in (TRAIN, VALIDATION))
    key = [params.durations.decides(), hash_of_songs(train), hash_of_songs(validation), VERSION]
    out = work.checkpoint("durations") / fingerprint(key)
    result = finished_run(out)
    if result is None:
        before_work()
        project.keep_settings("durations")
        with progress_bar("durations", "steps") as show, local_folder(out) as folder:
            train_durations(train, validation, params.durations, folder, show)
        result = finished_run(out)
        assert result is not None, "a run that was not stopped is finished"
    remove_superseded(out.parent, out)
    nats = result.figures["validation_nats"]
    say(
        f"durations: {counted(len(train), 'song')}, {nats:.3f} nats a word on {counted(len(validation), 'validation song')}"
    )
    say(f"durations: checkpoint {out}")
    return result


@flow(name="durations", flow_run_name="durations-{work_dir}")
def durations(work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()) -> str:
    """Train the predictor of word times on a prepared work folder; returns the sha256 of the weights.

    Args:
        work_dir: a work folder that `prepare` has filled.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as durations.steps=200.
    """
    return run_durations(Project.at(work_dir, params_file, overrides)).weights
