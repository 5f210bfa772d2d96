"""Who generates and scores songs while a model trains (`Hearing`, its settings): validation songs every so often, for people and for no decision.

What is heard decides nothing: neither the run's name nor its weights depend on it, and it may be switched on for a run that
goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.shards import Sample
from tasks.audio.mix import mp3_bytes
from tasks.engine.stage import Section
from tasks.trainer.heard import HeardSong
from tasks.training.validation_by_ear import SCORES, ValidationByEar

if TYPE_CHECKING:
    import torch

    from jam_model.dit import Jam


class HearParams(Section):
    """Every so many steps, and at the end, the first validation songs are generated; `every_steps` null: none."""

    every_steps: int | None = Field(ge=1)
    num_songs: int = Field(ge=1)


@dataclass(frozen=True)
class Hearing:
    """How often, how many songs, and how they are generated and scored. Travels to the workers."""

    params: HearParams
    by_ear: ValidationByEar

    def songs(
        self, model: Jam, samples: Sequence[Sample], seed: int, device: torch.device
    ) -> list[HeardSong]:
        """These songs as far as the model's frames reach, each from its own noise, the same at every step."""
        found = []
        for sample in samples:
            num_frames = min(sample.num_frames, model.config.max_frames)
            mix_CN = self.by_ear.sung(model, sample, num_frames, seed, device)
            if np.isfinite(mix_CN).all():
                scores, coded = self.by_ear.scores(sample, mix_CN, num_frames), mp3_bytes(mix_CN)
            else:
                scores, coded = dict.fromkeys(SCORES), b""
            found.append(HeardSong(sample.song_id, mix_CN, SAMPLE_RATE_HZ, coded, "mp3", scores))
        return found
