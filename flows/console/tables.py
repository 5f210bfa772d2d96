"""Looking at what a run made: counts, one song, reasons, the last report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as Grid

from flows.console.song_page import shown, write_song_page
from flows.pipelines.prepare_stages import prepare_chain, songs_root_of
from flows.run.progress import say
from flows.settings.params import load_params
from flows.settings.work_folder import WorkFolder
from tasks.engine.pipeline import Chain
from tasks.stages.filter import Filter
from tasks.stages.group import Group, neighbours_path, why_compare
from tasks.storage.lease import hold
from tasks.upkeep.rates import hours_in_all, rates
from tasks.upkeep.status import census, forget_drops, why

MAX_SONGS = 5
MANY_HOURS = 1000.0  # of audio: what `jam table --rates` reckons for
REPORT = Path("reports/benchmark/report.json")


def chain_at(overlay: Path | None, settings: Sequence[str], root: Path) -> Chain:
    """The prepared table of a work folder.

    Raises:
        ValueError: nothing has been prepared there.
    """
    chain = prepare_chain(load_params(overlay, settings), WorkFolder(root))
    if not chain.partitions:
        raise ValueError(f"work: no song table in {root}; run `jam prepare --songs DIR --work {root}` first")
    return chain


def print_table(overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """``jam table``: a line a stage, then the drops."""
    chain = chain_at(overlay, settings, root)
    grid = Grid("stage", "partitions", "worker seconds", "x real time", "dropped", box=None, pad_edge=False)
    for line in census(chain, root / "receipts" / "prepare"):
        dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(line.dropped.items()))
        rate = f"{line.audio_s / line.worker_s:.0f}" if line.worker_s and line.audio_s else ""
        seconds = f"{line.worker_s:.1f}" if line.worker_s else ""
        grid.add_row(line.stage, f"{line.standing} of {line.partitions}", seconds, rate, dropped)
    _console().print(grid)
    rows = chain.rows(["split"])
    kept = [row for row in rows if not row["drop_reason"]]
    splits = {
        name: sum(row.get("split") == name for row in kept) for name in ("train", "validation", "benchmark")
    }
    say(f"{len(rows)} songs in, {len(kept)} kept, {len(rows) - len(kept)} dropped; kept: {_listed(splits)}")
    refused = root / "ingest.jsonl"
    count = len(refused.read_text().splitlines()) if refused.is_file() else 0
    say(f"{count} files were not taken as songs" + (f" (see {refused})" if count else ""))


def print_rates(overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """``jam table --rates``: how fast each stage ran, where, and what 1,000 hours of audio would take.

    Raises:
        ValueError: no stage has run.
    """
    found = rates(chain_at(overlay, settings, root), root / "receipts" / "prepare")
    if not found:
        raise ValueError(f"work: no receipts in {root}; run `jam prepare --songs DIR --work {root}` first")
    columns = (
        "songs",
        "audio h",
        "worker s",
        "x real time",
        "waiting",
        "MB",
        "GPU MB",
        "workers",
        "1,000 h in",
    )
    grid = Grid("stage", *columns, "device", box=None, pad_edge=False)
    for rate in found:
        grid.add_row(
            rate.stage,
            str(rate.songs),
            _figure(rate.audio_s / 3600 or None, ".2f"),
            f"{rate.worker_s:.1f}",
            _figure(rate.speed, ".0f"),
            _figure(rate.waiting_share, ".0%"),
            _figure(rate.peak_memory_mb, ".0f"),
            _figure(rate.peak_gpu_memory_mb, ".0f"),
            _figure(rate.workers, "d"),
            _figure(rate.hours_for(MANY_HOURS), ".1f", " h"),
            rate.device or "-",
        )
    _console().print(grid)
    whole_h = hours_in_all(found, MANY_HOURS, load_params(overlay, settings).engine.stages)
    say(f"1,000 hours of audio through all of them, on as many workers: {_figure(whole_h, '.1f', ' h')}")


def print_song(song: str, overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """``jam look SONG``: every light column of one song and the path of its page; several songs when the
    name is only a beginning, the first five in full.

    Raises:
        ValueError: no song id begins with this.
    """
    params = load_params(overlay, settings)
    chain = chain_at(overlay, settings, root)
    light = [name for name, column in chain.columns.items() if not column.heavy]
    rows = [row for row in chain.rows(light) if row["song_id"].startswith(song)]
    rows = [row for row in rows if row["song_id"] == song] or rows
    if not rows:
        raise ValueError(
            f"song: no song id begins with {song!r}; `jam table` counts the songs, ids.jsonl lists them"
        )
    console = _console()
    for row in rows[:MAX_SONGS]:
        console.print(f"[bold]{row['song_id']}[/bold]  partition {row['partition']}", highlight=False)
        for name, value in row.items():
            if name not in ("song_id", "partition", "made_by") and value is not None:
                console.print(f"  {name}: {shown(value)}", highlight=False, markup=False)
        for line in row["made_by"]:
            console.print(f"  made by {line}", highlight=False, markup=False)
        page = WorkFolder(root).report("songs") / f"{row['song_id']}.html"
        say(f"page: {write_song_page(chain, row, songs_root_of(params), page)}")
    if len(rows) > MAX_SONGS:
        say(f"{len(rows) - MAX_SONGS} more song ids begin with {song}")


def print_why(stage: str, overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """``jam why STAGE``."""
    chain = chain_at(overlay, settings, root)
    lines = why(chain, stage)
    if stage == Group.name:
        compared = why_compare(chain, load_params(overlay, settings).group, chain.stages[Filter.name])
        lines += [f"its songs would be compared again: {line}" for line in compared]
    say("\n".join(f"{stage}: {line}" for line in lines) if lines else f"{stage}: nothing would run")


def forget(reason: str, overlay: Path | None, settings: Sequence[str], root: Path) -> None:
    """``jam retry --reason R``."""
    with hold(root, "retry", say):
        gone = forget_drops(chain_at(overlay, settings, root), reason)
        neighbours_path(WorkFolder(root).table).unlink(
            missing_ok=True
        )  # songs that come back are compared again
    say(f"retry: removed {len(gone)} column files; the next `jam prepare` makes them again")


def print_report(root: Path) -> None:
    """The last report in a few lines.

    Raises:
        ValueError: there is none.
    """
    path = root / REPORT
    if not path.is_file():
        raise ValueError(f"work: no report in {root}; run `jam benchmark --work {root}` first")
    record = json.loads(path.read_text())
    shown = ("wer", "acoustic_per", "style_similarity", "judge_mean", "energy_after_end")
    grid = Grid("system", *shown, "n", "failed", box=None, pad_edge=False)
    for name in record["system_order"]:
        system = record["systems"][name]
        values = [_estimate(system["metrics"].get(metric)) for metric in shown]
        first = system["metrics"][shown[0]]
        grid.add_row(system["title"], *values, str(first["n"]), str(first["n_failed"]))
    _console().print(grid)
    if record["stamp"]:
        say(f"{record['stamp']}: made or scored by {', '.join(record['stand_ins'])}")
    say(f"report: {path.with_suffix('.html')}")


def _figure(value: float | None, form: str, unit: str = "") -> str:
    """A number as text; what is not known is a dash."""
    return "-" if value is None else f"{value:{form}}{unit}"


def _estimate(estimate: dict[str, Any] | None) -> str:
    return "-" if not estimate or estimate["value"] is None else f"{estimate['value']:.3f}"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 160)
