"""Settings of the duration predictor (section `durations`), which need no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from tasks.engine.stage import Section

JOINT, STOP_GRADIENT, SEPARATE = "joint", "stop_gradient", "separate"
JOINT_ARMS = (JOINT, STOP_GRADIENT, SEPARATE)


class JointParams(Section):
    """Whether the DiT is fine-tuned in the steps of the predictor (tasks/training/joint_durations.py), whose words its lyric encoder
    reads: `arm` none: no; joint: both losses reach the encoder, the predictor's by `weight`; stop_gradient: the flow's alone; separate:
    the predictor has an encoder of its own.
    """

    arm: Literal["none", "joint", "stop_gradient", "separate"]
    weight: float = Field(ge=0)

    @property
    def chosen(self) -> JointParams | None:
        """These, where there is an arm."""
        return None if self.arm == "none" else self


class DurationParams(Section):
    """How the predictor of word times is trained and drawn from.

    `unknown_share`: songs whose tempo, lines or style, each by itself, are hidden in a step, so that they may be unknown later.
    `style`: whether it is told a song's style embedding. `slot_s`: the resolution of the times. `temperature`: of draws for
    `jam generate`; 1 is the law itself.
    """

    seed: int = Field(ge=0)
    steps: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    checkpoint_every_steps: int = Field(ge=1)
    validate_every_steps: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    unknown_share: float = Field(ge=0, lt=1)
    symbol_dim: int = Field(ge=1, le=512)
    width: int = Field(ge=1, le=1024)
    components: int = Field(ge=1, le=32)
    style: bool
    slot_s: float = Field(gt=0, le=0.1)
    temperature: float = Field(ge=0, le=2)

    def decides(self) -> dict[str, Any]:
        """What the trained weights depend on."""
        return self.model_dump(mode="json", exclude={"temperature", "checkpoint_every_steps"})
