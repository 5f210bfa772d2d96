"""`jam pairs`: a round's pairs side by side, written as jamify's list, and any candidate generated again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from flows.pipelines.rounds import CANDIDATES, PAIRS, RUNS, SCORES
from flows.pipelines.runs import checkpoint_with
from flows.pipelines.stages import generate_stage
from flows.run.progress import console, say
from flows.settings.project import Project, WorkFolder
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.engine.table import Table
from tasks.preference.pairs import read_pairs, write_pair_list
from tasks.preference.replay import compare_samples, find_candidate, rows_of, stored_row
from tasks.preference.round_tables import POLICY
from tasks.prompts.prompts import PROMPTED_COLUMNS

WIDTH = 200
USE = {TRAIN: "learned from", VALIDATION: "held out"}


def print_pairs(root: Path, number: int) -> None:
    """``jam pairs ROUND``: winner against loser on every axis, the margin, and why prompts gave no pair.

    Raises:
        ValueError: there is no such round.
    """
    folder = WorkFolder(root).round(number)
    if not (folder / PAIRS).is_file():
        raise ValueError(f"round: there is no round {number} in {root}; run `jam dpo --work {root}` first")
    candidates = {row["song_id"]: row for row in rows_of(folder / SCORES)}
    pairs = rows_of(folder / PAIRS)
    for split, use in USE.items():
        of_split = [row for row in pairs if row["split"] == split]
        chosen = [row for row in of_split if row["winner"]]
        refused = Counter(row["refusal"] for row in of_split if row["refusal"])
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(refused.items())) or "none"
        say(f"round {number}, {use}: {len(of_split)} prompts, {len(chosen)} pairs, refused: {reasons}")
        if chosen:
            console(WIDTH).print(_grid(chosen, candidates))


def export_pairs(root: Path, number: int, folder: Path) -> None:
    """``jam pairs ROUND --export FOLDER``: the pairs learned from as jamify's ``dpo.json`` and its files.

    Raises:
        ValueError: the round was not trained.
    """
    runs = sorted((WorkFolder(root).round(number) / RUNS[POLICY]).glob("*/pairs/pairs.json"))
    if not runs:
        raise ValueError(f"round: round {number} in {root} has no training run, so no pairs to export")
    pairs = read_pairs(runs[-1].parent)
    say(f"{write_pair_list(folder, pairs)}: {len(pairs)} pairs")


def _grid(pairs: list[dict[str, Any]], candidates: dict[str, dict[str, Any]]) -> Grid:
    """A row a pair, every cell ``winner > loser``."""
    first = candidates[pairs[0]["winner"]]["judge_scores"]
    grid = Grid(
        "prompt",
        "candidate",
        "reward",
        "margin",
        *(entry["axis"] for entry in first),
        "word errors",
        box=None,
    )
    for pair in pairs:
        winner, loser = candidates[pair["winner"]], candidates[pair["loser"]]
        axes = zip(winner["judge_scores"], loser["judge_scores"], strict=True)
        grid.add_row(
            pair["song_id"],
            f"{winner['candidate']} > {loser['candidate']}",
            _both(winner["reward"], loser["reward"]),
            f"{pair['margin']:.3f}",
            *(_both(left["score"], right["score"]) for left, right in axes),
            _both(winner["word_error_rate"], loser["word_error_rate"]),
        )
    return grid


def _both(left: float | None, right: float | None) -> str:
    return " > ".join("-" if value is None else f"{value:.2f}" for value in (left, right))


def replay(project: Project, number: int, candidate: str) -> int:
    """``jam pairs ROUND --replay CANDIDATE``: generate a candidate again from its row; 0 when every sample is the same, else 1.

    Raises:
        ValueError: there is no such candidate, its policy is gone, or params choose another codec or style encoder.
    """
    work = project.work
    table = Table(work.round(number) / CANDIDATES, PROMPTED_COLUMNS)
    part, song = find_candidate(table, number, candidate)
    stage = generate_stage(project, {song["checkpoint"]: checkpoint_with(work, song["checkpoint"])})
    stored = stored_row(table, part, candidate, stage)
    same, line = compare_samples(stored, stage, song, project.params.engine.threads_per_worker)
    say(f"{candidate}: {line}")
    return 0 if same else 1
