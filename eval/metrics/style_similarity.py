"""The style: cosines between unit rows of style embeddings, of songs, references and candidates, and whether the genre that was asked for is the nearest of all.

Legend: A, B rows of the two sides, S dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from eval.metrics.metric import CandidatesMetric, SongMetric
from eval.metrics.song import Song


def style_similarity(song_AS: np.ndarray, reference_BS: np.ndarray) -> float:
    """Mean cosine over all pairs of rows, in [-1, 1]; a single vector is one row.

    Raises:
        ValueError: the dimensions differ, a side is empty, or a row has no finite, non-zero length.
    """
    song, reference = unit_rows("song", song_AS), unit_rows("reference", reference_BS)
    if song.shape[1] != reference.shape[1]:
        raise ValueError(
            f"song rows have {song.shape[1]} dimensions and asked rows {reference.shape[1]}: use one style "
            "encoder"
        )
    return float(np.clip(song @ reference.T, -1, 1).mean())


def candidate_diversity(candidates: Sequence[np.ndarray]) -> float | None:
    """Mean distance (1 - mean cosine) over the pairs of candidates, each with its embeddings; None below two candidates."""
    distances = [1 - style_similarity(left, right) for left, right in combinations(candidates, 2)]
    return float(np.mean(distances)) if distances else None


def nearest_genre(song_AS: np.ndarray, genres: Mapping[str, np.ndarray]) -> str:
    """The genre whose text embedding [S] is nearest to the song's style rows; the first of equals."""
    if len(genres) < 2:
        raise ValueError(f"genres are {sorted(genres)}: give two or more, else every song is right")
    likeness = {name: style_similarity(song_AS, text_S) for name, text_S in genres.items()}
    return max(likeness, key=likeness.__getitem__)


def unit_rows(side: str, rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, float64; raises ValueError as `style_similarity`."""
    rows = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    if rows.ndim != 2 or rows.size == 0:
        raise ValueError(f"{side} embeddings are {rows.shape}: expected [rows, dimension], at least one row")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError(f"a row of the {side} embeddings has length 0 or is not finite: it points nowhere")
    return rows / lengths


def _to(song: Song, reference: np.ndarray | None) -> float | None:
    if song.row["style_embedding"] is None or reference is None:
        return None
    return style_similarity(_rows(song), reference)


def _rows(song: Song) -> np.ndarray:
    return np.asarray(song.row["style_embedding"], np.float32)


def _is_genre_asked(song: Song) -> float | None:
    if song.row["style_embedding"] is None or not song.genres or song.genre is None:
        return None
    return float(nearest_genre(_rows(song), song.genres) == song.genre)


_SOURCE = "cosine of style embeddings, as MuQ-MuLan's (Zhu et al. 2025, arXiv 2501.01108)"
STYLE_SIMILARITY = SongMetric(
    name="style_similarity",
    title="Style similarity",
    source=_SOURCE,
    range="[-1, 1]",
    direction="higher",
    unit="",
    protocol="Mean cosine between the style embeddings of the song and of the asked style's audio, "
    "over all pairs of rows.",
    measure=lambda song: _to(song, song.style_RS),
    columns=("style_embedding",),
)
CANDIDATE_DIVERSITY = CandidatesMetric(
    name="diversity",
    title="Diversity",
    source="ours",
    range="[0, 2]",
    direction="higher",
    unit="",
    protocol="1 - cosine between the style embeddings of two candidates of a prompt, mean over its pairs of candidates.",
    measure_candidates=lambda candidates: candidate_diversity(
        [_rows(candidate) for candidate in candidates if not candidate.failed]
    ),
    columns=("style_embedding",),
)
TEXT_SIMILARITY = SongMetric(
    name="text_similarity",
    title="Style similarity to text",
    source=_SOURCE,
    range="[-1, 1]",
    direction="higher",
    unit="",
    protocol="Mean cosine between the style embeddings of the song and that of the asked style's text; not "
    "measured where the style encoder cannot read the text.",
    measure=lambda song: _to(song, song.text_S),
    columns=("style_embedding",),
    optional=True,
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
