"""The settings every run of optimiser steps has, whatever it learns."""

from __future__ import annotations

from typing import ClassVar, Literal

from jam_model.learner import UpdateRule
from tasks.engine.stage import Section
from tasks.trainer.log import TRACKERS


class FitParams(Section):
    """How a run of optimiser steps goes.

    `steps` counts optimiser steps, each over `accumulate` micro-batches of `batch_size` samples a worker.
    `decay_start` is a share of `steps`. `checkpoint_gradients` computes activations twice to keep few in memory.
    `validate_every_steps`: 0 validates at the end alone. `best_by`: the figure whose best step's weights are the
    run's result; null takes the last step's. `trackers`: tensorboard, wandb.
    """

    measures_updates: ClassVar[bool] = False
    """Whether the norm of every update is logged, for which the weights are held once more."""

    seed: int
    steps: int
    batch_size: int
    accumulate: int
    num_workers: int
    threads_per_worker: int
    gpus_per_worker: float
    precision: str  # float32 | bfloat16
    compile: bool
    checkpoint_gradients: bool
    learning_rate: float
    warmup_steps: int
    decay_start: float
    final_share: float
    beta1: float
    beta2: float
    weight_decay: float
    clip_norm: float
    ema_decay: float
    log_every_steps: int
    checkpoint_every_steps: int
    keep_checkpoints: int
    validate_every_steps: int
    best_by: str | None
    best_is: Literal["lowest", "highest"]
    trackers: tuple[str, ...]
    max_failures: int

    @property
    def shards_weights(self) -> bool:
        """Whether weights lie in parts on the workers; here they are whole on each."""
        return False

    def rule(self) -> UpdateRule:
        """The optimiser's part.

        Raises:
            ValueError: checkpoints would fall between log lines or validations between checkpoints, a best step
                is asked for without validations, the precision is unknown, or weights cannot be sharded so.
        """
        if self.accumulate < 1:
            raise ValueError(f"accumulate is {self.accumulate}; give the micro-batches of a step, 1 or more")
        if self.validate_every_steps % self.checkpoint_every_steps:
            raise ValueError(
                f"validate_every_steps {self.validate_every_steps} is no multiple of checkpoint_every_steps "
                f"{self.checkpoint_every_steps}; a resumed run would validate other weights: make it one"
            )
        if unknown := sorted(set(self.trackers) - set(TRACKERS)):
            raise ValueError(f"trackers: {unknown[0]!r} is unknown; choose among {', '.join(TRACKERS)}")
        if self.best_by and not self.validate_every_steps:
            raise ValueError(f"best_by {self.best_by!r} needs validate_every_steps above 0")
        if self.checkpoint_every_steps % self.log_every_steps:
            raise ValueError(
                f"checkpoint_every_steps {self.checkpoint_every_steps} is no multiple of log_every_steps "
                f"{self.log_every_steps}; a resumed log would differ: make it one"
            )
        if self.shards_weights and self.num_workers < 2:
            raise ValueError(f"sharding: full needs num_workers of 2 or more, not {self.num_workers}")
        if self.shards_weights and self.compile:
            raise ValueError("sharding: full does not go with compile: true; turn one of them off")
        if self.precision not in ("float32", "bfloat16"):
            raise ValueError(f"precision {self.precision!r} is unknown; choose float32 or bfloat16")
        return UpdateRule(
            steps=self.steps,
            learning_rate=self.learning_rate,
            warmup_steps=self.warmup_steps,
            decay_start=self.decay_start,
            final_share=self.final_share,
            betas=(self.beta1, self.beta2),
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            ema_decay=self.ema_decay,
        )
