"""The trainings of a sweep, one an arm and seed, and its report from what they and their songs gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.results.sweep import Sweep, SweepRow
from eval.results.wording import interval, number
from jam_model.checkpoint import weights_hash
from tasks.engine.fingerprint import fingerprint
from tasks.preference.dpo import PreferParams, preference_run
from tasks.preference.pair_store import write_pairs
from tasks.preference.round import GeneratedPairs, RoundSongs
from tasks.preference.round_report import pairs_line
from tasks.preference.sweep import (
    ARMS,
    METRICS,
    Arm,
    SweepParams,
    labelled,
    songs_by_arm,
    sweep_rows,
    system_of,
)
from tasks.storage.files import remove_tree, write_json
from tasks.trainer.ray_train import Run

Trained = dict[str, dict[str, Any]]
"""A finished run's weights (``weights``), folder (``checkpoint``) and figures, by `system_of`."""


def arm_runs(
    params: PreferParams,
    seeds: Sequence[int],
    folder: Path,
    first: Path,
    made: GeneratedPairs,
    silence_C: np.ndarray,
) -> dict[str, Run]:
    """The run of every arm from every seed, by `system_of`; their pairs are written under `folder`.

    `first`: the checkpoint that all start from; `silence_C`: float32, the codec's latent of silence.
    """
    learn, check = made.tensors
    held_out = write_pairs(folder / "pairs" / "held-out", check)
    runs = {}
    for arm in ARMS:
        for seed in seeds:
            name, section = system_of(arm.name, seed), arm.section(params, seed)
            pairs = write_pairs(folder / "pairs" / pairs_name(arm, seed), labelled(learn, arm.labels, seed))
            recipe = [section.model_dump(mode="json"), weights_hash(first), pairs.digest, held_out.digest]
            out = folder / "runs" / name / fingerprint(recipe)
            runs[name] = preference_run(section, pairs, held_out, first, silence_C, out)
    return runs


def pairs_name(arm: Arm, seed: int) -> str:
    """The folder of the pairs an arm learns from; only those at random differ from seed to seed."""
    return f"random-s{seed}" if arm.labels == "random" else arm.labels


def keep_result(folder: Path, name: str, run: Run, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``results/<name>.json`` of a finished run, whose state may go; returns its entry of `Trained`."""
    if (run.out / "steps").is_dir():
        remove_tree(run.out / "steps")  # the run is done: its state is its weights
    write_json(folder / "results" / f"{name}.json", {**facts, "params": run.params.model_dump(mode="json")})
    return {"weights": facts["weights"], "checkpoint": run.out, "figures": facts["figures"]}


def sweep_report(
    dpo: PreferParams,
    params: SweepParams,
    songs: RoundSongs,
    made: GeneratedPairs,
    trained: Trained,
    rows: Sequence[Mapping[str, Any]],
) -> Sweep:
    """What every arm changed, with what has to be known to read it; `rows`: the songs of all models."""
    figures = {name: facts["figures"] for name, facts in trained.items()}
    arms, contrasts = sweep_rows(songs_by_arm(songs.gate, rows), figures, params, songs.reference)
    notes = [
        pairs_line(made.learn, made.check),
        f"{dpo.steps} steps of {dpo.batch_size * dpo.num_workers} pairs, seeds {', '.join(map(str, params.seeds))}; "
        f"beta {dpo.beta:g}, flow errors are means over {dpo.error_over.replace('_', ' ')}; a term weighs "
        f"{dpo.term_weight:g}",
        f"{params.num_prompts} validation songs, each sung once by every model from the same noise",
    ]
    parts = (part for row in rows for entry in row["made_by"] for part in entry.split())
    metrics = [metric.of_embedding(made for row in rows for made in row["made_by"]) for metric in METRICS]
    return Sweep(metrics, arms, contrasts, notes, sorted({part for part in parts if "/" in part}))


def row_line(row: SweepRow) -> str:
    """One row in words."""
    cells = []
    for metric in METRICS:
        change = row.changes[metric.name]
        shown = f"{metric.title.lower()} {number(metric, change.estimate.value)}"
        cells.append(f"{shown} {interval(metric, change.estimate)}{' *' if change.claim else ''}".strip())
    return f"{row.name}: {', '.join(cells)}"
