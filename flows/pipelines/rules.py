"""Whether the settings of each training (pretrain, sft, dpo) hold together (`check_rules`): told with the section's name, before the first begins."""

from __future__ import annotations

from flows.settings.params import Params

TRAININGS = {"train": ("pretrain", "sft"), "dpo": ("dpo",), "all": ("pretrain", "sft", "dpo")}
"""The sections of the trainings of each flow."""


def check_rules(params: Params, *sections: str) -> None:
    """Looks at these sections; pretraining is none where fine-tuning begins with given weights.

    Raises:
        ValueError: one contradicts itself; the line begins with ``section.setting``.
    """
    for name in sections:
        if name == "pretrain" and params.start.sft:
            continue
        try:
            getattr(params, name).rule()
        except ValueError as error:
            raise ValueError(f"{name}.{error}") from None
