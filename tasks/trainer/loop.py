"""The steps of a run on one worker (`run_steps`, `Objective`): a resumable loop with loss, gradients, EMA, validation, its log and checkpoints.

`out` is the state of a run: ``log.jsonl`` (a line every few steps), ``validation.jsonl``, ``steps/step-000123/``
(checkpoints), ``best/`` (the EMA weights that validated best), ``heard/`` (songs generated on the way, where asked) and at the end ``model.safetensors`` with
``config.json`` (the EMA weights, of the last step or the best one) and ``done.json``. A run that was killed
goes on from its newest whole checkpoint; a file ``checkpoint-now`` asks for one before that, at the next line of
the log, and goes when it is written. What is learned is the `Objective`'s business.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
import torch.distributed as distributed
from torch.nn.parallel import DistributedDataParallel

from jam_model.checkpoint import load_model, save_model
from jam_model.dit import Jam
from jam_model.order import WHOLE, Part
from jam_model.sharding import shard
from jam_model.train_state import TrainState, write_adapter
from jam_model.training_facts import TrainingFacts
from tasks.storage.files import write_json
from tasks.storage.lease import Fence
from tasks.trainer.checkpoints import newest_checkpoint, remove_old
from tasks.trainer.exchange import as_the_first_says, mean_over_workers
from tasks.trainer.heard import HeardSong, forget_heard, keep_heard
from tasks.trainer.log import TrainLog, WandbParams
from tasks.trainer.optimisers import build_optimiser
from tasks.trainer.params import BY_SONG, FULL_PRECISION, NONE, SCALED, FitParams
from tasks.trainer.run_folder import ADAPTER_NAME, BEST_NAME, DONE_NAME, STEPS_NAME

ASKED_NAME = "checkpoint-now"


@dataclass(frozen=True)
class Worker:
    """Which of the workers this is, and where it computes."""

    rank: int
    num_workers: int
    device: torch.device

    def generator(self, seed: int, step: int, draws_by: str = BY_SONG) -> torch.Generator:
        """The noise of one step: a CPU generator that depends on nothing else; by worker, or one for all of them."""
        rank = 0 if draws_by == BY_SONG else self.rank
        words = np.random.SeedSequence([seed, step, rank]).generate_state(2)
        return torch.Generator().manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)

    def part(self, draws_by: str) -> Part:
        """Which part of what its `generator` draws is this worker's: all of it where it draws by itself."""
        return Part(self.rank, self.num_workers) if draws_by == BY_SONG else WHOLE


class Objective(Protocol):
    """What a run learns. Travels to the workers: plain values and absolute paths, nothing built."""

    def build(self) -> Jam:
        """The model the run starts from."""

    def start(self, worker: Worker) -> StepLoss:
        """Open the data on this worker; returns the loss of a step."""

    def validate(self, model: Jam, worker: Worker) -> dict[str, Any]:
        """Figures of the model as it is; runs on the first worker only."""

    def facts(self) -> TrainingFacts:
        """What the finished weights were trained for."""

    def adapter_facts(self) -> dict[str, str]:
        """What a file of adapters says of itself; asked only where the model learns nothing else."""

    @property
    def wandb(self) -> WandbParams | None:
        """Where that tracker puts the run."""

    @property
    def hear_every_steps(self) -> int:
        """How often songs are generated while it learns, and at the end; 0: never. No part of what is learned."""

    def hear(self, model: Jam, worker: Worker) -> Sequence[HeardSong]:
        """Songs by the model as it is; runs on the first worker only."""


StepLoss = Callable[[Jam, int, torch.Generator], dict[str, torch.Tensor]]
"""(model (or what wraps it), step, generator) -> scalars; ``loss`` is what the step goes down, the others are logged."""


def run_steps(
    objective: Objective,
    params: FitParams,
    out: Path,
    worker: Worker,
    stop_at: int | None = None,
    commit: Callable[[], None] = lambda: None,
    fence: Fence | None = None,
) -> None:
    """This worker's part of a run: from the newest whole checkpoint to the last step.

    `stop_at` ends early, as a kill would, without the closing files. `commit` is called on the first worker
    whenever a checkpoint or the result stands; `fence` is checked before.

    Raises:
        LeaseLost: another process writes this run by now.
    """
    torch.set_num_threads(params.threads_per_worker)
    model = objective.build().to(worker.device)
    model.transformer.gradient_checkpointing = params.activation_checkpointing
    if params.shards_weights:
        shard(model, worker.num_workers, worker.device, params.offloads_weights)
    optimiser = partial(build_optimiser, params.optimiser)
    train_state = TrainState(model, params.rule(), optimiser, params.precision == SCALED)
    step_loss = objective.start(worker)
    newest = newest_checkpoint(out)
    state: dict[str, Any] = train_state.load(newest) if newest else {"seconds": 0.0, "best": None}
    log = (
        TrainLog(out, train_state.step, float(state["seconds"]), params.trackers, objective.wandb)
        if worker.rank == 0
        else None
    )
    if log:
        forget_heard(out, train_state.step)
    best: dict[str, Any] | None = state["best"]
    figures: dict[str, Any] | None = None  # of the last step, once it is validated
    stops = _is_spent(
        params, best, train_state.step, worker
    )  # killed between its last checkpoint and its result
    called = _wrapped(train_state.model.train(), params, worker)
    sums: dict[str, float] = {}
    while train_state.step < params.steps and train_state.step != stop_at and not stops:
        for name, value in _update(train_state, called, step_loss, params, worker).items():
            sums[name] = sums.get(name, 0.0) + value
        last, asked = train_state.step == params.steps, False
        if train_state.step % params.log_every_steps == 0 or last:
            count = (train_state.step - 1) % params.log_every_steps + 1
            sums[ASKED_NAME] = float((out / ASKED_NAME).exists())  # all workers must see the same answer
            means = {name: value / count for name, value in sums.items()}
            means = mean_over_workers(means, worker.num_workers, worker.device)
            asked, sums = means.pop(ASKED_NAME) > 0, {}
            if log:
                log.write(train_state.step, {"learning_rate": train_state.learning_rate, **means})
        if params.validate_every_steps and (train_state.step % params.validate_every_steps == 0 or last):
            best, figures = _validated(train_state, objective, best, params, out, log, worker)
            stops = _is_spent(params, best, train_state.step, worker)
            last = last or stops
        if objective.hear_every_steps and (train_state.step % objective.hear_every_steps == 0 or last):
            _keep_songs_to_hear(train_state, objective, out, log, worker)
        if train_state.step % params.checkpoint_every_steps == 0 or last or asked:
            if fence is not None:
                fence.check()
            facts = {"seconds": log.seconds(), "best": best} if log else {}
            train_state.save(out / STEPS_NAME / f"step-{train_state.step:06d}", facts, writes=log is not None)
            if log:
                remove_old(out, params.keep_checkpoints)
                (out / ASKED_NAME).unlink(missing_ok=True)
                commit()
    if train_state.step == params.steps or stops:
        if fence is not None:
            fence.check()
        if log:
            remove_old(out, params.keep_checkpoints)
        _finish(train_state, objective, best, figures, out, worker)
    if log:
        log.close()
        commit()
    if worker.num_workers > 1:
        distributed.barrier()


def _wrapped(model: Jam, params: FitParams, worker: Worker) -> Jam:
    """The model as the loss calls it: compiled and averaging gradients over the workers, where asked."""
    called: Any = model
    if worker.num_workers > 1 and not params.shards_weights:
        called = DistributedDataParallel(called)
    return cast(Jam, torch.compile(called) if params.compile else called)


def unwrapped(model: Any) -> Jam:
    """The model that a loss is called with, without what `_wrapped` put around it."""
    while (inner := getattr(model, "_orig_mod", None) or getattr(model, "module", None)) is not None:
        model = inner
    return cast(Jam, model)


def _update(
    train_state: TrainState, model: Jam, step_loss: StepLoss, params: FitParams, worker: Worker
) -> dict[str, float]:
    """One optimiser step over its micro-batches; gradients travel between workers with the last one only."""
    sums: dict[str, float] = {}
    train_state.optimiser.zero_grad(set_to_none=True)
    first = train_state.step * params.gradient_accumulation_steps
    for micro_step in range(first, first + params.gradient_accumulation_steps):
        generator = worker.generator(params.seed, micro_step, params.draws_by)
        travels = worker.num_workers == 1 or micro_step == first + params.gradient_accumulation_steps - 1
        if params.shards_weights:
            cast(Any, model).set_requires_gradient_sync(travels)
        with nullcontext() if travels or params.shards_weights else cast(Any, model).no_sync():
            half = torch.float16 if params.precision == SCALED else torch.bfloat16
            with torch.autocast(worker.device.type, half, enabled=params.precision != FULL_PRECISION):
                values = step_loss(model, micro_step, generator)
            train_state.backward(values["loss"] / params.gradient_accumulation_steps)
        for name, value in values.items():
            sums[name] = sums.get(name, 0.0) + value.item() / params.gradient_accumulation_steps
    return {**sums, **train_state.update(params.measures_updates)}


def _validated(
    train_state: TrainState,
    objective: Objective,
    best: dict[str, Any] | None,
    params: FitParams,
    out: Path,
    log: TrainLog | None,
    worker: Worker,
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Writes down what the EMA weights are worth.

    Returns the best step so far, whose EMA weights lie in ``best/``, and the figures of this one.

    Raises:
        ValueError: the validation measures no figure of the name in `best_by`.
    """
    ema, adapter = train_state.ema_model(log is not None), train_state.adapter_tensors(log is not None)
    if ema is None or log is None:
        return None, None
    figures = objective.validate(ema.to(worker.device), worker)
    log.validated(train_state.step, figures)
    if params.best_by == NONE:
        return None, figures
    if not isinstance(figures.get(params.best_by), int | float):
        known = ", ".join(name for name, value in figures.items() if isinstance(value, int | float))
        raise ValueError(f"best_by: {params.best_by!r} is not measured; choose one of: {known}")
    value = float(figures[params.best_by])
    sign = 1 if params.best_is == "lowest" else -1
    if best is not None and sign * value >= sign * best["value"]:
        return best, figures
    save_model(out / BEST_NAME, ema)
    if train_state.adapts:
        write_adapter(out / BEST_NAME / ADAPTER_NAME, adapter, objective.adapter_facts())
    return {"step": train_state.step, "figure": params.best_by, "value": value}, figures


def _keep_songs_to_hear(
    train_state: TrainState, objective: Objective, out: Path, log: TrainLog | None, worker: Worker
) -> None:
    """Keeps songs by the EMA weights, in the run's folder and with the trackers."""
    ema = train_state.ema_model(kept=log is not None)
    if ema is None or log is None:
        return
    with torch.random.fork_rng(devices=[]):  # what generates may draw; what is learned must not depend on it
        songs = objective.hear(ema, worker)
    keep_heard(out, train_state.step, songs)
    for song in songs:
        if song.coded:
            log.sound(train_state.step, f"heard/{song.song_id}", song.mix_CN, song.rate_hz)


def _is_spent(params: FitParams, best: Mapping[str, Any] | None, step: int, worker: Worker) -> bool:
    """Whether the last `patience` validations brought no better step; the first worker knows, and all must hear the same."""
    if params.patience is None:
        return False
    spent = best is not None and step - best["step"] >= params.patience * params.validate_every_steps
    return as_the_first_says(spent, worker.num_workers, worker.device)


def _finish(
    train_state: TrainState,
    objective: Objective,
    best: dict[str, Any] | None,
    figures: dict[str, Any] | None,
    out: Path,
    worker: Worker,
) -> None:
    """Write the run's result, its figures and the marker that it is done; `figures` are the last step's, if known."""
    ema, adapter = train_state.ema_model(worker.rank == 0), train_state.adapter_tensors(worker.rank == 0)
    if ema is None:
        return
    model = (load_model(out / BEST_NAME) if best else ema).to(worker.device).eval()
    digest = save_model(out, model)
    if train_state.adapts and best:
        shutil.copyfile(out / BEST_NAME / ADAPTER_NAME, out / ADAPTER_NAME)
    elif train_state.adapts:
        write_adapter(out / ADAPTER_NAME, adapter, objective.adapter_facts())
    objective.facts().write(out)
    is_last = best is None or best["step"] == train_state.step
    told = figures if figures is not None and is_last else objective.validate(model, worker)
    done = {"steps": train_state.step, "weights": digest, "figures": told}
    write_json(out / DONE_NAME, {**done, "best": best} if best else done)
