"""Toy songs that bench/score_forms.py writes as scores read as their truth, whatever the form."""

from __future__ import annotations

import numpy as np

from bench.score_forms import scores_of
from eval.metrics.error_rates import normalise
from flows.settings.params import load_params
from tasks.lyrics.read import read_lyrics
from tasks.lyrics.tune import melody_of
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of


def test_a_toy_song_as_a_score_of_any_form_has_its_words_times_within_5_ms_and_notes() -> None:
    params = load_params(settings=["toy.world=two", "toy.two.max_duration_s=24"])
    for number in (1, 3):  # 3 has runs of notes of 20 ms
        truth = truth_of(compose(song_seed(717171, number), params.toy.two))
        forms = scores_of(truth)
        assert len(forms) == 4
        for name, data in forms.items():
            lyrics = read_lyrics(data, 1_000_000, 1000)
            assert lyrics.form == name
            assert normalise(lyrics.words) == normalise([word.text for word in truth.words]), (number, name)
            for found, true in ((lyrics.times, truth.words), (melody_of(lyrics), truth.notes)):
                times = [[(one.start_s, one.end_s) for one in side if one] for side in (found or (), true)]
                np.testing.assert_allclose(*times, atol=0.00501, err_msg=f"{number} {name}")
            assert [tone.pitch for tone in melody_of(lyrics)] == [round(note.midi) for note in truth.notes]
