"""Weights that were not trained here (`StartParams`, a hub id, file or folder), as the start of a training: found, read, named, kept as a checkpoint.

``checkpoints/start/<fingerprint>`` holds the model in the form of every checkpoint (`save_model`) and, in ``training.json``,
what it was taken from. A checkpoint folder of this project is brought too, with its own config and facts, so that a work folder
holds all that its models began with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import Field

from jam_model.checkpoint import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    build_model,
    check_shapes,
    load_config,
    save_model,
    sha256_of,
    shapes_in,
)
from jam_model.config import JamConfig
from jam_model.training_facts import UNKNOWN, BegunFrom, read_facts
from tasks.engine.fingerprint import fingerprint
from tasks.engine.stage import Section
from tasks.models.released_weights import HUB_ID, Card, find_weights
from tasks.training.params import JamParams
from tasks.training.sizes import Shapes, config_of_shapes, preset_of

JAM_HUB = "declare-lab/jam-0.5"
CARD = Card(
    name="JAM-0.5",
    section="start",
    packages=("huggingface_hub",),
    files=("*.safetensors|*.pt",),
    released_at=JAM_HUB,
    licence="non-commercial, as its authors say",
    field="sft",
)
SETTINGS = "jam"
"""The preset that stands for the section `jam` and the `max_frames` of the training."""
EXACT = ("latent_channels", "style_dim")
"""Sizes that the shards decide: weights of others cannot learn from them."""


class StartParams(Section):
    """`sft`: weights that fine-tuning begins with, in place of pretraining; `dpo`: those the rounds begin with, in place of the
    fine-tuned model. A checkpoint folder, a bare .safetensors, a .pt or the folder of jamify's trainer, or a hub id at
    `revision`; null: what was trained here. `preset`: where the number of heads and `max_frames` of weights without a config
    are taken from: jam-0.5, or jam for the settings, also its filler; null: the preset that has their sizes. `licence`, `trained_on`: of
    these weights, for every later card. `old_songs`: a manifest of songs that they knew, which the benchmark generates before and
    after; `max_forgotten_per`: how much worse their phone error rate may be.
    """

    sft: str | None
    dpo: str | None
    revision: str | None
    preset: str | None
    licence: str | None
    trained_on: str | None
    old_songs: str | None
    max_forgotten_per: float = Field(gt=0)

    @property
    def hub_id(self) -> tuple[str, bool]:
        """The released weights that are meant, and whether a training is to begin with them."""
        given = [
            one for one in (self.sft, self.dpo) if one and HUB_ID.fullmatch(one) and not Path(one).exists()
        ]
        return (given[0], True) if given else (JAM_HUB, False)


@dataclass(frozen=True)
class Start:
    """A checkpoint to begin with, and what is to be said of it, a line each."""

    checkpoint: Path
    config: JamConfig
    lines: tuple[str, ...]


def bring_start(weights: str, params: StartParams, jam: JamParams, max_frames: int, folder: Path) -> Start:
    """The checkpoint that `weights` are, brought into `folder` unless it stands there.

    `jam` and `max_frames`: those of the settings, which the preset ``jam`` stands for.

    Raises:
        ValueError: no such weights; tensors missing, unknown or misshapen; or nothing says what shapes do not tell.
    """
    file = check_start(weights, params)
    beside = file.parent / CONFIG_FILE
    digest = sha256_of(file)
    key: list[Any] = [digest, params.preset, params.licence, params.trained_on]
    key += [jam.decides(), max_frames] if params.preset == SETTINGS else []
    out = folder / fingerprint(key)
    if not (out / WEIGHTS_FILE).is_file():
        _write(file, digest, params, jam, max_frames, out)
    config, begun = load_config(out), read_facts(out).begun_from
    assert begun is not None, "written by _write"
    said = [f"begins with {begun.sentence}", f"its sizes are the file's: {_sizes(config)}"]
    if not beside.is_file():
        preset = params.preset or preset_of(shapes_in(out / WEIGHTS_FILE))
        said.append(
            f"{config.heads} heads and max_frames {config.max_frames} are those of preset {preset}: no shape tells them, and a "
            "wrong one is not seen before it is heard"
        )
    return Start(out, config, tuple(said))


def _write(file: Path, digest: str, params: StartParams, jam: JamParams, max_frames: int, out: Path) -> None:
    """The weights of `file` as a checkpoint in `out`."""
    from tasks.training.foreign_weights import read_weights

    found, beside = read_weights(file), file.parent / CONFIG_FILE
    config = (
        load_config(file.parent)
        if beside.is_file()
        else _config_of_shapes(found.shapes, params, jam, max_frames)
    )
    earlier = read_facts(file.parent) if beside.is_file() else UNKNOWN
    check_shapes(found.shapes, config, f"weights: {file}")
    model = build_model(config, found.tensors)
    begun = BegunFrom(found.taken, digest, params.licence, params.trained_on)
    begun = earlier.begun_from or begun
    out.mkdir(parents=True, exist_ok=True)
    replace(earlier, begun_from=begun).write(out)
    save_model(out, model)


def check_start(weights: str, params: StartParams) -> Path:
    """The file that holds these weights; of a .safetensors names and shapes are looked at, no tensor is read.

    Raises:
        ValueError: there is no such file, it is cut short or no JAM model's, or nothing says what shapes do not tell.
    """
    from tasks.training.foreign_weights import weights_in, weights_shapes

    place = Path(weights).expanduser()
    if not place.exists() and HUB_ID.fullmatch(weights):
        place = find_weights(CARD, weights, params.revision)
    file = weights_in(place)
    if file.suffix == ".safetensors":
        shapes = weights_shapes(file)
        if (file.parent / CONFIG_FILE).is_file():
            check_shapes(shapes, load_config(file.parent), f"weights: {file}")
        elif params.preset != SETTINGS:
            config = config_of_shapes(shapes, params.preset or preset_of(shapes))
            check_shapes(shapes, config, f"weights: {file}")
    return file


def start_config(weights: str, params: StartParams, jam: JamParams, max_frames: int) -> JamConfig:
    """The config that `bring_start` would give these weights; nothing is written, and of a .safetensors no tensor is read.

    Raises:
        ValueError: see `bring_start`.
    """
    from tasks.training.foreign_weights import weights_shapes

    file = check_start(weights, params)
    shapes, has_config = weights_shapes(file), (file.parent / CONFIG_FILE).is_file()
    config = load_config(file.parent) if has_config else _config_of_shapes(shapes, params, jam, max_frames)
    check_shapes(shapes, config, f"weights: {file}")
    return config


def _config_of_shapes(shapes: Shapes, params: StartParams, jam: JamParams, max_frames: int) -> JamConfig:
    """The config of weights that came without one."""
    preset = params.preset or preset_of(shapes)
    if preset == SETTINGS:
        config = config_of_shapes(shapes, heads=jam.heads, max_frames=max_frames)
        return replace(config, filler=jam.filler)
    return config_of_shapes(shapes, preset)


def fitting(config: JamConfig, jam: JamParams) -> JamParams:
    """The section `jam` as the weights have it, with the controls of the settings added to theirs.

    Raises:
        ValueError: latents or styles of the shards have another width than the weights.
    """
    for name in EXACT:
        if getattr(config, name) != getattr(jam, name):
            raise ValueError(
                f"weights: their {name} is {getattr(config, name)}, that of the songs here {getattr(jam, name)}; "
                "give weights for these latents and styles"
            )
    told = {name: getattr(config, name) for name in JamParams.model_fields}
    added = tuple(name for name in jam.controls if name not in config.controls)
    return JamParams(**{**told, "controls": config.controls + added})


def _sizes(config: JamConfig) -> str:
    return f"dim {config.dim}, depth {config.depth}, text {config.text_dim} x {config.text_layers}, style {config.style_dim}"
