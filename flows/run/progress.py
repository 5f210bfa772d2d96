"""What a person sees while things run: `say` a line, tables, bars and heartbeat on a terminal; in a log a line when due for a stage's report, partition, receipt or drop."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from eval.results.plural import counted

if TYPE_CHECKING:
    from tasks.engine.run_partition import Receipt
    from tasks.engine.scheduler import StageReport, Watcher

HEARTBEAT_S = 15.0
FORESEEN = (ValueError, FileNotFoundError, NotADirectoryError, PermissionError)
"""Errors whose message says in one line what is wrong and what helps; their trace is of no use to the one who reads it."""


def say(line: str) -> None:
    """One plain line on standard output, at once."""
    print(line, flush=True)


COUNTS = {"hash": "file"}
"""What a stage's table has rows of, where they are no songs."""


def stage_line(report: StageReport) -> str:
    """A finished stage in one line, read aloud without a legend."""
    if not report.receipts:
        return f"{report.stage}: up to date ({counted(report.partitions, 'partition')})"
    seconds = sum(receipt.seconds for receipt in report.receipts)
    audio_s = sum(receipt.audio_s for receipt in report.receipts)
    words = [
        f"{report.stage}: {counted(report.songs, COUNTS.get(report.stage, 'song'))} "
        f"in {counted(len(report.receipts), 'partition')}",
        f"{seconds:.1f} worker seconds" + (f", {audio_s / seconds:.0f}x real time" if audio_s > 0 else ""),
    ]
    if report.fresh:
        words.append(f"{report.fresh} up to date")
    if report.dropped:
        reasons = ", ".join(f"{reason} {count}" for reason, count in report.dropped.items())
        words.append(f"dropped {sum(report.dropped.values())} ({reasons})")
    return "; ".join(words)


@contextmanager
def show_stages() -> Iterator[Watcher]:
    """A watcher for `run_pipelines`: live bars on a terminal, plain lines in a log."""
    with _bars() as bar:
        yield (
            _stage_lines()
            if bar is None
            else lambda report: bar(report.stage, _done(report), report.partitions)
        )


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar (or plain lines) for work counted in `unit`; call it with (done, total)."""
    with _bars() as bar:
        if bar is None:
            yield _counted_lines(what, unit)
        else:
            bar(what, 0, None)
            yield partial(bar, what)


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int | None], None] | None]:
    """Shows (name, done, total) as a live bar a name; None where there is no terminal."""
    screen = Console()
    if not screen.is_terminal:
        yield None
        return
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    rows: dict[str, TaskID] = {}
    with Progress(*columns, console=screen) as progress:

        def show(name: str, done: int, total: int | None) -> None:
            if name not in rows:
                rows[name] = progress.add_task(name, total=total)
            progress.update(rows[name], completed=done, total=total)

        yield show


def _stage_lines() -> Watcher:
    due, ended = _heartbeat(), set[str]()

    def watch(report: StageReport) -> None:
        ends = report.finished and report.stage not in ended
        if due(ends):
            progress = f"{report.stage}: {_done(report)} of {counted(report.partitions, 'partition')}"
            say(stage_line(report) if ends else progress)
        if ends:
            ended.add(report.stage)

    return watch


def _counted_lines(what: str, unit: str) -> Callable[[int, int], None]:
    due = _heartbeat()

    def show(done: int, total: int) -> None:
        if due(done == total):
            say(f"{what}: {done} of {total} {unit}")

    return show


def _heartbeat() -> Callable[[bool], bool]:
    """Whether a line is due: at once, or since the last one is HEARTBEAT_S ago."""
    last = time.monotonic()

    def due(at_once: bool) -> bool:
        nonlocal last
        is_due = at_once or time.monotonic() - last > HEARTBEAT_S
        last = time.monotonic() if is_due else last
        return is_due

    return due


def _done(report: StageReport) -> int:
    return report.fresh + len(report.receipts)


def say_table(headings: Iterable[str], rows: Iterable[Iterable[str]], width: int) -> None:
    """A table without lines on standard output."""
    grid = Grid(*headings, box=None, pad_edge=False)
    for row in rows:
        grid.add_row(*row)
    console(width).print(grid)


def console(width: int) -> Console:
    """Standard output as wide as its terminal, or this wide where there is none."""
    return Console(width=None if Console().is_terminal else width, highlight=False)


def print_error(line: str) -> None:
    """One line on standard error."""
    print(f"jam: {line}", file=sys.stderr, flush=True)


def partition_lines(form: str) -> list[Watcher]:
    """The watcher that says them, as ``text`` or ``json``; ``none``: none."""
    if form == "none":
        return []
    written = _as_json if form == "json" else _as_text
    num_said: dict[int, int] = {}

    def watch(report: StageReport) -> None:
        for receipt in report.receipts[num_said.get(id(report), 0) :]:
            for line in written(receipt):
                say(line)
        num_said[id(report)] = len(report.receipts)

    return [watch]


def _as_json(receipt: Receipt) -> list[str]:
    """Objects with `time`, `event`, `stage` and `partition`, and what the event is about."""
    common = {"time": datetime.now(UTC).isoformat(timespec="milliseconds")}
    place = {"stage": receipt.stage, "partition": receipt.number}
    events: list[dict[str, Any]] = [
        {
            "event": "partition",
            **place,
            "songs": receipt.songs,
            "kept": receipt.kept,
            "dropped": receipt.dropped,
            "seconds": round(receipt.seconds, 3),
            "waiting_s": round(receipt.waiting_s, 3),
            "real_time_factor": receipt.real_time_factor,
            "device": receipt.device,
            "peak_memory_mb": round(receipt.peak_memory_mb),
        },
        *(
            {"event": "dropped", **place, "song": song, "detail": why}
            for song, why in receipt.details.items()
        ),
    ]
    return [json.dumps({**common, **event}, ensure_ascii=False) for event in events]


def _as_text(receipt: Receipt) -> list[str]:
    speed = f", {receipt.real_time_factor:.0f}x real time" if receipt.real_time_factor else ""
    dropped = "".join(f", dropped {reason} {count}" for reason, count in sorted(receipt.dropped.items()))
    place = f"{receipt.stage} {receipt.number}"
    lines = [f"{place}: {receipt.kept} of {receipt.songs} songs in {receipt.seconds:.1f} s{speed}{dropped}"]
    return [*lines, *(f"{place}: {song}: {why}" for song, why in receipt.details.items())]
