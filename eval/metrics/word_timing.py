"""Word timing errors: when matched words start and end (edges) against when they were asked for, as quantiles (median, p90) over songs; the matched share.

Legend: B resamples, N songs, E errors (one a matched word), R and W words, each an interval of start and end in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from eval.metrics.error_rates import normalise
from eval.metrics.metric import Corpus, CorpusMetric, Swaps, Unmeasured, Values
from eval.metrics.song import Song
from eval.metrics.word_pairs import Timed, matched_pairs
from eval.stats.intervals import (
    Estimate,
    Resampling,
    drawn_counts_BN,
    paired_rate_difference,
    percentile_estimate,
    rate,
    unresolved,
)
from eval.stats.significance import paired_rate_p_value

Edge = Literal["start", "end"]
Which = Literal["median", "p90"]
_QUANTILES: dict[str, float] = {"median": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class TimingErrors:
    """Absolute errors of one song's matched words, in seconds."""

    start_s: tuple[float, ...]
    end_s: tuple[float, ...]
    num_reference: int

    @property
    def num_matched(self) -> int:
        return len(self.start_s)


def timed_words(words: Sequence[Mapping[str, Any]]) -> list[Timed]:
    """The words as `normalise` has them; one that becomes several keeps its times in each, an empty one goes."""
    return [
        Timed(part, word["start_s"], word["end_s"]) for word in words for part in normalise([word["text"]])
    ]


def timing_errors(reference: Sequence[Timed], hypothesis: Sequence[Timed]) -> TimingErrors:
    """Errors of the hypothesis words that match the reference, paired as `matched_pairs` has it."""
    hits = [
        (reference[i], hypothesis[j]) for i, j, mark in matched_pairs(reference, hypothesis) if mark == "hit"
    ]
    return TimingErrors(
        start_s=tuple(abs(found.start_s - wanted.start_s) for wanted, found in hits),
        end_s=tuple(abs(found.end_s - wanted.end_s) for wanted, found in hits),
        num_reference=len(reference),
    )


def together(songs: Sequence[TimingErrors]) -> TimingErrors:
    """The matched words of several songs of one prompt as one song's."""
    return TimingErrors(
        start_s=tuple(error for song in songs for error in song.start_s),
        end_s=tuple(error for song in songs for error in song.end_s),
        num_reference=sum(song.num_reference for song in songs),
    )


def timing_estimate(
    songs: Sequence[TimingErrors | None],
    edge: Edge,
    which: Which,
    resampling: Resampling,
) -> Estimate:
    """Quantile of the errors of all matched words, with its bootstrap interval over songs.

    The quantile is the smallest error that at least that share of the words does not exceed. None is a failed
    song; a song without a matched word has no error to give and counts as failed too.
    """
    used = [errors for song in songs if (errors := _errors(song, edge))]
    n_failed = len(songs) - len(used)
    if not used:
        return _unmatched(n_failed)
    value, values_B = _quantiles(used, _QUANTILES[which], resampling)
    return percentile_estimate(value, values_B, len(used), n_failed, "s")


def timing_difference(
    songs: Sequence[TimingErrors | None],
    others: Sequence[TimingErrors | None],
    edge: Edge,
    which: Which,
    resampling: Resampling,
) -> Estimate:
    """Quantile of `songs` minus quantile of `others` over the songs with matched words in both, drawn together."""
    pairs = _in_both(songs, others, edge)
    n_failed = len(songs) - len(pairs)
    if not pairs:
        return _unmatched(n_failed)
    left, left_B = _quantiles([mine for mine, _ in pairs], _QUANTILES[which], resampling)
    right, right_B = _quantiles([theirs for _, theirs in pairs], _QUANTILES[which], resampling)
    return percentile_estimate(left - right, left_B - right_B, len(pairs), n_failed, "s")


def swapped_timing_difference(
    songs: Sequence[TimingErrors | None], others: Sequence[TimingErrors | None], edge: Edge, which: Which
) -> Swaps | None:
    """`timing_difference` after each row of swaps [B, N] of the songs both have, and N; None without any."""
    pairs = _in_both(songs, others, edge)
    if not pairs:
        return None
    sides = [side for pair in pairs for side in pair]
    lengths = [len(side) for side in sides]
    errors_E = np.concatenate([np.asarray(side, np.float64) for side in sides])
    order = np.argsort(errors_E, kind="stable")
    errors_E = errors_E[order]
    song_E, is_other_E = (np.repeat(of, lengths)[order] for of in np.divmod(np.arange(len(sides)), 2))

    def difference(swaps_BN: np.ndarray) -> np.ndarray:
        theirs_BE = (is_other_E ^ swaps_BN[:, song_E]).astype(np.float64)
        share = _QUANTILES[which]
        return _quantile(errors_E, 1 - theirs_BE, share) - _quantile(errors_E, theirs_BE, share)

    return difference, len(pairs)


def _in_both(
    songs: Sequence[TimingErrors | None], others: Sequence[TimingErrors | None], edge: Edge
) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """The errors of the songs with matched words in both."""
    pairs = [(_errors(a, edge), _errors(b, edge)) for a, b in zip(songs, others, strict=True)]
    return [(mine, theirs) for mine, theirs in pairs if mine and theirs]


def _errors(song: TimingErrors | None, edge: Edge) -> tuple[float, ...]:
    if song is None:
        return ()
    return song.start_s if edge == "start" else song.end_s


def _unmatched(n_failed: int) -> Estimate:
    return unresolved(None, 0, n_failed, "bootstrap", "no song has a matched word", "s")


def _quantiles(
    songs: Sequence[Sequence[float]], share: float, resampling: Resampling
) -> tuple[float, np.ndarray]:
    """The quantile over all errors, and of each resample of the songs [B]."""
    errors_E = np.concatenate([np.asarray(errors, dtype=np.float64) for errors in songs])
    song_E = np.repeat(np.arange(len(songs)), [len(errors) for errors in songs])
    order = np.argsort(errors_E, kind="stable")
    errors_E, song_E = errors_E[order], song_E[order]
    value = _quantile(errors_E, np.ones((1, len(errors_E))), share)[0]
    blocks = np.array_split(drawn_counts_BN(resampling, len(songs)), max(1, resampling.num_resamples // 500))
    values_B = np.concatenate([_quantile(errors_E, counts_BN[:, song_E], share) for counts_BN in blocks])
    return float(value), values_B


def _quantile(errors_E: np.ndarray, weights_BE: np.ndarray, share: float) -> np.ndarray:
    """Weighted quantile of sorted errors, one a row of weights (numpy's method "inverted_cdf")."""
    reached_BE = np.cumsum(weights_BE, axis=1)
    enough_BE = reached_BE >= share * reached_BE[:, -1:] - 1e-9
    return errors_E[np.argmax(enough_BE, axis=1)]


NO_REFERENCE_TIMES = Unmeasured("not measured: no word times were asked for")
_PROTOCOL = (
    "Absolute difference between asked and found word {edge} in seconds, {which} over all words that the recogniser "
    "heard (their share is the matched share); the words' times come from an aligner that never sees the asked ones."
)


def aligned_words(song: Song) -> tuple[list[Timed], list[Timed]] | Unmeasured | None:
    """The words that were asked for and those that were transcribed and aligned; else why their times do not compare."""
    if not song.is_timed:
        return NO_REFERENCE_TIMES
    if song.row.get("aligned_transcript") is None:
        return None
    return timed_words(song.row["reference_words"]), timed_words(song.row["aligned_transcript"])


@lru_cache(maxsize=1)
def _timing(song: Song) -> TimingErrors | Unmeasured | None:
    """Kept for one song, since all metrics here take it in turn."""
    words = aligned_words(song)
    return timing_errors(*words) if isinstance(words, tuple) else words


def _quantile_metric(edge: Edge, which: Which) -> CorpusMetric:
    return CorpusMetric(
        name=f"word_{edge}_{which}",
        title=f"Word {edge} error, {which}",
        source="ours",
        range="[0, inf)",
        direction="lower",
        unit="s",
        protocol=_PROTOCOL.format(edge=edge, which=which),
        decimals=3,
        measure=_timing,
        columns=("reference_words", "aligned_transcript"),
        estimate=lambda songs, corpus: timing_estimate(songs, edge, which, corpus.resampling),
        difference=lambda songs, others, corpus: timing_difference(
            songs, others, edge, which, corpus.resampling
        ),
        swaps=lambda songs, others, corpus: swapped_timing_difference(songs, others, edge, which),
        pool=together,
    )


WORD_START_MEDIAN = _quantile_metric("start", "median")
WORD_START_P90 = _quantile_metric("start", "p90")
WORD_END_MEDIAN = _quantile_metric("end", "median")
WORD_END_P90 = _quantile_metric("end", "p90")


def _shares(songs: Values) -> tuple[list[float | None], list[float | None]]:
    """Matched and reference words of each song."""
    matched = [None if song is None else song.num_matched for song in songs]
    return matched, [None if song is None else song.num_reference for song in songs]


class _MatchedShare(CorpusMetric):
    """A rate, so that swapping is a sum and no draw ends early."""

    def p_value(self, values: Values, others: Values, corpus: Corpus) -> float | None:
        return paired_rate_p_value(*_shares(values), *_shares(others), corpus.resampling)


MATCHED_SHARE = _MatchedShare(
    name="matched_share",
    title="Matched words",
    source="ours",
    range="[0, 1]",
    direction="higher",
    unit="",
    protocol="Share of the reference words that were heard as asked: those whose timing is measured.",
    percent=True,
    decimals=1,
    measure=_timing,
    columns=("reference_words", "aligned_transcript"),
    estimate=lambda songs, corpus: rate(*_shares(songs), corpus.resampling),
    difference=lambda songs, others, corpus: paired_rate_difference(
        *_shares(songs), *_shares(others), corpus.resampling
    ),
    pool=together,
)
