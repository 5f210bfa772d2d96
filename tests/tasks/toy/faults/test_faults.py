from functools import cache

import numpy as np
import pytest

from tasks.toy.faults.kinds import FOREIGN, KINDS, compose_with, kind_of, publish
from tasks.toy.faults.published import Published
from tests.every import every
from tests.tasks.toy.world_two.truths import features

SHORT = features(max_duration_s=20.0)


@cache
def song(kind: str | None) -> Published:
    return publish(compose_with(3, SHORT, kind), kind)


def mix_of(kind: str | None) -> np.ndarray:
    return song(kind).vocals_N + song(kind).band_CN


def words_of(kind: str | None) -> list[list[str]]:
    return [[word.text for word in line] for line in song(kind).lines]


@pytest.mark.slow
@every("kind", KINDS)
def test_a_fault_is_in_the_truth_with_its_span_and_all_else_of_the_truth_stays(kind: str) -> None:
    truth = song(kind).truth
    (fault,) = truth.faults
    assert fault.kind == kind and fault.detail
    assert 0 <= fault.start_s < fault.end_s <= truth.duration_s + 1e-9
    if kind != FOREIGN:
        assert truth.words == song(None).truth.words and truth.chords == song(None).truth.chords
    assert np.abs(mix_of(kind)).max() <= 1


@pytest.mark.slow
@every("kind", ["noise", "clipping", "coding", "silence", "loop"])
def test_damaged_sound_differs_from_the_whole_one_and_the_lyrics_are_right(kind: str) -> None:
    difference = np.square(mix_of(kind) - mix_of(None)).mean() / np.square(mix_of(None)).mean()
    assert difference > 0.005
    assert words_of(kind) == words_of(None) and song(kind).style_text == song(None).style_text


@pytest.mark.slow
def test_silence_is_silent_and_clipping_lies_at_one_level_and_a_coding_has_no_heights() -> None:
    (fault,) = song("silence").truth.faults
    span = slice(round(fault.start_s * 44100), round(fault.end_s * 44100))
    assert not mix_of("silence")[:, span].any()
    clipped = np.abs(mix_of("clipping"))
    assert (clipped > clipped.max() * 0.999).mean() > 0.005
    power = np.square(np.abs(np.fft.rfft(mix_of("coding").mean(axis=0))))
    heights = np.fft.rfftfreq(mix_of("coding").shape[1], 1 / 44100) > 6000
    assert power[heights].sum() < 1e-4 * power.sum()


@pytest.mark.slow
def test_a_loop_repeats_what_was_before_it() -> None:
    (fault,) = song("loop").truth.faults
    length = round(float(fault.detail.split("the ")[1].split(" s")[0]) * 44100)
    first = round(fault.start_s * 44100)
    looped = mix_of("loop")
    for _ in range(3):
        assert np.array_equal(looped[:, first : first + length], looped[:, first - length : first])
        first += length


@pytest.mark.slow
@every("kind", ["other_song", "other_words", "missing_line", "unwritten_repeat"])
def test_wrong_lyrics_are_wrong_and_the_sound_is_whole(kind: str) -> None:
    assert words_of(kind) != words_of(None)
    assert np.array_equal(mix_of(kind), mix_of(None))
    assert len(words_of(kind)) == len(words_of(None)) - (kind in ("missing_line", "unwritten_repeat"))


@pytest.mark.slow
@every(("kind", "late_s"), [("late", 0.3), ("very_late", 2.0)])
def test_late_times_are_late_by_what_the_fault_says(kind: str, late_s: float) -> None:
    assert song(kind).lines[0][0].start_s == pytest.approx(song(None).lines[0][0].start_s + late_s)
    assert str(late_s) in song(kind).truth.faults[0].detail


@pytest.mark.slow
def test_times_of_another_tempo_drift_and_wrong_captions_say_something_else() -> None:
    assert song("drifting").lines[-1][-1].end_s == pytest.approx(1.03 * song(None).lines[-1][-1].end_s)
    true = song(None).style_text.split(", ")
    tempo, swapped = (song(kind).style_text.split(", ") for kind in ("wrong_tempo", "swapped_caption"))
    assert [a == b for a, b in zip(tempo, true, strict=True)] == [True, False, True]
    assert [a == b for a, b in zip(swapped, true, strict=True)] == [False, True, False]


@pytest.mark.slow
def test_a_foreign_part_is_in_another_language_and_the_others_are_not() -> None:
    truth = song(FOREIGN).truth
    (fault,) = truth.faults
    for line in truth.lines:
        inside = truth.parts[line.part].start_s == fault.start_s
        assert (line.language == fault.detail) == inside and (line.language == "en") != inside


@pytest.mark.slow
def test_songs_of_a_set_have_none_and_each_of_the_asked_faults_in_turn() -> None:
    assert [kind_of(index, ("noise", "loop")) for index in range(4)] == [None, "noise", "loop", None]
    with pytest.raises(ValueError, match="hiss"):
        kind_of(0, ("hiss",))
