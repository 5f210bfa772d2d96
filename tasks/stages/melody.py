"""Melody: the pitch of the voice in every latent frame, for controls. Only where a model is chosen for it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tasks.audio.read import npy_bytes
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.base import EMBEDDED
from tasks.models.melody import NONE, MelodyParams, build_melody, frame_middles_s
from tasks.models.voice_activity import VoiceActivity, VoiceActivityParams, build_voice_activity
from tasks.stages.bases import VocalsStage


def build_net(params: VoiceActivityParams) -> VoiceActivity | None:
    """The net that `params` choose; None: nobody but the tracker decides."""
    return None if params.model == EMBEDDED else build_voice_activity(params)


class Melody(VocalsStage):
    """Asks the tracker of `models.melody`; where a net of `models.voice_activity` is chosen, a frame that it hears no voice in
    has no pitch.
    """

    name = "melody"
    version = 1
    params: MelodyParams
    tracker = Model(build_melody)
    voice_activity = Model(build_net)
    writes = {
        "melody": Column(
            pa.large_binary(),
            "npy float32 [T, 2], a row a latent frame, T = num_frames: MIDI pitch of the voice with fractions, NaN = no voice; "
            "certainty of the pitch in [0, 1]",
        ),
    }

    def __init__(self, params: MelodyParams, voice_activity: VoiceActivityParams) -> None:
        super().__init__(params, voice_activity)

    @property
    def models(self) -> tuple[str, ...]:
        """The tracker, and the net where one is chosen."""
        nobody = (NONE, VoiceActivityParams.embedded[EMBEDDED])
        return tuple(identity for identity in super().models if identity not in nobody)

    def one(self, song: Song) -> Song:
        """The song with its melody."""
        vocals_N = self.opened(song)
        melody = self.tracker.track(vocals_N)
        if self.voice_activity is not None:
            middles_s = frame_middles_s(len(melody.midi_T))
            melody = melody.only_where(self.voice_activity.voiced_at(np.stack([vocals_N] * 2), middles_s))
        return song.with_columns(melody=npy_bytes(melody.as_column()))
