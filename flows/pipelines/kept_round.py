"""Which round was kept: written once all have run, read by whoever uses its checkpoint or reports on it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from eval.results.rounds import RoundRow, RoundsReport
from flows.pipelines.round import RUNS
from flows.pipelines.runs import checkpoint_of
from flows.settings.work_folder import WorkFolder
from tasks.preference.gate import gate_metrics
from tasks.preference.round import CONTROL, POLICY
from tasks.storage.files import write_json

GATE, KEPT = "gate.json", "kept.json"


def write_kept(work: WorkFolder, report: RoundsReport) -> None:
    """``rounds/kept.json``: the round, why, and where its weights lie."""
    row = report.row(report.kept)
    checkpoint = round_checkpoint(work, report.kept, POLICY)
    write_json(
        work.rounds / KEPT,
        {
            "round": report.kept,
            "rounds": [row.number for row in report.rows],
            "why": report.why,
            "stopped": report.stopped,
            "notes": list(report.notes),
            "weights": row.weights,
            "checkpoint": checkpoint.relative_to(work.root).as_posix(),
        },
    )


def standing_rounds(work: WorkFolder) -> RoundsReport | None:
    """The rounds of a work folder, or None where none have run to their end."""
    path = work.rounds / KEPT
    if not path.is_file():
        return None
    kept = json.loads(path.read_text())
    rows = [RoundRow.of(json.loads((work.round(n) / GATE).read_text())) for n in kept["rounds"]]
    return RoundsReport(gate_metrics(rows), rows, kept["round"], kept["why"], kept["stopped"], kept["notes"])


@dataclass(frozen=True)
class ShownRound:
    """The round that a benchmark shows: the kept one, or, where round 0 was kept, the last one made."""

    number: int
    is_kept: bool
    policy: Path
    control: Path | None

    @property
    def title(self) -> str:
        """As a row of the report."""
        return f"After DPO round {self.number}" + ("" if self.is_kept else ", not kept")

    def checkpoints(self, policy: str, control: str) -> dict[str, Path]:
        """Its policy and, where there is one, its control, by these names."""
        return {policy: self.policy} | ({control: self.control} if self.control else {})


def shown_round(work: WorkFolder) -> ShownRound | None:
    """What there is to benchmark of the rounds of a work folder; None where no round was trained."""
    report = standing_rounds(work)
    if report is None or len(report.rows) == 1:
        return None
    number = report.kept or report.rows[-1].number
    control = report.row(number).control is not None
    return ShownRound(
        number,
        number == report.kept,
        round_checkpoint(work, number, POLICY),
        round_checkpoint(work, number, CONTROL) if control else None,
    )


def round_checkpoint(work: WorkFolder, number: int, name: str) -> Path:
    """Where the policy or the control of a round lies; those of round 0 are the fine-tuned model."""
    return checkpoint_of(work.round(number) / RUNS[name] if number else work.checkpoint("sft"))
