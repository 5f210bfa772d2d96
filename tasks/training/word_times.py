"""What word times a model learns from: as the shards have them, on parts of beats, or on these and then anywhere within their step.

JAM's authors ask whether times on beats, which people and programs can give, make a worse model than a singer's own. Quantised,
all words begin and end on a step; dequantised, every step that a song uses is sung at a time of its own, drawn anew whenever the
song is read, so that no time is more usual than another. Order and phones go along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import field_validator, model_validator

from jam_model.frames import seconds_of_frames
from jam_model.shard_index import BEATS
from jam_model.words import PHONES
from tasks.engine.song import Refused
from tasks.engine.stage import Section
from tasks.times.grid import on_beats, parts_of_beat
from tasks.times.phones import moved_phones

if TYPE_CHECKING:
    from jam_model.shards import Sample


class WordTimesParams(Section):
    """`grid`: ``beat/4`` moves the word times that `pretrain` and `sft` learn from to parts of the beats in the shards; null: they
    stay. `dequantise`: then anywhere within their step, by chance.
    """

    grid: str | None
    dequantise: bool

    @field_validator("grid")
    @classmethod
    def _is_a_grid(cls, grid: str | None) -> str | None:
        if grid is not None:
            parts_of_beat(grid)
        return grid

    @model_validator(mode="after")
    def _what_is_dequantised_is_quantised(self) -> WordTimesParams:
        if self.dequantise and self.grid is None:
            raise ValueError("dequantise is true, but grid is null; give word_times.grid: beat/4")
        return self

    @property
    def chosen(self) -> WordTimesParams | None:
        """These, where they change anything."""
        return self if self.grid else None

    @property
    def extras(self) -> tuple[str, ...]:
        """Members of a sample that they need."""
        return (BEATS,) if self.grid else ()

    def recipe(self) -> dict[str, Any]:
        """What decides a run; nothing of one that learns from the times as they are."""
        return {"word_times": self.model_dump(mode="json")} if self.grid else {}


@dataclass
class OnBeats:
    """Samples with their words on a grid. A song that has too few beats or steps keeps its own times and is counted in `off`, of all
    that were `read`.
    """

    params: WordTimesParams
    off: int = 0
    read: int = 0

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample; `rng` is drawn from where it is dequantised."""
        self.read += 1
        beats_s: Sequence[float] = sample.extras[BEATS]
        parts, duration_s = parts_of_beat(self.params.grid or ""), seconds_of_frames(sample.num_frames)
        try:
            words = on_beats(
                sample.words, beats_s, parts, duration_s, rng if self.params.dequantise else None
            )
        except Refused:
            self.off += 1
            return sample
        extras = dict(sample.extras)
        if PHONES in extras:
            moved = zip(extras[PHONES], sample.words, words, strict=True)
            extras[PHONES] = [moved_phones(its, word, to) for its, word, to in moved]
        return replace(sample, words=tuple(words), extras=extras)

    def off_share(self) -> float:
        """Of the songs read since it was last asked."""
        share, self.off, self.read = self.off / max(1, self.read), 0, 0
        return share
