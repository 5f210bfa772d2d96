"""What a benchmark report holds (`Report`, `System`, `Comparison` with what was expected, `LossCurve`), and which rows are stand-ins by `made_by`: records only.

A row made by an embedded model says so everywhere: any part of a `made_by` identity that starts with
"embedded/" stamps the row "stand-in, not a result".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eval.metrics.metric import Metric
from eval.results.comparisons import PairTable
from eval.results.copies import Copies
from eval.results.data_set import DataSet
from eval.results.listening_test import Preference
from eval.results.published import PublishedRow
from eval.results.rounds import RoundsReport
from eval.results.songs import GenreRow, LanguageRow, SongRow, StratumRow
from eval.stats.intervals import Estimate

STAMP = "stand-in, not a result"

Expect = Literal["above", "below", "within", "at_most", "at_least", "none"]
NOT_MEASURED = Estimate(None, None, None, 0, 0, reason="not measured for this row")


def is_stand_in(made_by: Iterable[str]) -> bool:
    """Whether an embedded model had a part; an entry may hold several ("encode-v1 embedded/codec@1")."""
    return any(part.startswith("embedded/") for entry in made_by for part in entry.split())


@dataclass(frozen=True)
class System:
    """One row of the tables: what was judged, and one estimate a metric."""

    name: str  # key in report.json
    title: str
    made_by: Sequence[str]  # identities of the models that made or scored it
    estimates: Mapping[str, Estimate]  # by metric name
    note: str = ""

    @property
    def stand_in(self) -> bool:
        return is_stand_in(self.made_by)

    def estimate(self, metric: str) -> Estimate:
        return self.estimates.get(metric, NOT_MEASURED)


@dataclass(frozen=True)
class Comparison:
    """A question put to the numbers: mostly a paired difference (left minus right) and its interval.

    `expect` states beforehand what would answer it with yes:
    "above"/"below": the whole interval lies above/below `limit`; "within": |value| <= limit;
    "at_most"/"at_least": the value itself against `limit` (no difference); "none": shown whatever it says.
    """

    name: str  # key in report.json
    question: str  # a sentence a reader understands without the code
    metric: str
    left: str  # name of a system, or what is compared in words
    right: str  # "" where the estimate is no difference
    estimate: Estimate
    expect: Expect = "none"
    limit: float = 0.0
    verdict: str = ""  # "" lets eval.results.wording write it
    made_by: Sequence[str] = ()  # () takes the identities of the systems named
    note: str = ""
    headline: str = ""  # the question it answers at the head of the page; "" none
    gain: str = ""  # the system that is better where that answer is yes

    @property
    def holds(self) -> bool | None:
        """Whether what was expected is there; None where nothing was expected or nothing was measured."""
        value, low, high = self.estimate.value, self.estimate.low, self.estimate.high
        if self.expect == "none" or value is None:
            return None
        if self.expect == "above":
            return None if low is None else low > self.limit
        if self.expect == "below":
            return None if high is None else high < self.limit
        if self.expect == "within":
            return abs(value) <= self.limit
        return value <= self.limit if self.expect == "at_most" else value >= self.limit


@dataclass(frozen=True)
class LossCurve:
    name: str
    points: Sequence[tuple[int, float]]  # (step, loss)


@dataclass(frozen=True)
class HeardSong:
    """A validation song as it sounded at a step of a training; no sound where it was not finite."""

    training: str
    step: int
    song_id: str
    scores: Mapping[str, float | None]  # by metric name
    audio: bytes | None


@dataclass(frozen=True)
class Report:
    """Everything on the page, in the order it is shown. Only `run` may hold dates, durations or devices."""

    title: str
    systems: Sequence[System]
    metrics: Sequence[Metric]
    comparisons: Sequence[Comparison] = ()
    pairs: Sequence[PairTable] = ()
    songs: Sequence[SongRow] = ()
    genres: Sequence[GenreRow] = ()
    languages: Sequence[LanguageRow] = ()  # of songs in several
    strata: Sequence[StratumRow] = ()  # of words, where they were asked for
    published: Sequence[PublishedRow] = ()
    listening: Sequence[Preference] = ()
    headline: Sequence[str] = ()  # metrics the leaderboard leads with; () shows all
    headings: Mapping[str, str] = field(default_factory=dict)  # metric name -> heading it stands under
    remarks: Mapping[str, str] = field(default_factory=dict)  # metric name -> what to read its values beside
    losses: Sequence[LossCurve] = ()
    heard: Sequence[HeardSong] = ()
    rounds: RoundsReport | None = None
    data_set: DataSet | None = None
    copies: Copies | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    stand_ins: Sequence[str] = ()
    notes: Sequence[str] = ()
    run: Mapping[str, Any] = field(default_factory=dict)
    subtitle: str = ""

    def __post_init__(self) -> None:
        systems = _unique("systems", [system.name for system in self.systems])
        metrics = _unique("metrics", [metric.name for metric in self.metrics])
        _unique("comparisons", [comparison.name for comparison in self.comparisons])
        _unique("songs", [f"{row.system}/{row.song_id}" for row in self.songs])
        sides = [(table.metric, [p for q in table.pairs for p in (q.left, q.right)]) for table in self.pairs]
        named: list[tuple[str, Iterable[str], set[str]]] = [  # where names stand, and of what they must be
            *((f"estimates of system {one.name}", one.estimates, metrics) for one in self.systems),
            *((f"metric of comparison {one.name}", [one.metric], metrics) for one in self.comparisons),
            ("headline", self.headline, metrics),
            ("remarks", self.remarks, metrics),
            ("metric of a table of pairs", [table.metric for table in self.pairs], metrics),
            *((f"pairs on {metric}", names, systems) for metric, names in sides),
            *((f"system of song {row.song_id}", [row.system], systems) for row in self.songs),
            *((f"scores of song {row.song_id}", [*row.scores, *row.counts], metrics) for row in self.songs),
        ]
        for what, names, known in named:
            if unknown := sorted(set(names) - known):
                raise ValueError(
                    f"{what}: {unknown} is not among {sorted(known)}: add it to the report or drop it here"
                )

    @property
    def all_stand_ins(self) -> bool:
        """Every row has the stamp, which then stands once, at the head."""
        return bool(self.systems) and all(system.stand_in for system in self.systems)

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    def system(self, name: str) -> System | None:
        return next((system for system in self.systems if system.name == name), None)

    def pair_table(self, metric: str) -> PairTable | None:
        return next((table for table in self.pairs if table.metric == metric), None)

    def title_of(self, name: str) -> str:
        """A system's title, or the name itself where it is words."""
        system = self.system(name)
        return system.title if system else name

    def made_by(self, comparison: Comparison) -> Sequence[str]:
        """Who made what is compared: stated, else the systems named, else the report's stand-ins."""
        if comparison.made_by:
            return comparison.made_by
        sides = [side for side in (self.system(comparison.left), self.system(comparison.right)) if side]
        return sorted({identity for side in sides for identity in side.made_by}) or list(self.stand_ins)


def _unique(field_name: str, names: list[str]) -> set[str]:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"{field_name} names {twice[:3]} more than once: names are keys of report.json")
    return set(names)
