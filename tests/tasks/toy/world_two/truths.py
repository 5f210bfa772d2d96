"""Songs of world two on paper, as its tests share them."""

from __future__ import annotations

from functools import cache
from typing import Any

from flows.settings.params import load_params
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

FEATURES = load_params().toy.two


def features(**changes: Any) -> Features:
    """The project's features with some switched."""
    return FEATURES.model_copy(update=changes)


@cache
def truths(num_songs: int = 200, seed: int = 71) -> list[Truth]:
    """Songs with the project's features."""
    return [truth_of(compose(song_seed(seed, index), FEATURES)) for index in range(num_songs)]


def truths_with(num_songs: int = 40, **changes: Any) -> list[Truth]:
    """Songs with some features switched."""
    return [truth_of(compose(song_seed(72, index), features(**changes))) for index in range(num_songs)]
