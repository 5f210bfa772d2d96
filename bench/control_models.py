"""The three models of `control_adherence.py`: without controls, with controls alone learned on top, with controls from the first step."""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from dataclasses import replace

import numpy as np

from bench.control_songs import NAMES
from bench.toy2_songs import Songs
from bench.toy2_training import learned
from flows.settings.params import Params
from jam_model.checkpoint import build_model, fresh_model, load_model, save_model
from jam_model.config import JamConfig
from jam_model.dit import Jam
from tasks.training.added_controls import learn_controls_alone, with_controls
from tasks.training.params import TrainParams

MODELS = ("base", "tuned", "joint")


def taught(model: Jam, section: TrainParams, params: Params, songs: Songs, silence_C: np.ndarray) -> Jam:
    """The EMA weights after one training."""
    dropout = params.controls.dropout(model.config.controls)
    state, _ = learned(model.train(), section, songs, silence_C, "step", dropout)
    made = state.ema_model()
    assert made is not None
    return made


def models_of(
    params: Params, given: argparse.Namespace, seed: int, songs: Songs, silence_C: np.ndarray
) -> dict[str, tuple[Jam, float]]:
    """Base, tuned and joint of one seed, and the core minutes each took; from FOLDER where they stand."""
    found: dict[str, tuple[Jam, float]] = {}
    for name in MODELS:
        if name not in given.models and not (name == "base" and "tuned" in given.models):
            continue
        budget = [given.songs, given.pretrain, given.sft, given.tune, params.jam.model_dump(), seed]
        key = hashlib.sha256(json.dumps(budget).encode()).hexdigest()[:12]
        folder = given.scratch / f"{name}-{key}"
        if not (folder / "minutes.json").is_file():
            started = time.process_time()
            base = found["base"][0] if name == "tuned" else None
            model = _trained(params, name == "joint", base, given.tune, seed, songs, silence_C)
            save_model(folder, model)
            (folder / "minutes.json").write_text(json.dumps((time.process_time() - started) / 60))
        model = load_model(folder).eval().requires_grad_(False)
        found[name] = model, json.loads((folder / "minutes.json").read_text())
    return found


def _trained(
    params: Params, joint: bool, base: Jam | None, tune: int, seed: int, songs: Songs, silence_C: np.ndarray
) -> Jam:
    if base is not None:
        sft = _seeded(params.sft, seed)
        more = learn_controls_alone(with_controls(base, NAMES, sft.seed))
        return taught(more, sft.model_copy(update={"steps": tune}), params, songs, silence_C)
    return whole_of(
        params, crops_of(params, NAMES if joint else (), seed, songs, silence_C), seed, songs, silence_C
    )


def crops_of(params: Params, names: tuple[str, ...], seed: int, songs: Songs, silence_C: np.ndarray) -> Jam:
    """A model with these controls after its first training, on crops."""
    pretrain = _seeded(params.pretrain, seed)
    first = fresh_model(_config(params, pretrain.max_frames, names), pretrain.seed)
    return taught(first, pretrain, params, songs, silence_C)


def whole_of(params: Params, crops: Jam, seed: int, songs: Songs, silence_C: np.ndarray) -> Jam:
    """The same after its second, on whole songs."""
    sft = _seeded(params.sft, seed)
    whole = build_model(_config(params, sft.max_frames, crops.config.controls), crops.state_dict())
    return taught(whole, sft, params, songs, silence_C)


def _seeded(section: TrainParams, seed: int) -> TrainParams:
    return section.model_copy(update={"seed": section.seed + 1000 * seed})


def _config(params: Params, max_frames: int, names: tuple[str, ...]) -> JamConfig:
    return replace(params.jam.config(max_frames), controls=names)
