"""Looking at what a run made: counts, one song, reasons, the last report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from flows.console.card import REPORT_JSON, last_report
from flows.pipelines.prepare_stages import prepare_pipeline, songs_root_of
from flows.run.progress import console, say
from flows.settings.project import Project
from tasks.audio.sound import remark_counts
from tasks.engine.pipeline import Pipeline
from tasks.storage.lease import hold
from tasks.upkeep.rates import hours_in_all, rates
from tasks.upkeep.song_page import shown, write_song_page
from tasks.upkeep.status import census, forget_drops, why

MAX_SONGS, WIDTH = 5, 160
MANY_HOURS = 1000.0  # of audio: what `jam table --rates` reckons for


def prepared_pipeline(project: Project) -> Pipeline:
    """The prepared table of a work folder.

    Raises:
        ValueError: nothing has been prepared there.
    """
    pipeline, root = prepare_pipeline(project), project.work.root
    if not pipeline.partitions:
        raise ValueError(f"work: no song table in {root}; run `jam prepare --songs DIR --work {root}` first")
    return pipeline


def print_table(project: Project) -> None:
    """``jam table``: a line a stage, then the drops."""
    pipeline = prepared_pipeline(project)
    grid = Grid("stage", "partitions", "worker seconds", "x real time", "dropped", box=None, pad_edge=False)
    for line in census(pipeline, project.work.receipts / "prepare"):
        dropped = ", ".join(f"{reason} {count}" for reason, count in sorted(line.dropped.items()))
        rate = f"{line.audio_s / line.worker_s:.0f}" if line.worker_s and line.audio_s else ""
        seconds = f"{line.worker_s:.1f}" if line.worker_s else ""
        grid.add_row(line.stage, f"{line.standing} of {line.partitions}", seconds, rate, dropped)
    console(WIDTH).print(grid)
    rows = pipeline.rows(["split", "audio_remarks"])
    kept = [row for row in rows if not row["drop_reason"]]
    splits = {
        name: sum(row.get("split") == name for row in kept) for name in ("train", "validation", "benchmark")
    }
    say(f"{len(rows)} songs in, {len(kept)} kept, {len(rows) - len(kept)} dropped; kept: {_listed(splits)}")
    if told := remark_counts(rows):
        say(f"flaws of audio files, by songs: {_listed(told)}")
    refused = project.work.refused
    count = len(refused.read_text().splitlines()) if refused.is_file() else 0
    say(f"{count} files were not taken as songs" + (f" (see {refused})" if count else ""))


def print_rates(project: Project) -> None:
    """``jam table --rates``: how fast each stage ran, where, and what 1,000 hours of audio would take.

    Raises:
        ValueError: no stage has run.
    """
    root = project.work.root
    found = rates(prepared_pipeline(project), project.work.receipts / "prepare")
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
    console(WIDTH).print(grid)
    whole_h = hours_in_all(found, MANY_HOURS, project.params.engine.stages)
    say(f"1,000 hours of audio through all of them, on as many workers: {_figure(whole_h, '.1f', ' h')}")


def print_song(project: Project, song: str) -> None:
    """``jam look SONG``: every light column of one song and the path of its page; several songs when the
    name is only a beginning, the first five in full.

    Raises:
        ValueError: no song id begins with this.
    """
    pipeline, songs_root = prepared_pipeline(project), songs_root_of(project.params.songs)
    light = [name for name, column in pipeline.columns.items() if not column.large]
    rows = [row for row in pipeline.rows(light) if row["song_id"].startswith(song)]
    rows = [row for row in rows if row["song_id"] == song] or rows
    if not rows:
        raise ValueError(
            f"song: no song id begins with {song!r}; `jam table` counts the songs, ids.jsonl lists them"
        )
    screen = console(WIDTH)
    for row in rows[:MAX_SONGS]:
        screen.print(f"[bold]{row['song_id']}[/bold]  partition {row['partition']}", highlight=False)
        for name, value in row.items():
            if name not in ("song_id", "partition", "made_by") and value is not None:
                screen.print(f"  {name}: {shown(value)}", highlight=False, markup=False)
        for line in row["made_by"]:
            screen.print(f"  made by {line}", highlight=False, markup=False)
        page = project.work.report("songs") / f"{row['song_id']}.html"
        say(f"page: {write_song_page(pipeline, row, songs_root, page)}")
    if len(rows) > MAX_SONGS:
        say(f"{len(rows) - MAX_SONGS} more song ids begin with {song}")


def print_why(project: Project, stage: str) -> None:
    """``jam why STAGE``."""
    pipeline = prepared_pipeline(project)
    lines = why(pipeline, stage)
    say("\n".join(f"{stage}: {line}" for line in lines) if lines else f"{stage}: nothing would run")


def forget(project: Project, reason: str) -> None:
    """``jam retry --reason R``."""
    with hold(project.work.root, "retry", say):
        gone = forget_drops(prepared_pipeline(project), reason)
    say(f"retry: removed {len(gone)} column files; the next `jam prepare` makes them again")


def print_report(root: Path) -> None:
    """The last report in a few lines.

    Raises:
        ValueError: there is none, or one of another schema.
    """
    record = last_report(root)
    shown = ("wer", "acoustic_per", "style_similarity", "judge_mean", "energy_after_end")
    grid = Grid("system", *shown, "n", "failed", box=None, pad_edge=False)
    for name in record["system_order"]:
        system = record["systems"][name]
        values = [_estimate(system["metrics"].get(metric)) for metric in shown]
        first = system["metrics"][shown[0]]
        grid.add_row(system["title"], *values, str(first["n"]), str(first["n_failed"]))
    console(WIDTH).print(grid)
    if record["stamp"]:
        say(f"{record['stamp']}: made or scored by {', '.join(record['stand_ins'])}")
    say(f"report: {root / REPORT_JSON.with_suffix('.html')}")


def _figure(value: float | None, form: str, unit: str = "") -> str:
    """A number as text; what is not known is a dash."""
    return "-" if value is None else f"{value:{form}}{unit}"


def _estimate(estimate: dict[str, Any] | None) -> str:
    return "-" if not estimate or estimate["value"] is None else f"{estimate['value']:.3f}"


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
