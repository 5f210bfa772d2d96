"""One song of one system, and what was asked of it: what every metric is measured from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.metrics.frechet import FrechetReference


@dataclass(frozen=True, eq=False)
class Song:
    """The columns that stages wrote, and the reference of each metric. Legend: R rows, S style dimension, W windows, D.

    Attributes:
        row: the stages' columns by name; a stage that dropped the song left its own out or None.
        texts: the words that it is scored against, and `phones` theirs.
        transcript_phones: phones of the words that the transcriber wrote; None without a transcript.
        is_timed: whether word times were asked for.
        words_asked: whether any song of its set asks for words.
        style_RS: the asked style's audio; None where nobody heard it. `text_S`: the asked style's text, if it was read.
        genre: the asked one of `genres`, which maps each listed name to its text's embedding [S].
        windows_WD: embedding windows; `reference` what their distances are to, None without reference songs.
    """

    row: Mapping[str, Any]
    texts: Sequence[str] = ()
    phones: Sequence[str] = ()
    transcript_phones: Sequence[str] | None = None
    is_timed: bool = True
    words_asked: bool = True
    style_RS: np.ndarray | None = None
    text_S: np.ndarray | None = None
    genre: str | None = None
    genres: Mapping[str, np.ndarray] = field(default_factory=dict)
    windows_WD: np.ndarray | None = None
    reference: FrechetReference | None = None

    @property
    def failed(self) -> str | None:
        """Why a stage dropped it, or None."""
        return self.row["drop_reason"]
