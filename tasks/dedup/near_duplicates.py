"""Near duplicates (`GroupParams`): which songs are the same song by words, landmarks and style, and so groups that stay together.

Pure: rows of the whole table in, facts out. Songs come in the order in which the table took them in, and a
song is only ever compared and joined with earlier ones, so that more songs leave the facts of the earlier ones
as they are, unless a new one joins two groups that lay on different sides. Of every song its index keys are held;
the sketches only of those that share some, and these on the disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from pydantic import field_validator

from tasks.dedup.candidates import KeyIndex
from tasks.dedup.landmarks import index_keys, shared_landmarks
from tasks.dedup.shingles import shared_text
from tasks.dedup.sides import Groups, Known, MinimumParams, hash_of_text, sides
from tasks.dedup.sketch_spool import SketchSpool

LATER = (1 << 32) - 1  # of a pair's code, ``earlier << 32 | later``
WORDS_ALONE = float("-inf")  # a cosine that any two styles reach
INDEXED_KEYS = 256  # of a sketch: enough to find whom to compare it with


class GroupParams(MinimumParams):
    """When two songs are near: by words alone, or by style with words or with sound; by style alone never.

    Words are compared by the share of the shorter text's shingles, sounds by the share of the smaller
    fingerprint, styles by the cosine of their mean crops. `min_words`: by words alone. `min_style_with_words`
    and `min_words_with_style`: by both; `min_style_with_sound` and `min_sound_with_style` too.
    `min_shingles`, `min_landmarks`: of fewer, nothing is said.
    `benchmark_manifest`: songs that must not be trained on; null for none.
    """

    min_words: float
    min_style_with_words: float
    min_words_with_style: float
    min_style_with_sound: float
    min_sound_with_style: float
    min_shingles: int
    min_landmarks: int
    benchmark_manifest: str | None

    @field_validator("min_words", "min_words_with_style", "min_sound_with_style")
    @classmethod
    def _is_overlap(cls, share: float) -> float:
        if not 0 < share <= 1:
            raise ValueError(
                f"{share} is no overlap that tells anything; give more than 0, up to 1 for the same"
            )
        return share

    @field_validator("min_shingles", "min_landmarks")
    @classmethod
    def _is_count(cls, count: int) -> int:
        if count < 1:
            raise ValueError(f"{count} would let songs without words or sound match; give 1 or more")
        return count


@dataclass(frozen=True, slots=True)
class Facts:
    """What the whole table says of one song.

    `duplicate_group`: the earliest song of its group of near songs, itself when it is alone.
    `duplicate_of`: the earliest song of the group that was not dropped, null for that song and those before it.
    `near_benchmark`: the song of the given benchmark that this one, or one of its group, is near.
    """

    duplicate_group: str
    split: str
    duplicate_of: str | None = None
    near_benchmark: str | None = None


Songs = Callable[[Collection[str] | None], Iterator[Known]]
"""The songs of a table in the order they came, of these ids alone where some are given; asked for twice."""
Styles = Callable[[Sequence[str]], Mapping[str, np.ndarray]]
"""Style embeddings [n, S] of these songs; asked for candidates only, a song without one is left out."""


def words_hash(words: Sequence[str] | None) -> str | None:
    """Of given words, in order; None where none were given."""
    return hash_of_text(f"words {' '.join(words)}") if words else None


def neighbours(
    table: Songs, benchmark: Songs, params: GroupParams, max_shingles: int, styles: Styles
) -> list[tuple[Known, Facts]]:
    """Every song of the table, without its sketches, and its facts, beside the songs of a given benchmark.

    `max_shingles`: where lyrics sketches were cut.
    """
    words, sounds = KeyIndex(), KeyIndex()
    guarded = _taken_in(benchmark, 0, words, sounds)
    first = len(guarded)
    songs = _taken_in(table, first, words, sounds)
    candidates_P = np.union1d(words.pairs(), sounds.pairs())
    del words, sounds
    everyone = [*guarded, *songs]
    near = _same_content(everyone)
    candidates_P = np.setdiff1d(candidates_P, [a << 32 | b for a, b in near], assume_unique=True)
    with SketchSpool() as spool:
        _spool(spool, candidates_P, ((benchmark, guarded, 0), (table, songs, first)))
        near |= _near_pairs(everyone, candidates_P, spool, params, max_shingles, styles)
    groups = Groups(len(songs))
    guard_of: dict[int, int] = {}
    earlier: dict[int, list[int]] = defaultdict(list)
    for a, b in sorted(near):
        if b < first:
            continue
        if a < first:
            guard_of[b - first] = min(a, guard_of.get(b - first, a))
        else:
            groups.join(a - first, b - first)
            earlier[b - first].append(a - first)
    side_of = sides(songs, earlier, params)
    group_of = [groups.of(place) for place in range(len(songs))]
    kept: dict[int, int] = {}
    guards: dict[int, int] = {}
    for place, (song, group) in enumerate(zip(songs, group_of, strict=True)):
        if not song.dropped:
            kept.setdefault(group, place)
        if place in guard_of:
            guards[group] = min(guard_of[place], guards.get(group, first))
    return [
        (
            song,
            Facts(
                songs[group].song_id,
                side_of[place],
                songs[kept[group]].song_id if kept.get(group, place) < place else None,
                guarded[guards[group]].song_id if group in guards else None,
            ),
        )
        for place, (song, group) in enumerate(zip(songs, group_of, strict=True))
    ]


def style_needed(
    one: Sequence[np.ndarray | None],
    other: Sequence[np.ndarray | None],
    params: GroupParams,
    max_shingles: int,
) -> float | None:
    """The least cosine of styles with which two songs are near, by the words and the sound of each: `WORDS_ALONE` where
    their words suffice, None where nothing would.
    """
    words, sound = one
    other_words, other_sound = other
    overlap = 0.0
    if words is not None and other_words is not None:
        overlap = shared_text(words, other_words, max_shingles, params.min_shingles)
    if overlap >= params.min_words:
        return WORDS_ALONE
    enough = [params.min_style_with_words] if overlap >= params.min_words_with_style else []
    if sound is not None and other_sound is not None:
        shared = shared_landmarks(sound, other_sound, params.min_landmarks)
        enough += [params.min_style_with_sound] if shared >= params.min_sound_with_style else []
    return min(enough) if enough else None


def _taken_in(table: Songs, first: int, words: KeyIndex, sounds: KeyIndex) -> list[Known]:
    """The songs of a table from the place `first` on, without their sketches; their keys are in the indexes."""
    known = []
    for place, song in enumerate(table(None), first):
        if song.lyrics_shingles is not None:
            words.add(place, song.lyrics_shingles[:INDEXED_KEYS])
        if song.audio_landmarks is not None:
            sounds.add(place, index_keys(song.audio_landmarks, INDEXED_KEYS))
        known.append(replace(song, lyrics_shingles=None, audio_landmarks=None))
    return known


def _spool(
    spool: SketchSpool, candidates_P: np.ndarray, tables: Sequence[tuple[Songs, list[Known], int]]
) -> None:
    """Keep the sketches of all songs of these pairs; of each table its songs and their first place."""
    places = np.union1d(candidates_P >> 32, candidates_P & LATER)
    for table, known, first in tables:
        mine = places[(places >= first) & (places < first + len(known))].tolist()
        place_of = {known[place - first].song_id: place for place in mine}
        for song in table(place_of.keys()) if mine else ():
            spool.put(place_of[song.song_id], (song.lyrics_shingles, song.audio_landmarks))


def _near_pairs(
    songs: Sequence[Known],
    candidates_P: np.ndarray,
    spool: SketchSpool,
    params: GroupParams,
    max_shingles: int,
    styles: Styles,
) -> set[tuple[int, int]]:
    """Places (earlier, later) of near songs among the candidates."""
    near: set[tuple[int, int]] = set()
    unsure: dict[tuple[int, int], float] = {}  # the style cosine that would make them near
    for earlier, codes in groupby(candidates_P.tolist(), lambda code: code >> 32):
        sketches = spool.get(earlier)
        for later in (code & LATER for code in codes):
            needed = style_needed(sketches, spool.get(later), params, max_shingles)
            if needed == WORDS_ALONE:
                near.add((earlier, later))
            elif needed is not None:
                unsure[earlier, later] = needed
    style_of = styles(
        [songs[place].song_id for place in sorted({place for pair in unsure for place in pair})]
    )
    for (a, b), least in unsure.items():
        one, other = style_of.get(songs[a].song_id), style_of.get(songs[b].song_id)
        if one is not None and other is not None and style_cosine(one, other) >= least:
            near.add((a, b))
    return near


def _same_content(songs: Sequence[Known]) -> set[tuple[int, int]]:
    """Each song with the last one before it of the same bytes."""
    latest: dict[str, int] = {}
    pairs = set()
    for place, song in enumerate(songs):
        if song.content_hash in latest:
            pairs.add((latest[song.content_hash], place))
        latest[song.content_hash] = place
    return pairs


def style_cosine(one_NS: np.ndarray, other_NS: np.ndarray) -> float:
    """Of the mean crops of two songs; 0 where one has no length."""
    one_S, other_S = np.mean(one_NS, axis=0), np.mean(other_NS, axis=0)
    norms = float(np.linalg.norm(one_S) * np.linalg.norm(other_S))
    return float(one_S @ other_S) / norms if norms else 0.0
