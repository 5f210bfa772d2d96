"""Near duplicates: which songs are the same song, and so on which side of the split every song lies (`sides`).

Pure: rows of the whole table in, facts out. Songs come in the order in which the table took them in, and a
song is only ever compared and joined with earlier ones, so that more songs leave the facts of the earlier ones
as they are, unless a new one joins two groups that lay on different sides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import field_validator

from tasks.dedup.landmarks import index_keys, shared_landmarks
from tasks.dedup.shingles import shared_text
from tasks.dedup.sides import Groups, Known, MinimumParams, hash_of_text, sides

INDEXED_KEYS = 256  # of a sketch: enough to find whom to compare it with
LOOK_BACK = 8  # an index entry meets this many before it, so that a common key costs no more than a rare one
SHARED_KEYS = 3  # fewer index keys in common are chance


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


@dataclass(frozen=True)
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


Styles = Callable[[Sequence[str]], Mapping[str, np.ndarray]]
"""Style embeddings [n, S] of these songs; asked for candidates only, a song without one is left out."""


def words_hash(words: Sequence[str] | None) -> str | None:
    """Of given words, in order; None where none were given."""
    return hash_of_text(f"words {' '.join(words)}") if words else None


def neighbours(
    songs: Sequence[Known], guarded: Sequence[Known], params: GroupParams, max_shingles: int, styles: Styles
) -> dict[str, Facts]:
    """Facts of every song of the table, `songs` in the order they came, beside the `guarded` benchmark.

    `max_shingles`: where lyrics sketches were cut.
    """
    everyone = [*guarded, *songs]
    first = len(guarded)
    groups = Groups(len(songs))
    guard_of: dict[int, int] = {}
    earlier: dict[int, list[int]] = defaultdict(list)
    for a, b in near_pairs(everyone, params, max_shingles, styles):
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
    return {
        song.song_id: Facts(
            songs[group].song_id,
            side_of[place],
            songs[kept[group]].song_id if kept.get(group, place) < place else None,
            guarded[guards[group]].song_id if group in guards else None,
        )
        for place, (song, group) in enumerate(zip(songs, group_of, strict=True))
    }


def near_pairs(
    songs: Sequence[Known], params: GroupParams, max_shingles: int, styles: Styles
) -> list[tuple[int, int]]:
    """Places (earlier, later) of near songs, enough of them to connect every group."""
    near = _same_content(songs)
    words = {p: s.lyrics_shingles for p, s in enumerate(songs) if s.lyrics_shingles is not None}
    sounds = {p: s.audio_landmarks for p, s in enumerate(songs) if s.audio_landmarks is not None}
    candidates = _candidates({place: sketch[:INDEXED_KEYS] for place, sketch in words.items()})
    candidates |= _candidates({place: index_keys(marks_L, INDEXED_KEYS) for place, marks_L in sounds.items()})
    unsure: dict[tuple[int, int], float] = {}  # the style cosine that would make them near
    for a, b in sorted(candidates - near):
        overlap = 0.0
        if a in words and b in words:
            overlap = shared_text(words[a], words[b], max_shingles, params.min_shingles)
        if overlap >= params.min_words:
            near.add((a, b))
            continue
        enough = [params.min_style_with_words] if overlap >= params.min_words_with_style else []
        if a in sounds and b in sounds:
            sound = shared_landmarks(sounds[a], sounds[b], params.min_landmarks)
            enough += [params.min_style_with_sound] if sound >= params.min_sound_with_style else []
        if enough:
            unsure[a, b] = min(enough)
    style_of = styles(
        [songs[place].song_id for place in sorted({place for pair in unsure for place in pair})]
    )
    for (a, b), least in unsure.items():
        one, other = style_of.get(songs[a].song_id), style_of.get(songs[b].song_id)
        if one is not None and other is not None and _cosine(one, other) >= least:
            near.add((a, b))
    return sorted(near)


def _same_content(songs: Sequence[Known]) -> set[tuple[int, int]]:
    """Each song with the last one before it of the same bytes."""
    latest: dict[str, int] = {}
    pairs = set()
    for place, song in enumerate(songs):
        if song.content_hash in latest:
            pairs.add((latest[song.content_hash], place))
        latest[song.content_hash] = place
    return pairs


def _candidates(sketches: Mapping[int, np.ndarray]) -> set[tuple[int, int]]:
    """Pairs (earlier, later) that share some keys: an inverted index, each entry with those just before it."""
    if not sketches:
        return set()
    keys = np.concatenate(list(sketches.values()))
    places = np.repeat(np.array(list(sketches)), [len(sketch) for sketch in sketches.values()])
    order = np.lexsort((places, keys))
    keys, places = keys[order], places[order]
    codes = [np.empty(0, np.int64)]
    for back in range(1, LOOK_BACK + 1):
        same = keys[back:] == keys[:-back]
        codes.append((places[:-back][same] << 32) | places[back:][same])
    pairs, counts = np.unique(np.concatenate(codes), return_counts=True)
    chosen = pairs[counts >= SHARED_KEYS]
    return set(zip((chosen >> 32).tolist(), (chosen & 0xFFFFFFFF).tolist(), strict=True))


def _cosine(one_NS: np.ndarray, other_NS: np.ndarray) -> float:
    one_S, other_S = np.mean(one_NS, axis=0), np.mean(other_NS, axis=0)
    norms = float(np.linalg.norm(one_S) * np.linalg.norm(other_S))
    return float(one_S @ other_S) / norms if norms else 0.0
