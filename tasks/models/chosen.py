"""The chosen model of each kind: the section `models` (ModelsParams)."""

from __future__ import annotations

from typing import Any

from tasks.engine.stage import Section
from tasks.models.aligner import AlignerParams
from tasks.models.beats import NONE, BeatsParams
from tasks.models.chords import ChordsParams
from tasks.models.codec import CodecParams
from tasks.models.judge import JudgeParams
from tasks.models.melody import MelodyParams
from tasks.models.phonemizer import PhonemizerParams
from tasks.models.separator import SeparatorParams
from tasks.models.style_encoder import StyleParams
from tasks.models.transcriber import GuardTranscriberParams, TranscriberParams
from tasks.models.voice_activity import VoiceActivityParams

KINDS = (
    *("separator", "transcriber", "voice_activity", "beats", "chords", "melody", "aligner", "phonemizer"),
    *("style_encoder", "codec", "judge", "guard_transcriber"),
)
"""The entries of `models`, in the order in which they are told."""


class ModelsParams(Section):
    """The model of each kind."""

    separator: SeparatorParams
    transcriber: TranscriberParams
    guard_transcriber: GuardTranscriberParams
    voice_activity: VoiceActivityParams
    beats: BeatsParams
    chords: ChordsParams
    melody: MelodyParams
    aligner: AlignerParams
    phonemizer: PhonemizerParams
    style_encoder: StyleParams
    codec: CodecParams
    judge: JudgeParams

    def decides(self) -> dict[str, Any]:
        """What decides the values of each chosen model. Of chords and melody only where somebody is asked: what was settled before
        they were there stays as it was.
        """
        silent = {kind for kind in ("chords", "melody") if getattr(self, kind).model == NONE}
        return {kind: getattr(self, kind).decides() for kind in type(self).model_fields if kind not in silent}

    def measuring(self) -> tuple[str, str]:
        """The models whose values the limits of `filter` are for: the aligner and the recogniser."""
        return self.aligner.identity(), self.transcriber.identity()
