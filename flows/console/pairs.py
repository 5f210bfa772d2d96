"""What a person asks of a round that stands: its pairs side by side, and any take sung again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table as Grid

from flows.pipelines.listening_stages import generate_stage
from flows.pipelines.round import CANDIDATES, PAIRS, POLICY, RUNS, SCORES
from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.work_folder import WorkFolder
from jam_model.checkpoint import weights_hash
from jam_model.shard_index import TRAIN, VALIDATION
from tasks.audio.read import read_bytes
from tasks.engine.song import Song
from tasks.engine.table import Partition, Table
from tasks.preference.jamify_pairs import write_pair_list
from tasks.preference.pair_store import read_pairs
from tasks.prompts.columns import PROMPTED_COLUMNS
from tasks.stages.generate import Generate
from tasks.storage.files import parquet_file

USE = {TRAIN: "learned from", VALIDATION: "held out"}


def print_pairs(root: Path, number: int) -> None:
    """``jam pairs ROUND``: winner against loser on every axis, the margin, and why prompts gave no pair.

    Raises:
        ValueError: there is no such round.
    """
    folder = WorkFolder(root).round(number)
    if not (folder / PAIRS).is_file():
        raise ValueError(f"round: there is no round {number} in {root}; run `jam dpo --work {root}` first")
    takes = {row["song_id"]: row for row in _rows(folder / SCORES)}
    pairs = _rows(folder / PAIRS)
    for split, use in USE.items():
        of_split = [row for row in pairs if row["split"] == split]
        chosen = [row for row in of_split if row["winner"]]
        refused = Counter(row["refusal"] for row in of_split if row["refusal"])
        reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(refused.items())) or "none"
        say(f"round {number}, {use}: {len(of_split)} prompts, {len(chosen)} pairs, refused: {reasons}")
        if chosen:
            _console().print(_grid(chosen, takes))


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


def _grid(pairs: list[dict[str, Any]], takes: dict[str, dict[str, Any]]) -> Grid:
    """A row a pair, every cell ``winner > loser``."""
    first = takes[pairs[0]["winner"]]["judged"]
    grid = Grid(
        "prompt", "take", "reward", "margin", *(entry["axis"] for entry in first), "word errors", box=None
    )
    for pair in pairs:
        winner, loser = takes[pair["winner"]], takes[pair["loser"]]
        axes = zip(winner["judged"], loser["judged"], strict=True)
        grid.add_row(
            pair["song_id"],
            f"{winner['take']} > {loser['take']}",
            _both(winner["reward"], loser["reward"]),
            f"{pair['margin']:.3f}",
            *(_both(left["score"], right["score"]) for left, right in axes),
            _both(winner["word_error_rate"], loser["word_error_rate"]),
        )
    return grid


def _both(left: float | None, right: float | None) -> str:
    return " > ".join("-" if value is None else f"{value:.2f}" for value in (left, right))


def replay(params: Params, root: Path, number: int, candidate: str) -> int:
    """``jam dpo --replay ROUND CANDIDATE``: sing a take again from its row; 0 when every sample is the same, else 1.

    Raises:
        ValueError: there is no such take, its policy is gone, or params choose another codec or style encoder.
    """
    work = WorkFolder(root)
    table = Table(work.round(number) / CANDIDATES, PROMPTED_COLUMNS)
    part, song = _asked(table, number, candidate)
    stage = generate_stage(params, {song["checkpoint"]: policy_with(work, song["checkpoint"])})
    stored = _stored(table, part, candidate, stage)
    torch.set_num_threads(params.engine.threads_per_worker)
    again = stage.one(song)
    before_CN, after_CN = (read_bytes(audio["bytes"])[0] for audio in (stored["audio"], again["audio"]))
    if before_CN.shape != after_CN.shape:
        say(f"{candidate}: not the same: {after_CN.shape[1]} samples, {before_CN.shape[1]} in the table")
        return 1
    largest = float(np.abs(after_CN - before_CN).max())
    same = "the same samples" if largest == 0 else "not the same samples"
    say(f"{candidate}: {same}; largest difference {largest:g} over {before_CN.shape[1]} samples")
    return 0 if largest == 0 else 1


def policy_with(work: WorkFolder, weights: str) -> Path:
    """The checkpoint among those that rounds start from whose weights have this hash.

    Raises:
        ValueError: none has.
    """
    runs = [*work.checkpoint("sft").glob("*"), *work.rounds.glob(f"*/{RUNS[POLICY]}/*")]
    for run in sorted(path for path in runs if (path / "done.json").is_file()):
        if weights_hash(run) == weights:
            return run
    raise ValueError(f"checkpoint: no run in {work.root} has the weights {weights[:12]} that sang this take")


def _asked(table: Table, number: int, candidate: str) -> tuple[Partition, Song]:
    for part in table.partitions():
        for source in part.sources:
            if source.song_id == candidate:
                return part, Song(candidate, dict(source.facts))
    raise ValueError(
        f"candidate: round {number} has no take {candidate!r}; `jam pairs {number}` names its prompts"
    )


def _stored(table: Table, part: Partition, candidate: str, stage: Generate) -> dict[str, Any]:
    """The take's row as `generate` left it; its models must be those of `stage`."""
    for path in sorted((table.root / stage.name).glob(f"part-{part.number:05d}-*.parquet")):
        for row in _rows(path, ["song_id", "audio", "drop_reason", "made_by"]):
            if row["song_id"] != candidate:
                continue
            if row["drop_reason"]:
                raise ValueError(
                    f"candidate: {candidate!r} was dropped ({row['drop_reason']}); there is no sound"
                )
            if row["made_by"] != stage.made_by(stage.models):
                raise ValueError(
                    f"candidate: {candidate!r} was made by {row['made_by']}, params choose "
                    f"{stage.made_by(stage.models)}; give the params of the round"
                )
            return row
    raise ValueError(f"candidate: {candidate!r} has not been sung; run `jam dpo` first")


def _rows(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    with parquet_file(path) as file:
        rows: list[dict[str, Any]] = file.read(columns=columns).to_pylist()
    return rows


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 200)
