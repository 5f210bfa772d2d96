"""What Prometheus reads while a run lasts, from the agent that Ray runs here."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys, time, urllib.request
from pathlib import Path
from tasks.engine.scheduler import run_pipelines
from tasks.engine.pipeline import Pipeline
from tests.tasks.engine.probes import ENGINE, Factor, Measure, table_of

root, port = Path(sys.argv[1]), int(sys.argv[2])
pipeline = Pipeline(table_of(root, ["one", "two", "drop me"]), [Measure(Factor(factor=1.0))])
run_pipelines([pipeline], ENGINE.model_copy(update={"metrics_port": port}), root / "receipts")
end = time.monotonic() + 120
while time.monotonic() < end:
    time.sleep(0.5)
    try:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    except OSError:
        continue
    if "ray_jam_songs_dropped" in text and "ray_jam_workers" in text:
        print("\\n".join(line for line in text.splitlines() if line.startswith("ray_jam_")))
        break
"""


@pytest.mark.slow
def test_songs_done_and_dropped_queue_and_workers_are_exported(tmp_path: Path) -> None:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    command = [sys.executable, "-c", RUN, str(tmp_path), str(port)]
    environment = {**os.environ, "RAY_metrics_report_interval_ms": "500"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

    def value(name: str, *labels: str) -> float:
        """Of the one series of this name with all these labels."""
        rows = [line for line in done.stdout.splitlines() if line.startswith(f"ray_{name}{{")]
        found = [row for row in rows if all(label in row for label in labels)]
        assert len(found) == 1, (name, rows)
        return float(re.split(r"\s", found[0])[-1])

    assert value("jam_songs_done_total", 'stage="measure"') == 2
    assert value("jam_songs_dropped_total", 'reason="too_short"') == 1
    assert value("jam_worker_seconds_total", 'stage="measure"') > 0
    assert value("jam_partitions_waiting", 'pool="shared"') == 0
    assert value("jam_workers", 'state="idle"') >= 0
