"""Trainings of `toy2_causes.py`: the trainer's steps in this process, with lyric tokens where a `Grid` lays them, and songs generated so."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import numpy as np
import torch

from bench.toy2_songs import Songs, Studio
from flows.settings.params import Params
from jam_model import batches
from jam_model.batches import Crop, conditions_of, keeping_some
from jam_model.checkpoint import build_model, fresh_model
from jam_model.conditions import Conditions
from jam_model.config import Dropout
from jam_model.controls.dropout import ControlDropout
from jam_model.dit import Jam
from jam_model.flow import flow_loss
from jam_model.lyric_grid import SLOTS_PER_FRAME, SONG_FILLER, SYMBOLS, VOCAL_FILLER
from jam_model.order import positions_of_step
from jam_model.sampler import sample, song_noise
from jam_model.shards import Sample
from jam_model.train_state import TrainState
from tasks.trainer.loop import Worker
from tasks.training.params import TrainParams

TOGETHER = 4  # songs sung in one batch
EVERY = 100  # steps a loss is the mean of
Grid = Literal["even", "sung", "held", "repeat"]


def trained(params: Params, grid: Grid, songs: Songs, silence_C: np.ndarray) -> tuple[Jam, dict[str, Any]]:
    """The model after both trainings, and what they took."""
    weights: dict[str, torch.Tensor] | None = None
    losses: dict[str, list[float]] = {}
    started = time.process_time()
    with patch.object(batches, "conditions_of", conditions_by(grid)):
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
    model: Jam,
    section: TrainParams,
    songs: Songs,
    silence_C: np.ndarray,
    name: str,
    controls: ControlDropout | None = None,
    after: Callable[[int, TrainState], bool] | None = None,
    kept: Path | None = None,
) -> tuple[TrainState, list[float]]:
    """One training, and its losses. `controls`: how those of the model are left out. `after`: is told each step, and whether to end.
    `kept`: a state to go on from, where it is there.
    """
    state, worker = TrainState(model, section.rule()), Worker(0, 1, torch.device("cpu"))
    if kept is not None and kept.is_dir():
        state.load(kept)
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
        controls=model.config.controls,
    )
    losses: list[float] = []
    for step in range(state.step, section.steps):
        batch = source.at(positions_of_step(step, section.batch_size))
        generator = worker.generator(section.seed, step)
        state.optimiser.zero_grad(set_to_none=True)
        conditions = keeping_some(batch, generator)
        loss = flow_loss(
            model, batch.latents_BTC, conditions, dropout, generator, section.time_weight, controls
        ).loss
        state.backward(loss)
        state.update()
        losses.append(loss.item())
        if (step + 1) % EVERY == 0:
            print(f"{name} {step + 1}: {np.mean(losses[-EVERY:]):.3f}", file=sys.stderr, flush=True)
        if after and after(step + 1, state):
            break
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
