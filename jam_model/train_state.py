"""What changes while a model learns (`TrainState`): weights, their EMA, the optimiser's state and scaler; saved as a checkpoint or an adapter.

One `update` is one optimiser step. A checkpoint folder holds all of it, with the hash of every file, so
that a run resumes exactly and a half-written or damaged checkpoint is recognised. Weights may lie in parts on several
workers (sharding.py); checkpoints are whole all the same.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from jam_model.checkpoint import build_model, save_model, sha256_of
from jam_model.config import UpdateRule
from jam_model.dit import Jam
from jam_model.sharding import sharded, whole

WEIGHTS_NAME = "model.safetensors"
EMA_NAME = "average.safetensors"
OPTIMISER_NAME = "optimiser.pt"
STATE_NAME = "state.json"
ORIGINAL = "parametrizations.weight.original"
"""What torch calls a weight on which an adapter acts."""
CPU = torch.device("cpu")
SCALER = "scaler"
"""In the file of the optimiser: the scale of the loss, where gradients are scaled."""
LEAST_SCALE = 1.0


class DamagedCheckpoint(ValueError):
    """A checkpoint folder that is not whole, or not what was written."""


def fused_adamw(weights: Sequence[nn.Parameter], rule: UpdateRule) -> torch.optim.Optimizer:
    """AdamW in float32."""
    return torch.optim.AdamW(
        weights, rule.learning_rate, betas=rule.betas, weight_decay=rule.weight_decay, fused=True
    )


class TrainState:
    """A model being trained. `scaled`: by gradients of a loss that is scaled up, since float16 loses small ones."""

    def __init__(
        self,
        model: Jam,
        rule: UpdateRule,
        optimiser: Callable[[Sequence[nn.Parameter], UpdateRule], torch.optim.Optimizer] = fused_adamw,
        scaled: bool = False,
    ) -> None:
        self.model = model
        self.rule = rule
        self.step = 0
        self.learned = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        self.ema = {name: value.detach().clone() for name, value in self.learned.items()}
        self.optimiser = optimiser(list(self.learned.values()), rule)
        device = next(model.parameters()).device.type
        self.scaler = torch.amp.GradScaler(device) if scaled else None  # type: ignore[attr-defined]

    @property
    def learning_rate(self) -> float:
        """Of the last update."""
        return float(self.optimiser.param_groups[0]["lr"])

    def backward(self, loss: Tensor) -> None:
        """Adds the gradients of a loss to those that are gathered."""
        (self.scaler.scale(loss) if self.scaler else loss).backward()  # type: ignore[no-untyped-call]

    def update(self, measured: bool = False) -> dict[str, float]:
        """One optimiser step down the gathered gradients; returns their norm before clipping, ``grad_norm``.

        Where the loss is scaled, a step whose gradients are not finite changes nothing and halves the scale; such a step has
        no norm, so the share of them, ``skipped``, is returned in its place.
        `measured`: with the norm of the change of all weights, ``update_norm``, which takes a copy of them.

        Raises:
            FloatingPointError: the gradient is not finite, and no smaller scale would mend it.
        """
        for group in self.optimiser.param_groups:
            _set_rate(group, self.rule.learning_rate_at(self.step))
        weights = list(self.learned.values())
        if self.scaler:
            self.scaler.unscale_(self.optimiser)
        norm = float(whole(torch.nn.utils.clip_grad_norm_(weights, self.rule.max_grad_norm)))
        finite = norm < float("inf")
        if not finite and not (self.scaler and self.scaler.get_scale() > LEAST_SCALE):
            raise FloatingPointError(f"gradient norm is {norm} at step {self.step}; lower the learning rate")
        before = [weight.detach().clone() for weight in weights] if measured else []
        if self.scaler:
            self.scaler.step(self.optimiser)
            self.scaler.update()
        else:
            self.optimiser.step()
        self.step += 1
        if finite:
            self._average(weights)
        figures = {"skipped": float(not finite)} if self.scaler else {"grad_norm": norm}
        if not measured:
            return figures
        changes = [whole((now.detach() - then).norm()) for now, then in zip(weights, before, strict=True)]
        return {**figures, "update_norm": float(torch.stack(changes).norm())}

    def _average(self, weights: list[nn.Parameter]) -> None:
        decay = min(self.rule.ema_decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            ema = [self.ema[name] for name in self.learned]
            torch._foreach_lerp_(ema, [weight.detach() for weight in weights], 1 - decay)

    def ema_model(self, kept: bool = True) -> Jam | None:
        """A model of the EMA weights, whole; it shares their memory where they are whole already.

        Where weights lie in parts, every worker must call this; who keeps nothing gets none.
        """
        device = next(self.model.parameters()).device
        if self.adapts:
            with torch.no_grad(), _swapped(self.learned, self.ema):
                plain = {name: tensor.detach().clone() for name, tensor in plain_tensors(self.model)}
                tensors = _full_tensors(plain, kept, device)
        else:
            tensors = _full_tensors(self.ema, kept, device)
        return build_model(self.model.config, tensors).eval() if kept else None

    @property
    def adapts(self) -> bool:
        """Whether only adapters are learned, beside weights that stay."""
        return len(self.learned) < sum(1 for _ in self.model.parameters())

    def adapter_tensors(self, kept: bool = True) -> dict[str, Tensor]:
        """The averages of the adapters, whole; none where all weights are learned.

        Where weights lie in parts, every worker must call this; who keeps nothing gets none.
        """
        return _full_tensors(self.ema, kept, CPU) if self.adapts else {}

    def save(self, folder: Path, facts: dict[str, Any], writes: bool = True) -> None:
        """Write everything into a new folder, whole or not at all; `facts` go beside the step.

        Where weights lie in parts, every worker must call this, and one `writes`.
        """
        now = {name: weight.detach() for name, weight in self.learned.items()}
        weights, ema = (_full_tensors(tensors, writes, CPU) for tensors in (now, self.ema))
        optimiser = self.optimiser.state_dict()
        optimiser["state"] = {
            number: _full_tensors(moments, writes, CPU) for number, moments in optimiser["state"].items()
        }
        if self.scaler:
            optimiser[SCALER] = self.scaler.state_dict()
        if not writes:
            return
        temporary = folder.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{folder.name}")
        temporary.mkdir(parents=True)
        if self.adapts:
            save_file({name: value.contiguous() for name, value in weights.items()}, temporary / WEIGHTS_NAME)
        else:
            save_model(temporary, build_model(self.model.config, weights))
        save_file({name: value.contiguous() for name, value in ema.items()}, temporary / EMA_NAME)
        torch.save(optimiser, temporary / OPTIMISER_NAME)
        files = {path.name: sha256_of(path) for path in sorted(temporary.iterdir())}
        state = {"step": self.step, **facts, "files": files}
        (temporary / STATE_NAME).write_text(json.dumps(state, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)

    def load(self, folder: Path) -> dict[str, Any]:
        """Continue from a folder of `save`; returns its state.

        Raises:
            DamagedCheckpoint: a file is missing or changed.
        """
        state = check_checkpoint(folder)
        device = next(self.model.parameters()).device
        parts = self._parts(load_file(folder / WEIGHTS_NAME))
        self.model.load_state_dict(parts, strict=not self.adapts)
        self.ema = self._parts(load_file(folder / EMA_NAME, device=str(device)))
        stored = torch.load(folder / OPTIMISER_NAME, weights_only=True, map_location="cpu")
        if self.scaler:
            self.scaler.load_state_dict(stored.pop(SCALER))
        weights = list(self.learned.values())
        for number, moments in stored["state"].items():
            for name, value in moments.items():
                if name != "step":
                    moments[name] = sharded(value, weights[number])
        self.optimiser.load_state_dict(stored)
        self.step = state["step"]
        return state

    def _parts(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        if tensors.keys() != self.learned.keys():
            raise DamagedCheckpoint("its tensors are not those that are learned here; begin the run anew")
        return {name: sharded(value, self.learned[name]) for name, value in tensors.items()}


def write_adapter(file: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, str]) -> None:
    """Write `TrainState.adapter_tensors`, and `facts` about them, into a safetensors file."""
    save_file({name: value.contiguous() for name, value in tensors.items()}, file, dict(facts))


def plain_tensors(model: Jam) -> Iterator[tuple[str, Tensor]]:
    """Every weight as the model uses it, under its released name: where an adapter acts on it, with the adapter."""
    for name, _ in model.named_parameters():
        owner, _, last = name.rpartition(".")
        if f".{ORIGINAL}" in name:
            owner, last = name.removesuffix(f".{ORIGINAL}"), "weight"
        elif ".parametrizations." in name:
            continue
        yield f"{owner}.{last}", getattr(model.get_submodule(owner), last)


@contextmanager
def _swapped(learned: Mapping[str, Tensor], others: Mapping[str, Tensor]) -> Iterator[None]:
    """The learned weights hold others' values within."""
    own = {name: weight.detach().clone() for name, weight in learned.items()}
    for name, weight in learned.items():
        weight.data.copy_(others[name])
    try:
        yield
    finally:
        for name, weight in learned.items():
            weight.data.copy_(own[name])


def _full_tensors(tensors: Mapping[str, Tensor], kept: bool, device: torch.device) -> dict[str, Tensor]:
    """Tensors gathered one by one and put on `device`; a worker that keeps none still takes part."""
    gathered = ((name, whole(tensor)) for name, tensor in tensors.items())
    return {
        name: tensor.to(device) if isinstance(tensor, Tensor) else tensor for name, tensor in gathered if kept
    }


def _set_rate(group: dict[str, Any], rate: float) -> None:
    """The learning rate of a group; some optimisers keep it in a tensor, which must stay the same one."""
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


def check_checkpoint(folder: Path) -> dict[str, Any]:
    """The state of a checkpoint folder whose files are all as they were written.

    Raises:
        DamagedCheckpoint: a file is missing or changed.
    """
    try:
        state = json.loads((folder / STATE_NAME).read_text())
        for name, digest in state["files"].items():
            if sha256_of(folder / name) != digest:
                raise DamagedCheckpoint(f"{folder / name}: not the bytes that were written")
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise DamagedCheckpoint(f"{folder}: {error}") from error
    return state
