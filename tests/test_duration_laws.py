"""bench/durations.py on few songs: its laws are densities that the world's own law is ahead of, and its figures are whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.duration_laws import oracle_nats, trivial_laws
from bench.duration_songs import songs_of, trained
from bench.durations import compared
from flows.settings.params import load_params
from jam_model.durations.total import fit_total
from tasks.models.phonemizer import build_phonemizer


@pytest.mark.slow
def test_the_worlds_own_law_tells_its_words_best_and_every_arm_is_measured(
    tmp_path: Path,
) -> None:
    params = load_params(None, ["toy.two.max_duration_s=20.0"])
    phonemizer = build_phonemizer(params.models.phonemizer)
    train, tests = (songs_of(seed, 24, params, phonemizer) for seed in (1, 2))
    laws = trivial_laws(train, 0.01)
    oracle = np.concatenate([oracle_nats(song, params.toy.two) for song in tests], axis=1)
    is_told = ~np.isnan(oracle)
    assert is_told.mean() > 0.4
    for name, law in laws.items():
        nats = np.concatenate([law.nats(song) for song in tests], axis=1)
        assert np.isfinite(nats).all(), name
        for place in (0, 1):
            assert nats[place][is_told[place]].mean() > oracle[place][is_told[place]].mean(), name
        times = law.times(tests[0], np.random.default_rng(0))
        assert fit_total(times, tests[0].sheet.duration_s, [1] * tests[0].sheet.num_words).of_all > 0.99, name
    figures: list[dict[str, float]] = []
    section = params.durations.model_copy(update={"steps": 10, "width": 16})
    net = trained(section, train, tests, tmp_path, figures)
    found = compared([net], tests[:4], train, params, phonemizer)
    assert set(found["arms"]) == {"predictor", *laws, "rough"} and figures[0]["validation_nats"] > 0
