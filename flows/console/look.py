"""`jam table`, `jam look`: what was prepared: counts and drops, how fast, one song."""

from __future__ import annotations

from flows.pipelines.stages import prepared_pipeline
from flows.run.progress import console, counted, say, say_table
from flows.settings.project import Project
from tasks.audio.sound import remark_counts
from tasks.songs.folder import refusals_in, told_refusals
from tasks.upkeep.rates import hours_in_all, rates
from tasks.upkeep.song_page import shown, write_song_page
from tasks.upkeep.status import census, fates

MAX_SONGS, WIDTH = 5, 160
RATES = (
    *("stage", "songs", "audio h", "worker s", "x real time", "waiting"),
    *("MB", "GPU MB", "workers", "1,000 h in", "device"),
)
MANY_HOURS = 1000.0  # of audio: what `jam table --rates` reckons for


def print_table(project: Project) -> None:
    """``jam table``: a line a stage, then the drops."""
    pipeline, refused = prepared_pipeline(project), project.work.refused
    lines = [
        (
            line.stage,
            f"{line.standing} of {line.partitions}",
            f"{line.worker_s:.1f}" if line.worker_s else "",
            f"{line.audio_s / line.worker_s:.0f}" if line.worker_s and line.audio_s else "",
            ", ".join(f"{reason} {count}" for reason, count in sorted(line.dropped.items())),
        )
        for line in census(pipeline, project.work.receipts / "prepare")
    ]
    say_table(("stage", "partitions", "worker seconds", "x real time", "dropped"), lines, WIDTH)
    rows = pipeline.rows(["split", "audio_remarks"])
    found = fates(pipeline, rows)
    kept = [row.get("split") for row in found.kept]
    splits = ", ".join(f"{kept.count(name)} {name}" for name in ("train", "validation", "benchmark"))
    say(f"{found}; kept: {splits}")
    if told := remark_counts(rows):
        say("flaws of audio files, by songs: " + ", ".join(f"{count} {name}" for name, count in told.items()))
    if rows := refusals_in(refused):
        say(f"not taken as songs: {counted(len(rows), 'file')}, {told_refusals(rows)}; all in {refused}")


def print_rates(project: Project) -> None:
    """``jam table --rates``: how fast each stage ran, where, and what 1,000 hours of audio would take.

    Raises:
        ValueError: no stage has run.
    """
    root = project.work.root
    found = rates(prepared_pipeline(project), project.work.receipts / "prepare")
    if not found:
        raise ValueError(f"work: no receipts in {root}; run `jam prepare --songs DIR --work {root}` first")
    lines = [
        (
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
        for rate in found
    ]
    say_table(RATES, lines, WIDTH)
    whole_h = hours_in_all(found, MANY_HOURS, project.params.engine.stages)
    say(f"1,000 hours of audio through all of them, on as many workers: {_figure(whole_h, '.1f', ' h')}")


def print_song(project: Project, song: str) -> None:
    """``jam look SONG``: every light column of one song and the path of its page; several songs when the
    name is only a beginning, the first five in full.

    Raises:
        ValueError: no song id begins with this.
    """
    pipeline, songs_root = prepared_pipeline(project), project.params.songs.root
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


def _figure(value: float | None, form: str, unit: str = "") -> str:
    """A number as text; what is not known is a dash."""
    return "-" if value is None else f"{value:{form}}{unit}"
