"""A duration predictor and the DiT in one training: the predictor reads its words by the DiT's lyric encoder.

JAM's authors leave open whether a duration predictor should be trained with the model. Three arms answer, whose steps cost the
same: *joint*, where both losses reach the encoder; *stop_gradient*, where the predictor reads what the DiT's loss makes of it; and
*separate*, where it has an encoder of its own that begins with the same weights. The DiT learns whole songs as in `sft`, its
batches, noise and rule the same in all arms. The encoder is asked without times: it reads each symbol as if it were held for a frame.
"""

from __future__ import annotations

import copy
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from jam_model.checkpoint import save_model
from jam_model.config import JamConfig
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from jam_model.train_state import TrainState
from tasks.trainer.loop import Worker
from tasks.training.duration_params import SEPARATE, STOP_GRADIENT, JointParams
from tasks.training.params import JamParams, TrainParams
from tasks.training.recipe import check_beats, check_phones, check_symbols, flow_recipe
from tasks.training.train import FlowObjective
from tasks.training.word_times import WordTimesParams

DIT = "dit-"
"""What folders of the DiT's state begin with, a step each."""
MODEL = "jam"
"""The folder of the DiT that a run ends with."""


class JamBeside:
    """The DiT of an objective in the steps of a predictor. The weights that are the predictor's alone learn as they would by
    themselves; what its nats a word say to the encoder counts `joint.weight` beside the flow's loss.
    """

    def __init__(self, objective: FlowObjective, joint: JointParams) -> None:
        self.objective, self.arm, self.weight = objective, joint.arm, joint.weight
        self.worker = Worker(0, 1, torch.device("cpu"))
        self.state = TrainState(objective.build().train(), objective.params.rule())
        self.step_loss = objective.start(self.worker)
        self.seconds = 0.0

    def config(self, config: DurationConfig) -> DurationConfig:
        """With the sizes of the DiT's lyric encoder."""
        of = self.objective.config
        return replace(
            config,
            text_dim=of.text_dim,
            text_layers=of.text_layers,
            num_text_embeddings=of.num_text_embeddings,
            own_symbols=of.own_symbols,
        )

    def join(self, net: DurationNet) -> list[nn.Parameter]:
        """The DiT's lyric encoder, or a copy."""
        shared = self.state.model.transformer.text_embed
        net.lyrics = copy.deepcopy(shared) if self.arm == SEPARATE else shared
        net.stop_gradient = self.arm == STOP_GRADIENT
        of_dit = {id(weight) for weight in self.state.model.parameters()}
        return [weight for weight in net.parameters() if id(weight) not in of_dit]

    def backward(self, nats: Tensor, step: int) -> None:
        """One update of the DiT by the flow's loss and, jointly, by the predictor's."""
        started = time.process_time()
        self.state.optimiser.zero_grad(set_to_none=True)
        nats.backward()  # type: ignore[no-untyped-call]
        for weight in self.state.learned.values():
            if weight.grad is not None:
                weight.grad.mul_(self.weight)
        generator = self.worker.generator(self.objective.params.seed, step)
        self.state.backward(self.step_loss(self.state.model, step, generator)["loss"])
        self.state.update()
        self.seconds += time.process_time() - started

    def save(self, out: Path, step: int) -> None:
        """The train state in a folder of its step; older ones go."""
        self.state.save(out / f"{DIT}{step}", {"seconds": self.seconds})
        for folder in out.glob(f"{DIT}*"):
            if folder.name != f"{DIT}{step}":
                shutil.rmtree(folder)

    def load(self, out: Path, step: int) -> None:
        """The train state of a step."""
        self.seconds = float(self.state.load(out / f"{DIT}{step}")["seconds"])

    def finish(self, out: Path) -> dict[str, float]:
        """The EMA weights below `out`, and what they are worth to the validation songs."""
        model = self.state.ema_model()
        assert model is not None, "one worker keeps what it learns"
        save_model(out / MODEL, model)
        loss = self.objective.validate(model, self.worker).get("validation_loss")
        told = {} if loss is None else {"flow_validation_loss": float(loss)}
        return {**told, "dit_seconds": round(self.seconds, 2)}


@dataclass(frozen=True)
class JointTraining:
    """What the DiT beside a predictor is trained from: `init`, by these sections and shards, in this process and in float32."""

    joint: JointParams
    section: TrainParams
    jam: JamParams
    shards: Path
    silence_C: np.ndarray
    style_encoder: str
    init: Path
    times: WordTimesParams | None = None

    @property
    def config(self) -> JamConfig:
        """Sizes of the DiT."""
        return self.jam.config(self.section.max_frames)

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the run beside the predictor's own."""
        made = flow_recipe(self.config, self.shards, self.silence_C, self.init, times=self.times)
        return {"joint": self.joint.decides(), "section": self.section.decides(), **made}

    def build(self) -> JamBeside:
        """Opens the shards.

        Raises:
            ValueError: they lack what the model or its word times need.
        """
        check_symbols(self.config, self.shards)
        check_phones(self.config, self.shards, 0)
        check_beats(self.times, self.shards, 0)
        silence = tuple(float(value) for value in self.silence_C)
        shards, init = str(self.shards.resolve()), str(self.init.resolve())
        objective = FlowObjective(
            self.section, self.config, init, shards, silence, self.style_encoder, times=self.times
        )
        return JamBeside(objective, self.joint)
