"""Stages as Prefect tasks under the one scheduler of tasks.engine: `run_stages`, `run_as_task`, what watches reports (progress, table artifacts), and how a failure or stop ends."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from flows.run.prefect_server import is_lost
from flows.run.progress import partition_lines, say, show_stages, stage_line
from flows.run.standing import before_work
from tasks.engine.params import EngineParams
from tasks.engine.pipeline import Pipeline
from tasks.engine.scheduler import StageReport, run_pipelines

if TYPE_CHECKING:
    from prefect.states import State

Result = TypeVar("Result")
PROGRESS_EVERY_S = 5.0
STOPPED = "stopped from outside: what runs on Ray ends now, what was committed stands"


def inside_flow() -> bool:
    """Whether a flow run of Prefect is under way here; where nobody imported Prefect, there is none."""
    context = sys.modules.get("prefect.context")
    return context is not None and context.FlowRunContext.get() is not None


def run_as_task(name: str, work: Callable[[], Result]) -> Result:
    """`work` as a Prefect task of this name inside a flow; plainly called outside one."""
    with leaving_when_stopped():
        if not inside_flow():
            return work()
        from prefect import task
        from prefect.cache_policies import NO_CACHE

        return task(name=name, task_run_name=name, cache_policy=NO_CACHE)(work)()


@contextmanager
def leaving_when_stopped() -> Iterator[None]:
    """Ends what runs on Ray before anything else when the body is stopped from outside: a signal, a cancelled run.

    What was committed stands, so the same run goes on from there. Ray's waits turn what a signal handler raised
    into a SystemError that it caused, or into several; here it comes out as it was raised.
    """
    try:
        yield
    except BaseException as error:
        stop: BaseException = error
        while isinstance(stop, SystemError) and stop.__cause__:
            stop = stop.__cause__
        if isinstance(stop, Exception):
            raise
        if "ray" in sys.modules:  # else this process never joined it
            from tasks.engine.pool import connected, leave

            if connected():
                say(STOPPED)
                leave()
        raise stop from None


class StageProgress:
    """What each stage has done so far; stage tasks wait on it."""

    def __init__(self, stages: Sequence[str]) -> None:
        self.reports: dict[str, StageReport] = {}
        self.ended = {stage: threading.Event() for stage in stages}
        self.failure: BaseException | None = None

    def update(self, report: StageReport) -> None:
        """Called by the scheduler whenever a partition is done."""
        self.reports[report.stage] = report
        if report.finished and report.stage in self.ended:
            self.ended[report.stage].set()

    def close(self, failure: BaseException | None = None) -> None:
        """No more updates will come; wakes every waiting task."""
        self.failure = failure
        for event in self.ended.values():
            event.set()


class LiveProgress:
    """One progress artifact for all stages of a run: the share of partitions that stand."""

    def __init__(self) -> None:
        from prefect.artifacts import create_progress_artifact

        description = "Share of all partitions of all stages that stand"
        self.artifact: Any = create_progress_artifact(progress=0.0, key="partitions", description=description)
        self.counts: dict[str, tuple[int, int]] = {}
        self.updated = 0.0
        self.is_lost = False

    def update(self, report: StageReport) -> None:
        """Sent to the server every few seconds, and when everything stands, until the server is lost."""
        self.counts[report.stage] = (report.fresh + len(report.receipts), report.partitions)
        done, total = (sum(column) for column in zip(*self.counts.values(), strict=True))
        due = done == total or time.monotonic() - self.updated > PROGRESS_EVERY_S
        if self.is_lost or not due:
            return
        self.updated = time.monotonic()
        from prefect.artifacts import update_progress_artifact

        try:
            update_progress_artifact(self.artifact, progress=100.0 * done / max(1, total))
        except Exception as error:
            if not is_lost(error):
                raise
            self.is_lost = True
            say("Prefect's server does not answer; the stages that run go on without it")


def stage_task(progress: StageProgress, stage: str) -> str | State[Any]:
    """A task that ends when the stage has ended; its state, log line and times are the stage's."""
    from prefect import get_run_logger
    from prefect.states import Cancelled, Failed

    progress.ended[stage].wait()
    report = progress.reports.get(stage)
    if report is None or not report.finished:
        if progress.failure is None or isinstance(progress.failure, Exception):
            return Failed(message=f"{stage}: not finished ({progress.failure or 'the run ended'})")
        return Cancelled(message=f"{stage}: not finished, the run was stopped")
    line = stage_line(report)
    get_run_logger().info(line)
    return line


def run_stages(
    pipelines: Sequence[Pipeline], engine: EngineParams, receipts: Path, only: set[str] | None = None
) -> list[StageReport]:
    """Bring the pipelines up to date; inside a Prefect flow each stage shows as a task and the end as a table."""
    names = list(
        dict.fromkeys(
            stage for pipeline in pipelines for stage in pipeline.stages if not only or stage in only
        )
    )
    progress = StageProgress(names)
    shown = _shown_as_tasks(progress, names) if inside_flow() else []
    failure: BaseException | None = None
    try:
        live = [*partition_lines(engine.partition_lines), *([LiveProgress().update] if inside_flow() else [])]
        with show_stages() as bars, leaving_when_stopped():

            def watch(report: StageReport) -> None:
                for watcher in (progress.update, bars, *live):
                    watcher(report)

            reports = run_pipelines(pipelines, engine, receipts, watch, only, run_as_task, before_work)
    except BaseException as error:
        failure = error
        raise
    finally:
        progress.close(failure)
        for task_run in shown:
            task_run.wait()
    _publish(reports)
    return reports


def show_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """A table in the run of a Prefect flow; nothing outside one."""
    if inside_flow():
        from prefect.artifacts import create_table_artifact

        create_table_artifact(key=key, table=rows, description=description)


def _shown_as_tasks(progress: StageProgress, stages: Sequence[str]) -> list[Any]:
    """A running task for each stage."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    shown = task(task_run_name="{stage}", cache_policy=NO_CACHE)(stage_task)
    return [shown.submit(progress, stage) for stage in stages]


def _publish(reports: Sequence[StageReport]) -> None:
    rows = [
        {
            "stage": report.stage,
            "partitions": report.partitions,
            "up to date": report.fresh,
            "songs": report.songs,
            "dropped": ", ".join(f"{reason} {count}" for reason, count in report.dropped.items()) or "none",
            "worker seconds": round(sum(receipt.seconds for receipt in report.receipts), 1),
        }
        for report in reports
    ]
    show_table("stages", rows, "What every stage did in this run")
