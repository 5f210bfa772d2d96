"""Silero hears singers and no bands; a file that is not the pinned one is refused."""

from __future__ import annotations

import numpy as np
import pytest

from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.models.voice_activity import VoiceActivityParams, build_voice_activity
from tests.tasks.models.sung import songs
from tests.tasks.models.voices import choosing

EMBEDDED = load_params().models.voice_activity


def silero(**settings: object) -> VoiceActivityParams:
    return choosing(EMBEDDED, "silero", EMBEDDED.silero.weights, **settings)


def test_a_sung_mix_has_seconds_of_voice_and_its_band_none_whatever_the_size_of_a_pass() -> None:
    net, small = (build_voice_activity(silero(batch_size=size)) for size in (4096, 7))
    assert net.identity == silero().identity() and "@silero-v6-" in net.identity
    for song in songs():
        voiced_s = net.voiced_s(song.mix_CN)
        assert voiced_s > EMBEDDED.silero.min_voice_s > net.voiced_s(song.band_CN)
        assert small.voiced_s(song.mix_CN) == voiced_s <= song.mix_CN.shape[1] / 44_100 + 0.032
    assert net.voiced_s(np.zeros((2, 100), np.float32)) == 0.0


def test_the_embedded_choice_listens_to_no_mix() -> None:
    assert EMBEDDED.identity() == "embedded/vocals-level@1"
    with pytest.raises(ValueError, match=r"models.voice_activity.model is embedded, which listens to no mix"):
        build_voice_activity(EMBEDDED)
    with pytest.raises(BadModel, match=r"voice_activity.silero.weights: /nowhere does not exist"):
        choosing(EMBEDDED, "silero", "/nowhere").identity()
