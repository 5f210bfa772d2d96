"""Every kind of fault by name, and a song with one of them composed and published."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.toy.faults.lyrics import WRITTEN
from tasks.toy.faults.published import Published, published
from tasks.toy.faults.sound import SOUND
from tasks.toy.languages.all import LANGUAGES
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.features import Features, stream
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.score import Score

FOREIGN = "foreign_part"
"""The first verse is in a language that the song is not in."""

KINDS: tuple[str, ...] = (*SOUND, *WRITTEN, FOREIGN)


def kind_of(index: int, kinds: Sequence[str]) -> str | None:
    """The fault of song `index` of a set: none and each of `kinds` in turn."""
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"faults is {tuple(kinds)}; give any of {', '.join(KINDS)}")
    return (None, *kinds)[index % (len(kinds) + 1)]


def compose_with(seed: int, features: Features, kind: str | None) -> Score:
    """The song of this seed, its first verse in another language where that is the fault."""
    if kind != FOREIGN:
        return compose(seed, features)
    others = [code for code in LANGUAGES if code not in features.languages]
    return compose(seed, features, others[int(stream(seed, "fault").integers(len(others)))])


def publish(score: Score, kind: str | None) -> Published:
    """The score performed, and what it comes with, with its fault."""
    song = published(perform(score))
    if kind is None:
        return song
    if kind == FOREIGN:
        verse = next(line for line in song.truth.lines if song.truth.parts[line.part].label == "verse")
        part = song.truth.parts[verse.part]
        return song.with_fault(kind, part.start_s, part.end_s, verse.language)
    return {**SOUND, **WRITTEN}[kind](song, stream(score.seed, "fault"))
