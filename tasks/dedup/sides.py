"""Sides of the split: where a song lies by itself, with its group (duplicates, artist) and a benchmark it is near, and where a side would have too few.

Songs come in the order in which the table took them in; more songs leave the sides of the earlier ones as they are, unless
a new one joins two groups that lay on different sides, or ends what `MinimumParams` had to move.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field, field_validator

from tasks.engine.stage import Section
from tasks.models.phonemizer import normalise_words

TRAIN, VALIDATION, BENCHMARK = "train", "validation", "benchmark"
STRENGTH = (TRAIN, VALIDATION, BENCHMARK)  # where two sides meet, the later one wins


class SplitParams(Section):
    """Shares of songs; the rest is for training."""

    validation_share: float
    benchmark_share: float

    @field_validator("validation_share", "benchmark_share")
    @classmethod
    def _is_share(cls, share: float) -> float:
        if not 0 <= share <= 0.5:
            raise ValueError(f"{share} is no share of a split; give 0 to 0.5, the rest is for training")
        return share


class MinimumParams(SplitParams):
    """The least songs of two sides, for small tables, in which the shares leave a side empty. Songs that were dropped
    do not count; for the benchmark neither do those that came without lyrics, since it cannot judge by them.
    """

    min_validation_songs: int = Field(ge=0)
    min_benchmark_songs: int = Field(ge=0)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one song. Sketches are sorted integers, None where a stage dropped the song before."""

    song_id: str
    content_hash: str
    artist: str | None = None
    lyrics_hash: str | None = None
    lyrics_shingles: np.ndarray | None = None
    audio_landmarks: np.ndarray | None = None
    dropped: bool = False


def own_split(artist: str | None, lyrics_hash: str | None, content_hash: str, params: SplitParams) -> str:
    """The side of a song by itself: by its artist, else its given words, else its audio.

    A larger share only moves songs out of train.
    """
    place = _place(artist, lyrics_hash, content_hash)
    if place < params.benchmark_share:
        return BENCHMARK
    return VALIDATION if place >= 1 - params.validation_share else TRAIN


def artist_key(artist: str | None) -> str:
    """An artist's name without case and punctuation; empty when there is none."""
    return " ".join(normalise_words(artist)) if artist else ""


def sides(songs: Sequence[Known], earlier: Mapping[int, list[int]], params: MinimumParams) -> list[str]:
    """The side of every song, song after song: that of the earlier songs it belongs to, else its own; then as many
    groups move out of train as the least songs of the other sides need.

    `earlier`: the places of the songs before that a song is near, by its place.
    """
    groups = Groups(len(songs))
    side: dict[int, str] = {}
    holders: dict[str, int] = {}
    for place, song in enumerate(songs):
        keys = [f"artist {name}"] if (name := artist_key(song.artist)) else []
        keys += [f"words {song.lyrics_hash}"] if song.lyrics_hash else []
        friends = [*earlier.get(place, ()), *(holders[key] for key in keys if key in holders)]
        met = [side[groups.of(friend)] for friend in friends]
        met = met or [own_split(song.artist, song.lyrics_hash, song.content_hash, params)]
        for friend in friends:
            groups.join(friend, place)
        side[groups.of(place)] = max(met, key=STRENGTH.index)
        for key in keys:
            holders.setdefault(key, place)
    members: dict[int, list[int]] = defaultdict(list)
    for place in range(len(songs)):
        members[groups.of(place)].append(place)
    for sparse in (BENCHMARK, VALIDATION):
        for group in _short_of(sparse, songs, members, side, params):
            side[group] = sparse
    return [side[groups.of(place)] for place in range(len(songs))]


def _short_of(
    split: str,
    songs: Sequence[Known],
    members: Mapping[int, list[int]],
    side: Mapping[int, str],
    params: MinimumParams,
) -> Iterator[int]:
    """The groups that must move out of train until this side has its least songs; the last one of train stays.

    Small groups go first, of equal ones those that a larger share would take first.
    """
    is_benchmark = split == BENCHMARK
    least = params.min_benchmark_songs if is_benchmark else params.min_validation_songs

    def counted(group: int) -> int:
        found = [songs[place] for place in members[group] if not songs[place].dropped]
        return sum(not is_benchmark or song.lyrics_hash is not None for song in found)

    def order(group: int) -> tuple[int, float]:
        first = songs[group]
        place = _place(first.artist, first.lyrics_hash, first.content_hash)
        return len(members[group]), place if is_benchmark else -place

    have = sum(counted(group) for group in members if side[group] == split)
    movable = sorted((group for group in members if side[group] == TRAIN), key=order)[:-1]
    for group in movable:
        if have < least and counted(group):
            have += counted(group)
            yield group


class Groups:
    """Places joined into groups (union-find); the first place of a group stands for it."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def of(self, place: int) -> int:
        """The first place of the group."""
        while self._above[place] != place:
            self._above[place] = self._above[self._above[place]]
            place = self._above[place]
        return place

    def join(self, one: int, other: int) -> None:
        """The two groups become one."""
        one, other = sorted((self.of(one), self.of(other)))
        self._above[other] = one


def _place(artist: str | None, lyrics_hash: str | None, content_hash: str) -> float:
    """Where a song stands between 0 and 1, by which its own side goes."""
    name = artist_key(artist)
    digest = hash_of_text(f"artist {name}") if name else lyrics_hash or hash_of_text(f"audio {content_hash}")
    return int(digest[:16], 16) / 2**64


def hash_of_text(text: str) -> str:
    """sha256 (hex) of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
