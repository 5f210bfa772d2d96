"""Settings of training that would give another result after a resumption are refused, each by its name."""

from __future__ import annotations

from typing import Any

import pytest

from flows.settings.params import load_params
from tasks.trainer.params import learned_by

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
    ({"precision": "float8"}, "precision 'float8' is unknown; choose float32, bfloat16 or float16"),
    (
        {"precision": "float16", "sharding": "full", "num_workers": 2},
        "precision: float16 does not go with sharding; give bfloat16",
    ),
    (
        {"optimiser": "bitsandbytes_8bit"},
        "optimiser: bitsandbytes_8bit computes on GPUs alone; .* or optimiser: adamw",
    ),
    (
        {"optimiser": "bitsandbytes_8bit", "gpus_per_worker": 1.0, "sharding": "offloaded", "num_workers": 2},
        "bitsandbytes_8bit does not go with sharding",
    ),
    (
        {"optimiser": "torchao_8bit", "gpus_per_worker": 1.0},
        "needs torchao, which is not installed; run `pip install torchao`",
    ),
]


def test_what_would_not_resume_or_cannot_be_had_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.trainer.params.find_spec", lambda package: None)
    SECTION.rule()
    assert "optimiser" not in SECTION.model_dump(mode="json"), (
        "runs made before it was asked keep their names"
    )
    other = SECTION.model_copy(update={"optimiser": "torchao_8bit"})
    assert other.model_dump(mode="json")["optimiser"] == "torchao_8bit"
    by_song = [
        SECTION.model_copy(update={"draws_by": "song", "num_workers": count, "batch_size": 8 // count})
        for count in (1, 2, 4)
    ]
    one, *others = (learned_by(section.model_dump(mode="json")) for section in by_song)
    assert one["batch_size"] == 8 and all(other == one for other in others)
    plain = SECTION.model_dump(mode="json")
    assert learned_by(plain) == plain and "draws_by" not in plain
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
