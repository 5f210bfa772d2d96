"""The queue of jobs (`JobQueue`): one at a time, each in a process of its own, waiting, running or cancelled, by whichever desk of a work folder holds the queue.

The queue is the job files alone, so a desk that is closed, or killed, leaves it as it is, and the next one goes on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from flows.run.progress import say
from tasks.jobs.store import CANCELLED, FAILED, JOBS, LOG, TRIES, Job, jobs_of
from tasks.storage.lease import WorkHeld, hold

LOOK_S = 0.5
END_S = 15.0
ROOT = Path(__file__).resolve().parents[2]


class JobQueue:
    """The jobs of a work folder, made one after another in a thread of the desk."""

    def __init__(self, root: Path, settings: tuple[str, ...]) -> None:
        """`settings`: the desk's own ``--params`` and ``--set``, for the processes that it starts."""
        self.root, self.settings = root, settings
        self.checkpoint: Path | None = None
        self._asked = threading.Event()
        self._tries: Counter[str] = Counter()

    def start(self, checkpoint: Path) -> None:
        """Begin to look for jobs, to be made with this checkpoint."""
        if self.checkpoint is None:
            self.checkpoint = checkpoint
            threading.Thread(target=self._run, name="desk-queue", daemon=True).start()

    def look(self) -> None:
        """Something was asked: do not wait to look."""
        self._asked.set()

    def _run(self) -> None:
        place = self.root / JOBS / "queue"
        while True:
            with suppress(WorkHeld), hold(place, "desk", lambda line: None):
                while True:
                    self._one()
            time.sleep(10 * LOOK_S)  # another desk has the queue

    def _one(self) -> None:
        jobs = [(job.state, job) for job in jobs_of(self.root)]
        waiting = next((job for state, job in jobs if state == "waiting"), None)
        if waiting is None or any(state == "running" for state, _ in jobs):  # one that outlived its desk
            self._asked.wait(LOOK_S)
            self._asked.clear()
            return
        self._tries[waiting.id] += 1
        code = self._make(waiting)
        if code == 0 or (waiting.folder / CANCELLED).is_file() or waiting.state != "waiting":
            self._tries.pop(waiting.id, None)
        elif self._tries[waiting.id] >= TRIES:
            self._tries.pop(waiting.id)
            waiting.ends(FAILED, {"line": f"its process ended {TRIES} times with {code}; its log says more"})

    def _make(self, job: Job) -> int:
        command = [
            sys.executable,
            "-m",
            "flows.job",
            str(self.root),
            job.id,
            "--checkpoint",
            str(self.checkpoint),
        ]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        with (job.folder / LOG).open("ab") as log:
            running = subprocess.Popen(
                [*command, *self.settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": path},
            )
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return running.wait(LOOK_S)
                if (job.folder / CANCELLED).is_file():
                    say(f"desk: job {job.ask.name} ({job.id}) is cancelled")
                    return _ended(running)


def _ended(running: subprocess.Popen[bytes]) -> int:
    """Stop a job's process as Ctrl-C would; what was made stands."""
    running.send_signal(signal.SIGTERM)
    try:
        return running.wait(END_S)
    except subprocess.TimeoutExpired:
        running.kill()
        return running.wait()
