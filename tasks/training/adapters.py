"""Adapters (`LowRank`): low-rank changes up and down of some linear weights (LoRA, DoRA), learned while the base stays as it came, merged, extracted.

They act through torch's parametrization, so that `module.weight` is the weight in use wherever it is read, sliced or
copied; a wrapper around a layer would be passed over where fusion and sampler slice weights by hand. Sources: LoRA, Hu et al.,
arXiv 2106.09685: V = W + alpha / rank * up @ down, up zero at first. DoRA, Liu et al., arXiv 2402.09353: V with each row
brought to a learned length, that of W at first; the length of V passes no gradient (its section 4.3).
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
from jam_model.train_state import ORIGINAL, plain_tensors
from tasks.training.adapter_params import LORA, AdapterParams, Target

TARGETS: Mapping[Target, re.Pattern[str]] = {
    "attention": re.compile(r".*\.self_attn\.[qkvo]_proj"),
    "mlp": re.compile(r".*\.mlp\.(gate|up|down)_proj"),
    "fusion": re.compile(r"transformer\.input_embed\.proj"),
    "lyrics": re.compile(r"transformer\.text_fusion_linears\.\d+\.0"),
}
"""The linears of each group."""


KINDS = (LORA, "dora")
OF_WEIGHT = ".parametrizations.weight.0."
"""Between the name of a linear and that of a tensor of its adapter."""


def effective(weight: Tensor, up: Tensor, down: Tensor, scale: float, lengths: Tensor | None) -> Tensor:
    """The weight in use, [out, in]: changed by up [out, rank] @ down [rank, in], its rows then of `lengths` [out], if any."""
    if lengths is None:
        return torch.addmm(weight, up, down, alpha=scale)
    with torch.autocast(
        weight.device.type, enabled=False
    ):  # lengths of rows in float32, or it would not begin with W
        direction = torch.addmm(weight, up, down, alpha=scale)
        now = row_lengths(direction).detach()
        return direction * torch.where(now > 0, lengths / now, 1.0).unsqueeze(1)


def row_lengths(weight: Tensor) -> Tensor:
    """The Euclidean length of each row, [out]."""
    return weight.square().sum(dim=1).sqrt()


class LowRank(nn.Module):
    """The change of one weight [out, in]; see `effective`. `lengths`: of its rows are learned, too."""

    def __init__(
        self, weight: Tensor, rank: int, scale: float, generator: torch.Generator, lengths: bool
    ) -> None:
        super().__init__()
        out, width = weight.shape
        bound = 1 / math.sqrt(width)
        down = torch.empty(rank, width).uniform_(-bound, bound, generator=generator)
        self.down = nn.Parameter(down.to(weight.device))
        self.up = nn.Parameter(torch.zeros(out, rank, device=weight.device))
        self.lengths = nn.Parameter(row_lengths(weight.detach())) if lengths else None
        self.scale = scale

    def forward(self, weight: Tensor) -> Tensor:
        return effective(weight, self.up, self.down, self.scale, self.lengths)


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
        scale, lengths = params.alpha / params.rank, params.kind != LORA
        change = LowRank(linear.weight, params.rank, scale, generator, lengths)
        parametrize.register_parametrization(linear, "weight", change)
    return model


def bare_base(model: Jam) -> Jam:
    """The model without its adapters, frozen; it shares the memory of the weights they act on."""
    plain = {
        name.replace(f".{ORIGINAL}", ".weight"): weight.detach()
        for name, weight in model.named_parameters()
        if OF_WEIGHT not in name
    }
    return build_model(model.config, plain).requires_grad_(False)


def merged(base: Jam, tensors: Mapping[str, Tensor], facts: Mapping[str, str], strength: float) -> Jam:
    """A plain model: `base` with `strength` times the change that the tensors of an adapter file make; 0 is `base`.

    Of a DoRA the low-rank change and that of the rows' lengths are taken so many times, each by itself.

    Raises:
        ValueError: tensors of other names or shapes than an adapter of this base has, or not all of them.
    """
    rank, alpha = int(facts["rank"]), float(facts["alpha"]) * strength
    plain = {name: tensor.detach().clone() for name, tensor in base.state_dict().items()}
    for owner in _owners(base, tensors, facts):
        up, down, lengths = (tensors.get(f"{owner}{OF_WEIGHT}{part}") for part in ("up", "down", "lengths"))
        weight = plain.get(f"{owner}.weight")
        told = (lengths is not None) == (facts.get("kind", LORA) != LORA)
        if (
            weight is None
            or up is None
            or down is None
            or not told
            or not _fits(weight, up, down, lengths, rank)
        ):
            raise ValueError(f"adapter: {owner} does not fit these weights; give the base it was learned on")
        if lengths is not None:
            lengths = torch.lerp(row_lengths(weight), lengths, strength)
        plain[f"{owner}.weight"] = effective(weight, up, down, alpha / rank, lengths)
    return build_model(base.config, plain)


def _owners(base: Jam, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> list[str]:
    """The linears that an adapter file changes: each one of the model's, and none of its targets without tensors."""
    known = {name for name, _ in _linears(base, tuple(TARGETS))}
    split = {name: name.partition(OF_WEIGHT) for name in sorted(tensors)}
    for name, (owner, _, part) in split.items():
        if owner not in known or part not in ("up", "down", "lengths"):
            raise ValueError(f"adapter: {name} does not fit these weights; give the base it was learned on")
    owners = sorted({owner for owner, *_ in split.values()})
    targets = [target for target in TARGETS if target in facts.get("targets", "").split(",")]
    lacking = sorted({name for name, _ in _linears(base, targets)} - set(owners))
    if lacking or not owners:
        raise ValueError(
            f"adapter: it holds no tensors of {lacking[0] if lacking else 'any weights'}; give a whole file"
        )
    return owners


def _fits(weight: Tensor, up: Tensor, down: Tensor, lengths: Tensor | None, rank: int) -> bool:
    """Whether the tensors of an adapter have the shapes that this weight asks for."""
    out, width = weight.shape
    same = up.shape == (out, rank) and down.shape == (rank, width)
    return same and (lengths is None or lengths.shape == (out,))


def extracted(base: Jam, tuned: Jam, params: AdapterParams) -> tuple[dict[str, Tensor], float, list[str]]:
    """The adapter of rank `params.rank` nearest to what tuning changed in the linears of `params`, by the singular values.

    Of a DoRA the lengths of the tuned rows are taken as they are, and the low-rank change is that from each base row to the
    nearest point in the direction of its tuned one.

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
        then, now = before[weight].double(), after[weight].double()
        aim = now if params.kind == LORA else now * _nearest(then, now).unsqueeze(1)
        left, values, right = torch.linalg.svd(aim - then, full_matrices=False)
        kept = values[: params.rank] * params.rank / params.alpha
        up, down = left[:, : params.rank] * kept, right[: params.rank]
        lengths = None if params.kind == LORA else row_lengths(now)
        made = {"up": up, "down": down} | ({} if lengths is None else {"lengths": lengths})
        tensors |= {f"{owner}{OF_WEIGHT}{part}": value.float().contiguous() for part, value in made.items()}
        again = effective(then, up, down, params.alpha / params.rank, lengths)
        total += float((now - then).square().sum())
        held += float((now - then).square().sum() - (now - again).square().sum())
    left_out = [name for name in before if name not in linears and not torch.equal(before[name], after[name])]
    return tensors, held / total if total else 1.0, left_out


def _nearest(then: Tensor, now: Tensor) -> Tensor:
    """What each row of `now` is multiplied by to lie nearest to that of `then`, [out]."""
    squared = now.square().sum(dim=1)
    return torch.where(squared > 0, (then * now).sum(dim=1) / squared, 1.0)


def num_learned(model: nn.Module) -> tuple[int, int]:
    """(parameters that are learned, all parameters of the plain model)."""
    learned = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    return learned, sum(tensor.numel() for _, tensor in plain_tensors(cast(Jam, model)))


def read_adapter(file: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, facts) of an adapter file.

    Raises:
        ValueError: it is not whole, does not say which weights it belongs to, or a tensor is not float32.
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise ValueError(
            f"adapter: {file} does not exist; give an adapter.safetensors, or a folder of a training that holds one"
        )
    try:
        with safe_open(file, framework="pt") as opened:
            facts = dict(opened.metadata() or {})
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"adapter: {file} is not a whole safetensors file ({error})") from error
    try:
        if not facts["base"].isalnum() or int(facts["rank"]) < 1 or not math.isfinite(float(facts["alpha"])):
            raise ValueError("no base")
        if facts.get("kind", LORA) not in KINDS:
            raise ValueError("another kind")
    except (KeyError, ValueError):
        raise ValueError(
            f"adapter: {file} does not say its base, rank and alpha, or is of another kind; it is no adapter of jam"
        ) from None
    for name, tensor in tensors.items():
        if tensor.dtype != torch.float32:
            told = str(tensor.dtype).removeprefix("torch.")
            raise ValueError(f"adapter: {name} of {file} holds {told}; adapters are float32, convert it")
    return tensors, facts


def _linears(model: Jam, targets: Sequence[Target]) -> Iterator[tuple[str, nn.Linear]]:
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and any(TARGETS[target].fullmatch(name) for target in targets):
            yield name, module
