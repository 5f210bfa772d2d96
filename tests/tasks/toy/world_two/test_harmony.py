from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from tasks.toy.world_two.harmony import DEGREES, DOMINANT, QUALITIES, SCALES, Mode
from tasks.toy.world_two.truth import Chord
from tests.tasks.toy.world_two.truths import truths, truths_with

pytestmark = pytest.mark.slow  # many songs are measured


def keys_of(chords: Sequence[Chord]) -> list[tuple[int, Mode]]:
    """Every key, tonic and mode, that has all of a part's chords and in which its last two are dominant and tonic."""
    return [
        (tonic, mode)
        for mode in SCALES
        for tonic in range(12)
        if all(chord.quality in DEGREES[mode].get((chord.root - tonic) % 12, ()) for chord in chords)
        and [(chord.root - tonic) % 12 for chord in chords[-2:]] == [DOMINANT, 0]
    ]


def parts_chords(truth):
    for part in truth.parts:
        yield part, [c for c in truth.chords if part.start_s - 1e-9 <= c.start_s < part.end_s - 1e-9]


def test_the_chords_of_every_part_fit_one_key_of_all_24_and_it_is_the_true_one() -> None:
    for truth in truths():
        for part, chords in parts_chords(truth):
            if len(chords) > 1:
                key = [key for key in truth.keys if key.start_s <= part.start_s][-1]
                assert keys_of(chords) == [(key.tonic, key.mode)]
    assert {truth.keys[0].mode for truth in truths()} == {"major", "minor"}
    assert {truth.keys[0].tonic for truth in truths()} == set(range(12))


def test_chords_fill_the_song_a_bar_each_and_the_bass_plays_their_lowest_note_at_every_beat() -> None:
    for truth in truths():
        downbeats_s = [beat.time_s for beat in truth.beats if beat.position == 1]
        assert [chord.start_s for chord in truth.chords] == downbeats_s
        assert all(a.end_s == b.start_s for a, b in pairwise(truth.chords))
        assert [note.time_s for note in truth.bass] == [beat.time_s for beat in truth.beats]
        for place, note in enumerate(truth.bass):
            chord = truth.chords[place // truth.beats_per_bar]
            assert note.midi % 12 == chord.bass
            assert (chord.bass - chord.root) % 12 in QUALITIES[chord.quality]


def test_the_pulse_of_the_bass_is_the_tempo_and_chords_change_where_bars_begin() -> None:
    for truth in truths():
        pulse_s = np.diff([note.time_s for note in truth.bass])
        assert np.allclose(60 / pulse_s, truth.tempo_bpm)
        bar_s = np.diff([chord.start_s for chord in truth.chords])
        assert np.allclose(bar_s / pulse_s[0], truth.beats_per_bar)


def test_names_are_harte_s_and_sevenths_and_inversions_can_be_switched_off() -> None:
    names = {chord.name for truth in truths() for chord in truth.chords}
    assert {"C:maj", "G:7", "A:min7", "C:maj/3"} <= names
    plain = {c.name for t in truths_with(20, sevenths=False, inversions=False) for c in t.chords}
    assert {name.partition(":")[2] for name in plain} == {"maj", "min"}
    assert {t.keys[0].mode for t in truths_with(20, minor=False)} == {"major"}


def test_a_modulation_raises_the_last_chorus_by_two_semitones_and_its_chords_say_so() -> None:
    raised = [truth for truth in truths_with(30, modulation=True) if len(truth.keys) > 1]
    assert raised
    for truth in raised:
        before, after = truth.keys
        assert (after.tonic - before.tonic) % 12 == 2
        choruses = [part for part in truth.parts if part.label == "chorus"]
        assert after.start_s == choruses[-1].start_s
        of_chorus = next(chords for part, chords in parts_chords(truth) if part == choruses[-1])
        assert len(of_chorus) < 2 or keys_of(of_chorus) == [(after.tonic, after.mode)]
