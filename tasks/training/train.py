"""Trains JAM on shards (`train`, `FlowObjective`): pretraining on crops, fine-tuning (SFT) on whole songs; controls, adapters, validation and hearing.

Both are this one function with two sections of params; only max_frames, the share of crops past the end
and the schedule differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jam_model.batches import Batch, Batches, fixed_batches, keeping_some
from jam_model.checkpoint import fresh_model, load_config, load_model, weights_hash
from jam_model.config import Dropout, JamConfig
from jam_model.controls.dropout import ControlDropout
from jam_model.dit import Jam
from jam_model.flow import FlowDraw, flow_error, flow_loss
from jam_model.lyric_grid import SUNG, words_without_phones
from jam_model.order import duration_weights, positions_of_step
from jam_model.shard_index import TRAIN, VALIDATION, weights_in
from jam_model.shards import Shards
from jam_model.training_facts import CONTROLS, TrainingFacts, check_guidance, dropped_by, read_facts
from tasks.shards.open import open_shards
from tasks.storage.object_store import place_of
from tasks.trainer.heard import HeardSong
from tasks.trainer.log import WandbParams
from tasks.trainer.loop import StepLoss, Worker
from tasks.trainer.ray_train import Progress, fit
from tasks.trainer.run_folder import TrainResult, result_of
from tasks.training.adapters import AdapterParams, add_adapters
from tasks.training.added_controls import learn_controls_alone, with_controls
from tasks.training.control_params import ControlParams
from tasks.training.hear import Hearing
from tasks.training.params import JamParams, TrainParams
from tasks.training.recipe import check_shards, extras_of, flow_recipe
from tasks.training.validation_by_ear import ValidationByEar
from tasks.training.word_times import OnBeats, WordTimesParams

VALIDATION_TIMES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class FlowObjective:
    """Learn the shards by rectified flow."""

    params: TrainParams
    config: JamConfig
    init: str | None
    shards: str
    silence: tuple[float, ...]
    style_encoder: str
    by_ear: ValidationByEar | None = None
    shard_cache_mb: int = 0  # of shards in a store; no part of what is learned
    adapter: AdapterParams | None = None  # None: all weights are learned
    hearing: Hearing | None = None  # no part of what is learned
    wandb: WandbParams | None = None
    controls: ControlParams | None = None  # how the controls of `config` are learned
    times: WordTimesParams | None = None  # None: word times as the shards have them

    def build(self) -> Jam:
        """Fresh weights drawn from the seed, or those of `init`."""
        if not self.init:
            return fresh_model(self.config, self.params.seed)
        place = place_of(self.init)
        stored = load_config(place).controls if self.config.controls else ()
        model = load_model(place, replace(self.config, controls=stored))
        model = with_controls(model, self.config.controls, self.params.seed)
        if self.learns_controls_alone:
            return learn_controls_alone(model)
        return add_adapters(model, self.adapter, self.params.seed) if self.adapter else model

    @property
    def learns_controls_alone(self) -> bool:
        """Whether all other weights stay as they came."""
        return self.init is not None and self.controls is not None and self.controls.learn == CONTROLS

    def start(self, worker: Worker) -> StepLoss:
        """Opens the training split."""
        params = self.params
        shards, on_beats = self._open(TRAIN, params.cache_mb), self._on_beats
        batches = Batches(
            shards,
            np.array(self.silence, np.float32),
            params.max_frames,
            params.past_end_share,
            params.shuffle_shards,
            params.seed,
            self._weights(shards),
            self.config.vocabulary,
            self.config.filler,
            self.config.controls,
            params.part_style_dropout or 0.0,
            on_beats,
        )
        dropout, control_dropout = self._dropout, self._control_dropout
        part = worker.part(params.draws_by)

        def step_loss(model: Jam, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            positions = positions_of_step(step, params.batch_size, worker.rank, worker.num_workers)
            batch = batches.at(positions).to(worker.device)
            loss = flow_loss(
                model,
                batch.latents_BTC,
                keeping_some(batch, generator, part),
                dropout,
                generator,
                params.time_weight,
                control_dropout,
                part,
            )
            off = {} if on_beats is None else {"off_grid": torch.tensor(on_beats.off_share())}
            return {"loss": loss.loss, **off}

        return step_loss

    def facts(self) -> TrainingFacts:
        """What this run leaves out at times, and what its starting weights did."""
        dropped = dropped_by(self._dropout)
        if self._control_dropout and self._control_dropout.drops_all:
            dropped = tuple(sorted((*dropped, CONTROLS)))
        with_parts = self.params.part_style_dropout is not None
        own = TrainingFacts(dropped, self.style_encoder, part_styles=with_parts)
        return own.joined(read_facts(place_of(self.init))) if self.init else own

    def adapter_facts(self) -> dict[str, str]:
        """Of the adapters, or the controls, that alone it learns."""
        if self.learns_controls_alone and self.init is not None:
            base = weights_hash(place_of(self.init))
            return {"kind": CONTROLS, CONTROLS: ",".join(self.config.controls), "base": base}
        assert self.adapter is not None and self.init is not None, "adapters have a base"
        return self.adapter.facts(weights_hash(place_of(self.init)))

    @property
    def _on_beats(self) -> OnBeats | None:
        return OnBeats(self.times) if self.times else None

    @property
    def _dropout(self) -> Dropout:
        return Dropout(
            self.params.style_condition_dropout,
            self.params.lyrics_condition_dropout,
            self.params.condition_dropout_rule,
        )

    @property
    def _control_dropout(self) -> ControlDropout | None:
        names = self.config.controls
        return self.controls.dropout(names) if self.controls and names else None

    def _weights(self, shards: Shards) -> np.ndarray | None:
        """How often each song is read, by its duration and its tier; None where neither matters."""
        params, known = self.params, weights_in(shards.folder)
        of_tiers = np.array([known.get(place.song_id, 1.0) for place in shards.places]) if known else None
        if params.ignore_below_s <= 0 and params.resample_below_s <= 0:
            return of_tiers
        by_duration = duration_weights(
            shards.durations_s(), params.ignore_below_s, params.resample_below_s, params.resample_power
        )
        return by_duration if of_tiers is None else by_duration * of_tiers

    def validate(self, model: Jam, worker: Worker) -> dict[str, Any]:
        """Flow error on the validation split, every condition kept, at fixed times and noise; what is heard of it."""
        shards = self._open(VALIDATION)
        silence_C = np.array(self.silence, np.float32)
        generator = torch.Generator().manual_seed(self.params.seed)
        errors: dict[float, list[float]] = {time: [] for time in VALIDATION_TIMES}
        with torch.no_grad():
            for batch in self._fixed_batches(shards, silence_C):
                noise_BTC = torch.randn(batch.latents_BTC.shape, generator=generator).to(worker.device)
                keep_B = torch.ones(len(noise_BTC), dtype=torch.bool, device=worker.device)
                batch = batch.to(worker.device)
                for time in VALIDATION_TIMES:
                    time_B = torch.full((len(noise_BTC),), time, device=worker.device)
                    draw = FlowDraw(noise_BTC, time_B, keep_B, keep_B)
                    errors[time] += flow_error(model, batch.latents_BTC, batch.conditions, draw).tolist()
        if not len(shards):
            return {"num_validation_songs": 0}
        heard = self._words_even(shards)
        if self.by_ear:
            songs = [shards[number] for number in range(min(len(shards), self.params.validation_per_songs))]
            heard |= self.by_ear.figures(model, songs, self.params.seed, worker.device)
        by_time = {str(time): float(np.mean(values)) for time, values in errors.items()}
        return {
            "num_validation_songs": len(shards),
            "validation_loss": float(np.mean(list(by_time.values()))),
            "validation_loss_by_time": by_time,
            **heard,
        }

    def _words_even(self, shards: Shards) -> dict[str, Any]:
        """The share of validation words whose phones are known to nobody and lie evenly, where the others lie as they are sung."""
        if self.config.filler != SUNG:
            return {}
        words = even = 0
        for sample in map(shards.__getitem__, range(len(shards))):
            words += sum(bool(word.phonemes) for word in sample.words)
            even += len(words_without_phones(sample.words, sample.phones or ()))
        return {"words_without_phones": even / words if words else None}

    @property
    def hear_every_steps(self) -> int:
        """As `hearing` says."""
        return (self.hearing.params.every_steps or 0) if self.hearing else 0

    def hear(self, model: Jam, worker: Worker) -> list[HeardSong]:
        """The first validation songs."""
        if self.hearing is None:
            return []
        shards = self._open(VALIDATION)
        samples = [shards[number] for number in range(min(len(shards), self.hearing.params.num_songs))]
        with torch.no_grad():
            return self.hearing.songs(model, samples, self.params.seed, worker.device)

    def _open(self, split: str, cache_mb: int = 0) -> Shards:
        extras = extras_of(self.config, self.params, self.times)
        return open_shards(place_of(self.shards), split, cache_mb, self.shard_cache_mb, extras)

    def _fixed_batches(self, shards: Shards, silence_C: np.ndarray) -> Iterator[Batch]:
        params, config = self.params, self.config
        asked = config.vocabulary, config.filler, config.controls
        return fixed_batches(shards, silence_C, params.max_frames, params.batch_size, *asked, self._on_beats)


def train(
    section: TrainParams,
    jam: JamParams,
    shards: Path,
    silence_C: np.ndarray,
    style_encoder: str,
    init: Path | None,
    out: Path,
    progress: Progress | None = None,
    by_ear: ValidationByEar | None = None,
    shard_cache_mb: int = 0,
    adapter: AdapterParams | None = None,
    hearing: Hearing | None = None,
    wandb: WandbParams | None = None,
    controls: ControlParams | None = None,
    times: WordTimesParams | None = None,
) -> TrainResult:
    """Train from fresh weights (`init` None) or from a checkpoint; finds, resumes or runs what `out` holds.

    `silence_C` is the codec's latent of silence, `style_encoder` the identity of what made the shards' styles.
    `by_ear`: how `validation_per_songs` are sung and read; needed where there are any. `shard_cache_mb`: what each machine
    keeps of shards that are in a store. `adapter`: what alone is learned beside the weights of `init`; None: all of them.
    `hearing`: songs that are kept while it trains; `wandb`: where that tracker puts the run; neither decides anything. `controls`: how
    those of `jam` are learned; weights of `init` may lack them. `times`: what word times are learned from; None: those of the shards.

    Raises:
        ValueError: nobody hears `validation_per_songs`, or their guidance asks for what is not trained, `init` has other sizes than `jam`, the shards hold no training song, or `out` is another run's.
        FitFailed: a worker failed too often.
    """
    config = jam.config(section.max_frames)
    if section.validation_per_songs and by_ear is None:
        raise ValueError(
            f"validation_per_songs is {section.validation_per_songs}, but nobody was given to hear them; give 0"
        )
    check_shards(config, section, times, shards, shard_cache_mb)
    recipe = flow_recipe(config, shards, silence_C, init, by_ear, adapter, controls, times)
    stored = load_model(init).config if init else config
    known = stored.controls if init else ()
    if controls:
        controls.check(config.controls, known, adapter.rank if adapter else 0)
    wanted = replace(config, max_frames=stored.max_frames, controls=known)
    if init and (stored != wanted or not {*known} <= {*config.controls}):
        raise ValueError(
            f"init: {init} was trained with {stored}, but params jam says {config}; make them equal"
        )
    where = str(init.resolve()) if init else None
    silence = tuple(float(value) for value in silence_C)
    where_shards = str(shards.resolve())
    objective = FlowObjective(
        section,
        config,
        where,
        where_shards,
        silence,
        style_encoder,
        by_ear,
        shard_cache_mb,
        adapter,
        hearing,
        wandb,
        controls,
        times,
    )
    if ear := by_ear or (hearing.by_ear if hearing else None):
        check_guidance(objective.facts(), ear.sampler.guidance, style_encoder, bool(config.controls))
    return result_of(out, fit(objective, section, out, recipe, progress))
