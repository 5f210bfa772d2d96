"""What changes while a model learns: weights, their EMA, and the optimiser's state.

One `update` is one optimiser step. A checkpoint folder holds all of it, with the hash of every file, so
that a run resumes exactly and a half-written or damaged checkpoint is recognised. Weights may lie in parts on several
workers (sharding.py); checkpoints are whole all the same.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from jam_model.checkpoint import build_model, save_model, sha256_of
from jam_model.config import UpdateRule
from jam_model.dit import Jam
from jam_model.sharding import sharded, whole

WEIGHTS_NAME = "model.safetensors"
EMA_NAME = "average.safetensors"
OPTIMISER_NAME = "optimiser.pt"
STATE_NAME = "state.json"
CPU = torch.device("cpu")


class DamagedCheckpoint(ValueError):
    """A checkpoint folder that is not whole, or not what was written."""


class TrainState:
    """A model being trained."""

    def __init__(self, model: Jam, rule: UpdateRule) -> None:
        self.model = model
        self.rule = rule
        self.step = 0
        self.ema = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            model.parameters(),
            rule.learning_rate,
            betas=rule.betas,
            weight_decay=rule.weight_decay,
            fused=True,
        )

    @property
    def learning_rate(self) -> float:
        """Of the last update."""
        return float(self.optimiser.param_groups[0]["lr"])

    def update(self, measured: bool = False) -> dict[str, float]:
        """One optimiser step down the gathered gradients; returns their norm before clipping, ``grad_norm``.

        `measured`: with the norm of the change of all weights, ``update_norm``, which takes a copy of them.

        Raises:
            FloatingPointError: the gradient is not finite.
        """
        rate = self.rule.learning_rate_at(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        norm = float(whole(torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.rule.max_grad_norm)))
        if not norm < float("inf"):
            raise FloatingPointError(f"gradient norm is {norm} at step {self.step}; lower the learning rate")
        weights = list(self.model.parameters())
        before = [weight.detach().clone() for weight in weights] if measured else []
        self.optimiser.step()
        self.step += 1
        decay = min(self.rule.ema_decay, (1 + self.step) / (10 + self.step))
        values = self.model.state_dict()
        with torch.no_grad():
            torch._foreach_lerp_([self.ema[name] for name in values], list(values.values()), 1 - decay)
        if not measured:
            return {"grad_norm": norm}
        changes = [whole((now.detach() - then).norm()) for now, then in zip(weights, before, strict=True)]
        return {"grad_norm": norm, "update_norm": float(torch.stack(changes).norm())}

    def ema_model(self, kept: bool = True) -> Jam | None:
        """A model of the EMA weights, whole; it shares their memory where they are whole already.

        Where weights lie in parts, every worker must call this; who keeps nothing gets none.
        """
        tensors = _full_tensors(self.ema, kept, next(self.model.parameters()).device)
        return build_model(self.model.config, tensors).eval() if kept else None

    def save(self, folder: Path, facts: dict[str, Any], writes: bool = True) -> None:
        """Write everything into a new folder, whole or not at all; `facts` go beside the step.

        Where weights lie in parts, every worker must call this, and one `writes`.
        """
        weights, ema = (
            _full_tensors(tensors, writes, CPU) for tensors in (self.model.state_dict(), self.ema)
        )
        optimiser = self.optimiser.state_dict()
        optimiser["state"] = {
            number: _full_tensors(moments, writes, CPU) for number, moments in optimiser["state"].items()
        }
        if not writes:
            return
        temporary = folder.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{folder.name}")
        temporary.mkdir(parents=True)
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
        self.model.load_state_dict(self._parts(load_file(folder / WEIGHTS_NAME)))
        self.ema = self._parts(load_file(folder / EMA_NAME, device=str(device)))
        stored = torch.load(folder / OPTIMISER_NAME, weights_only=True, map_location="cpu")
        weights = list(self.model.parameters())
        for number, moments in stored["state"].items():
            for name, value in moments.items():
                if name != "step":
                    moments[name] = sharded(value, weights[number])
        self.optimiser.load_state_dict(stored)
        self.step = state["step"]
        return state

    def _parts(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        likes = self.model.state_dict()
        return {name: sharded(value, likes[name]) for name, value in tensors.items()}


def _full_tensors(tensors: Mapping[str, Tensor], kept: bool, device: torch.device) -> dict[str, Tensor]:
    """Tensors gathered one by one and put on `device`; a worker that keeps none still takes part."""
    gathered = ((name, whole(tensor)) for name, tensor in tensors.items())
    return {name: tensor.to(device) for name, tensor in gathered if kept}


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
