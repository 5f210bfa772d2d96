"""Preference rounds on one converged model, and what they did on songs that no choice was made on.

    python bench/dpo_rounds.py --work WORK --scratch FOLDER [--rounds 3] [--minutes M] [--set section.key=value ...]

WORK has prepared songs and a fine-tuned model (`jam run` makes one). Rounds and benchmark are made in FOLDER; what
stands there is found again, and then `--minutes` says how long the rounds took. Settings are chosen on the gate's
validation songs; the benchmark's songs are used here and nowhere before.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import machine, options_parser, write_result
from bench.trial_folders import trial_folder
from flows.benchmark import run_benchmark
from flows.dpo import run_dpo
from flows.settings.params import load_params
from flows.settings.project import Project

SHOWN = ("round", "gate", "reward", "pair", "dpo", "sampler")
ROW = ("number", "estimates", "changes", "num_pairs", "num_prompts", "refusals", "held_out_accuracy")
CLAIMS = ("dpo", "dpo-words")
FACTS = ("metric", "left", "right", "value", "low", "high", "n", "n_failed", "method")


def main() -> None:
    """Run the rounds, then the benchmark; write results/dpo_rounds.json."""
    parser = options_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    params = load_params(None, [f"round.rounds={options.rounds}", *options.settings])
    work = trial_folder(options.work, options.scratch)
    stood, started = work.rounds.exists(), time.monotonic()
    project = Project(params, work)
    rounds = run_dpo(project)
    minutes = options.minutes if stood else (time.monotonic() - started) / 60
    run_benchmark(project)
    report = json.loads((work.report("benchmark") / "report.json").read_text())
    write_result(
        "dpo_rounds",
        {
            "machine": machine("ray"),
            "minutes": None if minutes is None else round(minutes, 1),
            "settings": {name: getattr(params, name).model_dump(mode="json") for name in SHOWN},
            "rounds": [{key: row[key] for key in ROW} for row in report["rounds"]["rows"]],
            "stopped": rounds.stopped,
            "kept": rounds.kept,
            "why": rounds.why,
            "benchmark": {name: {key: report["comparisons"][name][key] for key in FACTS} for name in CLAIMS},
            "stand_ins": report["stand_ins"],
        },
    )


if __name__ == "__main__":
    main()
