"""Voices beside the lead."""

from __future__ import annotations

from tasks.toy.world_two.features import Features
from tasks.toy.world_two.score import SungLine
from tasks.toy.world_two.truth import Part


def other_voices(
    seed: int, lines: tuple[SungLine, ...], parts: tuple[Part, ...], features: Features
) -> list[SungLine]:
    """Lines of other voices."""
    return []
