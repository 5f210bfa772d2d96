"""Calibrate chooses limits that good songs pass at the stated share, and says honestly what they find."""

from __future__ import annotations

import pytest

from tasks.quality.calibrate import Labelled, choose_limits, cross_judged, reason_of
from tasks.quality.limits import FilterParams
from tests.tasks.stages.test_filter import GOOD, PARAMS, UNLIMITED


def labelled(number: int, good: bool, kind: str = "", **measured: float | None) -> Labelled:
    return Labelled(f"song-{number:03d}", good, kind or ("good" if good else "bad"), {**GOOD, **measured})


def test_a_limit_lies_halfway_between_the_good_songs_and_the_first_bad_one_beyond() -> None:
    songs = [labelled(i, True, agreement=0.9 + i / 1000, unwritten_share=0.02) for i in range(20)]
    songs += [labelled(50 + i, False, agreement=0.5 - i / 100, unwritten_share=0.0) for i in range(5)]
    limits = choose_limits(songs, 0.0)
    assert limits["min_agreement"] == pytest.approx(0.7)
    assert limits["max_unwritten_share"] == 0.02, "no bad song is beyond: the limit is the good songs' edge"
    roomy = choose_limits(songs, 0.0, room=0.5)
    assert roomy["min_agreement"] == pytest.approx(0.7), "half the way to the bad song is more than the room"
    assert roomy["max_unwritten_share"] == pytest.approx(0.021), (
        "songs that are all alike: 5 % of what they have"
    )
    assert choose_limits(songs, 0.0, room=40.0)["min_agreement"] == pytest.approx(0.9 - 40 * 0.0095, abs=1e-3)


def test_a_kind_that_another_measure_finds_does_not_move_a_limit() -> None:
    songs = [labelled(i, True, agreement=0.9) for i in range(10)]
    songs += [labelled(50 + i, False, "other words", agreement=0.3) for i in range(10)]
    late = [labelled(70 + i, False, "late", agreement=0.95, times_offset_s=2.0) for i in range(10)]
    late[0] = labelled(70, False, "late", agreement=0.89, times_offset_s=2.0)
    assert choose_limits(songs + late, 0.0)["min_agreement"] == pytest.approx(0.6)


def test_a_limit_drops_no_more_good_songs_than_the_stated_share() -> None:
    songs = [labelled(i, True, coverage=1 - i / 200) for i in range(100)]
    songs += [labelled(200 + i, False, coverage=0.3 + i / 100) for i in range(60)]
    for share in (0.0, 0.05, 0.2):
        limit = choose_limits(songs, share)["min_coverage"]
        dropped = sum(1 - i / 200 < limit for i in range(100))
        assert dropped <= 100 * share
        assert dropped >= 100 * share - 3 or share == 0.0


def test_only_limits_that_belong_to_the_models_are_chosen() -> None:
    limits = choose_limits([labelled(1, True), labelled(2, False)], 0.01)
    assert {"min_duration_s", "max_loudness_lufs", "min_words"}.isdisjoint(limits)
    assert {"min_agreement", "max_times_offset_s", "max_hurried_share"} <= limits.keys()
    assert all(setting in FilterParams.model_fields for setting in limits)


def test_times_are_judged_by_the_size_of_their_offset() -> None:
    songs = [labelled(1, True, times_offset_s=-0.02), labelled(2, False, times_offset_s=-2.0)]
    assert choose_limits(songs, 0.0)["max_times_offset_s"] == pytest.approx(1.01)


def test_a_measure_that_no_good_song_has_gets_no_limit() -> None:
    songs = [labelled(1, True, times_offset_s=None), labelled(2, False, times_offset_s=2.0)]
    assert "max_times_offset_s" not in choose_limits(songs, 0.0)


def test_labels_of_one_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="good and bad"):
        choose_limits([labelled(1, True)], 0.01)


def test_each_song_is_judged_by_limits_of_the_other_half() -> None:
    songs = [labelled(i, True, agreement=0.9) for i in range(4)]
    songs += [labelled(10 + i, False, "noise", agreement=0.1) for i in range(4)]
    songs += [labelled(20, False, "lonely", agreement=0.88)]
    judged = cross_judged(songs, FilterParams(**UNLIMITED), 0.0, 0.0)
    assert judged.keys() == {song.song_id for song in songs}
    assert [judged[f"song-{i:03d}"] for i in range(4)] == [None] * 4
    assert {judged[f"song-{i:03d}"] for i in range(10, 14)} == {"low_agreement"}
    assert judged["song-020"] is None, "the limits it would set itself would drop it"


def test_a_song_dropped_before_the_gate_keeps_its_reason() -> None:
    assert reason_of(Labelled("a", False, "bad", None, "alignment_too_many_words"), PARAMS) == (
        "alignment_too_many_words"
    )
