"""`jam table`: every stage's partitions, what was dropped and why (`--drops`), refused and remarked; how fast each stage ran (`--rates`), by receipts, hours and workers."""

from __future__ import annotations

from collections.abc import Sequence

from eval.results.plural import counted
from flows.pipelines.likeness import unlike_toy_songs
from flows.pipelines.stages import prepared_pipeline
from flows.run.progress import say, say_table
from flows.settings.project import Project
from tasks.quality.remarks import REMARK_COLUMNS, all_remark_counts, remark_lines
from tasks.songs.folder import refusals_in, told_refusals
from tasks.upkeep.drops import by_reason, drops_of, example_of, refused_paths
from tasks.upkeep.rates import hours_in_all, rates
from tasks.upkeep.status import census, fates

WIDTH = 160
RATES = (
    *("stage", "songs", "audio h", "read", "decoded", "worker s", "x real time", "waiting"),
    *("MB", "GPU MB", "workers", "1,000 h in", "device"),
)
MANY_HOURS = 1000.0  # of audio: what `jam table --rates` reckons for


def print_table(project: Project) -> None:
    """``jam table``: a line a stage, then each drop reason with one whole sentence, then what was remarked."""
    pipeline, receipts = prepared_pipeline(project), project.work.receipts / "prepare"
    lines = [
        (
            line.stage,
            f"{line.standing} of {line.partitions}",
            f"{line.worker_s:.1f}" if line.worker_s else "",
            f"{line.audio_s / line.worker_s:.0f}" if line.worker_s and line.audio_s else "",
            ", ".join(f"{reason} {count}" for reason, count in sorted(line.dropped.items())),
        )
        for line in census(pipeline, receipts)
    ]
    say_table(("stage", "partitions", "worker seconds", "x real time", "dropped"), lines, WIDTH)
    rows = pipeline.rows(["split", *REMARK_COLUMNS])
    found = fates(pipeline, rows)
    kept = [row.get("split") for row in found.kept]
    splits = ", ".join(f"{kept.count(name)} {name}" for name in ("train", "validation", "benchmark"))
    say(f"{found}; kept: {splits}")
    if mark := unlike_toy_songs(project):
        say(mark)
    for reason, drops in by_reason(drops_of(pipeline, rows, receipts)).items():
        one = example_of(drops)
        whose = "" if len(drops) == 1 else "for example "
        say(f"{reason} {len(drops)}: {whose}{one.song_id}: {one.sentence or 'nothing more is known'}")
    for line in remark_lines(all_remark_counts(rows)):
        say(line)
    if refused := refusals_in(project.work.refused):
        told = f"{counted(len(refused), 'file')}, {told_refusals(refused)}"
        say(f"not taken as songs: {told}; all in {project.work.refused}")


def print_drops(project: Project, most: int | None) -> None:
    """``jam table --drops``: the songs of each reason with the whole sentence each, and what was not taken as a song;
    `most` of each reason, None for all.
    """
    pipeline = prepared_pipeline(project)
    drops = drops_of(pipeline, pipeline.rows(["content_hash"]), project.work.receipts / "prepare")
    if not drops:
        say("no song was dropped")
    for reason, found in by_reason(drops).items():
        by = ", ".join(dict.fromkeys(drop.stage for drop in found))
        lines = [": ".join(filter(None, (drop.song_id, drop.sentence))) for drop in found]
        _say_first(f"{reason}, by {by}: {counted(len(found), 'song')}", lines, most)
    for reason, paths in refused_paths(project.work.refused).items():
        _say_first(f"not taken as songs, {reason}: {counted(len(paths), 'file')}", paths, most)


def _say_first(heading: str, lines: Sequence[str], most: int | None) -> None:
    """The heading and the first lines, and how many more there are."""
    say(heading)
    for line in lines[:most]:
        say(f"  {line}")
    if more := len(lines[most:]) if most is not None else 0:
        say(f"  and {more} more; --all lists them")


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
            _figure(rate.reads, "d"),
            _figure(rate.decodes, "d"),
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


def _figure(value: float | None, form: str, unit: str = "") -> str:
    """A number as text; what is not known is a dash."""
    return "-" if value is None else f"{value:{form}}{unit}"
