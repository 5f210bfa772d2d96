"""lifecycle: prepare, train, DPO rounds, benchmark, all in order; or one stage by name (`run_one`), as `dvc repro` runs them."""

from __future__ import annotations

from collections.abc import Sequence

from flows.benchmark import benchmark, run_benchmark
from flows.dpo import dpo, run_dpo
from flows.pipelines.benchmark_report import RECIPE
from flows.pipelines.flow_models import check_caption_key, check_models
from flows.pipelines.needs import AFTER_PREPARE, check_enough, too_few
from flows.pipelines.stages import prepare_pipeline, prepare_stages
from flows.prepare import admit_songs, is_prepared, prepare, run_prepare
from flows.run.lazy_flow import flow
from flows.run.progress import say
from flows.settings.project import Project
from flows.train import run_train, train_flow
from tasks.stages.check import Check
from tasks.stages.filter import Filter
from tasks.stages.graded.aesthetics import Aesthetics
from tasks.stages.graded.detect import Detect
from tasks.stages.graded.tier import Tier
from tasks.stages.voice import Voice
from tasks.storage.lease import hold

FITS = ("pretrain", "sft")
ALONG = {Check.name: {Voice.name, Aesthetics.name, Detect.name}, Filter.name: {Tier.name}}
"""Stages that run with another where they are asked for."""


@flow(name="lifecycle", flow_run_name="lifecycle-{work_dir}")
def lifecycle(
    songs: str, work_dir: str = "data", params_file: str | None = None, overrides: Sequence[str] = ()
) -> str:
    """Raw songs in, a trained, preference-aligned and measured model out; returns the path of the report.

    Args:
        songs: folder with audio and lyrics side by side, also in tar shards, or a prefix in a store, or a manifest.
        work_dir: folder for everything this makes; what stands there already is not made again.
        params_file: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        overrides: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    overrides = [*overrides, f"songs.path={songs}"]
    project = Project.at(work_dir, params_file, overrides)
    check_models(project, "all")
    check_caption_key(project)
    with hold(project.work.root, "run", say):
        admit_songs(project)
        check_enough(too_few(project.params, prepare_pipeline(project), *AFTER_PREPARE))
        prepare(songs, work_dir, params_file, overrides)
        check_enough(too_few(project.params, prepare_pipeline(project), *AFTER_PREPARE))
        train_flow(work_dir, params_file, overrides)
        dpo(work_dir, params_file, overrides)
        return benchmark(work_dir, params_file, overrides)


def is_finished(project: Project) -> bool:
    """Whether all of it seems to stand: the songs admitted so far, and a report."""
    return (project.work.report("benchmark") / RECIPE).is_file() and is_prepared(project)


def run_all(project: Project) -> None:
    """The whole life cycle outside Prefect."""
    with hold(project.work.root, "run", say):
        run_prepare(project)
        run_train(project)
        run_dpo(project)
        run_benchmark(project)


def run_one(project: Project, name: str) -> None:
    """Bring this stage up to date; what it reads must stand. What dvc.yaml does not know comes with a stage that it does (`ALONG`).

    Raises:
        ValueError: there is no such stage, or what it needs has not run.
    """
    stages = [stage.name for stage in prepare_stages(project.params)]
    if name in stages:
        run_prepare(project, only=({name} | ALONG.get(name, set())) & {*stages})
    elif name in FITS:
        run_train(project, only=name)
    elif name == "dpo":
        run_dpo(project)
    elif name == "benchmark":
        run_benchmark(project)
    else:
        raise ValueError(f"stage: {name!r} is none of {', '.join([*stages, *FITS, 'dpo', 'benchmark'])}")
