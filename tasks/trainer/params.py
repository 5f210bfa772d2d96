"""The settings every run of optimiser steps has, whatever it learns (`FitParams`: steps, precision, optimiser, decay, patience, workers)."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from jam_model.config import UpdateRule
from tasks.engine.stage import Section
from tasks.trainer.log import TRACKERS

NONE = "none"  # `best_by`: the last step's weights
FULL_PRECISION, SCALED = "float32", "float16"
PRECISIONS = (FULL_PRECISION, "bfloat16", SCALED)
EIGHT_BIT = {"bitsandbytes_8bit": "bitsandbytes", "torchao_8bit": "torchao"}
"""Optimisers whose moments are kept in 8 bits, and the package of each."""
BY_WORKER, BY_SONG = "worker", "song"
UNSAID = {"optimiser": "adamw", "patience": None, "part_style_dropout": None, "draws_by": BY_WORKER}
"""Values that the record of a run leaves out: runs made before there was a choice keep their names."""


class SharedFitParams(Section):
    """What the runs of a project share (section ``fit``): the section of a run says null, or a value of its own.

    `gradient_accumulation_steps`: micro-batches of an optimiser step. `activation_checkpointing` computes activations
    twice to keep few in memory. `precision`: of products: float32, bfloat16, or float16 with a scaled loss; weights stay
    float32. `draws_by`: noise, times and dropout follow from the worker that draws them, or from a song's place in the batch of all
    workers, so that any number of them learns the same. `optimiser`: adamw, or one that keeps its moments in 8 bits, on GPUs. `best_by`: the figure whose best step's weights are the run's result; ``none`` takes
    the last step's. `trackers`: tensorboard, wandb.
    """

    gradient_accumulation_steps: int
    num_workers: int
    threads_per_worker: int
    gpus_per_worker: float
    precision: str  # float32 | bfloat16 | float16
    compile: bool
    activation_checkpointing: bool
    draws_by: Literal["worker", "song"]
    optimiser: Literal["adamw", "bitsandbytes_8bit", "torchao_8bit"]
    betas: tuple[float, float]
    weight_decay: float
    max_grad_norm: float
    ema_decay: float
    keep_checkpoints: int
    best_by: str
    best_is: Literal["lowest", "highest"]
    trackers: tuple[str, ...]
    max_failures: int

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = dump(self)
        return {name: value for name, value in values.items() if name not in UNSAID or UNSAID[name] != value}


def learned_by(params: Mapping[str, Any]) -> dict[str, Any]:
    """Of a section as it is dumped what decides the weights: where draws are by song, the batch of all workers but not how many
    share it.
    """
    said = dict(params)
    if said.get("draws_by", BY_WORKER) == BY_SONG:
        said["batch_size"] *= said.pop("num_workers")
        said.pop("sharding", None)
    return said


class FitParams(SharedFitParams):
    """How a run of optimiser steps goes.

    `steps` counts optimiser steps, each over `gradient_accumulation_steps` micro-batches of `batch_size` samples a
    worker. The learning rate rises over `warmup_steps`, and falls to `min_lr_ratio` of the top over the last
    `decay_fraction` of the steps. `validate_every_steps`: 0 validates at the end alone. `patience`: validations without a better
    step after which a run ends; null: it goes to its last step.
    """

    measures_updates: ClassVar[bool] = False
    """Whether the norm of every update is logged, for which the weights are held once more."""

    seed: int
    steps: int
    batch_size: int
    learning_rate: float
    warmup_steps: int
    decay_fraction: float
    min_lr_ratio: float
    log_every_steps: int
    checkpoint_every_steps: int
    validate_every_steps: int
    patience: int | None = Field(ge=1)

    @property
    def shards_weights(self) -> bool:
        """Whether weights lie in parts on the workers; here they are whole on each."""
        return False

    @property
    def offloads_weights(self) -> bool:
        """Whether these parts lie in main memory while they are not used."""
        return False

    def rule(self) -> UpdateRule:
        """The optimiser's part.

        Raises:
            ValueError: checkpoints would fall between log lines or validations between checkpoints, a best step
                is asked for without validations, the precision is unknown, or weights cannot be sharded so.
        """
        if self.gradient_accumulation_steps < 1:
            raise ValueError(
                f"gradient_accumulation_steps is {self.gradient_accumulation_steps}; give the micro-batches of a "
                "step, 1 or more"
            )
        if self.validate_every_steps % self.checkpoint_every_steps:
            raise ValueError(
                f"validate_every_steps {self.validate_every_steps} is no multiple of checkpoint_every_steps "
                f"{self.checkpoint_every_steps}; a resumed run would validate other weights: make it one"
            )
        if unknown := sorted(set(self.trackers) - set(TRACKERS)):
            raise ValueError(f"trackers: {unknown[0]!r} is unknown; choose among {', '.join(TRACKERS)}")
        if self.best_by != NONE and not self.validate_every_steps:
            raise ValueError(f"best_by {self.best_by!r} needs validate_every_steps above 0")
        if self.patience is not None and self.best_by == NONE:
            raise ValueError(f"patience {self.patience} needs best_by: the figure that is to get better")
        if self.checkpoint_every_steps % self.log_every_steps:
            raise ValueError(
                f"checkpoint_every_steps {self.checkpoint_every_steps} is no multiple of log_every_steps "
                f"{self.log_every_steps}; a resumed log would differ: make it one"
            )
        if self.shards_weights and self.num_workers < 2:
            raise ValueError(f"sharding: full needs num_workers of 2 or more, not {self.num_workers}")
        if self.shards_weights and self.compile:
            raise ValueError("sharding: full does not go with compile: true; turn one of them off")
        self._check_small_memory()
        return UpdateRule(
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup_steps=self.warmup_steps,
            decay_fraction=self.decay_fraction,
            min_lr_ratio=self.min_lr_ratio,
            betas=self.betas,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            ema_decay=self.ema_decay,
        )

    def _check_small_memory(self) -> None:
        """Raises a ValueError where a precision or an optimiser is unknown, or cannot be had with the other settings."""
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision {self.precision!r} is unknown; choose {', '.join(PRECISIONS[:-1])} or {PRECISIONS[-1]}"
            )
        if self.precision == SCALED and self.shards_weights:
            raise ValueError("precision: float16 does not go with sharding; give bfloat16, or sharding: none")
        package = EIGHT_BIT.get(self.optimiser)
        if package and not self.gpus_per_worker:
            raise ValueError(
                f"optimiser: {self.optimiser} computes on GPUs alone; give gpus_per_worker above 0, or optimiser: adamw"
            )
        if package == "bitsandbytes" and self.shards_weights:
            raise ValueError(
                "optimiser: bitsandbytes_8bit does not go with sharding; give torchao_8bit or adamw"
            )
        if package and find_spec(package) is None:
            raise ValueError(
                f"optimiser: {self.optimiser} needs {package}, which is not installed; run `pip install {package}`, or "
                "give optimiser: adamw"
            )
