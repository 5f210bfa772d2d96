"""From one machine to a cluster that grows and shrinks: the same command, the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fake_cluster import fake_cluster
from tests.flows.test_lifecycle import digests, jam

pytestmark = pytest.mark.slow
SETTINGS = ("--set", "engine.partition_size=2")
GROWING = ("--set", "engine.num_workers=3", "--set", "engine.idle_worker_s=1")


def test_prepare_on_nodes_that_come_and_go_and_die_gives_the_bytes_of_one_machine(tmp_path: Path) -> None:
    jam("toy", "--out", "toy", "--songs", "6", "--seed", "3", cwd=tmp_path)
    jam("prepare", "--songs", "toy/songs", "--work", "one", *SETTINGS, cwd=tmp_path)
    work = tmp_path / "many"
    with fake_cluster(max_nodes=3) as cluster:
        assert not cluster.nodes()
        command = [sys.executable, "-m", "flows.cli", "prepare", "--songs", "toy/songs", "--work", str(work)]
        command += [*SETTINGS, *GROWING, "--set", f"engine.address={cluster.address}"]
        environment = {**os.environ, **cluster.environment, "PREFECT_HOME": str(tmp_path / "prefect")}
        running = subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        most, killed = 0, False
        while running.poll() is None:
            nodes = cluster.nodes()
            most = max(most, len(nodes))
            if most == 3 and not killed and any(work.glob("table/separate/part-*")):
                nodes[0].kill()
                killed = True
            time.sleep(0.2)
        output = running.communicate()[0]
        assert running.returncode == 0, output
        assert most == 3 and killed
        assert cluster.shrinks_to(0, within_s=60)
    for part in ("table", "shards"):
        assert digests(work / part) == digests(tmp_path / "one" / part)
    assert "0 dropped" in output
