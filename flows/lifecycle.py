"""lifecycle: prepare, train, one DPO round, benchmark: everything, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from flows.benchmark import benchmark
from flows.dpo import dpo
from flows.models import check_models
from flows.params import load_params
from flows.prepare import prepare
from flows.train import train_flow
from flows.view import say
from tasks.engine.lease import hold


@flow(name="lifecycle", flow_run_name="lifecycle-{work}")
def lifecycle(songs: str, work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """Raw songs in, a trained, preference-aligned and measured model out; returns the path of the report.

    Args:
        songs: folder or manifest.
        work: folder for everything this makes.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    settings = [*settings, f"songs.path={songs}"]
    check_models(load_params(Path(params) if params else None, settings), "all")
    with hold(Path(work), "run", say):
        prepare(songs, work, params, settings)
        train_flow(work, params, settings)
        dpo(work, params, settings)
        return benchmark(work, params, settings)
