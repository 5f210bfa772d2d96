"""The beats of a song are heard where a tracker is chosen, and words are laid on parts of them."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from jam_model.words import Word
from tasks.audio.read import flac_bytes
from tasks.engine.song import Refused, Song
from tasks.stages.beats import Beats
from tasks.times.grid import on_beats
from tasks.toy.performance import perform
from tests.tasks.models.sung import scores as toy_scores

LIBROSA = load_params(settings=["models.beats.model=librosa"])


def heard(mix_CN: np.ndarray) -> Song:
    audio = {"path": None, "bytes": flac_bytes(mix_CN, 44_100)}
    return Beats(LIBROSA.models.beats).one(Song("tiny", {"audio": audio}, content_hash="0"))


@pytest.mark.slow
def test_beats_of_toy_songs_are_heard_near_the_truth_silence_has_none_and_without_a_tracker_there_is_no_stage() -> (
    None
):
    scores = []
    for score in toy_scores(1):
        beats = heard(perform(score).mix_CN)
        scores.append(mir_eval.beat.f_measure(np.array(score.beats_s), np.array(beats["beats_s"])))
        assert beats["downbeats_s"] is None and 40 < beats["tempo_bpm"] < 240
    assert np.mean(scores) > 0.7, scores
    silent = heard(np.zeros((2, 44_100), np.float32))
    assert silent["beats_s"] == [] and silent["tempo_bpm"] is None
    names = [[stage.name for stage in prepare_stages(params)] for params in (load_params(), LIBROSA)]
    assert names[1] == [*names[0][:3], "beats", *names[0][3:]]


def test_words_lie_on_parts_of_beats_in_order_also_before_the_first_beat_and_after_the_last() -> None:
    beats_s = [1.0, 1.5, 2.1]
    words = [Word("a", 0.1, 0.3), Word("b", 1.3, 1.42), Word("c", 1.31, 1.6), Word("d", 2.2, 2.9)]
    laid = [(word.start_s, word.end_s) for word in on_beats(words, beats_s, 2, 3.0)]
    assert laid == [(0.0, 0.25), (1.25, 1.5), (1.5, 1.8), (2.1, 3.0)]
    for beats, reason in (([1.0], "grid_without_beats"), ([0.0, 2.5], "grid_too_coarse")):
        with pytest.raises(Refused) as refused:
            on_beats(words, beats, 1, 3.0)
        assert refused.value.reason == reason
    assert load_params(settings=["models.beats.model=librosa", "align.times_grid=beat/4"]).align.needs_beats
    for settings, said in (
        (["align.times_grid=beat/4"], "models.beats.model is none"),
        (["align.times_grid=beat/0"], "is no grid for words"),
        (["align.times_grid=bar"], "is no grid for words"),
    ):
        with pytest.raises(ValueError, match=said):
            load_params(settings=settings)
