"""DPO training (`PreferenceObjective`, `prefer`): the loss of a policy against its reference on pairs, one run with held-out pairs; beta 0 is the control.

The reference is the policy the round starts from, frozen, or an earlier one. ``beta: 0`` is the control: the
preference term then has no gradient and only the weighted flow loss on the truth is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch

from jam_model.batches import collate, draw_crop, padded
from jam_model.checkpoint import load_config, load_model, weights_hash
from jam_model.conditions import Conditions
from jam_model.config import Dropout, JamConfig
from jam_model.dit import Jam
from jam_model.lyric_grid import SUNG
from jam_model.order import WHOLE, EndlessOrder, Part, positions_of_step
from jam_model.preference import PreferenceLoss, dpo_loss
from jam_model.training_facts import TrainingFacts, dropped_by, read_facts
from tasks.preference.pairs import Pair, PairFolder, read_pairs, write_pairs
from tasks.preference.params import PreferParams
from tasks.storage.object_store import place_of
from tasks.trainer.heard import HeardSong
from tasks.trainer.log import WandbParams
from tasks.trainer.loop import StepLoss, Worker, unwrapped
from tasks.trainer.ray_train import Progress, Run, fit
from tasks.trainer.run_folder import TrainResult, hash_of, result_of
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import add_adapters, bare_base
from tasks.training.recipe import adapter_recipe

HELD_OUT_DRAWS = 8  # noise and times each held-out pair is judged by


class ReferenceDiffers(RuntimeError):
    """Before the first update the policy is its reference, and yet their errors on the same pairs differ."""


@dataclass(frozen=True)
class PreferenceObjective:
    """Learn the pairs of a folder by DPO. `reference` None: the policy itself, as it was before the round."""

    params: PreferParams
    policy: str
    reference: str | None
    pairs: PairFolder
    held_out: PairFolder
    silence: tuple[float, ...]
    adapter: AdapterParams | None = None  # None: all weights are learned
    wandb: WandbParams | None = None
    hear_every_steps: ClassVar[int] = 0  # its songs are those of candidates and gate

    def build(self) -> Jam:
        """The policy before the round."""
        model = self._load(self.policy)
        return add_adapters(model, self.adapter, self.params.seed) if self.adapter else model

    def start(self, worker: Worker) -> StepLoss:
        """Loads the pairs and the frozen reference.

        Raises:
            ReferenceDiffers: in the first step, where the policy is the reference.
        """
        params = self.params
        pairs = read_pairs(place_of(self.pairs.path))
        reference = None if self._shares_base else self._called(self._frozen(worker))
        order = EndlessOrder([len(pairs)], params.seed, shuffle_shards=1)
        part = worker.part(params.draws_by)

        def step_loss(model: Jam, step: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
            nonlocal reference
            if reference is None:
                reference = self._called(bare_base(unwrapped(model)))
            positions = positions_of_step(step, params.batch_size, worker.rank, worker.num_workers)
            chosen = [(pairs[order[position]], position) for position in positions]
            loss = self._loss(model, reference, chosen, generator, worker.device, part)
            if step < params.gradient_accumulation_steps and self.reference is None:
                check_equal(loss)
            return {name: getattr(loss, name) for name in loss.__dataclass_fields__}

        return step_loss

    @property
    def _shares_base(self) -> bool:
        """The reference is the policy without the adapters that this round learns: no other weights are held for it."""
        return self.adapter is not None and self.reference is None

    def _called(self, reference: Jam) -> Jam:
        """As the policy that learns: the same numerics and dropout."""
        reference.train()
        return cast(Jam, torch.compile(reference)) if self.params.compile else reference

    def _load(self, checkpoint: str) -> Jam:
        place = place_of(checkpoint)
        config = replace(load_model(place).config, max_frames=self.params.max_frames)
        return load_model(place, config)

    @cached_property
    def _config(self) -> JamConfig:
        """The policy's, which says how lyrics are written for it."""
        return load_config(place_of(self.policy))

    def _frozen(self, worker: Worker) -> Jam:
        return self._load(self.reference or self.policy).to(worker.device).requires_grad_(False)

    def facts(self) -> TrainingFacts:
        """What this round leaves out at times, and what its policy did."""
        own = TrainingFacts(dropped_by(self._dropout), None)
        return own.joined(read_facts(place_of(self.policy)))

    def adapter_facts(self) -> dict[str, str]:
        """Of the adapters that it learns."""
        assert self.adapter is not None, "asked of adapters alone"
        return self.adapter.facts(weights_hash(place_of(self.policy)))

    @property
    def _dropout(self) -> Dropout:
        return Dropout(
            self.params.style_condition_dropout,
            self.params.lyrics_condition_dropout,
            self.params.condition_dropout_rule,
        )

    def validate(self, model: Jam, worker: Worker) -> dict[str, Any]:
        """Implicit accuracy and margin on held-out pairs, at fixed noise and times."""
        pairs = read_pairs(place_of(self.held_out.path))
        if not pairs:
            return {"num_held_out_pairs": 0, "error_over": self.params.error_over}
        reference = self._frozen(worker).eval()
        generator = torch.Generator().manual_seed(self.params.seed)
        with torch.no_grad():
            losses = [
                self._loss(model, reference, [(pair, draw)], generator, worker.device, WHOLE)
                for pair in pairs
                for draw in range(HELD_OUT_DRAWS)
            ]
        return {
            "num_held_out_pairs": len(pairs),
            "error_over": self.params.error_over,
            "held_out_accuracy": float(np.mean([float(loss.accuracy) for loss in losses])),
            "held_out_margin": float(np.mean([float(loss.margin) for loss in losses])),
        }

    def hear(self, model: Jam, worker: Worker) -> list[HeardSong]:
        """None: see `hear_every_steps`."""
        return []

    def _loss(
        self,
        model: Jam,
        reference: Jam,
        chosen: Sequence[tuple[Pair, int]],
        generator: torch.Generator,
        device: torch.device,
        part: Part,
    ) -> PreferenceLoss:
        params = self.params
        win_BTC, lose_BTC, truth_BTC, conditions, num_frames_B = self._collate(chosen)
        return dpo_loss(
            model,
            reference,
            win_BTC.to(device),
            lose_BTC.to(device),
            conditions.to(device),
            params.beta,
            params.term,
            params.term_weight,
            truth_BTC.to(device),
            self._dropout,
            generator,
            num_frames_B.to(device) if params.error_over == "song" else None,
            part,
        )

    def _collate(
        self, chosen: Sequence[tuple[Pair, int]]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Conditions, torch.Tensor]:
        """(winners, losers, truths, conditions, num_frames_B): the same crop of all three, as long as the candidates."""
        max_frames = self.params.max_frames
        silence_C = np.array(self.silence, np.float32)
        items, losers, truths = [], [], []
        for pair, position in chosen:
            rng = np.random.default_rng([self.params.seed, position, 1])
            prompt = pair.prompt
            crop = draw_crop(len(pair.winner_TC), max_frames, self.params.past_end_share, rng)
            style_row = int(rng.integers(len(prompt.style_NS)))
            noise_TC = rng.standard_normal(prompt.mean_TC.shape, dtype=np.float32)
            items.append((prompt, crop, style_row, pair.winner_TC))
            losers.append(padded(pair.loser_TC, crop, max_frames, silence_C))
            truths.append(padded(prompt.mean_TC + prompt.std_TC * noise_TC, crop, max_frames, silence_C))
        config = self._config
        winners = collate(items, max_frames, silence_C, config.vocabulary, config.filler)
        stacked = [torch.from_numpy(np.stack(latents)) for latents in (losers, truths)]
        num_frames_B = torch.tensor([crop.num_frames for _, crop, _, _ in items])
        return winners.latents_BTC, stacked[0], stacked[1], winners.conditions, num_frames_B


def check_equal(loss: PreferenceLoss) -> None:
    """Raises ReferenceDiffers unless policy and reference have exactly the same errors, as before any update."""
    pairs = ((loss.win_error, loss.reference_win_error), (loss.lose_error, loss.reference_lose_error))
    if loss.margin.item() != 0 or any(mine.item() != other.item() for mine, other in pairs):
        raise ReferenceDiffers(
            f"step 0: the policy and its frozen copy differ by a margin of {loss.margin.item():.3g} on the same "
            "pairs, noise and times, where it must be exactly 0; beta would amplify this: run both in the same "
            "precision and mode (fit.compile: false)"
        )


def check_phones(pairs: Sequence[Pair], policy: Path) -> None:
    """Raises a ValueError where a policy lays phones where they are sung and the prompts of pairs do not tell it."""
    lacking = [pair.prompt.song_id for pair in pairs if pair.prompt.phones is None]
    if lacking and load_config(policy).filler == SUNG:
        raise ValueError(
            f"pairs: the filler of {policy} is sung, but {len(lacking)} of {len(pairs)} prompts ({lacking[0]!r} ...) have no phones in "
            "time; prepare with phones.times and pack.extras: [phones] and generate the pairs again"
        )


def prefer(
    params: PreferParams,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    policy: Path,
    silence_C: np.ndarray,
    out: Path,
    progress: Progress | None = None,
    reference: Path | None = None,
    adapter: AdapterParams | None = None,
    wandb: WandbParams | None = None,
) -> TrainResult:
    """One round of DPO from the checkpoint `policy`; finds, resumes or runs what `out` holds.

    `reference`: the frozen checkpoint that the policy is held against; None: the policy itself.

    Raises:
        ValueError: no pairs, candidates of unequal length, no phones where the policy needs them, or `out` is another run's.
        FitFailed: a worker failed too often.
    """
    check_phones([*pairs, *held_out], policy)
    learn, check = write_pairs(out / "pairs", pairs), write_pairs(out / "held_out", held_out)
    run = preference_run(params, learn, check, policy, silence_C, out, reference, adapter, wandb)
    return result_of(run.out, fit(run.objective, params, run.out, run.recipe, progress))


def preference_run(
    params: PreferParams,
    pairs: PairFolder,
    held_out: PairFolder,
    policy: Path,
    silence_C: np.ndarray,
    out: Path,
    reference: Path | None = None,
    adapter: AdapterParams | None = None,
    wandb: WandbParams | None = None,
) -> Run:
    """What `prefer` runs, on pairs that are written already.

    Raises:
        ValueError: there are no pairs.
    """
    if not pairs.count:
        raise ValueError("pairs: there is none to learn from; generate more candidates or lower the margin")
    silence = tuple(float(value) for value in silence_C)
    recipe = {
        "kind": "preference",
        "policy": weights_hash(policy),
        "reference": weights_hash(reference or policy),
        "pairs": pairs.digest,
        "held_out": held_out.digest,
        "silence": hash_of(silence),
        **adapter_recipe(adapter),
    }
    held_against = str(reference.resolve()) if reference else None
    objective = PreferenceObjective(
        params, str(policy.resolve()), held_against, pairs, held_out, silence, adapter, wandb
    )
    return Run(objective, params, out.resolve(), recipe)
