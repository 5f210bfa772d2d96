"""The trivial word times of bench/times_worth.py: every word has one, and lines begin where the truth has them."""

from __future__ import annotations

import numpy as np

from bench.trivial_times import ARMS, lines_of, rough, usual
from flows.settings.params import load_params
from tasks.models.phonemizer import EspeakPhonemizer
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of


def test_trivial_times_hold_every_word_in_order_within_its_line_and_the_song():
    params = load_params()
    truths = [truth_of(compose(seed, params.toy.two)) for seed in range(3)]
    of_others = usual(truths[1:])
    assert of_others.beats > 0 and 0 < of_others.share < 1
    lines = lines_of(truths[0])
    texts = [word.text for line in lines for word in line.words]
    times = {name: arm(truths[0], of_others, np.random.default_rng(1)) for name, arm in ARMS.items()}
    times["rough"] = rough(truths[0], EspeakPhonemizer("en-us"), params.rough_times)
    for name, words in times.items():
        assert [word.text for word in words] == texts, name
        bounds_s = [bound for word in words for bound in (word.start_s, word.end_s)]
        assert bounds_s == sorted(bounds_s) and bounds_s[-1] <= truths[0].duration_s + 1e-6, name
    firsts = np.cumsum([0, *(len(line.words) for line in lines[:-1])])
    for name in ("constant in beats", "constant a syllable", "marginal draw", "true lengths shuffled"):
        for first, line in zip(firsts, lines, strict=True):
            assert times[name][first].start_s == line.words[0].start_s, name
    assert len({tuple(words) for words in times.values()}) == len(times)
