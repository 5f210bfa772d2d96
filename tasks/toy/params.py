"""The set of toy songs the project is shown on: its section of params.yaml, and whether it stands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tasks.engine.stage import Section
from tasks.storage.files import write_json
from tasks.toy.world_two.features import Features

RECIPE = "toy.json"
REVISIONS = {"one": 2, "two": 2}  # of a world: rises whenever the same settings give other songs


class ToyParams(Section):
    """Which toy songs, and where. `lyrics`: json (true times), phones (json with true phones as well), lrc, txt (untimed), none or all;
    `two`: of world two alone.
    """

    out: str
    num_songs: int
    seed: int
    lyrics: str
    formats: tuple[str, ...]
    stems: bool
    world: Literal["one", "two"]
    two: Features


def is_rendered(params: ToyParams) -> bool:
    """Whether exactly these songs stand: the recipe is written last."""
    recipe = Path(params.out) / RECIPE
    return recipe.is_file() and json.loads(recipe.read_text()) == _recipe(params)


def render(params: ToyParams, progress: Callable[[int, int], None] | None = None) -> None:
    """Render the set; `progress` is called with (songs done, all songs)."""
    from tasks.toy.render import render_songs  # 45 modules that nobody needs who reads the settings

    out = Path(params.out)
    (out / RECIPE).unlink(missing_ok=True)
    render_songs(
        out,
        params.num_songs,
        params.seed,
        params.lyrics,
        params.formats,
        os.cpu_count() or 1,
        stems=params.stems,
        features=params.two if params.world == "two" else None,
        progress=progress,
    )
    write_json(out / RECIPE, _recipe(params))


def _recipe(params: ToyParams) -> dict[str, object]:
    """What decides the songs; those of world one are the same whatever world two would be."""
    others = {"out"} if params.world == "two" else {"out", "world", "two"}
    return {"revision": REVISIONS[params.world], **json.loads(params.model_dump_json(exclude=others))}
