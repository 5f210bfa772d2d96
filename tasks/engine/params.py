"""How stages run, as params say it (`EngineParams`): the shared pool, partition size, and the own workers of single stages (GPUs, Python, environment)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

from tasks.engine.interpreter import check_interpreter, source_path
from tasks.engine.stage import Section

SHARED = ""  # the pool of all stages that have none of their own


class StageWorkers(Section):
    """Own workers of one stage (``engine.stages.<name>``). Null: as in the shared pool.

    `python`: another interpreter, with packages of its own. `env`: variables of its processes.
    """

    workers: int | None = None
    cpus: float | None = None
    gpus: float | None = None
    memory_mb: int | None = None
    python: str | None = None
    env: dict[str, str] | None = None


class EngineParams(Section):
    """How stages run. None of it is part of a fingerprint.

    `partition_size`: songs a partition at most (`Table.admit` has the rule).
    `evict`: stages whose large columns `jam prune` may free once all that reads them stands.
    `stages`: stages with workers of their own, a pool each; all others share the pool. `num_workers` is also how
    far a cluster with an autoscaler may grow: all are asked for at once when work is queued, and those idle for
    `idle_worker_s` go, down to `min_workers` a pool. `shard_cache_mb`: what a machine keeps of shards in a store.
    `audio_cache_mb`: decoded songs that a worker of the shared pool keeps for its next stages, beside what
    `song_memory_mb` allows it; 0: each stage decodes for itself, as stages with workers of their own always do.
    `dashboard` and `metrics_port` are of a Ray that is started here, on loopback; a cluster has its own.
    """

    partition_size: int
    address: str | None
    num_workers: int | None
    min_workers: int
    idle_worker_s: float
    cpus_per_worker: float
    gpus_per_worker: float
    threads_per_worker: int
    object_store_mb: int
    shard_cache_mb: int
    audio_cache_mb: int
    song_limit_s: float
    song_limit_per_audio_s: float
    song_memory_mb: int | None
    evict: tuple[str, ...]
    stages: dict[str, StageWorkers]
    dashboard: bool
    metrics_port: int | None
    partition_lines: Literal["none", "text", "json"]

    def actor_options(self, pool: str) -> dict[str, Any]:
        """What a worker of this pool is given, in the words of Ray; what is not asked for is left out."""
        own = self.stages.get(pool, StageWorkers())
        path = {"PYTHONPATH": source_path()} if own.python else {}
        runtime = {"env_vars": {**path, **(own.env or {})}, "py_executable": own.python}
        options = {
            "num_cpus": self.cpus_per_worker if own.cpus is None else own.cpus,
            "num_gpus": self.gpus_per_worker if own.gpus is None else own.gpus,
            "memory": None if own.memory_mb is None else own.memory_mb * 2**20,
            "runtime_env": {name: value for name, value in runtime.items() if value} or None,
        }
        return {name: value for name, value in options.items() if value is not None}

    def pythons(self) -> dict[str, str]:
        """The interpreter of each stage that has one of its own.

        Raises:
            ValueError: one is no Python that can run our workers.
        """
        found = {name: own.python for name, own in self.stages.items() if own.python is not None}
        for name, python in found.items():
            check_interpreter(f"engine.stages.{name}.python", python)
        return found


def pool_sizes(params: EngineParams, stages: Collection[str], has: Mapping[str, float]) -> dict[str, int]:
    """Workers of each pool: as many as asked for, else as many as fit beside the others.

    Groups of stages that use GPUs fill the GPUs; the other pools share the CPUs that are left equally.

    Raises:
        ValueError: no worker of a pool fits this machine at all. A cluster may still grow.
    """
    own = [name for name in params.stages if name in stages]
    names = own if set(stages) == set(own) else [SHARED, *own]
    options = {name: params.actor_options(name) for name in names}
    asked = {name: params.stages[name].workers if name else params.num_workers for name in names}
    for name, one in options.items():
        if params.address is None:
            _must_fit(f"engine.stages.{name}" if name else "engine", one, has)
    sizes = {name: count for name, count in asked.items() if count is not None}
    for name in names:
        if name not in sizes and options[name]["num_gpus"]:
            sizes[name] = max(1, int(has.get("GPU", 0.0) // options[name]["num_gpus"]))
    left = has.get("CPU", 1.0) - sum(sizes[name] * options[name]["num_cpus"] for name in sizes)
    sharing = [name for name in names if name not in sizes]
    for name in sharing:
        sizes[name] = max(1, int(left / len(sharing) // max(options[name]["num_cpus"], 0.01)))
    return {name: max(1, sizes[name]) for name in names}


def _must_fit(section: str, one: Mapping[str, Any], has: Mapping[str, float]) -> None:
    """Raises a ValueError when one worker alone asks for more than there is."""
    wanted = {"CPU": one["num_cpus"], "GPU": one["num_gpus"], "memory": one.get("memory", 0)}
    for kind, amount in wanted.items():
        if amount > has.get(kind, 0.0):
            raise ValueError(
                f"{section}: a worker asks for {amount:g} {kind}, this machine has {has.get(kind, 0.0):g}"
            )
