"""From one machine to a cluster that grows and shrinks: the same songs, the same bytes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fake_cluster import fake_cluster
from tests.flows.prepared import prepare, preparing, toy_songs
from tests.flows.test_lifecycle import digests

pytestmark = pytest.mark.slow
SMALL = "engine.partition_size=2"


def test_prepare_on_nodes_that_come_and_go_and_die_gives_the_bytes_of_one_machine(tmp_path: Path) -> None:
    songs = toy_songs(tmp_path / "toy", 6)
    prepare(songs, str(tmp_path / "one"), SMALL)
    work = tmp_path / "many"
    with fake_cluster(max_nodes=3) as cluster:
        assert not cluster.nodes()
        growing = (f"engine.address={cluster.address}", "engine.num_workers=3", "engine.idle_worker_s=1")
        running = preparing(songs, str(work), SMALL, *growing, access=cluster.environment)
        most, killed = 0, False
        while running.poll() is None:
            nodes = cluster.nodes()
            most = max(most, len(nodes))
            if most == 3 and not killed and any(work.glob("table/ingest/part-*")):
                nodes[0].kill()
                killed = True
            time.sleep(0.2)
        output = running.communicate()[0]
        assert running.returncode == 0, output
        assert most == 3 and killed
        assert cluster.shrinks_to(0, within_s=60)
    for part in ("table", "shards"):
        assert digests(work / part) == digests(tmp_path / "one" / part)
    assert "6 songs" in output
