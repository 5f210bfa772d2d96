"""Genre accuracy: is the genre that was asked for the one that the song sounds most like? Legend: G genres, S."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.metrics.metric import SongMetric
from eval.metrics.song import Song
from eval.metrics.style_similarity import style_similarity


def nearest_genre(song_AS: np.ndarray, genres: Mapping[str, np.ndarray]) -> str:
    """The genre whose text embedding [S] is nearest to the song's style rows; the first of equals."""
    if len(genres) < 2:
        raise ValueError(f"genres are {sorted(genres)}: give two or more, else every song is right")
    likeness = {name: style_similarity(song_AS, text_S) for name, text_S in genres.items()}
    return max(likeness, key=likeness.__getitem__)


def _is_genre_asked(song: Song) -> float | None:
    if song.row["style_embedding"] is None or not song.genres or song.genre is None:
        return None
    return float(
        nearest_genre(np.asarray(song.row["style_embedding"], np.float32), song.genres) == song.genre
    )


GENRE_ACCURACY = SongMetric(
    name="genre_accuracy",
    title="Genre accuracy (ours)",
    source="ours: zero-shot by text-audio similarity, no trained classifier",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="Share of the songs whose nearest genre is the asked one: of all listed genres' names, embedded as "
    "text, the one with the largest mean cosine to the song's style embeddings.",
    percent=True,
    decimals=1,
    measure=_is_genre_asked,
    columns=("style_embedding",),
    optional=True,
)
