"""The chosen model of each kind: the section `models` (ModelsParams), and what tells each chosen model's name (IDENTITY)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tasks.engine.stage import Section
from tasks.models.aligner import AlignerParams, aligner_identity
from tasks.models.beats import NONE, BeatsParams, beats_identity
from tasks.models.chords import ChordsParams, chords_identity
from tasks.models.codec import CodecParams, codec_identity
from tasks.models.judge import JudgeParams, judge_identity
from tasks.models.melody import MelodyParams, melody_identity
from tasks.models.phonemizer import PhonemizerParams, phonemizer_identity
from tasks.models.separator import SeparatorParams, separator_identity
from tasks.models.style_encoder import StyleParams, style_encoder_identity
from tasks.models.transcriber import GuardTranscriberParams, TranscriberParams, transcriber_identity
from tasks.models.voice_activity import VoiceActivityParams, voice_activity_identity

IDENTITY: dict[str, Callable[[Any], str]] = {
    "separator": separator_identity,
    "transcriber": transcriber_identity,
    "voice_activity": voice_activity_identity,
    "beats": beats_identity,
    "chords": chords_identity,
    "melody": melody_identity,
    "aligner": aligner_identity,
    "phonemizer": phonemizer_identity,
    "style_encoder": style_encoder_identity,
    "codec": codec_identity,
    "judge": judge_identity,
    "guard_transcriber": transcriber_identity,
}
"""Each kind by its entry of `models`, and what tells the chosen model's name and revision without building it."""


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
        return aligner_identity(self.aligner), transcriber_identity(self.transcriber)
