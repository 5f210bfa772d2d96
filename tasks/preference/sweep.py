"""A sweep: its arms (seeds, controls, random pairs) and contrasts, their training runs, what each changed against its controls, and its report.

It tells what the preference itself did from what the flow loss beside it did (``beta: 0``), and from what any
training on these songs does (winner and loser assigned at random).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from eval.metrics.fad import FAD
from eval.metrics.frechet import FrechetReference
from eval.metrics.metric import Corpus, Measurable, Values, known
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.results.sweep import Change, Sweep, SweepRow, change
from eval.results.wording import interval, number
from eval.stats.intervals import Resampling
from jam_model.checkpoint import weights_hash
from tasks.benchmark.song_metrics import columns_of, song_of
from tasks.engine.fingerprint import fingerprint
from tasks.preference.dpo import preference_run
from tasks.preference.gate import REWARD
from tasks.preference.pairs import Pair, write_pairs
from tasks.preference.params import PreferParams, SweepParams
from tasks.preference.round_report import pairs_line
from tasks.preference.round_tables import GeneratedPairs, RoundSongs
from tasks.prompts.prompts import Prompt
from tasks.storage.files import remove_tree, write_json
from tasks.trainer.params import NONE
from tasks.trainer.ray_train import Run

METRICS: tuple[Measurable, ...] = (
    replace(REWARD, protocol="What pairs are ranked by."),
    FAD,
    STYLE_SIMILARITY,
)
SONG_COLUMNS = ("parent", "system", *columns_of(METRICS))
START = "start"  # the model that every arm starts from, among the systems that sing
Trained = dict[str, dict[str, Any]]
"""A finished run's weights (``weights``), folder (``checkpoint``) and figures, by `system_of`."""


@dataclass(frozen=True)
class Arm:
    """One way of training. `labels`: who is the winner of a pair, the one judged better, either at random,
    or the one judged worse. `prefers` False: beta 0.
    """

    name: str
    title: str
    term: Literal["none", "win", "gt"]
    prefers: bool = True
    labels: Literal["judged", "random", "reversed"] = "judged"

    def section(self, params: PreferParams, seed: int) -> PreferParams:
        """The round's settings as this arm trains with them: on one worker, validated at the end alone."""
        return params.model_copy(
            update={
                "seed": seed,
                "term": self.term,
                "beta": params.beta if self.prefers else 0.0,
                "num_workers": 1,
                "batch_size": params.batch_size * params.num_workers,
                "validate_every_steps": 0,
                "best_by": NONE,
                "patience": None,
                "trackers": (),
            }
        )


ARMS = (
    Arm("none", "DPO alone", "none"),
    Arm("win", "DPO and the winner's flow loss", "win"),
    Arm("gt", "DPO and the truth's flow loss", "gt"),
    Arm("win-beta0", "the winner's flow loss alone (beta 0)", "win", prefers=False),
    Arm("gt-beta0", "the truth's flow loss alone (beta 0)", "gt", prefers=False),
    Arm("none-random", "DPO alone, winners at random", "none", labels="random"),
    Arm("win-random", "DPO and the winner's, winners at random", "win", labels="random"),
    Arm("gt-random", "DPO and the truth's, winners at random", "gt", labels="random"),
    Arm("none-reversed", "DPO alone, pairs reversed", "none", labels="reversed"),
)
CONTRASTS = (
    ("win", "win-beta0"),
    ("gt", "gt-beta0"),
    ("none", "none-random"),
    ("win", "win-random"),
    ("gt", "gt-random"),
    ("none", "none-reversed"),
    ("gt", "none"),
)
"""What the preference adds to the flow loss, to any training on these songs, and what the truth adds to it."""


def labelled(pairs: Sequence[Pair], labels: str, seed: int) -> list[Pair]:
    """The pairs with winner and loser assigned as an arm asks; at random: half of them, drawn by `seed`, swapped."""
    swapped = {
        "judged": np.zeros(len(pairs), bool),
        "reversed": np.ones(len(pairs), bool),
        "random": np.random.default_rng([seed, len(pairs)]).permutation(len(pairs)) < len(pairs) // 2,
    }[labels]
    return [
        replace(pair, winner_TC=pair.loser_TC, loser_TC=pair.winner_TC) if swap else pair
        for pair, swap in zip(pairs, swapped, strict=True)
    ]


ArmSongs = Mapping[str, Values]
"""How one model generated the prompts: a value a prompt, by metric; None where a song failed."""


def songs_by_arm(prompts: Sequence[Prompt], rows: Sequence[Mapping[str, Any]]) -> dict[str, ArmSongs]:
    """What every system's rows (SONG_COLUMNS) measured, in prompt order.

    Raises:
        ValueError: a system lacks a prompt.
    """
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["system"], {})[row["parent"]] = row
    sung: dict[str, ArmSongs] = {}
    for system, by_parent in found.items():
        lacking = [prompt.song_id for prompt in prompts if prompt.song_id not in by_parent]
        if lacking:
            raise ValueError(f"{system} lacks {len(lacking)} of the sweep's prompts, first {lacking[0]}")
        songs = [song_of(by_parent[prompt.song_id], prompt) for prompt in prompts]
        sung[system] = {
            metric.name: [None if song.failed else known(metric.measure(song)) for song in songs]
            for metric in METRICS
        }
    return sung


def changes(sung: Sequence[ArmSongs], others: Sequence[ArmSongs], corpus: Corpus) -> dict[str, Change]:
    """What `sung` (a model a seed) has more than `others`, by metric."""
    return {
        metric.name: change(
            metric, [one[metric.name] for one in sung], [one[metric.name] for one in others], corpus
        )
        for metric in METRICS
    }


def sweep_rows(
    sung: Mapping[str, ArmSongs],
    figures: Mapping[str, Mapping[str, Any]],
    params: SweepParams,
    reference: FrechetReference,
) -> tuple[list[SweepRow], list[SweepRow]]:
    """(arms against the start, arms against one another); `sung` and `figures` (of the training) by `system_of`."""
    corpus = Corpus(Resampling(params.num_resamples, params.seed), reference)
    title = {arm.name: arm.title for arm in ARMS}

    def of(arm: str) -> list[ArmSongs]:
        return [sung[system_of(arm, seed)] for seed in params.seeds]

    arms = []
    for arm in ARMS:
        told = [figures[system_of(arm.name, seed)] for seed in params.seeds]
        facts = {
            name: float(np.mean([one[name] for one in told])) if all(name in one for one in told) else None
            for name in ("held_out_accuracy", "held_out_margin")
        }
        start = [sung[START]] * len(params.seeds)
        arms.append(SweepRow(arm.name, arm.title, changes(of(arm.name), start, corpus), facts))
    contrasts = [
        SweepRow(
            f"{left} - {right}",
            f"{title[left]} against {title[right]}",
            changes(of(left), of(right), corpus),
            {},
        )
        for left, right in CONTRASTS
    ]
    return arms, contrasts


def system_of(arm: str, seed: int) -> str:
    """The name under which an arm's model of a seed generates."""
    return f"{arm}-s{seed}"


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
