"""One stage by name: how DVC runs the life cycle, stage by stage, without a server."""

from __future__ import annotations

from flows.settings.project import Project

FITS = ("pretrain", "sft")


def run_one(project: Project, name: str) -> None:
    """Bring this stage up to date; what it reads must stand.

    Raises:
        ValueError: there is no such stage, or what it needs has not run.
    """
    from flows.benchmark import run_benchmark
    from flows.dpo import run_dpo
    from flows.pipelines.prepare import prepare_stages
    from flows.prepare import run_prepare
    from flows.train import run_train

    stages = [stage.name for stage in prepare_stages(project.params)]
    if name in stages:
        run_prepare(project, only={name})
    elif name in FITS:
        run_train(project, only=name)
    elif name == "dpo":
        run_dpo(project)
    elif name == "benchmark":
        run_benchmark(project)
    else:
        raise ValueError(f"stage: {name!r} is none of {', '.join([*stages, *FITS, 'dpo', 'benchmark'])}")
