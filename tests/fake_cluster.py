"""A Ray cluster of several nodes on this machine, with an autoscaler that starts and ends them.

Ray's own `AutoscalingCluster` begins and ends with ``ray stop --force``, which ends every Ray of the machine; here
only what was started is ended.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
WORKER_NODE = "jam_worker_node"  # a resource that only nodes of the autoscaler have


@dataclass(frozen=True)
class FakeCluster:
    """Where it listens, and its nodes as processes."""

    address: str
    head: psutil.Process
    environment: dict[str, str]  # what a driver needs to be let in
    folder: Path  # its logs

    def nodes(self) -> list[psutil.Process]:
        """The raylets that the autoscaler started and that still run."""
        found = []
        for process in self.head.children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                alive = process.status() != psutil.STATUS_ZOMBIE
                if alive and process.name() == "raylet" and WORKER_NODE in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def shrinks_to(self, count: int, within_s: float) -> bool:
        """Whether only so many nodes are left in time."""
        deadline = time.monotonic() + within_s
        while len(self.nodes()) > count and time.monotonic() < deadline:
            time.sleep(0.2)
        return len(self.nodes()) <= count

    def decided(self) -> str:
        """The last of what the autoscaler wrote of its decisions, for a test that fails."""
        logs = self.folder.glob("session_*/logs/monitor.log")
        return "\n".join(file.read_text(errors="replace")[-4000:] for file in logs)


@contextmanager
def fake_cluster(max_nodes: int, idle_minutes: float = 0.05) -> Iterator[FakeCluster]:
    """A head without a CPU, and up to `max_nodes` nodes of one CPU each as they are asked for."""
    address = f"127.0.0.1:{_free_port()}"
    worker = {"resources": {"CPU": 1, WORKER_NODE: 1, "object_store_memory": 80 * 2**20}, "node_config": {}}
    config = {
        "cluster_name": "fake",
        "max_workers": max_nodes,
        "idle_timeout_minutes": idle_minutes,
        "upscaling_speed": 10.0,
        "provider": {
            "type": "fake_multinode",
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "gcs_address": address,
        },
        "head_node_type": "ray.head.default",
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {**worker, "min_workers": 0, "max_workers": max_nodes},
        },
        "docker": {},
        "auth": {},
    }
    for name in ("initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands"):
        config[name] = []
    config |= {"head_start_ray_commands": [], "worker_start_ray_commands": [], "file_mounts": {}}
    config |= {"cluster_synced_files": [], "file_mounts_sync_continuously": False}
    config |= {"rsync_exclude": [], "rsync_filter": []}
    access = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {
        **os.environ,
        **access,
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_raylet_start_wait_time_s": "180",
        "RAY_agent_register_timeout_ms": "180000",  # a machine that runs tests is busy
        "PYTHONPATH": str(ROOT),
        "WDS_SECURE": "1",
        "OMP_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory(prefix="jamray", dir="/tmp", ignore_cleanup_errors=True) as folder:
        file = Path(folder, "autoscaler.yaml")
        file.write_text(json.dumps(config))
        command = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=0"]
        command += [f"--port={address.split(':')[1]}", f"--autoscaling-config={file}", f"--temp-dir={folder}"]
        command += [f"--ray-client-server-port={_free_port()}", "--include-dashboard=false"]
        command += ["--disable-usage-stats", f"--object-store-memory={80 * 2**20}"]
        with Path(folder, "head.log").open("wb") as log:
            started = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        head = psutil.Process(started.pid)
        try:
            _wait_for(started, Path(folder, "head.log"))
            yield FakeCluster(address, head, access, Path(folder))
        finally:
            ours = [*head.children(recursive=True), head]
            for process in ours:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(ours, timeout=10)
            started.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_for(started: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and started.poll() is None:
        if "Ray runtime started" in log.read_text():
            return
        time.sleep(0.2)
    raise RuntimeError(f"the head did not start: {log.read_text()[-2000:]}")
