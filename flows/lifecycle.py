"""lifecycle: prepare, train, DPO rounds, benchmark: everything, in order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from flows.benchmark import benchmark
from flows.dpo import dpo
from flows.prepare import prepare
from flows.run.notify import HOOKS
from flows.run.progress import say
from flows.settings.check_models import check_models
from flows.settings.params import load_params
from flows.train import train_flow
from tasks.storage.lease import hold
from tasks.storage.object_store import place_of


@flow(name="lifecycle", flow_run_name="lifecycle-{work}", **HOOKS)
def lifecycle(songs: str, work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> str:
    """Raw songs in, a trained, preference-aligned and measured model out; returns the path of the report.

    Args:
        songs: folder with audio and lyrics side by side, also in tar shards, or a prefix in a store, or a manifest.
        work: folder for everything this makes; what stands there already is not made again.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    settings = [*settings, f"songs.path={songs}"]
    check_models(load_params(Path(params) if params else None, settings), "all")
    with hold(place_of(work), "run", say):
        prepare(songs, work, params, settings)
        train_flow(work, params, settings)
        dpo(work, params, settings)
        return benchmark(work, params, settings)
