"""The README from laptop to cluster, line by line: on machines that come, go and die, the same songs, the same bytes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fake_cluster import fake_cluster
from tests.flows.prepared import ROOT, toy_songs
from tests.flows.test_lifecycle import digests
from tests.test_readme import section

pytestmark = pytest.mark.slow
SMALL = "--set engine.idle_worker_s=1"


def lines() -> list[str]:
    """The commands of the section."""
    return section("From laptop to cluster").split("```")[1].strip().splitlines()


def started(line: str, songs: Path, work: Path, access: Mapping[str, str]) -> subprocess.Popen[str]:
    """A command of the README for these folders; `access`: variables that let it into a cluster."""
    places = {"jam": f"{sys.executable} -m flows.commands.main", "DIR": str(songs), "W": str(work)}
    command = " ".join(places.get(word, word) for word in shlex.split(line))
    environment = {
        **os.environ,
        **access,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(work.parent / "prefect"),
    }
    return subprocess.Popen(
        shlex.split(f"{command} {SMALL}"),
        cwd=work.parent,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(running: subprocess.Popen[str]) -> str:
    """What it said, when it ended well."""
    output = running.communicate(timeout=600)[0]
    assert running.returncode == 0, output
    return output


def test_the_readme_goes_from_a_laptop_to_nodes_that_come_and_go_and_die_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    songs = toy_songs(tmp_path / "toy", 6)
    here, inside, rates = lines()
    said(started(here, songs, tmp_path / "one", {}))
    work = tmp_path / "many"
    with fake_cluster(max_nodes=3) as cluster:
        assert not cluster.nodes()
        running = started(inside, songs, work, {**cluster.environment, "RAY_ADDRESS": cluster.address})
        most, killed = 0, False
        while running.poll() is None:
            nodes = cluster.nodes()
            if not killed:  # a node that was killed may be listed beside the one that takes its place
                most = max(most, len(nodes))
            if most == 3 and not killed and any(work.glob("table/ingest/part-*")):
                nodes[0].kill()
                killed = True
            time.sleep(0.2)
        assert "6 songs" in said(running)
        assert most == 3 and killed
        # as long as a node may take to start: one that takes a killed one's place is idle only once it has
        assert cluster.shrinks_to(0, within_s=180), cluster.decided()
    for part in ("table", "shards"):
        assert digests(work / part) == digests(tmp_path / "one" / part)
    assert "encode" in said(started(rates, songs, work, {}))
