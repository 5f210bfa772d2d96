"""What `held_out_genre.py` and `few_songs.py` share: toy songs of chosen genres, a base that never heard one of them, kept as a bare
file, tunings that begin with it, and what is generated and told of each.

The base is begun with through `bring_start`, as `jam train --from` does; adapters are those of `add_adapters`. Steps are the trainer's
(batches, loss, rule, EMA), in this process and on one thread; tokens lie where phones are sung.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from bench.toy2_causes import EVENLY, RECIPE
from bench.toy2_songs import Making, Songs, Studio, songs_of
from bench.toy2_training import conditions_by, learned, sung, whole_songs
from eval.metrics.error_rates import count_errors, normalise
from eval.metrics.style_similarity import nearest_genre, style_similarity
from flows.settings.params import Params, load_params
from jam_model import batches
from jam_model.checkpoint import build_model, fresh_model, load_model
from jam_model.dit import Jam
from jam_model.flow import FlowDraw, flow_error
from jam_model.sampler import song_noise
from jam_model.shards import Sample
from tasks.toy.world_two.score import GENRES
from tasks.training.params import TrainParams
from tasks.training.start import bring_start

TRAINING_SEED, HELD_OUT_SEED = 424242, 727272
LOSS_TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Where the flow loss of a song is taken, each from its own fixed noise."""


@dataclass(frozen=True)
class World:
    """All that is fixed for one genre kept out: settings, models, songs by what they are for, and the mean style of each genre."""

    params: Params
    studio: Studio
    songs: Mapping[str, Songs]
    genres: Mapping[str, np.ndarray]
    base: Path


def add_sizes(parser: argparse.ArgumentParser) -> None:
    """The arguments that both programs have."""
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--genre", default="rock", choices=sorted(GENRES), help="the one kept out")
    parser.add_argument("--songs", type=int, default=120, help="the base learns")
    parser.add_argument("--prompts", type=int, default=16, help="held out, of each side")
    parser.add_argument("--pretrain", type=int, default=1500)
    parser.add_argument("--sft", type=int, default=400)
    parser.add_argument(
        "--ears", default="embedded", help="models.style_encoder.model, which asks and judges"
    )


def kept_out(given: argparse.Namespace) -> str:
    """The genre that the base never heard, and the ears where they are not the usual ones: a part of the names of files."""
    return given.genre if given.ears == "embedded" else f"{given.genre}-{given.ears}"


def world_of(given: argparse.Namespace, num_new: int) -> World:
    """Songs and the base; each from the scratch folder where it stands. `num_new`: songs of the genre to tune to."""
    told = [f"pretrain.steps={given.pretrain}", f"sft.steps={given.sft}"]
    params = load_params(RECIPE, [*EVENLY, *told, f"models.style_encoder.model={given.ears}"])
    studio, rest = Studio(params), tuple(name for name in GENRES if name != given.genre)

    def made(genres: tuple[str, ...], seed: int, count: int) -> Songs:
        return songs_of(params, Making(genres=genres), seed, count, studio, given.scratch)

    own = (given.genre,)
    songs = {
        "old": made(rest, TRAINING_SEED, given.songs),
        "new": made(own, TRAINING_SEED, num_new),
        "old prompts": made(rest, HELD_OUT_SEED, given.prompts),
        "new prompts": made(own, HELD_OUT_SEED, given.prompts),
    }
    genres = {name: np.asarray(studio.style.embed_text(f"{GENRES[name].description}")) for name in GENRES}
    base = given.scratch / f"base-{kept_out(given)}-{given.songs}-{given.pretrain}-{given.sft}.safetensors"
    if not base.is_file():
        save_file(_base(params, songs["old"], studio.codec.silence_C), base)
    return World(params, studio, songs, genres, base)


def _base(params: Params, songs: Songs, silence_C: np.ndarray) -> dict[str, Tensor]:
    weights: dict[str, Tensor] | None = None
    with patch.object(batches, "conditions_of", conditions_by("held")):
        for name in ("pretrain", "sft"):
            section: TrainParams = getattr(params, name)
            config = params.jam.config(section.max_frames)
            model = build_model(config, weights) if weights else fresh_model(config, section.seed)
            state, _ = learned(model.train(), section, songs, silence_C, name)
            weights = {key: value.clone() for key, value in state.ema.items()}
    assert weights
    return {key: value.contiguous() for key, value in weights.items()}


def begun(world: World, scratch: Path) -> Jam:
    """The base, brought as any weights of others are."""
    start = world.params.start.model_copy(update={"preset": "jam"})
    frames = world.params.sft.max_frames
    brought = bring_start(str(world.base), start, world.params.jam, frames, scratch / "start")
    return cast(Jam, load_model(brought.checkpoint))


def tuned(world: World, model: Jam, section: TrainParams, songs: Songs, file: Path) -> dict[str, Any]:
    """Tunes `model` to the songs unless `file` holds the averaged model of that. Returns what it took."""
    told = file.with_suffix(".json")
    if not told.is_file():
        started = time.process_time()
        with patch.object(batches, "conditions_of", conditions_by("held")):
            state, losses = learned(model.train(), section, songs, world.studio.codec.silence_C, file.stem)
        made = state.ema_model()
        assert made is not None
        save_file({name: value.contiguous() for name, value in made.state_dict().items()}, file)
        minutes = round((time.process_time() - started) / 60, 2)
        told.write_text(json.dumps({"core_minutes": minutes, "losses": losses}))
    return dict(json.loads(told.read_text()))


def model_in(world: World, file: Path) -> Jam:
    """The plain model of a file."""
    config = world.params.jam.config(world.params.sft.max_frames)
    return build_model(config, load_file(file)).eval().requires_grad_(False)


def rows_of(world: World, model: Jam, side: str) -> list[dict[str, Any]]:
    """One row a prompt of that side: phone errors, phones, style beside the song's, whether the genre is right, flow loss, the style."""
    prompts = world.songs[f"{side} prompts"]
    found = []
    for song, latent_TC in zip(
        prompts, sung(model, world.params, "held", prompts, world.studio), strict=True
    ):
        found.append(heard(world, song, latent_TC) | {"flow": flow_of(world, model, song)})
    return found


def heard(world: World, song: Sample, latent_TC: np.ndarray) -> dict[str, Any]:
    """What is measured of one generated song."""
    mix_CN = world.studio.codec.decode(latent_TC)
    vocals_N = world.studio.separator.separate(mix_CN)
    transcript = world.studio.transcriber.transcribe(vocals_N)
    phones = world.studio.phonemizer.phones(normalise([word.text for word in song.words]))
    style_NS = np.asarray(world.studio.style.embed_audio(mix_CN), np.float32)
    mean_S = style_NS.mean(axis=0)
    return {
        "errors": count_errors(phones, transcript.phones or []).errors,
        "phones": len(phones),
        "style": round(style_similarity(style_NS, song.style_NS), 5),
        "genre": nearest_genre(style_NS, world.genres),
        "embedding": [round(float(value), 4) for value in mean_S],
    }


@torch.no_grad()
def flow_of(world: World, model: Jam, song: Sample) -> float:
    """The flow loss of a song at fixed noise and times, over its own frames."""
    frames = model.config.max_frames
    latents_BTC = torch.from_numpy(np.tile(world.studio.codec.silence_C, (len(LOSS_TIMES), frames, 1)))
    latents_BTC[:, : song.num_frames] = torch.from_numpy(song.mean_TC)
    noise_BTC = torch.stack([song_noise(1, song.song_id, place, frames) for place in range(len(LOSS_TIMES))])
    kept = torch.ones(len(LOSS_TIMES), dtype=torch.bool)
    draw = FlowDraw(noise_BTC, torch.tensor(LOSS_TIMES), kept, kept)
    conditions = whole_songs([song] * len(LOSS_TIMES), model, "held")
    lengths = torch.full((len(LOSS_TIMES),), song.num_frames)
    return round(float(flow_error(model, latents_BTC.float(), conditions, draw, lengths).mean()), 5)


def per(rows: Sequence[Mapping[str, Any]]) -> float:
    """The phone error rate of all rows."""
    return sum(row["errors"] for row in rows) / sum(row["phones"] for row in rows)


def style(rows: Sequence[Mapping[str, Any]]) -> float:
    """The mean style similarity."""
    return float(np.mean([row["style"] for row in rows]))
