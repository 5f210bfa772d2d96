"""Sides of a small table: the least songs of validation and benchmark are taken from train, and train keeps some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tasks.dedup.near_duplicates import GroupParams
from tasks.dedup.sides import Known, own_split, sides
from tests.tasks.dedup.test_near_duplicates import PARAMS, on_side, song

FEW = PARAMS.model_copy(
    update={
        "validation_share": 0.0,
        "benchmark_share": 0.0,
        "min_validation_songs": 1,
        "min_benchmark_songs": 2,
    }
)


def counts(songs: Sequence[Known], params: GroupParams = FEW) -> dict[str, int]:
    return dict(Counter(sides(songs, {}, params)))


def test_six_songs_of_train_give_each_side_its_least() -> None:
    assert counts([song(number) for number in range(6)]) == {"train": 3, "validation": 1, "benchmark": 2}


def test_where_the_shares_give_enough_nothing_moves() -> None:
    songs = [song(number) for number in range(60)]
    enough = PARAMS.model_copy(update={"min_validation_songs": 1, "min_benchmark_songs": 2})
    assert sides(songs, {}, enough) == [
        own_split(None, one.lyrics_hash, one.content_hash, PARAMS) for one in songs
    ]


def test_songs_that_were_dropped_or_came_without_lyrics_are_no_benchmark() -> None:
    songs = [song(number, lyrics_hash=None) for number in range(3)]
    songs += [song(3, dropped=True), *(song(number) for number in range(4, 8))]
    found = sides(songs, {}, FEW)
    assert "benchmark" not in found[:4] and found.count("benchmark") == 2
    assert found[3] == "train", "a dropped song is nothing to validate with"


def test_groups_move_whole_the_small_ones_first_and_train_keeps_the_last() -> None:
    songs = [song(number, artist="one band") for number in range(4)]
    songs += [song(number, artist="two of them") for number in range(4, 6)]
    assert sides(songs, {}, FEW) == ["train"] * 4 + ["benchmark"] * 2
    assert set(sides(songs[:4], {}, FEW)) == {"train"}, "songs of one artist cannot be split"


def test_what_a_larger_share_would_take_first_moves_first() -> None:
    near, far = on_side("benchmark", 2), on_side("train", 3, start=500)
    found = sides([*far, *near], {}, FEW.model_copy(update={"min_validation_songs": 0}))
    assert found == ["train"] * 3 + ["benchmark"] * 2
