"""Neighbours: who repeats whom, and on which side of the split every song lies."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tasks.dedup.landmarks import TIME_BITS
from tasks.dedup.near_duplicates import Facts, GroupParams, Songs, neighbours
from tasks.dedup.sides import Known, own_split
from tests.every import every

PARAMS = GroupParams(
    validation_share=0.1,
    benchmark_share=0.2,
    min_words=0.7,
    min_style_with_words=0.8,
    min_words_with_style=0.5,
    min_style_with_sound=0.8,
    min_sound_with_style=0.15,
    min_shingles=6,
    min_landmarks=40,
    min_validation_songs=0,
    min_benchmark_songs=0,
    benchmark_manifest=None,
)
LIKE, UNLIKE = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])


def words(seed: int, count: int = 60) -> np.ndarray:
    return np.unique(np.random.default_rng([1, seed]).integers(0, 1 << 62, count))


def sound(seed: int, count: int = 300) -> np.ndarray:
    noise = np.random.default_rng([2, seed])
    return np.sort((noise.integers(0, 1 << 24, count) << TIME_BITS) | noise.integers(0, 4000, count))


def song(number: int, artist: str | None = None, **other: object) -> Known:
    """A song like no other."""
    name = f"song-{number:03d}"
    alone = Known(name, f"content {name}", artist, digest(f"words {name}"), words(number), sound(number))
    return replace(alone, **other)  # type: ignore[arg-type]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def facts_of(songs: Sequence[Known], guarded: Sequence[Known] = (), style: np.ndarray = LIKE) -> list[Facts]:
    found = neighbours(listed(songs), listed(guarded), PARAMS, 512, lambda ids: dict.fromkeys(ids, style))
    assert [song.song_id for song, _ in found] == [song.song_id for song in songs]
    return [facts for _, facts in found]


def listed(songs: Sequence[Known]) -> Songs:
    """The songs as a table gives them."""
    return lambda ids: (song for song in songs if ids is None or song.song_id in ids)


def on_side(side: str, count: int = 1, start: int = 0, **other: object) -> list[Known]:
    """Songs that by themselves lie on this side."""
    found: list[Known] = []
    while len(found) < count:
        candidate = song(start, **other)
        start += 1
        if own_split(candidate.artist, candidate.lyrics_hash, candidate.content_hash, PARAMS) == side:
            found.append(candidate)
    return found


def mixed(one: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
    """The first `share` of one sketch, the rest of the other."""
    count = round(share * len(one))
    return np.unique(np.concatenate([one[:count], other[count:]]))


def test_songs_without_neighbours_are_alone_on_their_own_side() -> None:
    songs = [song(number) for number in range(60)]
    assert facts_of(songs) == [
        Facts(s.song_id, own_split(None, s.lyrics_hash, s.content_hash, PARAMS)) for s in songs
    ]


def test_the_same_words_to_other_music_repeat_the_earlier_song() -> None:
    facts = facts_of([song(0), song(1, lyrics_shingles=words(0)), song(2)], style=UNLIKE)
    assert [f.duplicate_group for f in facts] == ["song-000", "song-000", "song-002"]
    assert [f.duplicate_of for f in facts] == [None, "song-000", None]


def test_the_same_sound_repeats_a_song_only_in_the_same_style() -> None:
    copy = song(1, lyrics_shingles=words(1, 0), audio_landmarks=mixed(sound(0), sound(9), 0.5) + 700)
    assert facts_of([song(0), copy])[1].duplicate_of == "song-000"
    both = listed([song(0), copy])
    apart = neighbours(both, listed([]), PARAMS, 512, lambda ids: {"song-000": LIKE, "song-001": UNLIKE})
    assert apart[1][1].duplicate_of is None
    unknown = neighbours(both, listed([]), PARAMS, 512, lambda ids: {})
    assert unknown[1][1].duplicate_of is None


def test_the_same_landmarks_at_other_times_are_another_song() -> None:
    times = np.random.default_rng(5).integers(0, 4000, 300)
    shuffled = np.sort((sound(0) >> TIME_BITS << TIME_BITS) | times)
    assert facts_of([song(0), song(1, audio_landmarks=shuffled)])[1].duplicate_of is None


def test_half_the_words_repeat_a_song_only_in_the_same_style() -> None:
    half = song(1, lyrics_shingles=mixed(words(0), words(1), 0.6))
    assert facts_of([song(0), half])[1].duplicate_of == "song-000"
    both = listed([song(0), half])
    apart = neighbours(both, listed([]), PARAMS, 512, lambda ids: {"song-000": LIKE, "song-001": UNLIKE})
    assert apart[1][1].duplicate_of is None


def test_style_alone_never_makes_a_neighbour_and_is_only_asked_for_candidates() -> None:
    asked: list[str] = []

    def styles(ids: Sequence[str]) -> dict[str, np.ndarray]:
        asked.extend(ids)
        return dict.fromkeys(ids, LIKE)

    found = neighbours(listed([song(number) for number in range(40)]), listed([]), PARAMS, 512, styles)
    assert asked == []
    assert not any(facts.duplicate_of for _, facts in found)


def test_short_and_missing_lyrics_and_sounds_never_match() -> None:
    few = {"lyrics_shingles": words(0, 5), "audio_landmarks": sound(0, 39)}
    none = {"lyrics_shingles": words(0, 0), "audio_landmarks": sound(0, 0)}
    unheard = {"lyrics_shingles": None, "audio_landmarks": None}
    songs = [song(number, **kind) for number, kind in enumerate([few, few, none, none, unheard, unheard])]
    assert not any(facts.duplicate_of for facts in facts_of(songs))


def test_the_same_file_is_a_duplicate_even_when_nothing_else_is_known() -> None:
    facts = facts_of(
        [song(0), song(1, content_hash="content song-000", lyrics_shingles=None, audio_landmarks=None)]
    )
    assert facts[1].duplicate_of == "song-000"


def test_the_earliest_song_that_was_not_dropped_stays() -> None:
    facts = facts_of([song(number, lyrics_shingles=words(0), dropped=number == 0) for number in range(3)])
    assert [f.duplicate_group for f in facts] == ["song-000"] * 3
    assert [f.duplicate_of for f in facts] == [None, None, "song-001"]


def test_a_song_copied_a_hundred_times_is_one_group() -> None:
    facts = facts_of(
        [song(number, lyrics_shingles=words(0), audio_landmarks=sound(0)) for number in range(100)]
    )
    assert {f.duplicate_group for f in facts} == {"song-000"}
    assert len({f.split for f in facts}) == 1


def test_artists_texts_and_near_duplicates_lie_on_one_side() -> None:
    songs = [song(number, artist=f"Artist {number % 25}") for number in range(100)]
    songs += [song(100 + n, artist=f"Cover band {n}", lyrics_hash=songs[n].lyrics_hash) for n in range(40)]
    songs += [song(140 + n, lyrics_shingles=words(n), lyrics_hash=None) for n in range(50)]
    sides: dict[str, set[str]] = {}
    for known, facts in zip(songs, facts_of(songs), strict=True):
        for key in (known.artist or known.song_id, known.lyrics_hash or "", facts.duplicate_group):
            sides.setdefault(key, set()).add(facts.split)
    del sides[""]
    assert all(len(side) == 1 for side in sides.values())
    assert {"train", "validation", "benchmark"} == set.union(*sides.values())


def test_case_and_punctuation_of_an_artist_do_not_matter() -> None:
    assert own_split("Ann  LEE!", None, "a", PARAMS) == own_split("ann lee", "ff" * 32, "b", PARAMS)


def test_more_songs_leave_the_facts_of_the_earlier_ones_as_they_were() -> None:
    songs = [song(number, artist=f"artist {number % 30}") for number in range(80)]
    songs += [song(80 + n, lyrics_shingles=words(3 * n), artist=f"new {n}") for n in range(20)]
    songs += [song(100 + n, audio_landmarks=sound(7)) for n in range(30)]
    whole = facts_of(songs)
    for count in (1, 40, 90, 110, 129):
        assert facts_of(songs[:count]) == whole[:count]


def test_a_song_that_joins_two_sides_moves_the_weaker_one_and_nothing_else() -> None:
    (asked,) = on_side("benchmark")
    (trained,) = on_side("train", start=50)
    (checked,) = on_side("validation", start=200)
    others = on_side("train", 5, start=300)
    before = [*others, trained, checked, asked]
    assert [f.split for f in facts_of(before)][-3:] == ["train", "validation", "benchmark"]

    bridge = song(900, lyrics_shingles=trained.lyrics_shingles, lyrics_hash=checked.lyrics_hash)
    after = facts_of([*before, bridge])
    assert [f.split for f in after] == ["train"] * 5 + ["validation", "validation", "benchmark", "validation"]
    to_benchmark = song(901, lyrics_shingles=trained.lyrics_shingles, lyrics_hash=asked.lyrics_hash)
    last = facts_of([*before, bridge, to_benchmark])
    assert [f.split for f in last] == ["train"] * 5 + ["benchmark"] * 5


def test_a_changed_song_changes_the_facts_of_its_group_alone() -> None:
    songs = [song(number, lyrics_shingles=words(number // 2)) for number in range(20)]
    before = facts_of(songs)
    songs[4] = song(4, lyrics_shingles=words(77), content_hash="edited")
    after = facts_of(songs)
    assert [place for place in range(20) if before[place] != after[place]] in ([4, 5], [5])
    assert after[5].duplicate_of is None


def test_songs_near_a_given_benchmark_are_named_with_their_whole_group() -> None:
    guard = Known("guard", "content guard", None, None, words(0), sound(500))
    songs = [song(0), song(1), song(2, lyrics_shingles=words(1)), song(3, audio_landmarks=sound(500))]
    assert [f.near_benchmark for f in facts_of(songs, [guard])] == ["guard", None, None, "guard"]
    assert [f.split for f in facts_of(songs, [guard])] == [f.split for f in facts_of(songs)]
    far = [song(4, lyrics_shingles=words(3)), *songs]
    assert facts_of(far, [guard])[0].near_benchmark == "guard"  # near a song that is near


def test_a_given_benchmark_song_is_known_by_its_bytes_alone() -> None:
    guard = Known("guard", "content song-001")
    assert [f.near_benchmark for f in facts_of([song(0), song(1)], [guard])] == [None, "guard"]


def test_splits_have_the_asked_shares_and_more_benchmark_only_takes_from_train() -> None:
    larger = PARAMS.model_copy(update={"benchmark_share": 0.3})
    before = [own_split(None, None, str(number), PARAMS) for number in range(2000)]
    after = [own_split(None, None, str(number), larger) for number in range(2000)]
    assert before.count("validation") == pytest.approx(200, abs=50)
    assert before.count("benchmark") == pytest.approx(400, abs=70)
    assert {pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]} == {
        ("train", "benchmark")
    }


@every(
    ("field", "value", "message"),
    [
        ("benchmark_share", 0.6, r"0 to 0\.5"),
        ("min_words", 0.0, "more than 0"),
        ("min_shingles", 0, "1 or more"),
        ("min_landmarks", 0, "1 or"),
    ],
)
def test_a_share_or_count_out_of_range_is_refused(field: str, value: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GroupParams(**{**PARAMS.model_dump(), field: value})
