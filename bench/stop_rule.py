"""Whether the gate stops rounds that follow a bad reward, and lets honest and random ones go on.

    python bench/stop_rule.py --work WORK --scratch FOLDER [--only KIND ...] [--set section.key=value ...]

Rounds from one converged model, by three rewards: a hackable one (`contrast`: bursts in silence score best), the
honest one of params.yaml, and a coin (pairs at random). Each from several seeds, all with the same settings. The
pair rule guards neither axes nor words here, so that the gate alone has to notice. What stands in FOLDER is found.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import machine, options_parser, write_result
from bench.trial_folders import trial_folder
from flows.dpo import run_dpo
from flows.settings.params import load_params
from flows.settings.project import Project

REWARDS = {"hackable": "contrast", "honest": "judge", "random": "coin"}
SEEDS = {"hackable": (1, 2, 3), "honest": (1, 2, 3, 4, 5), "random": (1, 2, 3, 4, 5)}
SETTINGS = (
    "round.rounds=3",
    "round.num_prompts=16",
    "round.num_held_out=2",
    "round.control=false",
    "gate.num_prompts=16",
    "gate.candidates=1",
    "pair.max_axis_loss=null",
    "pair.max_word_loss=null",
    "dpo.steps=24",
    "engine.partition_size=8",
)


def rounds(kind: str, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """Run the rounds of one reward from one seed; what they did and why they ended."""
    own = [
        f"reward.terms=[{{score: {REWARDS[kind]}, weight: 1.0}}]",
        *(f"{section}.seed={seed}" for section in ("round", "dpo", "gate")),
    ]
    params = load_params(options.params, [*SETTINGS, *options.settings, *own])
    report = run_dpo(Project(params, trial_folder(options.work, options.scratch / f"{kind}-{seed}")))
    changes = [
        {change.metric: change.estimate.value for change in row.changes if not change.against}
        for row in report.rows[1:]
    ]
    return {
        "seed": seed,
        "rounds": len(report.rows) - 1,
        "stopped": report.stopped,
        "kept": report.kept,
        "why": report.why,
        "changes": changes,
    }


def main() -> None:
    """Run every kind; write results/stop_rule.json."""
    parser = options_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=REWARDS, default=list(REWARDS))
    parser.add_argument("--params", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    found = {kind: [rounds(kind, seed, options) for seed in SEEDS[kind]] for kind in options.only}
    stopped = {
        kind: f"{sum(bool(one['stopped']) for one in runs)} of {len(runs)}" for kind, runs in found.items()
    }
    shown = [one for one in (*SETTINGS, *options.settings) if not one.startswith("songs.")]
    result = {"stopped": stopped, "runs": found, "settings": shown}
    write_result("stop_rule", {**result, "machine": machine("ray")})


if __name__ == "__main__":
    main()
