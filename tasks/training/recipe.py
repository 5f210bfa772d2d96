"""What a training on shards is made from, and the name of its run, checked against the shards (symbols, extras, beats): known before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from jam_model.checkpoint import weights_hash
from jam_model.config import JamConfig
from jam_model.lyric_grid import SUNG
from jam_model.part_styles.parts import PART_STYLES
from jam_model.shard_index import (
    BEATS,
    EXTRAS,
    INDEX_NAME,
    TRAIN,
    read_index,
    symbols_of,
    weights_in,
)
from jam_model.words import PHONES
from tasks.engine.fingerprint import fingerprint, package_version
from tasks.shards.open import open_shards
from tasks.trainer.params import learned_by
from tasks.trainer.run_folder import hash_of
from tasks.training.adapter_params import AdapterParams
from tasks.training.control_params import ControlParams
from tasks.training.params import JamParams, TrainParams
from tasks.training.validation_by_ear import ValidationByEar
from tasks.training.word_times import WordTimesParams

FLOW_VERSION = 3  # rises whenever the same shards and settings give other weights
PACKAGES = ("torch", "numpy")


def flow_recipe(
    config: JamConfig,
    shards: Path,
    silence_C: np.ndarray,
    init: Path | None,
    by_ear: ValidationByEar | None = None,
    adapter: AdapterParams | None = None,
    controls: ControlParams | None = None,
    times: WordTimesParams | None = None,
) -> dict[str, Any]:
    """What decides a run besides its section: sizes, shards, silence, the starting weights, how songs are heard, adapters,
    word times, and of a model with controls how they are learned.
    """
    return {
        **adapter_recipe(adapter),
        **(controls.recipe(config.controls) if controls else {}),
        **(times.recipe() if times else {}),
        **weights_recipe(shards),
        "kind": "flow",
        "version": FLOW_VERSION,
        "config": config.to_dict(),
        "init": weights_hash(init) if init else None,
        "shards": hash_of([entry["sha256"] for entry in read_index(shards)]),
        "silence": hash_of([float(value) for value in silence_C]),
        "by_ear": by_ear.facts() if by_ear else None,
    }


def adapter_recipe(adapter: AdapterParams | None) -> dict[str, Any]:
    """What decides a run that learns adapters; nothing of one that learns all weights."""
    return {"adapter": adapter.model_dump(mode="json")} if adapter else {}


def weights_recipe(shards: Path) -> dict[str, Any]:
    """How often songs are trained on, where the id list tells it; nothing where all count alike."""
    weights = weights_in(shards)
    return {"weights": hash_of(sorted(weights.items()))} if weights else {}


def check_shards(
    config: JamConfig, section: TrainParams, times: WordTimesParams | None, shards: Path, shard_cache_mb: int
) -> None:
    """Raises a ValueError where songs of the shards lack what is to be learned of them."""
    check_symbols(config, shards)
    check_phones(config, shards, shard_cache_mb)
    check_part_styles(section, shards, shard_cache_mb)
    check_beats(times, shards, shard_cache_mb)


def check_symbols(config: JamConfig, shards: Path) -> None:
    """Raises a ValueError where shards hold symbols that a model of this config cannot be asked to sing: it would learn words
    with holes in them.
    """
    lacking = [symbol for symbol in symbols_of(shards) if symbol not in config.vocabulary]
    if lacking:
        wanted = config.own_symbols + "".join(lacking)
        raise ValueError(
            f"jam.own_symbols lacks {len(lacking)} symbols that {shards / INDEX_NAME} states; set jam.own_symbols: {wanted!r} "
            "(from untrained weights), or prepare with models.phonemizer.symbols: released"
        )


def check_phones(config: JamConfig, shards: Path, shard_cache_mb: int) -> None:
    """Raises a ValueError where a model of this config lays phones where they are sung and songs of the shards do not tell it."""
    if config.filler == SUNG and (what := _lacking(PHONES, config.extras, shards, shard_cache_mb)):
        raise ValueError(
            f"jam.filler is sung, but {shards}: {what}; prepare with phones.times: aligner (or given) and pack.extras: [phones], "
            "or set jam.filler: average_sparse"
        )


def check_part_styles(section: TrainParams, shards: Path, shard_cache_mb: int) -> None:
    """Raises a ValueError where styles of parts are to be learned and songs of the shards have none."""
    if section.part_style_dropout is None:
        return
    if what := _lacking(PART_STYLES, (PART_STYLES,), shards, shard_cache_mb):
        raise ValueError(
            f"part_style_dropout is {section.part_style_dropout:g}, but {shards}: {what}; prepare with pack.extras: [part_styles], or "
            "set part_style_dropout: null"
        )


def check_beats(times: WordTimesParams | None, shards: Path, shard_cache_mb: int) -> None:
    """Raises a ValueError where words are to be laid on beats and songs of the shards do not tell them."""
    if times and (what := _lacking(BEATS, (BEATS,), shards, shard_cache_mb)):
        raise ValueError(
            f"word_times.grid is {times.grid}, but {shards}: {what}; prepare with models.beats.model: librosa (or beat_this) and "
            f"{BEATS} in pack.extras, or set word_times.grid: null"
        )


def extras_of(
    config: JamConfig, section: TrainParams, times: WordTimesParams | None = None
) -> tuple[str, ...]:
    """The members of a sample that a training reads besides."""
    parts = () if section.part_style_dropout is None else (PART_STYLES,)
    return (*config.extras, *parts, *(times.extras if times else ()))


def _lacking(name: str, extras: tuple[str, ...], shards: Path, shard_cache_mb: int) -> str | None:
    """What to say of training songs that lack a member; None where all have it."""
    songs = open_shards(shards, TRAIN, 0, shard_cache_mb, extras)
    lacking = [place for place in songs.places if place.members and EXTRAS[name] not in place.members]
    if lacking:
        return f"{len(lacking)} of {len(songs)} songs have no {EXTRAS[name]}"
    try:
        if len(songs):
            songs[0]  # in a store what is in a shard is known when it is read
    except ValueError as error:
        return str(error)
    return None


def run_name(
    section: TrainParams,
    jam: JamParams,
    shards: Path,
    silence_C: np.ndarray,
    init: Path | None,
    by_ear: ValidationByEar | None,
    adapter: AdapterParams | None = None,
    controls: ControlParams | None = None,
    times: WordTimesParams | None = None,
) -> str:
    """The fingerprint of a run: its recipe, its section and the packages that compute."""
    config = jam.config(section.max_frames)
    recipe = flow_recipe(config, shards, silence_C, init, by_ear, adapter, controls, times)
    versions = {package: package_version(package) for package in PACKAGES}
    return fingerprint([recipe, learned_by(section.model_dump(mode="json")), versions])
