"""Weights that never heard a genre, adapted to it: does an adapter bring what full tuning brings, and what becomes of the other genres?

python bench/held_out_genre.py --scratch FOLDER [--genre rock] [--ears world_two] [--seeds 3] [--others 2] [--minutes 10]

Toy songs of world two. The base learns all genres but one, is kept as a bare file, and every arm begins with that file: `full` learns all
weights, `adapter` low-rank changes, `adapter, wrong style` the same from songs whose styles were dealt to one another, `fusion alone` the
input layer with all else frozen, `adapter, replay` has one old song in ten. All have the same songs, steps, order and noise. Prompts are songs
of the genre and of the others that nobody learned. What stands in the scratch folder is not made again; after --minutes it ends.

share = (adapter - base) / (full - base), in PER, style and the flow's loss; `floor` is the codec's round trip of the prompts' own songs. Its interval resamples seeds and prompts. An old genre is not worse where two one-sided
tests at 5 % each hold within the margin, and not decidable where the margin is below two standard errors.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from scipy import stats

from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_songs import Songs
from bench.tuned_songs import (
    World,
    add_sizes,
    begun,
    heard,
    kept_out,
    model_in,
    per,
    rows_of,
    style,
    tuned,
    world_of,
)
from eval.metrics.diversity import diversity
from jam_model.dit import Jam
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import add_adapters, num_learned

ADAPTER = AdapterParams(kind="lora", rank=8, alpha=16.0, targets=("attention", "mlp", "fusion", "lyrics"))
RATES = {"full": 0.001, "adapter": 0.003}
"""Peak learning rates: half of the recipe's fine-tuning, and one usual for adapters; neither was chosen by these prompts."""
ARMS = ("full", "adapter", "adapter, wrong style", "fusion alone", "adapter, replay")
MARGINS = {"per": 0.05, "style": 0.05}
RESAMPLES = 2_000
Rows = list[dict[str, Any]]


def learning(arm: str, model: Jam, seed: int) -> Jam:
    """The model with what this arm learns."""
    if arm == "full":
        return model
    if arm == "fusion alone":
        model.requires_grad_(False)
        model.transformer.input_embed.proj.requires_grad_(True)
        return model
    return add_adapters(model, ADAPTER, seed)


def songs_for(arm: str, world: World) -> Songs:
    """The songs this arm learns from."""
    new, old = world.songs["new"], world.songs["old"]
    if arm == "adapter, wrong style":
        return Songs(
            replace(song, style_NS=new[(place + 1) % len(new)].style_NS) for place, song in enumerate(new)
        )
    return Songs([*new, *old[: max(1, len(new) // 9)]]) if arm == "adapter, replay" else new


def arm_rows(arm: str, world: World, given: argparse.Namespace, seed: int) -> dict[str, Any]:
    """What one tuning learned, took, and generates."""
    model = learning(arm, begun(world, given.scratch), seed)
    count, total = num_learned(model)
    rate = RATES["full" if arm in ("full", "fusion alone") else "adapter"]
    told = {"steps": given.tune, "learning_rate": rate, "seed": 100 + seed, "warmup_steps": 20}
    section = world.params.sft.model_copy(update=told)
    name = f"{kept_out(given)}-{given.new}-{given.tune}-{arm.replace(', ', '-').replace(' ', '-')}-{seed}"
    file = given.scratch / f"tuned-{given.songs}-{given.pretrain}-{given.sft}-{name}.safetensors"
    took = tuned(world, model, section, songs_for(arm, world), file)
    made = model_in(world, file)
    return {"learned": count, "share": round(count / total, 4), **took, **sung_by(world, made)}


def sung_by(world: World, model: Jam) -> dict[str, Any]:
    """The rows of both sides, the diversity of each, and how many songs of each genre were heard."""
    sides = {side: rows_of(world, model, side) for side in ("new", "old")}
    apart = {side: _short(_diversity(rows)) for side, rows in sides.items()}
    heard = {side: dict(Counter(row["genre"] for row in rows)) for side, rows in sides.items()}
    for row in (row for rows in sides.values() for row in rows):
        del row["embedding"]  # 512 numbers that only diversity needs
    return {"rows": sides, "diversity": apart, "genres heard": heard}


def share_of(
    base: Rows, full: Sequence[Rows], adapter: Sequence[Rows], figure: Callable[[Rows], float]
) -> dict[str, Any] | None:
    """(adapter - base) / (full - base) of the means over seeds, with its interval; None where full is no better than base."""
    rng = np.random.default_rng(0)
    values = []
    for draw in range(RESAMPLES + 1):
        seeds = rng.integers(0, len(full), len(full)) if draw else np.arange(len(full))
        songs = rng.integers(0, len(base), len(base)) if draw else np.arange(len(base))
        start = figure([base[i] for i in songs])
        whole = np.mean([figure([full[s][i] for i in songs]) for s in seeds])
        part = np.mean([figure([adapter[s][i] for i in songs]) for s in seeds])
        values.append((part - start, whole - start))
    pairs = np.array(values)
    if abs(pairs[0, 1]) < 1e-9:
        return None
    drawn = pairs[1:, 0] / np.where(np.abs(pairs[1:, 1]) < 1e-9, np.nan, pairs[1:, 1])
    signs = float(np.mean(np.sign(pairs[1:, 1]) == np.sign(pairs[0, 1])))
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    value = pairs[0, 0] / pairs[0, 1]
    return {
        "value": _short(value),
        "low": _short(low),
        "high": _short(high),
        "draws where full has its sign": _short(signs),
    }


def not_worse(base: Rows, tuned_rows: Sequence[Rows], name: str) -> dict[str, Any]:
    """Two one-sided tests that old songs are as they were, within the margin of `MARGINS`."""
    score = (lambda row: row["errors"] / row["phones"]) if name == "per" else (lambda row: row["style"])
    apart_SN = np.array(
        [[score(b) - score(a) for a, b in zip(base, rows, strict=True)] for rows in tuned_rows]
    )
    seeds, prompts = apart_SN.shape
    if seeds < 2:
        return {"difference": _short(apart_SN.mean()), "verdict": "not decidable", "why": "one seed"}
    of_seed = apart_SN.mean(axis=1).std(ddof=1) ** 2 / seeds
    error = float(np.sqrt(of_seed + apart_SN.mean(axis=0).std(ddof=1) ** 2 / prompts))
    difference, margin = float(apart_SN.mean()), MARGINS[name]
    reach = float(stats.t.ppf(0.95, seeds - 1)) * error
    equal = abs(difference) + reach < margin
    verdict = "not decidable" if margin < 2 * error else "equal" if equal else "not shown equal"
    return {
        "difference": _short(difference),
        "standard error": _short(error),
        "margin": margin,
        "verdict": verdict,
    }


def summed(results: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of every arm over the seeds that stand."""
    base = results["base"]["rows"]
    told: dict[str, Any] = {}
    for arm, seeds in results["arms"].items():
        if not seeds:
            continue
        sides = {side: [seed["rows"][side] for seed in seeds.values()] for side in ("new", "old")}
        told[arm] = {"seeds": len(seeds)} | {
            f"{side} {name}": [_short(figure(rows)) for rows in sides[side]]
            for side in sides
            for name, figure in FIGURES.items()
        }
        one = next(iter(seeds.values()))
        told[arm] |= {key: one[key] for key in ("learned", "share", "core_minutes")}
        told[arm]["diversity"] = [seed["diversity"] for seed in seeds.values()]
        told[arm]["genres heard"] = [seed["genres heard"] for seed in seeds.values()]
        told[arm] |= {
            f"old {name} beside base": not_worse(base["old"], sides["old"], name) for name in MARGINS
        }
    told["base"] = {f"{side} {name}": _short(f(base[side])) for side in base for name, f in FIGURES.items()}
    if floor := results.get("floor"):
        told["floor"] = {
            f"{side} {name}": _short(f(rows))
            for side, rows in floor.items()
            for name, f in (("per", per), ("style", style))
        } | {
            f"{side} genres heard": dict(Counter(row["genre"] for row in rows))
            for side, rows in floor.items()
        }
    both = [one for one in results["arms"].get("full", {}) if one in results["arms"].get("adapter", {})]
    if both:
        full, adapter = (
            [results["arms"][arm][s]["rows"]["new"] for s in both] for arm in ("full", "adapter")
        )
        told["share"] = {n: share_of(base["new"], full, adapter, f) for n, f in FIGURES.items()}
    return told


def _short_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "embedding"}


def _flow(rows: Rows) -> float:
    return float(np.mean([row["flow"] for row in rows]))


def _diversity(rows: Rows) -> float:
    value = diversity([np.array(row["embedding"]) for row in rows]).value
    assert value is not None
    return value


FIGURES: dict[str, Callable[[Rows], float]] = {
    "per": per,
    "style": style,
    "flow": _flow,
}


def _short(value: float) -> float:
    return round(float(value), 4)


def main() -> None:
    """Measure what does not stand, write after each tuning, and show."""
    parser = options_parser(__doc__)
    add_sizes(parser)
    parser.add_argument("--new", type=int, default=60, help="songs of the genre to tune to")
    parser.add_argument("--tune", type=int, default=300, help="steps")
    parser.add_argument("--seeds", type=int, default=3, help="of `full` and `adapter`")
    parser.add_argument("--others", type=int, default=2, help="seeds of the other arms")
    parser.add_argument("--minutes", type=float, default=10.0, help="begin nothing after so many")
    parser.add_argument("--out", type=Path, default=RESULTS / "held_out_genre.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.scratch.mkdir(parents=True, exist_ok=True)
    results = json.loads(given.out.read_text()) if given.out.is_file() else {}
    size = f"{kept_out(given)}: {given.songs} songs, steps {given.pretrain}/{given.sft}/{given.tune}, {given.new} new, {given.prompts} prompts a side"
    of_size: dict[str, Any] = results.setdefault(size, {"arms": {}})
    ends = time.monotonic() + 60 * given.minutes
    world = world_of(given, given.new)

    def write() -> None:
        results["machine"] = machine("torch", "numpy")
        given.out.write_text(json.dumps(results) + "\n")

    if "floor" not in of_size:  # what the codec leaves of the songs themselves: none of them can be nearer
        of_size["floor"] = {
            side: [_short_row(heard(world, song, song.mean_TC)) for song in world.songs[f"{side} prompts"]]
            for side in ("new", "old")
        }
        write()
    if "base" not in of_size:
        first = begun(world, given.scratch).eval().requires_grad_(False)
        of_size["base"] = sung_by(world, first)
        write()
    for seed in range(given.seeds):
        for arm in ARMS:
            done = of_size["arms"].setdefault(arm, {})
            wanted = seed < (given.seeds if arm in RATES else given.others)
            if wanted and str(seed) not in done and time.monotonic() < ends:
                done[str(seed)] = arm_rows(arm, world, given, seed)
                write()
    of_size["summary"] = summed(of_size)
    write()
    print(json.dumps(of_size["summary"], indent=1))


if __name__ == "__main__":
    main()
