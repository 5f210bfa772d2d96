"""What the workers of a run tell one another beside gradients: means of their figures, and what the first one decided."""

from __future__ import annotations

import torch
import torch.distributed as distributed


def mean_over_workers(values: dict[str, float], num_workers: int, device: torch.device) -> dict[str, float]:
    """Each figure as the mean of all workers; every worker gives the same names."""
    if num_workers == 1:
        return values
    tensor = torch.tensor(list(values.values()), dtype=torch.float64, device=device)
    distributed.all_reduce(tensor)
    return dict(zip(values, (tensor / num_workers).tolist(), strict=True))


def as_the_first_says(answer: bool, num_workers: int, device: torch.device) -> bool:
    """The first worker's answer, on all of them."""
    if num_workers == 1:
        return answer
    told = torch.tensor(float(answer), device=device)
    distributed.broadcast(told, 0)
    return bool(told.item())
