"""A duration predictor and the DiT in one training: joint, joint with stop-gradient, separate, from one pretrained model, at the same steps.

python bench/joint_durations.py --work W --params params/toy2.yaml --scratch FOLDER [--seeds 5] [--steps 500] [--set ...]

W is a work folder with songs and a pretrained model (`jam prepare`, `jam train`). Each arm has the same batches, noise and starting
weights, and a step costs the same in all, so equal steps are equal seconds, which are printed. Told are the predictor's nats a word on
the validation songs and the flow's validation loss, each arm less `separate`, with an interval over seeds (t, seeds - 1 degrees).
A run that is finished in FOLDER is found, a stopped one goes on. Seeds come one after the other, each with all arms, and after each the
result is written anew, so that it tells as many as there were time for.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, options_parser, write_result
from flows.durations import joint_training, songs_of_table
from flows.settings.project import Project
from tasks.engine.fingerprint import fingerprint
from tasks.trainer.run_folder import finished_run
from tasks.training.duration_params import JOINT_ARMS, SEPARATE
from tasks.training.duration_songs import hash_of_songs
from tasks.training.durations import VERSION, train_durations

FIGURES = ("validation_nats", "validation_shares_nats", "flow_validation_loss")


def measured(project: Project, scratch: Path, seed: int, arm: str) -> dict[str, float]:
    """The figures of one run, trained where it does not stand."""
    params = project.params.durations.model_copy(update={"seed": seed})
    sides = songs_of_table(project)
    training = joint_training(project)
    section = training.section.model_copy(update={"seed": seed})
    joint = training.joint.model_copy(update={"arm": arm})
    training = replace(training, section=section, joint=joint)
    key = [params.decides(), *map(hash_of_songs, sides), VERSION, training.recipe]
    out = scratch / f"{arm}-{seed}-{fingerprint(key)}"
    result = finished_run(out) or train_durations(*sides, params, out, beside=training.build())
    assert result is not None, "it was not stopped"
    return {name: float(value) for name, value in result.figures.items()}


def over_seeds(values_S: np.ndarray) -> list[float | None]:
    """A mean with its 95 % interval; none of one seed."""
    from scipy.special import stdtrit

    mean, count = float(values_S.mean()), len(values_S)
    if count < 2:
        return [round(mean, 4), None, None]
    half = float(stdtrit(count - 1, 0.975)) * float(values_S.std(ddof=1)) / count**0.5
    return [round(mean, 4), round(mean - half, 4), round(mean + half, 4)]


def compared(runs: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Levels, and differences from `separate` seed by seed."""
    found: dict[str, Any] = {}
    for arm, of in runs.items():
        found[arm] = {
            "of_seeds": of,
            "cpu_seconds_of_the_dit": round(float(np.mean([one["dit_seconds"] for one in of])), 1),
        }
        for name in FIGURES:
            own = np.array([one[name] for one in of])
            found[arm][name] = over_seeds(own)
            if arm != SEPARATE:
                beside = np.array([one[name] for one in runs[SEPARATE]])
                found[arm][f"{name}_less_separate"] = over_seeds(own - beside)
    return found


def main() -> None:
    """Train what lacks, compare, write."""
    parser = options_parser(__doc__)
    parser.add_argument("--work", required=True)
    parser.add_argument("--params", required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--set", action="append", default=[], help="section.key=value")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.process_time()
    settings = [*given.set, f"durations.steps={given.steps}", "joint_durations.arm=joint"]
    project = Project.at(given.work, given.params, settings)
    sides = songs_of_table(project)
    runs: dict[str, list[dict[str, float]]] = {arm: [] for arm in JOINT_ARMS}
    for seed in range(given.seeds):
        for arm in JOINT_ARMS:
            runs[arm].append(measured(project, given.scratch, seed, arm))
        write_result(
            "joint_durations",
            {
                "songs": [len(side) for side in sides],
                "steps": given.steps,
                "trainings": seed + 1,
                "weight": project.params.joint_durations.weight,
                "columns": ["value", "95 % low", "95 % high"],
                "arms": compared(runs),
                "cpu_minutes": round((time.process_time() - started) / 60, 1),
                "load": [round(load, 1) for load in os.getloadavg()],
                "machine": machine("numpy"),
            },
        )


if __name__ == "__main__":
    main()
