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
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import RESULTS, machine
from bench.toy2_songs import Making, Songs, Studio, songs_of
from eval.metrics.error_rates import count_errors, normalise
from eval.stats.intervals import Resampling, rate
from flows.settings.params import Params, load_params
from jam_model import batches
from jam_model.batches import Crop, conditions_of
from jam_model.checkpoint import build_model, load_model, save_model
from jam_model.conditions import Conditions
from jam_model.config import Dropout
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from jam_model.lyric_grid import SLOTS_PER_FRAME, SONG_FILLER, SYMBOLS, VOCAL_FILLER
from jam_model.order import positions_of_step
from jam_model.sampler import sample, song_noise
from jam_model.shards import Sample
from jam_model.train_state import TrainState
from tasks.models.embedded import harmonic
from tasks.trainer.loop import Worker
from tasks.training.params import TrainParams
from tasks.training.train import fresh_model

RECIPE = Path(__file__).resolve().parents[1] / "params/toy2.yaml"
HELD_OUT_SEED = 616161  # of bench/times_worth.py
RESAMPLING = Resampling(10_000, 0)
TOGETHER = 4  # songs sung in one batch
EVERY = 100  # steps a loss is the mean of
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

Grid = Literal["even", "sung", "held", "repeat"]
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


def trained(
    params: Params, variant: Variant, songs: Songs, silence_C: np.ndarray
) -> tuple[Jam, dict[str, Any]]:
    """The model after both trainings, and what they took."""
    weights: dict[str, torch.Tensor] | None = None
    losses: dict[str, list[float]] = {}
    started = time.process_time()
    with patch.object(batches, "conditions_of", conditions_by(variant.grid)):
        for name in ("pretrain", "sft"):
            section: TrainParams = getattr(params, name)
            config = params.jam.config(section.max_frames)
            model = build_model(config, weights) if weights else fresh_model(config, section.seed)
            state, losses[name] = learned(model.train(), section, songs, silence_C, name)
            weights = {key: value.clone() for key, value in state.ema.items()}
    assert weights
    model = build_model(config, weights).eval().requires_grad_(False)
    minutes = (time.process_time() - started) / 60
    return model, {"core_minutes": round(minutes, 2), "losses": losses}


def learned(
    model: Jam, section: TrainParams, songs: Songs, silence_C: np.ndarray, name: str
) -> tuple[TrainState, list[float]]:
    """One training, and its losses."""
    state, worker = TrainState(model, section.rule()), Worker(0, 1, torch.device("cpu"))
    dropout = Dropout(
        section.style_condition_dropout, section.lyrics_condition_dropout, section.condition_dropout_rule
    )
    source = batches.Batches(
        songs,  # type: ignore[arg-type]
        silence_C,
        section.max_frames,
        section.past_end_share,
        section.shuffle_shards,
        section.seed,
        vocabulary=model.config.vocabulary,
        filler=model.config.filler,
    )
    losses: list[float] = []
    for step in range(section.steps):
        batch = source.at(positions_of_step(step, section.batch_size))
        generator = worker.generator(section.seed, step)
        state.optimiser.zero_grad(set_to_none=True)
        loss = flow_loss(model, batch.latents_BTC, batch.conditions, dropout, generator).loss
        state.backward(loss)
        state.update()
        losses.append(loss.item())
        if (step + 1) % EVERY == 0:
            print(f"{name} {step + 1}: {np.mean(losses[-EVERY:]):.3f}", file=sys.stderr, flush=True)
    return state, [
        round(float(np.mean(losses[first : first + EVERY])), 4) for first in range(0, len(losses), EVERY)
    ]


def conditions_by(grid: Grid) -> Callable[..., Conditions]:
    """`conditions_of` with tokens as `grid` lays them."""

    def conditions(
        picked: Sequence[tuple[Sample, Crop, int]], max_frames: int, *others: Any, **named: Any
    ) -> Conditions:
        if grid == "repeat":
            return conditions_of(picked, max_frames, SYMBOLS, "average_repeat")
        found = conditions_of(picked, max_frames, *others, **named)
        if grid == "even":
            return found
        tokens_BL = np.full((len(picked), SLOTS_PER_FRAME * max_frames), SONG_FILLER, np.int64)
        for tokens_L, (song, crop, _) in zip(tokens_BL, picked, strict=True):
            sung_L = song.extras["sung"] if grid == "sung" else held(song.extras["sung"])
            first = SLOTS_PER_FRAME * crop.start
            part_L = sung_L[first : first + SLOTS_PER_FRAME * crop.num_frames]
            tokens_L[: len(part_L)] = part_L
        return replace(found, lyric_tokens_BL=torch.from_numpy(tokens_BL))

    return conditions


def held(tokens_L: np.ndarray) -> np.ndarray:
    """Each token until the next one of its word."""
    places_L = np.where(tokens_L == VOCAL_FILLER, 0, np.arange(len(tokens_L)))
    return tokens_L[np.maximum.accumulate(places_L)]


def whole_songs(songs: Sequence[Sample], model: Jam, grid: Grid) -> Conditions:
    """What whole songs are asked by."""
    picked = [(song, Crop(0, song.num_frames, song.num_frames), 0) for song in songs]
    return conditions_by(grid)(picked, model.config.max_frames, SYMBOLS, model.config.filler)


def sung(model: Jam, params: Params, grid: Grid, songs: Songs, studio: Studio) -> Iterator[np.ndarray]:
    """Latents of every song, each from its own noise."""
    negative_S = torch.from_numpy(np.asarray(studio.style.negative_style, np.float32))
    for first in range(0, len(songs), TOGETHER):
        some = songs[first : first + TOGETHER]
        noise_BTC = torch.stack([song_noise(0, song.song_id, 0, model.config.max_frames) for song in some])
        solver, guidance = params.sampler.ode_solver, params.sampler.guidance
        latents_BTC = sample(model, whole_songs(some, model, grid), noise_BTC, solver, guidance, negative_S)
        for song, latent_TC in zip(some, latents_BTC, strict=True):
            yield latent_TC[: song.num_frames].numpy()


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
        model, took = trained(params, variant, songs, studio.codec.silence_C)
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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
