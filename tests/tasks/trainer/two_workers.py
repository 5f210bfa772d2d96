"""Two workers as processes of their own that exchange tensors by gloo, as Ray Train starts them, without Ray around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as distributed

from tasks.trainer.loop import Worker, run_steps
from tasks.training.train import FlowObjective

Steps = tuple[FlowObjective, Path, int | None]
"""What is learned, into which folder, and where it is stopped."""


def on_two_workers(runs: Sequence[Steps], store: Path) -> None:
    """One after the other; `store` is a file that is not there yet."""
    torch.multiprocessing.spawn(_run, (runs, str(store)), nprocs=2)  # type: ignore[no-untyped-call, attr-defined]


def _run(rank: int, runs: Sequence[Steps], store: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    for objective, out, stop_at in runs:
        run_steps(objective, objective.params, out, Worker(rank, 2, torch.device("cpu")), stop_at)
    distributed.destroy_process_group()
