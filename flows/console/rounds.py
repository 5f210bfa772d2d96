"""`jam pairs`: a round's pairs side by side (winner, loser, reward, margin, or the refusal), written as jamify's list, and any candidate generated again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.table import Table as Grid

from eval.results.plural import counted
from flows.pipelines.rounds import CANDIDATES, PAIRS, RUNS, SCORES
from flows.pipelines.runs import checkpoint_with
from flows.pipelines.stages import generate_stage
from flows.run.progress import console, say
from flows.settings.project import Project, WorkFolder
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.engine.table import Table
from tasks.preference.pairs import read_pairs, write_pair_list
from tasks.preference.replay import compare_samples, find_candidate, stored_row
from tasks.preference.round_tables import POLICY
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.storage.files import parquet_rows

WIDTH = 200
USE = {TRAIN: "learned from", VALIDATION: "held out"}


def print_pairs(root: Path, number: int) -> None:
    """``jam pairs ROUND``: winner over loser on every axis with the margin, then each refusal; candidates by the ids that
    ``--replay`` wants.

    Raises:
        ValueError: there is no such round.
    """
    folder = WorkFolder(root).round(number)
    if not (folder / PAIRS).is_file():
        raise ValueError(f"round: there is no round {number} in {root}; run `jam dpo --work {root}` first")
    candidates = {row["song_id"]: row for row in parquet_rows(folder / SCORES)}
    pairs = parquet_rows(folder / PAIRS)
    for split, use in USE.items():
        of_split = [row for row in pairs if row["split"] == split]
        chosen = [row for row in of_split if row["winner"]]
        refused = [row for row in of_split if row["refusal"]]
        counts = sorted(Counter(row["refusal"] for row in refused).items())
        reasons = ", ".join(f"{reason} {count}" for reason, count in counts) or "none"
        prompts, made = counted(len(of_split), "prompt"), counted(len(chosen), "pair")
        by_people = sum(bool(row.get("by_people")) for row in chosen)
        made += f" ({by_people} by people)" if by_people else ""
        say(f"round {number}, {use}: {prompts}, {made}, refused: {reasons}")
        if chosen:
            console(WIDTH).print(_grid(chosen, candidates))
        for row in refused:
            of_prompt = [one for one in candidates.values() if one["parent"] == row["song_id"]]
            rewards = ", ".join(f"{one['song_id']} {_reward(one)}" for one in of_prompt) or "no candidate"
            say(f"refused {row['song_id']}: {row['refusal']}; rewards: {rewards}")


def export_pairs(root: Path, number: int, folder: Path) -> None:
    """``jam pairs ROUND --export FOLDER``: the pairs learned from as jamify's ``dpo.json`` and its files.

    Raises:
        ValueError: the round was not trained.
    """
    runs = sorted((WorkFolder(root).round(number) / RUNS[POLICY]).glob("*/pairs/pairs.json"))
    if not runs:
        raise ValueError(f"round: round {number} in {root} has no training run, so no pairs to export")
    pairs = read_pairs(runs[-1].parent)
    say(f"{write_pair_list(folder, pairs)}: {counted(len(pairs), 'pair')}")


def _grid(pairs: list[dict[str, Any]], candidates: dict[str, dict[str, Any]]) -> Grid:
    """Two rows a pair, the winner and below it the loser."""
    axes = [entry["axis"] for entry in candidates[pairs[0]["winner"]]["judge_scores"]]
    grid = Grid("", "candidate", "reward", "margin", *axes, "word errors", box=None, pad_edge=False)
    grid.columns[1].no_wrap = True  # an id in two lines cannot be copied
    for pair in pairs:
        for side in ("winner", "loser"):
            one = candidates[pair[side]]
            scores = (_figure(entry["score"]) for entry in one["judge_scores"])
            margin = f"{pair['margin']:.3f}" if side == "winner" else ""
            grid.add_row(
                side,
                one["song_id"],
                _reward(one),
                margin,
                *scores,
                _figure(one.get("word_error_rate", one.get("phone_error_rate"))),
            )
    return grid


def _reward(candidate: dict[str, Any]) -> str:
    """The reward, or why there is none."""
    return str(candidate["drop_reason"] or _figure(candidate["reward"]))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


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
