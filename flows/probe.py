"""probe: how a trained model answers when one thing of the request changes; inference only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from rich.console import Console
from rich.table import Table as Grid

from eval.metrics.catalogue import metric_of
from eval.pages.curve import curve_svg
from eval.results.report import STAMP, is_stand_in
from eval.stats.intervals import Estimate, Resampling
from flows.benchmark import benchmark_prompts
from flows.pipelines.listening_stages import benchmark_stages, listening_chain
from flows.pipelines.prepare_stages import prepare_chain, songs_root_of
from flows.pipelines.report_inputs import heard_rows
from flows.pipelines.runs import checkpoint_of
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.check_models import check_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from jam_model.checkpoint import weights_hash
from tasks.benchmark.sensitivity import TRUE_START, Probe, estimates, guidance_probe, timing_probe
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import measure
from tasks.engine.table import Table
from tasks.models.phonemizer import build_phonemizer
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.prompts.prompts import PROMPT_COLUMNS, system_sources
from tasks.storage.files import write_bytes, write_json

PROBES = {"timing": timing_probe, "guidance": guidance_probe}
TRUE_TITLE = "Word start error against the unmoved times, median"


@writes_work("probe")
def run_probe(params: Params, work: WorkFolder, kind: str, checkpoint: Path | None) -> Path:
    """Sing the benchmark's songs at every step, listen, and write numbers and figures; returns the JSON file.

    Raises:
        ValueError: a model cannot be used, there is no such probe, or too few benchmark songs.
    """
    if kind not in PROBES:
        raise ValueError(f"probe: {kind!r} is none of {', '.join(PROBES)}")
    check_models(params, "benchmark")
    rows = prepare_chain(params, work).rows(PROMPT_COLUMNS)
    asked = params.model_copy(
        update={"benchmark": params.benchmark.model_copy(update={"num_songs": params.probe.num_songs})}
    )
    prompts, _ = benchmark_prompts(rows, asked)
    path = checkpoint or checkpoint_of(work.checkpoint("sft"))
    weights = weights_hash(path)
    probe = PROBES[kind](prompts, weights, params.sampler, params.probe)
    table = Table(work.root / "probes" / kind / "table", PROMPTED_COLUMNS, songs_root_of(params))
    systems = [step.system for step in probe.steps]
    table.admit(system_sources(systems, params.probe.seed), params.engine.partition_size)
    chain = listening_chain(params, table, {weights: path}, benchmark_stages(params))
    run_stages([chain], params.engine, work.receipts / f"probe-{kind}")
    resampling = Resampling(params.benchmark.num_resamples, params.probe.seed)
    phonemizer = build_phonemizer(params.phonemizer)
    heard = heard_rows([chain])
    measured = measure(prompts, heard, [], phonemizer, TextStyles(), resampling)
    points = [(step.value, estimates(probe, step, measured)) for step in probe.steps]
    made_by = sorted({made for row in heard for made in row["made_by"]})
    folder = work.report(f"probe-{kind}")
    write_json(folder / "probe.json", _record(probe, points, weights, len(prompts), made_by))
    for name in probe.curves:
        times = 100.0 if name != TRUE_START and metric_of(name).percent else 1.0
        shown = [(value, found[name]) for value, found in points]
        label = f"{probe.title} {probe.unit}".strip()
        write_bytes(folder / f"{name}.svg", curve_svg(_title(name), label, shown, times).encode())
    _print(probe, points)
    if is_stand_in(made_by):
        say(STAMP)
    say(f"probe: {folder / 'probe.json'}")
    return folder / "probe.json"


def _record(
    probe: Probe,
    points: Sequence[tuple[float, dict[str, Estimate]]],
    weights: str,
    num_songs: int,
    made_by: Sequence[str],
) -> dict[str, Any]:
    return {
        "probe": probe.name,
        "title": probe.title,
        "unit": probe.unit,
        "weights": weights,
        "num_songs": num_songs,
        "stamp": STAMP if is_stand_in(made_by) else None,
        "made_by": list(made_by),
        "points": [
            {
                "value": value,
                "metrics": {
                    name: {
                        "value": e.value,
                        "low": e.low,
                        "high": e.high,
                        "n": e.n,
                        "n_failed": e.n_failed,
                        "reason": e.reason,
                    }
                    for name, e in found.items()
                },
            }
            for value, found in points
        ],
    }


def _print(probe: Probe, points: Sequence[tuple[float, dict[str, Estimate]]]) -> None:
    grid = Grid(f"{probe.title} {probe.unit}".strip(), *map(_title, probe.curves), box=None, pad_edge=False)
    for value, found in points:
        grid.add_row(f"{value:g}", *(_cell(found[name]) for name in probe.curves))
    Console(width=200, highlight=False).print(grid)


def _cell(estimate: Estimate) -> str:
    if estimate.value is None:
        return "-"
    failed = f", {estimate.n_failed} failed" if estimate.n_failed else ""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f} (n = {estimate.n}{failed})"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}] (n = {estimate.n}{failed})"


def _title(name: str) -> str:
    return TRUE_TITLE if name == TRUE_START else metric_of(name).title


@flow(name="probe", flow_run_name="probe-{kind}-{work}", **HOOKS)
def probe(
    kind: str,
    work: str = "data",
    checkpoint: str | None = None,
    params: str | None = None,
    settings: Sequence[str] = (),
) -> str:
    """Probe a checkpoint; returns the path of ``probe.json``.

    Args:
        kind: timing or guidance.
        work: a work folder with prepared songs.
        checkpoint: a checkpoint's folder; none: the fine-tuned one of the work folder.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, list(settings))
    return str(run_probe(loaded, WorkFolder.at(work), kind, Path(checkpoint) if checkpoint else None))
