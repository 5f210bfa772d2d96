"""Stages of a model that does nothing, one after another; a module of its own, so that workers import them by name."""

from __future__ import annotations

import sys

import pyarrow as pa

from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage

NUMBERS = (
    *("duration_s", "num_channels", "sample_rate_hz", "num_lines", "alignment_score", "phoneme_unknown"),
    *("num_frames", "tail_energy", "candidate"),
)


class Nothing(Section):
    """A model with nothing to choose."""


class Pass(Stage):
    """Reads one number (of the stage before) and writes one: a model that takes no time."""

    version = 1

    def one(self, song: Song) -> Song:
        """The song with the number."""
        return song.with_columns(**dict.fromkeys(self.writes, 1))


def _kinds() -> list[type[Stage]]:
    read, kinds = "title", []
    for number, column in enumerate(NUMBERS):
        facts = {
            "name": f"pass{number}",
            "reads": frozenset({read}),
            "writes": {column: Column(pa.float64(), "a number")},
            "__module__": __name__,
        }
        kinds.append(type(f"Pass{number}", (Pass,), facts))
        setattr(sys.modules[__name__], f"Pass{number}", kinds[-1])
        read = column
    return kinds


KINDS = _kinds()


def pass_stages() -> list[Stage]:
    """One stage after another, each reading what the one before it wrote."""
    return [kind(Nothing()) for kind in KINDS]
