"""Near duplicates: which songs are the same song, and so on which side of the split every song lies.

Pure: rows of the whole table in, facts out. Songs come in the order in which the table took them in, and a
song is only ever compared and joined with earlier ones, so that more songs leave the facts of the earlier ones
as they are, unless a new one joins two groups that lay on different sides.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import field_validator

from tasks.dedup.landmarks import index_keys, shared_landmarks
from tasks.dedup.shingles import shared_text
from tasks.engine.stage import Section
from tasks.models.phonemizer import normalise_words

TRAIN, VALIDATION, BENCHMARK = "train", "validation", "benchmark"
STRENGTH = (TRAIN, VALIDATION, BENCHMARK)  # where two sides meet, the later one wins
INDEXED_KEYS = 256  # of a sketch: enough to find whom to compare it with
LOOK_BACK = 8  # an index entry meets this many before it, so that a common key costs no more than a rare one
SHARED_KEYS = 3  # fewer index keys in common are chance


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


class GroupParams(SplitParams):
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
class Known:
    """What is known of one song. Sketches are sorted integers, None where a stage dropped the song before."""

    song_id: str
    content_hash: str
    artist: str | None = None
    lyrics_hash: str | None = None
    lyrics_shingles: np.ndarray | None = None
    audio_landmarks: np.ndarray | None = None
    dropped: bool = False


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
    return _sha256(f"words {' '.join(words)}") if words else None


def own_split(artist: str | None, lyrics_hash: str | None, content_hash: str, params: SplitParams) -> str:
    """The side of a song by itself: by its artist, else its given words, else its audio.

    A larger share only moves songs out of train.
    """
    name = artist_key(artist)
    digest = _sha256(f"artist {name}") if name else lyrics_hash or _sha256(f"audio {content_hash}")
    place = int(digest[:16], 16) / 2**64
    if place < params.benchmark_share:
        return BENCHMARK
    return VALIDATION if place >= 1 - params.validation_share else TRAIN


def artist_key(artist: str | None) -> str:
    """An artist's name without case and punctuation; empty when there is none."""
    return " ".join(normalise_words(artist)) if artist else ""


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
    sides = _sides(songs, earlier, params)
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
            sides[place],
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


def _sides(songs: Sequence[Known], earlier: Mapping[int, list[int]], params: SplitParams) -> list[str]:
    """The side of every song, song after song: that of the earlier songs it belongs to, else its own."""
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
    return [side[groups.of(place)] for place in range(len(songs))]


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


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
