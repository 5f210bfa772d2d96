"""What a metric is (`SongMetric`, `CorpusMetric`): its record with unit and direction, and how values become estimate, difference and swaps, with margins, draws and pooled candidates.

A `SongMetric` has one value a song; a `CorpusMetric` is of a set of songs and takes something of each. Both have one
interface, so that what measures loops over metrics. Position i of a list of values is the same song in every list;
None is a song that failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np

from eval.metrics.frechet import FrechetReference
from eval.metrics.song import Song
from eval.stats.intervals import Estimate, Resampling, mean, paired_mean_difference
from eval.stats.significance import (
    Alternative,
    detectable_by_interval,
    detectable_difference,
    paired_p_value,
    sequential_p_value,
)

Direction = Literal["higher", "lower", "neither"]
Values = Sequence[Any]
Swaps = tuple[Callable[[np.ndarray], np.ndarray], int]
"""A difference after each row of swaps [B, N], and N: for `eval.stats.significance`."""
NOT_COMPARED = Estimate(None, None, None, 0, 0, reason="not compared: an extrapolation has no interval")


@dataclass(frozen=True)
class Unmeasured:
    """A value that nobody could measure: no failure, and no 0."""

    reason: str


def known(value: Any) -> Any:
    """The value, or None where nobody could measure it."""
    return None if isinstance(value, Unmeasured) else value


@dataclass(frozen=True)
class Corpus:
    """What estimates need beside the songs' values: how songs are drawn, and what distances are to."""

    resampling: Resampling
    reference: FrechetReference | None = None

    def drawing(self, num_resamples: int) -> Corpus:
        """The same with so many draws."""
        return replace(self, resampling=replace(self.resampling, num_resamples=num_resamples))


@dataclass(frozen=True)
class Metric:
    """The facts a reader needs before a number means anything."""

    name: str  # key in report.json: lower case, stable
    title: str  # column head
    source: str  # paper, code or "ours" with the definition in `protocol`
    range: str  # as a reader would write it: "[0, inf)"
    direction: Direction  # which way is better
    unit: str  # "" for a plain ratio
    protocol: str  # one or two sentences: what is compared with what
    decimals: int = 2  # shown on the page; report.json keeps every digit
    percent: bool = False  # the page shows 100 x the value; report.json keeps the fraction

    def better(self, difference: float) -> bool:
        """Whether a change of this sign is an improvement; never where neither side is better."""
        if self.direction == "neither":
            return False
        return difference > 0 if self.direction == "higher" else difference < 0

    def record(self) -> dict[str, Any]:
        """The facts alone, as JSON holds them."""
        return {one.name: getattr(self, one.name) for one in fields(Metric)}


@dataclass(frozen=True, kw_only=True)
class OfSongs(Metric):
    """A metric that is measured song by song.

    Attributes:
        measure: the value of a song; None where it failed, or `Unmeasured`.
        columns: those of the stages that `measure` reads.
        optional: a report has it only where some song has a value.
        embedded_by: the stage whose model embeds the songs, where the number means nothing without its name.
    """

    measure: Callable[[Song], Any]
    columns: tuple[str, ...] = ()
    optional: bool = False
    embedded_by: str = ""

    def of_embedding(self, made_by: Iterable[str]) -> Self:
        """The metric with its embedding in the title, as identities such as "style-v1 embedded/spectral-style@1" say."""
        made = [
            one.split() for one in made_by if self.embedded_by and one.startswith(f"{self.embedded_by}-v")
        ]
        models = sorted(
            {re.sub("[/_-]", " ", model.split("@")[0]) for _, *models in made for model in models}
        )
        return replace(self, title=f"{self.title} ({', '.join(models)})") if models else self

    def of_candidates(self, candidates: Sequence[Song]) -> Any:
        """One value of the candidates of a prompt that no stage dropped and that have a value; None where none has."""
        measured = [known(self.measure(candidate)) for candidate in candidates if not candidate.failed]
        values = [value for value in measured if value is not None]
        return self.pooled(values) if values else None

    def pooled(self, values: Values) -> Any:
        """Values of several candidates of a prompt as one: their mean, where no other class says otherwise."""
        return float(np.mean(values))


@dataclass(frozen=True, kw_only=True)
class SongMetric(OfSongs):
    """A metric with one value a song; its mean over songs, where no other class says otherwise."""

    def score(self, value: Any) -> float | None:
        """A value as one number."""
        return value

    def estimate(self, values: Values, corpus: Corpus) -> Estimate:
        """Over songs, with its interval."""
        return mean(values, corpus.resampling)

    def difference(self, values: Values, others: Values, corpus: Corpus) -> Estimate:
        """`values` minus `others` over the songs that both have."""
        return paired_mean_difference(values, others, corpus.resampling)

    def p_value(
        self,
        values: Values,
        others: Values,
        corpus: Corpus,
        alternative: Alternative = "two-sided",
        margin: float = 0.0,
    ) -> float | None:
        """Of: the difference is `margin`, by swapping systems within songs."""
        return paired_p_value(values, others, corpus.resampling, alternative, margin)

    def worse_p_value(self, values: Values, others: Values, corpus: Corpus, margin: float) -> float | None:
        """Of: `values` are worse than `others` by no more than `margin`."""
        worse, better = (values, others) if self.direction == "lower" else (others, values)
        return self.p_value(worse, better, corpus, "greater", margin)

    def detectable(self, values: Values, others: Values, difference: Estimate) -> float | None:
        """The smallest true difference that these songs would show 8 times in 10."""
        return detectable_difference(values, others)

    def failed_as_one(self, columns: Mapping[str, Values]) -> Mapping[str, Values] | None:
        """The values of every system with failed songs as the worst; None where there is no worst."""
        return None

    def testing(self, corpus: Corpus, num_pairs: int) -> tuple[Corpus, str]:
        """As many draws as a family of so many pairs needs, so that its correction leaves small p-values small."""
        corpus = corpus.drawing(max(corpus.resampling.num_resamples, 1000 * num_pairs))
        draws, seed = corpus.resampling.num_resamples, corpus.resampling.seed
        return corpus, f"paired permutation, systems swapped within songs, {draws} draws, seed {seed}"


@dataclass(frozen=True, kw_only=True)
class CandidatesMetric(SongMetric):
    """A metric that several candidates of a prompt have together, and one song alone has not."""

    measure: Callable[[Song], Any] = lambda song: None
    optional: bool = True
    measure_candidates: Callable[[Sequence[Song]], float | None]

    def of_candidates(self, candidates: Sequence[Song]) -> float | None:
        return self.measure_candidates(candidates)


@dataclass(frozen=True, kw_only=True)
class CorpusMetric(OfSongs):
    """A metric that a set of songs has, and one song alone has not: `measure` gives what is taken of a song.

    Attributes:
        estimate, difference: of such values; `NOT_COMPARED` where no difference is taken.
        swaps: see `Swaps`; None where there is no difference to take.
        steps: what each song adds to the difference [N]; empty where it has none.
        pool: several candidates' values as one.
        in_common: only songs that all systems have are used, so that all have equally many.
    """

    estimate: Callable[[Values, Corpus], Estimate]
    difference: Callable[[Values, Values, Corpus], Estimate] = lambda values, others, corpus: NOT_COMPARED
    swaps: Callable[[Values, Values, Corpus], Swaps | None] = lambda values, others, corpus: None
    steps: Callable[[Values, Values, Corpus], np.ndarray] = lambda values, others, corpus: np.empty(0)
    pool: Callable[[Values], Any] = lambda values: None
    in_common: bool = False

    def pooled(self, values: Values) -> Any:
        return self.pool(values)

    def p_value(self, values: Values, others: Values, corpus: Corpus) -> float | None:
        """Of no difference, by swapping systems within songs. Draws end early where enough were as far out."""
        swaps = self.swaps(values, others, corpus)
        return sequential_p_value(*swaps, corpus.resampling) if swaps else None

    def worse_p_value(self, values: Values, others: Values, corpus: Corpus, margin: float) -> float | None:
        """As `SongMetric`'s, by `steps`, for a metric that is better where it is lower."""
        steps_N = self.steps(values, others, corpus)
        return paired_p_value(steps_N, 0 * steps_N, corpus.resampling, "greater", margin)

    def detectable(self, values: Values, others: Values, difference: Estimate) -> float | None:
        """The smallest true difference that these songs would show 8 times in 10."""
        return detectable_by_interval(difference)

    def failed_as_one(self, columns: Mapping[str, Values]) -> None:
        """A set has no worst value."""

    def testing(self, corpus: Corpus, num_pairs: int) -> tuple[Corpus, str]:
        """Fewer draws than for `SongMetric`: each takes both sets anew."""
        corpus = corpus.drawing(max(200, 30 * num_pairs))
        draws, seed = corpus.resampling.num_resamples, corpus.resampling.seed
        return corpus, f"systems swapped within songs, up to {draws} draws (Besag and Clifford), seed {seed}"


Measurable = SongMetric | CorpusMetric
