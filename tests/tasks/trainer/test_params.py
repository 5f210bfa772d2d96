"""Settings of training that would give another result after a resumption are refused, each by its name."""

from __future__ import annotations

from typing import Any

import pytest

from flows.settings.params import load_params

SECTION = load_params().pretrain.model_copy(
    update={"log_every_steps": 2, "checkpoint_every_steps": 4, "validate_every_steps": 8, "best_by": "none"}
)
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"gradient_accumulation_steps": 0}, "gradient_accumulation_steps is 0; .*1 or more"),
    ({"validate_every_steps": 6}, "validate_every_steps 6 is no multiple of checkpoint_every_steps 4"),
    (
        {"checkpoint_every_steps": 5, "validate_every_steps": 0},
        "checkpoint_every_steps 5 is no multiple of log",
    ),
    (
        {"validate_every_steps": 0, "best_by": "validation_loss"},
        "best_by 'validation_loss' needs validate_every",
    ),
    (
        {"trackers": ("tensorboard", "mlflow")},
        "trackers: 'mlflow' is unknown; choose among tensorboard, wandb",
    ),
    ({"precision": "float16"}, "precision 'float16' is unknown; choose float32 or bfloat16"),
]


def test_what_would_not_resume_the_same_is_refused_by_name() -> None:
    SECTION.rule()
    for update, message in REFUSED:
        with pytest.raises(ValueError, match=message):
            SECTION.model_copy(update=update).rule()


def test_the_rule_is_that_of_the_settings() -> None:
    rule = SECTION.model_copy(update={"learning_rate": 3e-4, "betas": (0.9, 0.95), "steps": 123}).rule()
    assert (rule.learning_rate, rule.betas[1], rule.steps) == (3e-4, 0.95, 123)
    assert (
        SECTION.model_copy(update={"validate_every_steps": 0, "trackers": ("wandb",)}).rule().steps
        == SECTION.steps
    )
