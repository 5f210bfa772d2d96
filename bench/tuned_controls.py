"""What makes controls that are learned alone, beside frozen weights, obeyed: more steps, a higher rate, noisier times? One thing changed at a time.

python bench/tuned_controls.py --scratch FOLDER [--new 24] [--only NAME ...] [--sung NAME ...] [--minutes 5]

FOLDER is that of `control_adherence.py`, whose songs and whose `base` are taken (trained there where they do not stand). Each variant adds chords and melody to base and learns them alone, or
all weights with them. `noisier`: the logit of the time of each sample is moved by SHIFT, so that half of them lie below t = 0.12 in place of 0.5. `joint` has its controls from the
first step. Two measures of each, both with a song's own chords, with those of another song (same key where there is one) and with none:

- `told`: which share of the variance of the latents' pitch classes the model tells at time 0.02, where there is all but noise: whether it knows of chords at all.
- `adherence` of chords by templates, of the variants `--sung`, songs generated from one noise under the guidance over sets of params/controls.yaml:
  (own - other) / (floor - other).

Intervals are over songs; there is one seed. FOLDER keeps weights and scores: no variant and no song is begun later than `--minutes`, and the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.control_adherence import DROPOUT, GUIDED, HELD_OUT_SEED, SLOW, TOGETHER, scores_of, sung
from bench.control_figures import Found, adherence_of
from bench.control_models import models_of, taught
from bench.control_songs import NAMES, others_of, songs_of
from bench.controls import Extractors
from bench.floor_measures import TrueSong
from bench.measuring import RESULTS, machine, options_parser, rounded
from bench.toy2_causes import EVENLY, NEAR_NOISE, RECIPE, RESAMPLING
from bench.toy2_songs import Songs, Studio
from bench.toy2_training import conditions_by
from eval.stats.intervals import mean, rate
from flows.settings.params import Params, load_params
from jam_model import batches, flow
from jam_model.batches import Crop
from jam_model.checkpoint import load_model, save_model
from jam_model.controls.known import batched
from jam_model.dit import Jam
from jam_model.flow import FlowDraw
from jam_model.lyric_grid import SYMBOLS
from jam_model.sampler import song_noise
from tasks.models.embedded import harmonic
from tasks.training.added_controls import learn_controls_alone, with_controls

SHIFT = -2.0
BUDGET = {"songs": 120, "pretrain": 1500, "sft": 400, "tune": 400}
PITCHES = slice(sum(harmonic.PARTS[:5]), sum(harmonic.PARTS[:6]))
"""The channels of pitch classes."""


@dataclass(frozen=True)
class Variant:
    """How controls are learned: updates, times the rate of sft, whether at noisier times, whether all weights are."""

    steps: int = 400
    rate: float = 1.0
    noisier: bool = False
    all_weights: bool = False


VARIANTS = {
    "400 steps": Variant(),
    "10 x the rate": Variant(rate=10.0),
    "noisier": Variant(noisier=True),
    "10 x the rate, noisier": Variant(rate=10.0, noisier=True),
    "1,600 steps": Variant(1600),
    "1,600 steps, 10 x the rate": Variant(1600, 10.0),
    "1,600 steps, 10 x the rate, noisier": Variant(1600, 10.0, noisier=True),
    "all weights, 400 steps": Variant(all_weights=True),
}
JOINT = "joint"
WHOSE = ("own", "other", "none")


def tuned(variant: Variant, base: Jam, params: Params, songs: Songs, silence_C: np.ndarray) -> Jam:
    """Base with chords and melody as the variant learns them."""
    sft = params.sft.model_copy(
        update={"steps": variant.steps, "learning_rate": params.sft.learning_rate * variant.rate}
    )
    model = with_controls(base, NAMES, sft.seed)
    if variant.all_weights:
        model.requires_grad_(True)
    else:
        model = learn_controls_alone(model)
    if not variant.noisier:
        return taught(model, sft, params, songs, silence_C)
    draw = flow.draw_flow

    def noisier(*given: Any) -> FlowDraw:
        drawn = draw(*given)
        return replace(drawn, time_B=(drawn.time_B.logit() + SHIFT).sigmoid())

    with patch.object(flow, "draw_flow", noisier):
        return taught(model, sft, params, songs, silence_C)


@torch.no_grad()
def told(model: Jam, songs: Songs, chords: Sequence[np.ndarray | None]) -> list[tuple[float, float]]:
    """What the model misses of each song's pitch classes near noise, and their spread about the mean of all: sums of squares."""
    mean_C = np.concatenate([song.mean_TC[:, PITCHES] for song in songs]).mean(axis=0)
    found = []
    for song, asked in zip(songs, chords, strict=True):
        frames, most = song.num_frames, model.config.max_frames
        conditions = conditions_by("held")(
            [(song, Crop(0, frames, frames), 0)], most, SYMBOLS, model.config.filler
        )
        if asked is not None:
            values, given = batched([({"chords": asked[:frames]}, 0)], ["chords"], most)
            conditions = replace(conditions, controls=values, controls_given=given)
        noise_TC = song_noise(0, song.song_id, 1, most)
        latent_TC = torch.from_numpy(song.mean_TC)
        x_BTC = noise_TC[None].clone()
        x_BTC[0, :frames] = (1 - NEAR_NOISE) * noise_TC[:frames] + NEAR_NOISE * latent_TC
        velocity_TC = model(x_BTC, torch.full((1,), NEAR_NOISE), conditions)[0, :frames]
        missed_TC = (velocity_TC + noise_TC[:frames] - latent_TC)[:, PITCHES]
        spread = float(np.square(song.mean_TC[:, PITCHES] - mean_C).sum())
        found.append((float(missed_TC.square().sum()), spread))
    return found


class Bench:
    """Songs, weights and scores of all variants."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        budget = (f"pretrain.steps={given.pretrain}", f"sft.steps={given.sft}")
        dropout = [f"{section}.{one}" for section in ("pretrain", "sft") for one in DROPOUT]
        self.params = load_params(RECIPE, [*EVENLY, *budget, *dropout, *GUIDED])
        self.studio, self.heard = Studio(self.params), Extractors(None)
        self.songs, _ = songs_of(self.params, self.params.toy.seed, given.songs, self.studio, given.scratch)
        held_out, truths = songs_of(self.params, HELD_OUT_SEED, given.held_out, self.studio, given.scratch)
        other = others_of(truths)
        self.new = Songs(held_out[: given.new])
        self.truths: list[tuple[TrueSong, TrueSong]] = [
            (truths[i], truths[other[i]]) for i in range(given.new)
        ]
        own = [song.extras["chords"] for song in self.new]
        theirs = [held_out[other[i]].extras["chords"] for i in range(given.new)]
        self.asked: dict[str, list[np.ndarray | None]] = {
            "own": [*own],
            "other": [*theirs],
            "none": [None] * len(own),
        }

    def model(self, name: str) -> tuple[Jam, float]:
        """The weights of a variant, and the core minutes that it took beside base; trained where they do not stand."""
        given = argparse.Namespace(**{**vars(self.given), "models": (JOINT if name == JOINT else "base",)})
        with patch.object(batches, "conditions_of", conditions_by("held")):
            silence_C = self.studio.codec.silence_C
            standing = models_of(self.params, given, 0, self.songs, silence_C)
            if name == JOINT:
                return standing[JOINT]
            folder = self.given.scratch / f"tuned-{name.replace(' ', '-').replace(',', '')}"
            if not (folder / "minutes.json").is_file():
                started = time.process_time()
                save_model(
                    folder, tuned(VARIANTS[name], standing["base"][0], self.params, self.songs, silence_C)
                )
                (folder / "minutes.json").write_text(json.dumps((time.process_time() - started) / 60))
        return load_model(folder).eval().requires_grad_(False), json.loads(
            (folder / "minutes.json").read_text()
        )

    def row(self, name: str, model: Jam | None, whose: str) -> list[Found] | None:
        """The scores of one row; None where the minutes are over before its last song. No model: the round trip."""
        path = self.given.scratch / f"tunedrow-{name.replace(' ', '-')}-{whose}-{len(self.new)}.json"
        found: list[Found] = json.loads(path.read_text()) if path.is_file() else []
        while len(found) < len(self.new):
            if time.monotonic() > self.given.until:
                return None
            some = range(len(found), min(len(found) + TOGETHER, len(self.new)))
            latents = [self.new[i].mean_TC for i in some]
            if model is not None:
                chords = [self.asked[whose][i] for i in some]
                asked = [{} if one is None else {"chords": one} for one in chords]
                latents = [*sung(model, self.params, Songs(self.new[i] for i in some), asked, self.studio)]
            found += [
                scores_of(latent_TC, *self.truths[i], self.new[i], self.heard, self.studio, SLOW)
                for i, latent_TC in zip(some, latents, strict=True)
            ]
            path.write_text(json.dumps(found), encoding="utf-8")
        return found

    def figures(self, name: str) -> dict[str, Any] | None:
        """All of one variant."""
        if time.monotonic() > self.given.until:
            return None
        model, minutes = self.model(name)
        sums = {whose: np.array(told(model, self.new, self.asked[whose])) for whose in WHOSE}
        missed, spread = {whose: of[:, 0] for whose, of in sums.items()}, sums["none"][:, 1].tolist()
        knows = {
            whose: rounded(rate(np.subtract(spread, of).tolist(), spread, RESAMPLING))
            for whose, of in missed.items()
        }
        for other in WHOSE[1:]:
            more = np.subtract(missed[other], missed["own"]).tolist()
            knows[f"own - {other}"] = rounded(rate(more, spread, RESAMPLING))
        result = {"core_minutes": round(minutes, 2), "told": knows}
        if name not in self.given.sung:
            return result
        rows: dict[str, list[Found]] = {}
        for said, of in (("floor", None), *((whose, model) for whose in WHOSE[:2])):
            found = self.row("floor" if of is None else name, of, said)
            if found is None:
                return None
            rows[said] = found
        key = "own chords templates"
        words = {
            whose: rounded(
                rate([one["phone errors"] for one in of], [one["phones"] for one in of], RESAMPLING)
            )
            for whose, of in rows.items()
        }
        return {
            **result,
            "chords": {
                whose: rounded(mean([one[key] for one in of], RESAMPLING)) for whose, of in rows.items()
            },
            "adherence": adherence_of([(rows["floor"], rows["own"], rows["other"])], key),
            "per": words,
        }


def main() -> None:
    """Measure what is asked and does not stand, write after each, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    for name, value in BUDGET.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--new", type=int, default=24)
    parser.add_argument("--only", nargs="*", default=[*VARIANTS, JOINT], choices=[*VARIANTS, JOINT])
    parser.add_argument("--sung", nargs="*", default=[*VARIANTS, JOINT], choices=[*VARIANTS, JOINT])
    parser.add_argument("--minutes", type=float, default=float("inf"), help="nothing begins later than that")
    parser.add_argument("--out", type=Path, default=RESULTS / "tuned_controls.json")
    given = parser.parse_args()
    given.until = time.monotonic() + 60 * given.minutes
    torch.set_num_threads(1)
    results = json.loads(given.out.read_text()) if given.out.is_file() else {"variants": {}}
    bench = Bench(given)
    for name in given.only:
        standing = results["variants"].get(name)
        if standing is None or (name in given.sung and "adherence" not in standing):
            found = bench.figures(name)
            if found is None:
                print(f"{name}: the minutes are over; the same command goes on")
                return
            results["variants"][name] = found
            results |= {
                "songs": given.songs,
                "new": given.new,
                "columns": ["value", "95 % low", "95 % high", "songs"],
                "machine": machine("torch", "numpy"),
            }
            given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        told_ = results["variants"][name]
        print(name, json.dumps(told_), flush=True)


if __name__ == "__main__":
    main()
