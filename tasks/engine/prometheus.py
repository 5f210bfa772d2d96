"""What a run tells Prometheus (gauges, counters), through the metrics agent that Ray runs on every node (names begin ``ray_jam_``).

Counters end in ``_total`` there. Rates come from two of them: audio seconds over worker seconds is the real-time
factor, waiting over worker seconds the share in which models waited for their input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from ray.util.metrics import Counter, Gauge

from tasks.engine.run_partition import Receipt
from tasks.engine.workers import ActorPool

METRICS: dict[str, tuple[type[Any], str, tuple[str, ...]]] = {
    "songs_done": (Counter, "songs that went on", ("stage",)),
    "songs_dropped": (Counter, "songs that a stage dropped", ("stage", "reason")),
    "audio_seconds": (Counter, "seconds of audio that went through", ("stage",)),
    "worker_seconds": (Counter, "seconds workers took", ("stage",)),
    "waiting_seconds": (Counter, "of these, seconds models waited for their input", ("stage",)),
    "real_time_factor": (Gauge, "audio a worker's second, in the last partition", ("stage",)),
    "gpu_idle_share": (Gauge, "of the last partition's seconds on a GPU", ("stage",)),
    "partitions_waiting": (Gauge, "partitions that could start", ("pool",)),
    "workers": (Gauge, "workers of a pool", ("pool", "state")),
}
"""Each by its name without ``jam_``: its kind, what it means, and its labels."""


class RunMetrics:
    """Counters over the partitions of a run, and gauges of its queues and workers."""

    def __init__(self) -> None:
        self._of = {name: kind(f"jam_{name}", *said) for name, (kind, *said) in METRICS.items()}

    def done(self, receipt: Receipt) -> None:
        """A partition was committed."""
        stage = {"stage": receipt.stage}
        counts = {
            "songs_done": receipt.kept,
            "audio_seconds": receipt.audio_s,
            "worker_seconds": receipt.seconds,
            "waiting_seconds": receipt.waiting_s,
        }
        for name, value in counts.items():
            if value > 0:
                self._of[name].inc(value, stage)
        for reason, count in receipt.dropped.items():
            self._of["songs_dropped"].inc(count, {**stage, "reason": reason})
        if receipt.real_time_factor is not None:
            self._of["real_time_factor"].set(receipt.real_time_factor, stage)
        if receipt.device != "cpu" and receipt.seconds:
            self._of["gpu_idle_share"].set(1 - receipt.working_s / receipt.seconds, stage)

    def stand(self, pools: Mapping[str, ActorPool], waiting: Mapping[str, Sized]) -> None:
        """How full the pools are, and what waits for each."""
        for name, pool in pools.items():
            shown = name or "shared"
            self._of["partitions_waiting"].set(len(waiting.get(name, ())), {"pool": shown})
            counts = {"busy": len(pool.busy), "idle": pool.num_idle, "starting": len(pool.starting)}
            for state, count in counts.items():
                self._of["workers"].set(count, {"pool": shown, "state": state})
