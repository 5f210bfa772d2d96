"""The settings of a training with controls (section `controls`), and how many songs have them; no torch is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from jam_model.controls.dropout import ControlDropout
from jam_model.controls.known import MEMBERS
from jam_model.shard_index import TRAIN
from tasks.engine.stage import Section
from tasks.shards.open import open_shards


class ControlParams(Section):
    """`learn`: what a training that begins with weights learns, all of them or its controls alone. `dropout_all`: share of samples
    that lose all controls; `dropout_each`: of the others, for each control by itself,
    `dropout_painting` for what is kept of the song itself.
    """

    learn: Literal["all", "controls"]
    dropout_all: float = Field(ge=0, le=1)
    dropout_each: float = Field(ge=0, le=1)
    dropout_painting: float = Field(ge=0, le=1)

    def dropout(self, names: tuple[str, ...]) -> ControlDropout:
        """Of a model with these controls."""
        return ControlDropout(names, self.dropout_all, self.dropout_each, self.dropout_painting)

    def recipe(self, names: tuple[str, ...]) -> dict[str, Any]:
        """What decides a run of a model with these controls; nothing where it has none."""
        return {"controls": self.model_dump(mode="json")} if names else {}

    def check(self, names: tuple[str, ...], stored: tuple[str, ...], rank: int) -> None:
        """Refuses what cannot be learned together.

        Args:
            names: the controls of the model.
            stored: those that the weights it begins with have.
            rank: of the adapters that it learns; 0: none.

        Raises:
            ValueError: there is nothing to learn, or adapters would keep the controls from learning.
        """
        alone = self.learn == "controls"
        if alone and not names:
            raise ValueError(
                "controls.learn is controls, but jam.controls is []; name some, or set learn: all"
            )
        added = [name for name in names if name not in stored]
        if rank and (alone or added):
            what = "controls.learn is controls" if alone else f"jam.controls adds {', '.join(added)}"
            raise ValueError(
                f"adapter.rank is {rank} and {what}: adapters freeze all else; set adapter.rank=0 and controls.learn=controls first, "
                "then learn adapters from what came of it"
            )


def control_lines(names: tuple[str, ...], shards: Path, shard_cache_mb: int) -> Iterator[str]:
    """What to say of the training songs that have these controls, a line each.

    Raises:
        ValueError: none has one of them.
    """
    if not names:
        return
    places = open_shards(shards, TRAIN, 0, shard_cache_mb).places
    located = [place for place in places if place.members]
    if not located:
        yield f"which of {len(places)} songs have {', '.join(names)} is known when their shards are read"
        return
    for name in (one for one in names if one in MEMBERS):
        having = sum(MEMBERS[name] in place.members for place in located)
        if not having:
            raise ValueError(
                f"jam.controls has {name}, but {shards}: none of {len(located)} songs has {MEMBERS[name]}; prepare with it in "
                "pack.extras (docs/controls.md), or leave it out"
            )
        yield f"{having} of {len(located)} songs have {name}; of the others it is not given"
