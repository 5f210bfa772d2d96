from itertools import pairwise

import numpy as np
import pytest

from tasks.toy.world_two.rhythm import Clock
from tests.every import every
from tests.tasks.toy.world_two.truths import FEATURES, truths, truths_with

pytestmark = pytest.mark.slow  # many songs are measured


def late_s(truth, word) -> float:
    """How late a word is against the nearest half beat."""
    clock = Clock(truth.tempo_bpm, truth.beats_per_bar, truth.swing)
    positions = np.arange(0, len(truth.beats), 0.5)
    return float(min((word.start_s - clock.time_s(position) for position in positions), key=abs))


def test_tempo_metre_and_swing_take_their_whole_range() -> None:
    tempos = [truth.tempo_bpm for truth in truths()]
    assert min(tempos) < 65 and max(tempos) > 150 and min(tempos) >= 60 and max(tempos) <= 160
    assert {truth.beats_per_bar for truth in truths()} == {3, 4}
    assert 0.2 < np.mean([truth.swing > 0.5 for truth in truths()]) < 0.6


def test_between_two_words_of_a_line_there_is_a_gap_and_behind_a_line_a_rest() -> None:
    gaps_s, rests_s = [], []
    for truth in truths():
        for line in truth.lines:
            words = truth.words[line.first_word : line.end_word]
            gaps_s += [b.start_s - a.end_s for a, b in pairwise(words)]
        rests_s += [
            truth.words[b.first_word].start_s - truth.words[a.end_word - 1].end_s
            for a, b in pairwise(truth.lines)
        ]
    assert min(gaps_s) > 0.01 and np.median(gaps_s) > 0.05
    assert min(rests_s) > 0 and np.median(rests_s) > 3 * np.median(gaps_s)


def test_fast_lines_have_six_to_eight_syllables_a_second_and_others_have_fewer() -> None:
    rates: dict[bool, list[float]] = {True: [], False: []}
    for truth in truths():
        for line in truth.lines:
            words = truth.words[line.first_word : line.end_word]
            syllables = sum(word.num_syllables for word in words)
            rates[line.fast].append(syllables / (words[-1].end_s - words[0].start_s))
    assert len(rates[True]) > 30
    assert np.quantile(rates[True], 0.1) > 5.8 and np.quantile(rates[True], 0.9) < 8.3
    assert np.median(rates[False]) < 4


def test_lines_are_picked_up_before_their_bar_and_start_off_the_beat_where_that_is_asked() -> None:
    lines = [line for truth in truths() for line in truth.lines]
    assert 0.2 < np.mean([line.pick_up for line in lines]) < 0.6
    assert 0.3 < np.mean([line.syncopated for line in lines]) < 0.7
    for truth in truths():
        assert not truth.lines[0].pick_up or truth.parts[0].label == "intro"
    for truth in truths_with(20, pick_ups=False, syncopation=False, microtiming=False, fast_lines=False):
        starts_s = {beat.time_s for beat in truth.beats if beat.position == 1}
        for line in truth.lines:
            assert not line.pick_up and not line.syncopated and not line.fast
            assert min(abs(truth.words[line.first_word].start_s - start_s) for start_s in starts_s) < 1e-9


def test_words_are_tens_of_milliseconds_early_or_late_alike_within_a_line_and_not_without_microtiming() -> (
    None
):
    straight = {"swing": False, "tempos": False, "fast_lines": False, "syncopation": False}
    late, pairs = [], []
    for truth in truths_with(60, **straight):
        for line in truth.lines:
            of_line = [late_s(truth, word) for word in truth.words[line.first_word : line.end_word]]
            late += of_line
            pairs += list(pairwise(of_line))
    assert 0.02 < np.std(late) < 0.06
    assert np.corrcoef(np.array(pairs).T)[0, 1] > 0.2
    exact = [late_s(t, w) for t in truths_with(5, microtiming=False, **straight) for w in t.words]
    assert max(map(abs, exact)) < 1e-9


def test_a_switched_off_feature_is_gone() -> None:
    plain = truths_with(20, tempos=False, metres=False, swing=False, melisma=False, fast_lines=False)
    assert {(t.tempo_bpm, t.beats_per_bar, t.swing) for t in plain} == {(100.0, 4, 0.5)}
    assert all(len(t.notes) == len(t.syllables) for t in plain)
    assert not any(line.fast for t in plain for line in t.lines)


PLAIN = {name: False for name, value in FEATURES.model_dump().items() if isinstance(value, bool)}


@every("feature", PLAIN)
def test_every_feature_can_be_alone(feature: str) -> None:
    on = {**PLAIN, feature: True, "languages": ("en", "de")}
    (truth,) = truths_with(1, **on)
    assert truth.words and len({line.voice for line in truth.lines}) <= 2
