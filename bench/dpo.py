"""What the preference itself does: nine ways of training from one converged model, with seeds and controls.

    python bench/dpo.py --work WORK --scratch FOLDER [--params FILE] [--set section.key=value ...]

WORK has prepared songs and a fine-tuned model (`jam run` makes one). Everything is made in FOLDER, and what stands
there is found again; run it from where WORK was made, since songs are found by `songs.path`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import machine, options_parser, write_result
from bench.trial_folders import trial_folder
from flows.settings.params import load_params
from flows.settings.project import Project
from flows.sweep import run_sweep

SHOWN = ("round", "reward", "pair", "dpo", "sweep", "sampler")


def main() -> None:
    """Run the sweep; write results/dpo_sweep.json; its page lies in FOLDER."""
    parser = options_parser(__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--params", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    options = parser.parse_args()
    params = load_params(options.params, options.settings)
    started = time.monotonic()
    page = run_sweep(Project(params, trial_folder(options.work, options.scratch)))
    found = json.loads((page.parent / "sweep.json").read_text())
    shown = {name: getattr(params, name).model_dump(mode="json") for name in SHOWN}
    minutes = round((time.monotonic() - started) / 60, 1)
    write_result("dpo_sweep", {**found, "settings": shown, "minutes": minutes, "machine": machine("ray")})


if __name__ == "__main__":
    main()
