"""Chroma cosine: how alike the pitch classes of two sounds are, frame by frame. JASCO's and MusicGen's measure of melody.

Conventions: the mean over frames of the cosine of two chroma vectors of the same frame, in [0, 1] as chroma has no negative values. A frame in which
nothing was asked for (all 0) is left out; one that is silent though something was asked for counts 0. Which chroma it is belongs to the number: it is
that of whatever both sides were heard with.

Source: J. Copet et al., Simple and Controllable Music Generation (arXiv 2306.05284).
"""

from __future__ import annotations

import numpy as np


def chroma_cosine(asked_TP: np.ndarray, found_TP: np.ndarray) -> float | None:
    """Of two chromas [T, 12] of one song; None where nothing was asked for.

    Raises:
        ValueError: of different shapes, or negative.
    """
    if asked_TP.shape != found_TP.shape or asked_TP.ndim != 2:
        raise ValueError(
            f"chroma {list(asked_TP.shape)} and {list(found_TP.shape)}; give two [T, 12] of equal length"
        )
    if min(asked_TP.min(initial=0.0), found_TP.min(initial=0.0)) < 0:
        raise ValueError("a chroma has negative values; give powers or levels")
    asked_T, found_T = (np.linalg.norm(side_TP, axis=1) for side_TP in (asked_TP, found_TP))
    given_T = asked_T > 0
    if not given_T.any():
        return None
    product_T = (asked_TP * found_TP).sum(axis=1)[given_T]
    norm_T = (asked_T * found_T)[given_T]
    return float(np.divide(product_T, norm_T, out=np.zeros_like(product_T), where=norm_T > 0).mean())
