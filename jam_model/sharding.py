"""Weights in parts: every worker holds its share of each tensor, and whole ones exist only while they are used."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from jam_model.dit import Jam


def shard(model: Jam, num_workers: int, device: torch.device) -> Jam:
    """The same model with its weights, and so gradients and all that follows them, in parts on the workers.

    Each layer is gathered for its turn and let go again; every worker must call the model as often as the others.
    """
    mesh = init_device_mesh(device.type, (num_workers,))
    for block in model.transformer.transformer_blocks:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
    return model


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, gathered where it lies in parts; then every worker must ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def parted(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor that each worker has, in the parts that `like` lies in."""
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
