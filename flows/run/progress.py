"""What a person sees while stages run: bars on a terminal, one plain line a stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.engine.scheduler import StageReport

HEARTBEAT_S = 15.0


def say(line: str) -> None:
    """One plain line on standard output, at once."""
    print(line, flush=True)


def stage_line(report: StageReport) -> str:
    """A finished stage in one line, read aloud without a legend."""
    if not report.receipts:
        return f"{report.stage}: up to date ({counted(report.partitions, 'partition')})"
    seconds = sum(receipt.seconds for receipt in report.receipts)
    audio_s = sum(receipt.audio_s for receipt in report.receipts)
    words = [
        f"{report.stage}: {counted(report.songs, 'song')} in {counted(len(report.receipts), 'partition')}"
    ]
    words.append(
        f"{seconds:.1f} worker seconds" + (f", {audio_s / seconds:.0f}x real time" if audio_s > 0 else "")
    )
    if report.fresh:
        words.append(f"{report.fresh} up to date")
    if report.dropped:
        reasons = ", ".join(f"{reason} {count}" for reason, count in report.dropped.items())
        words.append(f"dropped {sum(report.dropped.values())} ({reasons})")
    return "; ".join(words)


@contextmanager
def show_stages() -> Iterator[Callable[[StageReport], None]]:
    """A watcher for `run_pipelines`: live bars on a terminal, plain lines in a log."""
    console = Console()
    if console.is_terminal:
        with _bars(console) as watch:
            yield watch
    else:
        yield _lines()


@contextmanager
def _bars(console: Console) -> Iterator[Callable[[StageReport], None]]:
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    rows: dict[str, int] = {}
    with Progress(*columns, console=console) as progress:

        def watch(report: StageReport) -> None:
            if report.stage not in rows:
                rows[report.stage] = progress.add_task(report.stage, total=report.partitions)  # type: ignore[assignment]
            progress.update(rows[report.stage], completed=report.fresh + len(report.receipts))  # type: ignore[arg-type]

        yield watch


def _lines() -> Callable[[StageReport], None]:
    said: set[str] = set()
    beat = time.monotonic()

    def watch(report: StageReport) -> None:
        nonlocal beat
        if report.finished and report.stage not in said:
            said.add(report.stage)
            say(stage_line(report))
            beat = time.monotonic()
        elif time.monotonic() - beat > HEARTBEAT_S:
            beat = time.monotonic()
            say(
                f"{report.stage}: {report.fresh + len(report.receipts)} of {counted(report.partitions, 'partition')}"
            )

    return watch


@contextmanager
def progress_bar(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar (or plain lines) for work counted in `unit`; call it with (done, total)."""
    console = Console()
    if not console.is_terminal:
        yield _counted_lines(what, unit)
        return
    columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        row = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(row, completed=done, total=total)


def _counted_lines(what: str, unit: str) -> Callable[[int, int], None]:
    beat = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal beat
        if done == total or time.monotonic() - beat > HEARTBEAT_S:
            beat = time.monotonic()
            say(f"{what}: {done} of {total} {unit}")

    return show


def console(width: int) -> Console:
    """Standard output as wide as its terminal, or this wide where there is none."""
    return Console(width=None if Console().is_terminal else width, highlight=False)


def print_error(line: str) -> None:
    """One line on standard error."""
    print(f"jam: {line}", file=sys.stderr, flush=True)


def counted(number: int, noun: str) -> str:
    """``1 song``, ``2 songs``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
