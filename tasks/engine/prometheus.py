"""What a run tells Prometheus, through the metrics agent that Ray runs on every node (names begin ``ray_jam_``).

Counters end in ``_total`` there. Rates come from two of them: audio seconds over worker seconds is the real-time
factor, waiting over worker seconds the share in which models waited for their input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized

from ray.util.metrics import Counter, Gauge

from tasks.engine.run_partition import Receipt
from tasks.engine.workers import ActorPool


class RunMetrics:
    """Counters over the partitions of a run, and gauges of its queues and workers."""

    def __init__(self) -> None:
        stage = ("stage",)
        self._done = Counter("jam_songs_done", "songs that went on", stage)
        self._dropped = Counter("jam_songs_dropped", "songs that a stage dropped", ("stage", "reason"))
        self._audio_s = Counter("jam_audio_seconds", "seconds of audio that went through", stage)
        self._worker_s = Counter("jam_worker_seconds", "seconds workers took", stage)
        self._waiting_s = Counter(
            "jam_waiting_seconds", "of these, seconds models waited for their input", stage
        )
        self._speed = Gauge("jam_real_time_factor", "audio a worker's second, in the last partition", stage)
        self._gpu_idle = Gauge("jam_gpu_idle_share", "of the last partition's seconds on a GPU", stage)
        self._queue = Gauge("jam_partitions_waiting", "partitions that could start", ("pool",))
        self._workers = Gauge("jam_workers", "workers of a pool", ("pool", "state"))

    def done(self, receipt: Receipt) -> None:
        """A partition was committed."""
        stage = {"stage": receipt.stage}
        for counter, value in (
            (self._done, receipt.kept),
            (self._audio_s, receipt.audio_s),
            (self._worker_s, receipt.seconds),
            (self._waiting_s, receipt.waiting_s),
        ):
            if value > 0:
                counter.inc(value, stage)
        for reason, count in receipt.dropped.items():
            self._dropped.inc(count, {**stage, "reason": reason})
        if receipt.real_time_factor is not None:
            self._speed.set(receipt.real_time_factor, stage)
        if receipt.device != "cpu" and receipt.seconds:
            self._gpu_idle.set(1 - receipt.working_s / receipt.seconds, stage)

    def stand(self, pools: Mapping[str, ActorPool], waiting: Mapping[str, Sized]) -> None:
        """How full the pools are, and what waits for each."""
        for name, pool in pools.items():
            shown = name or "shared"
            self._queue.set(len(waiting.get(name, ())), {"pool": shown})
            counts = {"busy": len(pool.busy), "idle": pool.num_idle, "starting": len(pool.starting)}
            for state, count in counts.items():
                self._workers.set(count, {"pool": shown, "state": state})
