"""The settings of JAM (sizes, symbols, controls) and of a training on shards, which need no torch: sections `jam`, `pretrain`, `sft` and `plan`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jam_model.config import UNSIZED, JamConfig, UpdateRule
from jam_model.lyric_grid import Filler
from tasks.engine.stage import Section
from tasks.trainer.params import FitParams

HEARD = "validation_per"
"""The figure that `ValidationByEar` gives."""


class JamParams(Section):
    """Sizes of the model; `max_frames` is the training section's, since it changes from crops to songs. `own_symbols`: those of
    the data set that the released table lacks, as its ``index.json`` has them; they stay in the checkpoint's config, as do
    `filler` and `controls`, what songs can be asked to follow (`jam_model.controls.known`).
    """

    dim: int
    depth: int
    heads: int
    ff_mult: int
    text_dim: int
    text_layers: int
    style_dim: int
    latent_channels: int
    num_text_embeddings: int
    use_implicit_duration: bool
    own_symbols: str
    filler: Filler
    controls: tuple[str, ...]

    def decides(self) -> dict[str, Any]:
        """Without the released `filler` and without `controls` where there are none, as a checkpoint's config is."""
        left_out = {"filler": UNSIZED["filler"], "controls": []}
        return {name: value for name, value in super().decides().items() if left_out.get(name) != value}

    def config(self, max_frames: int) -> JamConfig:
        """The model's config for sequences of this length."""
        return JamConfig(max_frames=max_frames, **self.model_dump())


class TrainParams(FitParams):
    """One training run. `past_end_share`: crops that run past the end of a song longer than max_frames.
    `ignore_below_s`, `resample_below_s`, `resample_power`: see `duration_weights`; 0 s is no limit. `sharding`:
    ``full`` keeps weights, gradients and optimiser in parts on the workers, where one has no room for all; ``offloaded``
    keeps these parts in main memory while a GPU does not use them.
    `validation_per_songs`: validation songs that are sung and read whenever the run is validated, for `best_by`
    ``validation_per``; 0: none.
    `part_style_dropout`: crops carry the styles of their parts, except for this share, which carries their mean; null: one style a
    song.
    """

    sharding: Literal["none", "full", "offloaded"]
    validation_per_songs: int = Field(ge=0)
    max_frames: int
    past_end_share: float
    ignore_below_s: float
    resample_below_s: float
    resample_power: float
    shuffle_shards: int
    cache_mb: int
    style_condition_dropout: float
    lyrics_condition_dropout: float
    condition_dropout_rule: Literal["jam", "independent"]
    time_weight: bool
    part_style_dropout: float | None = Field(ge=0, le=1)

    @property
    def shards_weights(self) -> bool:
        """As `sharding` says."""
        return self.sharding != "none"

    @property
    def offloads_weights(self) -> bool:
        """As `sharding` says."""
        return self.sharding == "offloaded"

    def rule(self) -> UpdateRule:
        """See `FitParams.rule`; also refuses `best_by` ``validation_per`` where no song is heard."""
        if self.best_by == HEARD and not self.validation_per_songs:
            raise ValueError(
                f"best_by: {HEARD} needs validation_per_songs above 0: validation songs to sing and read"
            )
        return super().rule()


class PlanParams(Section):
    """What a plan reckons with. `price_per_device_hour`: of a GPU, or of a worker on a CPU; null: not told. `reserve_gib`: of
    each card, for what no tensor holds (the driver's context, workspaces, gaps between blocks).
    """

    price_per_device_hour: float | None = Field(ge=0)
    reserve_gib: float = Field(ge=0)
