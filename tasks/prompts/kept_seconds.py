"""What of a song is kept while the rest is made (`--keep`): seconds as they are written (`spans_in`), their mask, and the control (`painting_of`).

Text is spans of seconds, ``0-10,20-25``, in order. A latent frame is kept where its middle lies in a span. The kept frames are the codec's mean
latents of the song that they come from, and the rest of the array is zeros (`jam_model.controls.painting`).

Shapes: T latent frames, C 64 latent channels.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from jam_model.frames import seconds_of_frames
from jam_model.words import Word
from tasks.models.melody import frame_middles_s

MAX_CHARS = 2000
SPAN = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*-\s*(\d{1,6}(?:\.\d{1,6})?)\s*")
FRAME_S = seconds_of_frames(1)

TOLD = 60
"""Characters of kept words that are told."""

Spans = tuple[tuple[float, float], ...]
"""Starts and ends in seconds, in order, none over another."""


def spans_in(text: str) -> Spans:
    """The spans that are kept.

    Raises:
        ValueError: text that is no spans, a span without length, spans that overlap or are out of order.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"keep: {len(text)} characters; give at most {MAX_CHARS}")
    found = []
    for part in text.split(","):
        match = SPAN.fullmatch(part)
        if match is None:
            raise ValueError(f"keep: {part[:40]!r} is no span of seconds; give such as 0-10,20-25")
        span = float(match[1]), float(match[2])
        if span[0] >= span[1]:
            raise ValueError(f"keep: {part.strip()} ends before it has begun; give the earlier second first")
        found.append(span)
    for one, two in pairwise(found):
        if two[0] < one[1]:
            raise ValueError(
                f"keep: {said(two)} begins before {said(one)} has ended; give spans in order that do not overlap"
            )
    return tuple(found)


def said(span: tuple[float, float]) -> str:
    """A span as it is written."""
    return f"{span[0]:g}-{span[1]:g}"


def check_within(spans: Spans, file_s: float, duration_s: float) -> None:
    """Raises a ValueError where the last span reaches beyond the file or the song, by more than a frame."""
    end_s, last = spans[-1][1] - FRAME_S, said(spans[-1])
    if end_s > file_s:
        raise ValueError(f"keep: {last} ends beyond the {file_s:.2f} s of keep_from; keep less")
    if end_s > duration_s:
        raise ValueError(
            f"keep: {last} ends beyond the song of {duration_s:.2f} s; keep less, or ask for a longer one"
        )


def mask_of(spans: Spans, num_frames: int) -> np.ndarray:
    """Which frames of a song are kept, boolean [T].

    Raises:
        ValueError: none are, or none are left to make.
    """
    middles_T = frame_middles_s(num_frames)
    mask_T = np.zeros(num_frames, bool)
    for start_s, end_s in spans:
        mask_T |= (middles_T >= start_s) & (middles_T < end_s)
    if not mask_T.any():
        raise ValueError(
            f"keep: {','.join(map(said, spans))} holds no latent frame; keep a tenth of a second or more"
        )
    if mask_T.all():
        raise ValueError("keep: nothing of the song is left to make; keep less, or ask for a longer song")
    return mask_T


def painting_of(spans: Spans, latents_TC: np.ndarray, num_frames: int) -> np.ndarray:
    """The array of the control, float32 [num_frames, 65]: latents and a mask. A song of fewer frames keeps what it has.

    Raises:
        ValueError: as `mask_of`.
    """
    mask_T = mask_of(spans, num_frames)
    mask_T[len(latents_TC) :] = False
    if not mask_T.any():
        raise ValueError("keep: what is kept is shorter than one latent frame; keep more")
    painting_TX = np.zeros((num_frames, latents_TC.shape[1] + 1), np.float32)
    kept_T = np.flatnonzero(mask_T)
    painting_TX[kept_T, :-1], painting_TX[kept_T, -1] = latents_TC[kept_T], 1.0
    return painting_TX


def kept_words(words: Sequence[Word], spans: Spans) -> str:
    """Which of a song's words lie in what is kept, in one line: they are sung as they are there, whatever is given."""
    inside = [
        word for word in words if any(start <= word.start_s and word.end_s <= end for start, end in spans)
    ]
    touched = [
        word for word in words if any(start < word.end_s and word.start_s < end for start, end in spans)
    ]
    kept = " ".join(word.text for word in inside)
    shown = f": {kept[:TOLD]}{'...' if len(kept) > TOLD else ''}" if inside else ""
    cut = len(touched) - len(inside)
    crossing = f"; {cut} over a seam, made in part" if cut else ""
    return (
        f"{len(inside)} of {len(words)} words lie in kept seconds and sound as they do there{shown}{crossing}; "
        f"{len(words) - len(touched)} are made"
    )
