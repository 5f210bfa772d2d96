"""Weights in parts on a device mesh, also offloaded: every worker holds its share of each tensor, and whole ones exist only while they are used.

torch's side of it is imported where weights are sharded: it takes half a second, and few runs need it.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

from jam_model.dit import Jam


def shard(model: Jam, num_workers: int, device: torch.device, offloaded: bool = False) -> Jam:
    """The same model with its weights, and so gradients and all that follows them, in parts on the workers.

    Each layer is gathered for its turn and freed again; every worker must call the model as often as the others.
    `offloaded`: the parts lie in main memory, where gradients are clipped and weights updated; on a CPU it is no other thing.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard

    mesh = init_device_mesh(device.type, (num_workers,))
    is_gpu = device.type != "cpu"
    policy = CPUOffloadPolicy(pin_memory=is_gpu) if offloaded else OffloadPolicy()
    for block in model.transformer.transformer_blocks:
        fully_shard(block, mesh=mesh, offload_policy=policy)
    fully_shard(model, mesh=mesh, offload_policy=policy)
    return model


def is_sharded(tensor: Tensor) -> bool:
    """Whether this worker holds only its share of the tensor."""
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, gathered where it lies in parts; then every worker must ask for it."""
    return cast(Any, tensor).full_tensor() if is_sharded(tensor) else tensor


def sharded(tensor: Tensor, like: Tensor) -> Tensor:
    """A whole tensor that each worker has, in the parts that `like` lies in; as it is where `like` is whole."""
    if not is_sharded(like):
        return tensor
    from torch.distributed.tensor import distribute_tensor

    place = cast(Any, like)
    return distribute_tensor(tensor.to(like.device), place.device_mesh, place.placements, src_data_rank=None)
