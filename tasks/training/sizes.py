"""Sizes of a JAM model read from names and shapes of its tensors, the rest from a preset: weights that came without a config.

Shapes do not tell the number of heads and `max_frames` (the unit of relative durations, and where padding begins): both are
taken from a preset, or given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from jam_model.config import JAM_0_5, UNSIZED, JamConfig
from jam_model.controls.known import KNOWN

PRESETS: Mapping[str, JamConfig] = {"jam-0.5": JAM_0_5}
UNTOLD = ("heads", "max_frames")
"""Sizes that no shape tells; nor are `UNSIZED` fields told, but for controls: weights with others than the released ones come with their config."""

Shapes = Mapping[str, tuple[int, ...]]


def sizes_of(shapes: Shapes) -> dict[str, Any]:
    """All fields of a `JamConfig` but the `UNTOLD` ones.

    Raises:
        ValueError: a tensor that tells a size is missing or has another rank.
    """
    latent_channels, dim = _shape(shapes, "proj_out.weight")
    table, text_dim = _shape(shapes, "text_embed.text_embed.weight")
    fused = _shape(shapes, "input_embed.proj.weight")[1]
    return {
        "dim": dim,
        "depth": _num_layers(shapes, "transformer_blocks"),
        "ff_mult": _shape(shapes, "transformer_blocks.0.mlp.gate_proj.weight")[0] // max(dim, 1),
        "text_dim": text_dim,
        "text_layers": _num_layers(shapes, "text_embed.text_blocks"),
        "style_dim": fused - 2 * latent_channels - 2 * text_dim,  # noisy and reference latents, lyrics, time
        "latent_channels": latent_channels,
        "num_text_embeddings": table - 1,  # row 0 is no lyrics
        "use_implicit_duration": "transformer.duration_pad_bias" in shapes,
    }


def preset_of(shapes: Shapes) -> str | None:
    """The preset whose told sizes are exactly these; None where none has them."""
    found = sizes_of(shapes)
    return next((name for name, preset in PRESETS.items() if found == _told_sizes(preset)), None)


def config_of_shapes(shapes: Shapes, preset: str | None = None, **untold: int) -> JamConfig:
    """The config of tensors of these shapes. `preset`: where the `UNTOLD` fields are taken from, unless both are given.

    Raises:
        ValueError: shapes that are no JAM model's, an unknown preset, or nothing says what shapes do not tell.
    """
    found = sizes_of(shapes)
    if not untold:
        if preset is None:
            raise ValueError(
                f"preset: shapes do not tell {' and '.join(UNTOLD)}; name a preset "
                f"({', '.join(PRESETS)}), or give a folder with the config.json the weights were trained with"
            )
        if preset not in PRESETS:
            raise ValueError(f"preset: {preset!r} is none of {', '.join(PRESETS)}")
        untold = {name: getattr(PRESETS[preset], name) for name in UNTOLD}
    controls = tuple(name for name in KNOWN if f"transformer.control_fusion.{name}.wide.weight" in shapes)
    return JamConfig(**{**found, **untold}, controls=controls)


def _told_sizes(config: JamConfig) -> dict[str, Any]:
    named = {field.name for field in fields(config)} - {*UNTOLD, *UNSIZED}
    return {name: getattr(config, name) for name in named}


def _shape(shapes: Shapes, name: str) -> tuple[int, ...]:
    """Of a matrix."""
    shape = shapes.get(f"transformer.{name}")
    if shape is None:
        raise ValueError(f"no tensor transformer.{name}, which every JAM model has; these are other weights")
    if len(shape) != 2:
        raise ValueError(
            f"transformer.{name} has {len(shape)} dimensions where JAM has 2; these are other weights"
        )
    return shape


def _num_layers(shapes: Shapes, name: str) -> int:
    pattern = re.compile(rf"transformer\.{re.escape(name)}\.(\d{{1,6}})\.")
    numbers = {int(match[1]) for tensor in shapes if (match := pattern.match(tensor))}
    return max(numbers, default=-1) + 1
