"""Preference rounds as records (`RoundRow`, `Change`): what each did to the gate's prompts by metric and margin, and which one was kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from eval.metrics.metric import Metric
from eval.results.plural import counted
from eval.stats.intervals import Estimate


@dataclass(frozen=True)
class Change:
    """What a round did to a metric, against an earlier round, over the prompts that both generated.

    `margin`: how much worse it may be; None where the metric is no guard. `p_value`: of "it is worse by no more
    than the margin", Holm-corrected over the guards of the round. `exceeded`: that is ruled out.
    """

    metric: str
    against: int
    estimate: Estimate  # this round minus the other
    margin: float | None = None
    p_value: float | None = None
    exceeded: bool = False


@dataclass(frozen=True)
class RoundRow:
    """A round as the gate found it; round 0 is the model that the rounds began with."""

    number: int
    weights: str
    estimates: Mapping[str, Estimate]  # by metric
    made_by: Sequence[str]  # identities of the models that generated and measured
    changes: Sequence[Change] = ()  # against round 0, and the round before where that is another
    control: Mapping[str, Estimate] | None = None  # the same rounds without a preference; None: not trained
    over_control: Mapping[str, Estimate] | None = None  # the round minus its control
    num_prompts: int = 0
    num_pairs: int = 0
    refusals: Mapping[str, int] | None = None  # prompts without a pair, by reason
    num_held_out: int = 0
    held_out_accuracy: float | None = None  # of held-out pairs, how often it prefers the winner
    error_over: str = ""  # the frames that flow errors of its training are means of: max_frames or song
    num_by_people: int = 0  # of the pairs; a record says it where there are any
    raters: Mapping[str, Mapping[str, int]] | None = (
        None  # by name: answers, pairs heard twice, alike of these
    )

    @property
    def exceeded(self) -> list[Change]:
        """The guards that this round broke."""
        return [change for change in self.changes if change.exceeded]

    def change(self, metric: str, against: int = 0) -> Change | None:
        """The change of one metric."""
        found = (c for c in self.changes if c.metric == metric and c.against == against)
        return next(found, None)

    def record(self) -> dict[str, Any]:
        """As ``gate.json`` holds it."""
        return _row_record(asdict(self))

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> RoundRow:
        """What `record` gave."""
        return cls(
            **{
                **record,
                "estimates": _estimates(record["estimates"]),
                "changes": [
                    Change(**{**c, "estimate": Estimate(**c["estimate"])}) for c in record["changes"]
                ],
                "control": _estimates(record["control"]),
                "over_control": _estimates(record["over_control"]),
            }
        )


@dataclass(frozen=True)
class RoundsReport:
    """All rounds with the one that was kept. The first of `metrics` is what the rounds are to raise.

    `stopped`: why they ended early; empty when all ran.
    """

    metrics: Sequence[Metric]
    rows: Sequence[RoundRow]
    kept: int
    why: str
    stopped: str = ""
    notes: Sequence[str] = ()

    def row(self, number: int) -> RoundRow:
        """A round."""
        return next(row for row in self.rows if row.number == number)

    def metric(self, name: str) -> Metric:
        """One of the metrics."""
        return next(metric for metric in self.metrics if metric.name == name)

    def record(self) -> dict[str, Any]:
        """As plain dicts, lists and numbers."""
        plain = asdict(replace(self, metrics=()))
        rows = [_row_record(row) for row in plain["rows"]]
        return {**plain, "rows": rows, "metrics": [metric.record() for metric in self.metrics]}


def raters_line(raters: Mapping[str, Mapping[str, int]]) -> str:
    """Who chose, how often and how surely, in words; empty where nobody did."""
    told = [
        f"{name} ({counted(count['answers'], 'answer')}, "
        + (
            f"{count['alike']} of {count['twice']} heard twice alike)"
            if count["twice"]
            else "none heard twice)"
        )
        for name, count in raters.items()
    ]
    return f"chosen by {', '.join(told)}" if told else ""


def _estimates(record: Mapping[str, Any] | None) -> dict[str, Estimate] | None:
    return None if record is None else {name: Estimate(**estimate) for name, estimate in record.items()}


def _row_record(row: dict[str, Any]) -> dict[str, Any]:
    """The record of a row, as before where no person chose."""
    return {name: value for name, value in row.items() if value or name not in ("num_by_people", "raters")}
