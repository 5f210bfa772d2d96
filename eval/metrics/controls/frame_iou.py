"""JASCO's chord IoU: of the labels of frames, how many stand on both sides, as a share of those on either.

Conventions: a song is a set of pairs (frame, label), at most one label a frame; None is a frame without one. With a label in every frame of both
the value is a / (2 - a), where a is the share of frames that are right: it says nothing that a does not, but is what JASCO prints, so both are
given. Labels are compared as they are spelled: JASCO's are Chordino's; ours are compared by index (docs/controls.md).

Source: O. Tal et al., Joint Audio and Symbolic Conditioning for Temporally Controlled Text-to-Music Generation (arXiv 2406.10970).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def frame_iou(
    asked_T: Sequence[Hashable | None], found_T: Sequence[Hashable | None]
) -> tuple[float | None, float | None]:
    """(IoU, share of the asked frames that are right) of one song; None where nothing was asked (IoU: on neither side).

    Raises:
        ValueError: not as many frames on both sides.
    """
    if len(asked_T) != len(found_T):
        raise ValueError(
            f"{len(asked_T)} frames were asked for, {len(found_T)} found; give one label a frame of both"
        )
    asked, found = (sum(label is not None for label in side) for side in (asked_T, found_T))
    both = sum(one is not None and one == other for one, other in zip(asked_T, found_T, strict=True))
    either = asked + found - both
    return both / either if either else None, both / asked if asked else None
