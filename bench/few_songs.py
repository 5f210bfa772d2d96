"""Is params/few_songs.yaml right? A base tuned by it to 10, 30 and 100 songs of a genre it never heard: gain, forgetting, copies, and when to stop.

python bench/few_songs.py --scratch FOLDER [--sizes 10 30 100] [--rates 0.0002 0.003] [--seeds 3] [--minutes 10]

The base is that of `held_out_genre.py`. Adapters, rate, steps and patience are the recipe's; what it leaves to others (length, dropout) is that of
params/toy2.yaml. `--rates` measures others beside its own. Every `validate_every_steps` the EMA weights' flow loss of the held-back songs and of as many learned ones is taken at
fixed noise and times; the weights of the best step are kept, as the trainer keeps them. `overfits at` is the first look after which held-back
loss never came lower; a run goes on until three times the patience brought nothing better. Intervals are over prompts, paired with the base's own songs; of
several seeds a prompt has the mean. What stands in the scratch folder (a look, four songs) is not made again, so that a run that was ended
goes on; after --minutes no tuning is begun.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch
from safetensors.torch import save_file

from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_causes import RESAMPLING
from bench.toy2_songs import Songs
from bench.toy2_training import TOGETHER, conditions_by, learned, sung
from bench.tuned_songs import (
    World,
    add_sizes,
    begun,
    flow_of,
    heard,
    kept_out,
    model_in,
    per,
    style,
    world_of,
)
from eval.metrics.error_rates import normalise
from eval.stats.intervals import paired_mean_difference, paired_rate_difference
from flows.settings.params import load_params
from jam_model import batches
from jam_model.dit import Jam
from jam_model.shards import Sample
from jam_model.train_state import TrainState
from tasks.dedup.copies import Sketched, near_references
from tasks.dedup.landmarks import landmarks
from tasks.dedup.shingles import shingles
from tasks.training.adapters import add_adapters

FEW = Path(__file__).resolve().parents[1] / "params/few_songs.yaml"
HELD_BACK = 2  # group.min_validation_songs of the recipe
MOST = 100
NO_BETTER = 9
"""Looks without a better one after which a tuning ends here: three times the patience of the recipe, so that it can be judged."""


def tuned_to(
    world: World, given: argparse.Namespace, count: int, rate: float, seed: int
) -> tuple[dict[str, Any], Path]:
    """One tuning by the recipe unless the scratch folder has it: its losses by step, and the file of its best step."""
    few = load_params(FEW)
    file = given.scratch / f"few-{kept_out(given)}-{count}-{rate}-{seed}.safetensors"
    done, kept, before = (file.with_suffix(name) for name in (".json", ".state", ".looks"))
    if done.is_file():
        return json.loads(done.read_text()), file
    told = {"steps": given.steps or few.sft.steps, "learning_rate": rate, "seed": 100 + seed}
    section = world.params.sft.model_copy(update={**told, "warmup_steps": few.sft.warmup_steps})
    back, songs = world.songs["new"][:HELD_BACK], learned_songs(world, count)
    model = add_adapters(begun(world, given.scratch), few.adapter, seed)
    looks: list[dict[str, Any]] = json.loads(before.read_text()) if before.is_file() else []
    looks = [row for row in looks if (kept / f"{row['step']}").is_dir()]
    newest, spent = (kept / f"{looks[-1]['step']}", looks[-1]["core_minutes"]) if looks else (None, 0.0)

    def look(step: int, state: TrainState) -> bool:
        if step % few.sft.validate_every_steps == 0:
            now = state.ema_model()
            assert now is not None
            held_back, of_learned = (
                float(np.mean([flow_of(world, now, one) for one in side]))
                for side in (back, songs[:HELD_BACK])
            )
            if all(held_back < row["held back"] for row in looks):
                save_file({name: value.contiguous() for name, value in now.state_dict().items()}, file)
            minutes = round(spent + (time.process_time() - started) / 60, 2)
            losses = {"held back": round(held_back, 5), "learned": round(of_learned, 5)}
            looks.append({"step": step, **losses, "core_minutes": minutes})
            before.write_text(json.dumps(looks))
            state.save(kept / f"{step}", {})
        return len(looks) > NO_BETTER and min(looks, key=held) not in looks[-NO_BETTER:]

    started = time.process_time()
    with patch.object(batches, "conditions_of", conditions_by("held")):
        name = f"{count} songs, rate {rate}, seed {seed}"
        silence_C = world.studio.codec.silence_C
        learned(model.train(), section, songs, silence_C, name, after=look, kept=newest)
    ended = {"best_step": min(looks, key=held)["step"], "patience_ends": stopped(looks, few.sft.patience)}
    told_of = {"looks": looks, **ended}
    done.write_text(json.dumps(told_of))
    return told_of, file


def learned_songs(world: World, count: int) -> Songs:
    """The songs of the new genre that a tuning learns, behind those that are held back."""
    return Songs(world.songs["new"][HELD_BACK : count + HELD_BACK])


def held(look: Mapping[str, Any]) -> float:
    """The loss of held-back songs at a look."""
    return float(look["held back"])


def stopped(looks: Sequence[Mapping[str, Any]], patience: int | None) -> int:
    """The step at which the trainer's patience would have ended the run."""
    best, since = float("inf"), 0
    for row in looks:
        since = 0 if row["held back"] < best else since + 1
        best = min(best, row["held back"])
        if patience is not None and since >= patience:
            break
    return int(row["step"])


def sung_by(world: World, model: Jam, file: Path) -> tuple[dict[str, Any], list[tuple[Sample, np.ndarray]]]:
    """Rows of both sides, and latents of the new genre's prompts; beside `file`, four songs at a time, and not made again."""
    rows: dict[str, Any] = {}
    made: list[tuple[Sample, np.ndarray]] = []
    for side in ("new", "old"):
        prompts, rows[side] = world.songs[f"{side} prompts"], []
        for first in range(0, len(prompts), TOGETHER):
            some = Songs(prompts[first : first + TOGETHER])
            stands = file.with_suffix(f".{side}-{first}.npz")
            if not stands.is_file():
                _sing(world, model, some, stands)
            with np.load(stands) as found:
                rows[side] += json.loads(str(found["rows"]))
                latents = [found[f"{number}"] for number in range(len(some))]
            made += zip(some, latents, strict=True) if side == "new" else []
    return rows, made


def _sing(world: World, model: Jam, songs: Songs, file: Path) -> None:
    latents = list(sung(model, world.params, "held", songs, world.studio))
    rows = [
        heard(world, song, one) | {"flow": flow_of(world, model, song)}
        for song, one in zip(songs, latents, strict=True)
    ]
    for row in rows:
        del row["embedding"]
    unfinished = file.with_suffix(".tmp.npz")
    np.savez(unfinished, rows=json.dumps(rows), **{f"{number}": one for number, one in enumerate(latents)})
    unfinished.rename(file)


def copies(world: World, songs: Songs, made: Sequence[tuple[Sample, np.ndarray]]) -> dict[str, int]:
    """Of the generated songs: how many are near a learned song, and near one of as many that were not learned."""
    others = (
        Songs(world.songs["new"][-len(songs) :]) if len(world.songs["new"]) >= 2 * len(songs) else Songs()
    )
    params = world.params
    sounds = [_sketch(world, song, latent_TC, True) for song, latent_TC in made]
    found = {"generated": len(sounds), "unlearned songs": len(others)}
    for name, side in (("near learned", songs), ("near unlearned", others)):
        near = near_references(
            sounds,
            (_sketch(world, song, song.mean_TC, False) for song in side),
            params.group,
            params.dedup_features.max_shingles,
        )
        found[name] = len({one for one, _ in near})
    return found


def _sketch(world: World, song: Sample, latent_TC: np.ndarray, transcribed: bool) -> Sketched:
    mix_CN, params = world.studio.codec.decode(latent_TC), world.params.dedup_features
    words = normalise([word.text for word in song.words])
    if transcribed:
        vocals_N = world.studio.separator.separate(mix_CN)
        words = normalise([word.text for word in world.studio.transcriber.transcribe(vocals_N).words])
    return Sketched(
        song.song_id,
        shingles(words, params.shingle_words, params.max_shingles),
        landmarks(mix_CN, params.max_landmarks),
        np.asarray(world.studio.style.embed_audio(mix_CN), np.float32),
    )


def beside(base: Sequence[Mapping[str, Any]], seeds: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """PER, style and flow loss over all seeds, and each less the base's: [value, low, high], a 95 % interval over the prompts."""
    by_prompt = list(zip(*seeds, strict=True))
    errors, phones = ([sum(row[key] for row in rows) for rows in by_prompt] for key in ("errors", "phones"))
    before = [[len(seeds) * row[key] for row in base] for key in ("errors", "phones")]
    differences = {"per": paired_rate_difference(errors, phones, *before, RESAMPLING)}
    for name in ("style", "flow"):
        means = [float(np.mean([row[name] for row in rows])) for rows in by_prompt]
        differences[name] = paired_mean_difference(means, [row[name] for row in base], RESAMPLING)
    told: dict[str, Any] = {"prompts": len(base), "seeds": len(seeds)}
    figures = {"per": per, "style": style, "flow": lambda rows: float(np.mean([row["flow"] for row in rows]))}
    every = [row for rows in seeds for row in rows]
    for name, one in differences.items():
        told[name] = {"base": _short(figures[name](base)), "tuned": _short(figures[name](every))}
        told[name]["less base"] = [_short(value) for value in (one.value, one.low, one.high)]
    return told


def summed(results: Mapping[str, Any]) -> dict[str, Any]:
    """Of each size and rate: gain and forgetting beside the base, copies, and the steps that were best and last."""
    told: dict[str, Any] = {}
    for name, by_seed in results["tunings"].items():
        seeds = list(by_seed.values())
        told[name] = {
            f"{side} songs": beside(results["base"][side], [seed["rows"][side] for seed in seeds])
            for side in ("new", "old")
        }
        told[name] |= {key: [seed[key] for seed in seeds] for key in ("best_step", "patience_ends", "copies")}
    return told


def _short(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)


def main() -> None:
    """Measure what does not stand, write after each tuning, and show."""
    few = load_params(FEW)
    parser = options_parser(__doc__)
    add_sizes(parser)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 30, 100])
    parser.add_argument("--rates", type=float, nargs="+", default=[few.sft.learning_rate])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="in place of the recipe's")
    parser.add_argument("--minutes", type=float, default=10.0, help="begin nothing after so many")
    parser.add_argument("--out", type=Path, default=RESULTS / "few_songs.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.scratch.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = json.loads(given.out.read_text()) if given.out.is_file() else {}
    ends = time.monotonic() + 60 * given.minutes
    world = world_of(given, 2 * max(MOST, *given.sizes) + HELD_BACK)
    if "base" not in results:
        base = begun(world, given.scratch).eval().requires_grad_(False)
        rows, _ = sung_by(world, base, given.scratch / f"few-{kept_out(given)}-base.safetensors")
        results |= {"base": rows, "tunings": {}, "machine": machine("torch", "numpy")}
        results["learned"] = {
            "songs": given.songs,
            "steps": [given.pretrain, given.sft],
            "genre kept out": kept_out(given),
        }
    for seed, rate, count in itertools.product(range(given.seeds), given.rates, given.sizes):
        done = results["tunings"].setdefault(f"{count} songs, rate {rate}", {})
        if str(seed) not in done and time.monotonic() < ends:
            told, file = tuned_to(world, given, count, rate, seed)
            if time.monotonic() > ends:
                break
            rows, mixes = sung_by(world, model_in(world, file), file)
            done[str(seed)] = told | {
                "rows": rows,
                "copies": copies(world, learned_songs(world, count), mixes),
            }
            given.out.write_text(json.dumps(results) + "\n")
    results["tunings"] = {name: done for name, done in results["tunings"].items() if done}
    results["summary"] = summed(results)
    given.out.write_text(json.dumps(results) + "\n")
    print(json.dumps(results["summary"], indent=1))


if __name__ == "__main__":
    main()
