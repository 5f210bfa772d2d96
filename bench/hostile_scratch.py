"""What every reader of hostile input is given: a scratch folder, a canary, the params and two embedded models."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from flows.settings.params import Params, load_params
from tasks.models.phonemizer import Phonemizer, build_phonemizer
from tasks.models.style_encoder import StyleEncoder, build_style_encoder

Reader = Callable[[np.random.Generator], None]
"""Makes one input and reads it; a refusal is a ValueError."""


class Unaccounted(Exception):
    """A song went in and neither came out nor left a reason."""


@dataclass(frozen=True)
class Scratch:
    """`folder` is for inputs, `canary` what no input may create."""

    folder: Path
    canary: Path

    @cached_property
    def params(self) -> Params:
        """Those of params.yaml."""
        return load_params()

    def fresh(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


@cache
def models() -> tuple[Phonemizer, StyleEncoder]:
    """The embedded ones."""
    params = load_params()
    return build_phonemizer(params.models.phonemizer), build_style_encoder(params.models.style_encoder)
