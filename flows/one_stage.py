"""One stage by name: how DVC runs the life cycle, stage by stage, without a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.settings.params import load_params
from flows.settings.work_folder import WorkFolder

FITS = ("pretrain", "sft")


def run_one(name: str, overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """Bring this stage up to date; what it reads must stand.

    Raises:
        ValueError: there is no such stage, or what it needs has not run.
    """
    from flows.benchmark import run_benchmark
    from flows.dpo import run_dpo
    from flows.pipelines.prepare_stages import prepare_stages
    from flows.prepare import run_prepare
    from flows.train import run_train

    params, work = load_params(overlay, settings), WorkFolder(root)
    stages = [stage.name for stage in prepare_stages(params)]
    if name in stages:
        run_prepare(params, work, only={name})
    elif name in FITS:
        run_train(params, work, only=name)
    elif name == "dpo":
        run_dpo(params, work)
    elif name == "benchmark":
        run_benchmark(params, work)
    else:
        raise ValueError(f"stage: {name!r} is none of {', '.join([*stages, *FITS, 'dpo', 'benchmark'])}")
