"""Why a model of world two does not learn its words: params/toy2.yaml with tokens spread evenly, and with one thing changed
at a time, at equal training.

python bench/toy2_causes.py --scratch FOLDER [--only NAME ...] [--songs 120] [--held-out 12] [--pretrain 800] [--sft 250]

Songs are made in process (`toy2_songs.py`) and not filtered; steps are those of the trainer (batches, loss, rule, EMA), in this
process on one thread. A variant is trained once, from one seed; then held-out songs that no variant was trained on are generated,
each from one noise; the ears of its world read the separated vocals. Beside the acoustic PER: that of the codec's round trip of
the same songs, the floor; the loss every 100 steps; and what share of the variance of latents the conditions tell
(one less the error at time 0.02, where there is all but noise), a group of channels each.

A variant that stands in the result file is not trained again; FOLDER keeps songs and weights, and what differs only in the
sampler takes weights that are there. Variants of `whole` ignore --pretrain and --sft: they are recipes as they stand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_songs import Making, Songs, Studio, songs_of
from bench.toy2_training import Grid, sung, trained, whole_songs
from eval.metrics.error_rates import count_errors, normalise
from eval.stats.intervals import Resampling, rate
from flows.settings.params import load_params
from jam_model.checkpoint import load_model, save_model
from jam_model.dit import Jam
from jam_model.sampler import song_noise
from tasks.models.embedded import harmonic

RECIPE = Path(__file__).resolve().parents[1] / "params/toy2.yaml"
HELD_OUT_SEED = 616161  # of bench/times_worth.py
RESAMPLING = Resampling(10_000, 0)
NEAR_NOISE = 0.02
OFF = tuple(
    f"toy.two.{name}=false"
    for name in (
        *("length_causes", "pick_ups", "syncopation", "fast_lines", "melisma", "tempos", "metres", "swing"),
        *("microtiming", "part_styles", "minor", "sevenths", "inversions"),
    )
)
ONE = (
    "toy.world=one",
    "models.transcriber.weights=recogniser",
    *("sft.max_frames=288", "sft.batch_size=2"),  # of the demo: as many frames a step
)
EVENLY = ("jam.filler=average_sparse", "phones.times=none", "pack.extras=[]")  # the recipe as it was
VOCODER = "models.codec.model=embedded"

TRAINED_ON = 196  # of the 240 songs of the recipe: 12 validate, 32 are the benchmark's


@dataclass(frozen=True)
class Variant:
    """What differs from the recipe. grid: where tokens lie, evenly in their word as `lyric_grid` lays them, where phones are
    sung, or from there on until the next (`held`); `repeat`: evenly and until the next. asked: as `grid`, of what is
    generated. aligned: phones are sung where the aligner hears them, in songs to learn and songs to generate; else where the truth has
    them. whole: the steps and songs of the recipe; else `steps` of those that are asked for.
    """

    says: str
    settings: tuple[str, ...] = ()
    making: Making = field(default_factory=Making)
    grid: Grid = "even"
    asked: Grid | None = None
    aligned: bool = False
    whole: bool = False
    steps: float = 1.0


VARIANTS = {
    "recipe": Variant("the recipe, fewer steps"),
    "sung": Variant("tokens where phones are sung", grid="sung"),
    "held": Variant("tokens from where phones are sung until the next", grid="held"),
    "held, aligned": Variant("held, where the aligner hears phones", grid="held", aligned=True),
    "held, asked evenly": Variant(
        "the model of held, asked evenly until the next", grid="held", asked="repeat"
    ),
    "held, whole": Variant("held, all steps and songs", grid="held", whole=True),
    "held, whole, asked evenly": Variant(
        "the same model, asked evenly until the next", grid="held", asked="repeat", whole=True
    ),
    "vocoder": Variant("the vocoder in place of the harmonic codec", (VOCODER,)),
    "soft band": Variant("the band 20 dB softer", making=Making(band_db=-20.0)),
    "even phones": Variant("phones share their word evenly", making=Making(shares="even")),
    "even phones, repeat": Variant(
        "phones share their word evenly, filler average_repeat",
        ("jam.filler=average_repeat",),
        making=Making(shares="even"),
    ),
    "world one": Variant("songs of world one", ONE),
    "world one, vocoder": Variant("songs of world one, the vocoder", (*ONE, VOCODER)),
    "natural phones": Variant("phones share their word by what they are", making=Making(shares="natural")),
    "repeat": Variant("filler average_repeat", ("jam.filler=average_repeat",)),
    "one voice": Variant("one voice", making=Making(voice="en-us+m7")),
    "plain": Variant("every feature of world two off", OFF),
    "24 updates": Variant("the recipe's model, 24 updates of the sampler", ("sampler.num_steps=24",)),
    "no guidance": Variant("the recipe's model without guidance", ("sampler.formula=none",)),
    "guidance 2": Variant("the recipe's model, lyrics guided by 2", ("sampler.lyrics_guidance_scale=2.0",)),
    "half rate": Variant(
        "half the learning rate", ("pretrain.learning_rate=0.0015", "sft.learning_rate=0.001")
    ),
    "batch 16": Variant(
        "batches of 16 crops and 2 songs", ("pretrain.batch_size=16", "sft.batch_size=2"), steps=0.5
    ),
}


def read(songs: Songs, latents: Iterator[np.ndarray], studio: Studio) -> list[tuple[int, int]]:
    """Phone errors and phones of every song."""
    counts = []
    for song, latent_TC in zip(songs, latents, strict=True):
        vocals_N = studio.separator.separate(studio.codec.decode(latent_TC))
        phones = studio.phonemizer.phones(normalise([word.text for word in song.words]))
        errors = count_errors(phones, studio.transcriber.transcribe(vocals_N).phones or []).errors
        counts.append((errors, len(phones)))
    return counts


@torch.no_grad()
def told_by_conditions(model: Jam, songs: Songs, grid: Grid, codec: str) -> dict[str, float]:
    """The share of the variance of latents that the conditions tell, a group of channels each."""
    missed_C, spread_C = np.zeros(64), np.zeros(64)
    mean_C = np.concatenate([song.mean_TC for song in songs]).mean(axis=0)
    for song in songs:
        frames = song.num_frames
        noise_BTC = song_noise(0, song.song_id, 1, model.config.max_frames)[None]
        latent_TC = torch.from_numpy(song.mean_TC)
        x_BTC = noise_BTC.clone()
        x_BTC[0, :frames] = (1 - NEAR_NOISE) * noise_BTC[0, :frames] + NEAR_NOISE * latent_TC
        velocity_BTC = model(x_BTC, torch.full((1,), NEAR_NOISE), whole_songs([song], model, grid))
        error_TC = (velocity_BTC[0] + noise_BTC[0])[:frames] - latent_TC
        missed_C += error_TC.square().sum(dim=0).numpy()
        spread_C += np.square(song.mean_TC - mean_C).sum(axis=0)
    sizes = harmonic.PARTS if "harmonic" in codec else (56, 0, 1, 1, 6)
    bounds = np.cumsum([0, *sizes])
    parts = {
        "levels": slice(0, bounds[1]),
        "pitch and voicing": slice(bounds[2], bounds[4]),
        "side levels": slice(bounds[4], bounds[5]),
        **({"tones and bass": slice(bounds[5], 64)} if bounds[5] < 64 else {}),
    }
    return {
        name: round(1 - float(missed_C[part].sum() / spread_C[part].sum()), 3) for name, part in parts.items()
    }


def measured(variant: Variant, given: argparse.Namespace) -> dict[str, Any]:
    """The row of a variant."""
    steps = (round(variant.steps * given.pretrain), round(variant.steps * given.sft))
    budget = () if variant.whole else (f"pretrain.steps={steps[0]}", f"sft.steps={steps[1]}")
    params = load_params(RECIPE, [*EVENLY, *budget, *variant.settings])
    studio = Studio(params)
    num_songs = TRAINED_ON if variant.whole else given.songs
    songs = songs_of(
        params, variant.making, params.toy.seed, num_songs, studio, given.scratch, variant.aligned
    )
    new = songs_of(
        params, variant.making, HELD_OUT_SEED, given.held_out, studio, given.scratch, variant.aligned
    )
    longest = params.sft.max_frames
    assert all(song.num_frames <= longest for song in (*songs, *new)), f"a song is longer than {longest}"
    recipe = [params.jam.model_dump(), params.pretrain.model_dump(), params.sft.model_dump(), variant.grid]
    songs_made = [params.toy.model_dump(), studio.codec.identity, asdict(variant.making), num_songs]
    songs_made += ["aligned"] if variant.aligned else []
    key = hashlib.sha256(json.dumps([recipe, songs_made], sort_keys=True).encode()).hexdigest()[:12]
    folder = given.scratch / f"model-{key}"
    if (folder / "took.json").is_file():
        model, took = load_model(folder).eval(), json.loads((folder / "took.json").read_text())
    else:
        model, took = trained(params, variant.grid, songs, studio.codec.silence_C)
        save_model(folder, model)
        (folder / "took.json").write_text(json.dumps(took))
    floor = read(new, (song.mean_TC for song in new), studio)
    asked = variant.asked or variant.grid
    counts = read(new, sung(model, params, asked, new, studio), studio)
    return {
        "says": variant.says,
        "settings": list(variant.settings),
        "songs": len(songs),
        "hours": round(sum(song.num_frames for song in songs) / 21.533 / 3600, 2),
        "steps": [params.pretrain.steps, params.sft.steps],
        "batch": [params.pretrain.batch_size, params.sft.batch_size],
        **took,
        "held_out": len(new),
        "phones": sum(phones for _, phones in counts),
        "round_trip": _figures(floor),
        "acoustic_per": _figures(counts),
        "told_by_conditions": told_by_conditions(model, new, asked, studio.codec.identity),
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def _figures(counts: Sequence[tuple[int, int]]) -> list[float | None]:
    errors, phones = zip(*counts, strict=True)
    found = rate(errors, phones, RESAMPLING)
    return [None if value is None else round(value, 4) for value in (found.value, found.low, found.high)]


def line(name: str, row: Mapping[str, Any]) -> str:
    """A row to read."""
    value, low, high = row["acoustic_per"]
    told = ", ".join(f"{part} {share:.2f}" for part, share in row["told_by_conditions"].items())
    return (
        f"{name}: {row['core_minutes']} min, PER {value:.3f} ({low:.3f} to {high:.3f}), "
        f"round trip {row['round_trip'][0]:.3f}; {told}"
    )


def main() -> None:
    """Measure what is asked and does not stand, and write after each."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=12)
    parser.add_argument("--pretrain", type=int, default=800)
    parser.add_argument("--sft", type=int, default=250)
    parser.add_argument("--out", type=Path, default=RESULTS / "toy2_causes.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.scratch.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = json.loads(given.out.read_text()) if given.out.is_file() else {"variants": {}}
    for name in given.only:
        if name not in result["variants"]:
            result["variants"][name] = measured(VARIANTS[name], given)
            result["columns"], result["machine"] = ["value", "95 % low", "95 % high"], machine("numpy")
            given.out.write_text(json.dumps(result, indent=1) + "\n")
        print(line(name, result["variants"][name]), flush=True)


if __name__ == "__main__":
    main()
