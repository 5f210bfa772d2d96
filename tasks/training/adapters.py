"""Adapters: low-rank changes of some weights (LoRA), learned while all else stays as it came.

They act through torch's parametrization, so that `module.weight` is the weight in use wherever it is read, sliced or
copied; a wrapper around a layer would be passed over where fusion and sampler slice weights by hand. Source: Hu et al.,
arXiv 2106.09685: W + alpha / rank * up @ down, up zero at first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from jam_model.checkpoint import build_model
from jam_model.dit import Jam
from jam_model.train_state import plain_tensors
from tasks.training.adapter_params import AdapterParams, Target

TARGETS: Mapping[Target, re.Pattern[str]] = {
    "attention": re.compile(r".*\.self_attn\.[qkvo]_proj"),
    "mlp": re.compile(r".*\.mlp\.(gate|up|down)_proj"),
    "fusion": re.compile(r"transformer\.input_embed\.proj"),
    "lyrics": re.compile(r"transformer\.text_fusion_linears\.\d+\.0"),
}
"""The linears of each group."""


class LowRank(nn.Module):
    """W + scale * up @ down of one weight [out, in]."""

    def __init__(self, weight: Tensor, rank: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        out, width = weight.shape
        bound = 1 / math.sqrt(width)
        down = torch.empty(rank, width).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(down.to(weight.device))
        self.up = nn.Parameter(torch.zeros(out, rank, device=weight.device))
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        return torch.addmm(weight, self.up, self.down, alpha=self.scale)


def add_adapters(model: Jam, params: AdapterParams, seed: int) -> Jam:
    """The same model, every weight frozen but the adapters that now act on the linears of `params`; it computes what it did.

    Raises:
        ValueError: a rank above the smaller side of a weight.
    """
    generator = torch.Generator().manual_seed(seed)
    model.requires_grad_(False)
    for name, linear in list(_linears(model, params.targets)):
        if params.rank > min(linear.weight.shape):
            raise ValueError(
                f"adapter.rank is {params.rank}, {name} has {tuple(linear.weight.shape)}; give at most "
                f"{min(linear.weight.shape)}"
            )
        change = LowRank(linear.weight, params.rank, params.alpha / params.rank, generator)
        parametrize.register_parametrization(linear, "weight", change)
    return model


def merged(base: Jam, tensors: Mapping[str, Tensor], facts: Mapping[str, str], strength: float) -> Jam:
    """A plain model: `base` with `strength` times the change that the tensors of an adapter file make; 0 is `base`.

    Raises:
        ValueError: tensors of other names or shapes than an adapter of this base has.
    """
    rank, alpha = int(facts["rank"]), float(facts["alpha"]) * strength
    plain = {name: tensor.detach().clone() for name, tensor in base.state_dict().items()}
    for key in sorted(name for name in tensors if name.endswith(".up")):
        owner = key.removesuffix(".parametrizations.weight.0.up")
        up, down = tensors[key], tensors.get(key.removesuffix("up") + "down")
        weight = plain.get(f"{owner}.weight")
        if weight is None or down is None or weight.shape != (len(up), down.shape[1]) or len(down) != rank:
            raise ValueError(f"adapter: {owner} does not fit these weights; give the base it was learned on")
        plain[f"{owner}.weight"] = torch.addmm(weight, up, down, alpha=alpha / rank)
    return build_model(base.config, plain)


def extracted(base: Jam, tuned: Jam, params: AdapterParams) -> tuple[dict[str, Tensor], float, list[str]]:
    """The adapter of rank `params.rank` nearest to what tuning changed in the linears of `params`, by the singular values.

    Returns:
        Its tensors, the share of the squared change of those linears that it holds (1 where nothing changed), and the names
        of other weights that changed too, which no adapter carries.

    Raises:
        ValueError: the two are of other sizes.
    """
    if base.config != tuned.config:
        raise ValueError(
            f"adapter: the base is {base.config}, the tuned model {tuned.config}; give two of one size"
        )
    before, after = base.state_dict(), tuned.state_dict()
    tensors: dict[str, Tensor] = {}
    held = total = 0.0
    linears = {f"{name}.weight": name for name, _ in _linears(base, params.targets)}
    for weight, owner in linears.items():
        left, values, right = torch.linalg.svd((after[weight] - before[weight]).double(), full_matrices=False)
        kept = values[: params.rank] * params.rank / params.alpha
        tensors[f"{owner}.parametrizations.weight.0.up"] = (
            (left[:, : params.rank] * kept).float().contiguous()
        )
        tensors[f"{owner}.parametrizations.weight.0.down"] = right[: params.rank].float().contiguous()
        held += float(values[: params.rank].square().sum())
        total += float(values.square().sum())
    left_out = [name for name in before if name not in linears and not torch.equal(before[name], after[name])]
    return tensors, held / total if total else 1.0, left_out


def num_learned(model: nn.Module) -> tuple[int, int]:
    """(parameters that are learned, all parameters of the plain model)."""
    learned = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    return learned, sum(tensor.numel() for _, tensor in plain_tensors(cast(Jam, model)))


def read_adapter(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, facts) of an adapter file.

    Raises:
        ValueError: it is not whole, or does not say which weights it belongs to.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            facts = dict(opened.metadata() or {})
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"adapter: {file} is not a whole safetensors file ({error})") from error
    try:
        if not facts["base"] or int(facts["rank"]) < 1 or not math.isfinite(float(facts["alpha"])):
            raise ValueError("no base")
    except (KeyError, ValueError):
        raise ValueError(
            f"adapter: {file} does not say its base, rank and alpha; it is no adapter of jam"
        ) from None
    return tensors, facts


def _linears(model: Jam, targets: Sequence[Target]) -> Iterator[tuple[str, nn.Linear]]:
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and any(TARGETS[target].fullmatch(name) for target in targets):
            yield name, module
