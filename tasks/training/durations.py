"""Trains the duration predictor alone (`train_durations`): its steps, optimiser, loss in nats, the best net and its card; the same weights by the same seed.

The folder of a run: ``state.safetensors`` (weights, AdamW's moments, the best weights so far; written whole), ``log.jsonl`` (a line
a validation), and at the end the checkpoint of the best step with ``done.json``. The loss is the nats a word of gap, length
and shares, so what is minimised is what is reported. With `beside` a JAM model learns in the same steps (joint_durations.py).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from jam_model.durations.checkpoint import save_durations
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from jam_model.durations.sheet import Sheet, batch_of
from tasks.storage.files import write_bytes, write_json
from tasks.trainer.run_folder import DONE_NAME, TrainResult, result_of
from tasks.training.duration_params import DurationParams
from tasks.training.duration_songs import TimedSong

VERSION = 1
"""Rises whenever the same songs and settings give other weights; part of a run's cache key."""
STATE_NAME, LOG_NAME = "state.safetensors", "log.jsonl"
WARMUP = 0.05
MAX_GRAD_NORM = 1.0
VALIDATED_TOGETHER = 16


class Beside(Protocol):
    """A model that learns in the steps of a predictor."""

    def config(self, config: DurationConfig) -> DurationConfig:
        """The predictor's config beside it."""

    def join(self, net: DurationNet) -> list[torch.nn.Parameter]:
        """Gives the predictor what it shares; returns the weights that are the predictor's to learn."""

    def backward(self, nats: Tensor, step: int) -> None:
        """Gathers the gradients of both losses, and updates the model."""

    def save(self, out: Path, step: int) -> None:
        """Writes all that it goes on from at a step."""

    def load(self, out: Path, step: int) -> None:
        """Goes on from there."""

    def finish(self, out: Path) -> dict[str, float]:
        """Writes the model; returns its figures."""


def train_durations(
    train: Sequence[TimedSong],
    validation: Sequence[TimedSong],
    params: DurationParams,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    stop_at: int | None = None,
    beside: Beside | None = None,
) -> TrainResult | None:
    """A run in the folder `out`, from where it stands; None where `stop_at` ended it before its last step. `beside`: what else learns.

    Raises:
        ValueError: no song to learn from or to choose the best step by.
    """
    for side, songs in (("train", train), ("validation", validation)):
        if not songs:
            raise ValueError(f"durations: no {side} song has words with times; prepare more songs")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        config = config_for(train, params)
        net = DurationNet(beside.config(config) if beside else config, params.dropout)
    learned = beside.join(net) if beside else list(net.parameters())
    optimiser = torch.optim.AdamW(
        learned, lr=params.learning_rate, betas=(0.9, 0.98), weight_decay=params.weight_decay
    )
    step, best = _resumed(out / STATE_NAME, net, optimiser)
    if beside and step:
        beside.load(out, step)
    while step < params.steps and step != stop_at:
        net.train()
        _update(net, optimiser, train, params, step, beside)
        step += 1
        last = step == params.steps
        if step % params.validate_every_steps == 0 or last:
            figures = figures_of(net, validation)
            _append(out / LOG_NAME, {"step": step, **figures})
            if best is None or figures["nats"] < best["nats"]:
                weights = {name: tensor.clone() for name, tensor in net.state_dict().items()}
                best = {"step": step, **figures, "weights": weights}
        if step % params.checkpoint_every_steps == 0 or last or step == stop_at:
            if beside:
                beside.save(out, step)
            _save(out / STATE_NAME, net, optimiser, step, best)
            progress(step, params.steps)
    if step < params.steps or best is None:
        return None
    more = beside.finish(out) if beside else {}
    net.load_state_dict(best["weights"])
    figures = {f"validation_{name}": value for name, value in best.items() if name not in ("weights", "step")}
    digest = save_durations(out, net, card(params, len(train), len(validation), best))
    done = {"steps": step, "weights": digest, "figures": {**figures, **more}, "best_step": best["step"]}
    write_json(out / DONE_NAME, done)
    return result_of(out, done)


def config_for(songs: Sequence[TimedSong], params: DurationParams) -> DurationConfig:
    """The sizes of the settings, with the symbols and the pace of these songs."""
    symbols = {symbol for song in songs for phonemes in song.sheet.phonemes for symbol in phonemes}
    symbols |= {s for song in songs for of in song.sheet.phones for phone in of for s in phone}
    paces = np.log([song.sheet.duration_s / sum(song.sheet.syllables()) for song in songs])
    styles = [len(song.sheet.style_S) for song in songs if song.sheet.style_S is not None]
    return DurationConfig(
        symbols="".join(sorted(symbols)) or "-",
        symbol_dim=params.symbol_dim,
        width=params.width,
        components=params.components,
        style_dim=styles[0] if styles else 0,
        slot_s=params.slot_s,
        syllable_s=round(float(np.exp(paces.mean())), 4),
        syllable_sd=round(max(float(paces.std()), 0.01), 4),
    )


def loss_of(net: DurationNet, songs: Sequence[TimedSong]) -> tuple[Tensor, int]:
    """Nats of gap, length and shares [3] summed over the words of songs, and how many words there are."""
    batch = batch_of(
        [song.sheet for song in songs],
        [song.timing for song in songs],
        net.config.symbols,
        net.config.style_dim,
    )
    return torch.stack([nats.sum() for nats in net(batch)]), int(batch.is_word.sum())


@torch.no_grad()
def figures_of(net: DurationNet, songs: Sequence[TimedSong]) -> dict[str, float]:
    """Nats a word: `nats` of gap and length together, and each of the three."""
    net.eval()
    sums, count = torch.zeros(3), 0
    for first in range(0, len(songs), VALIDATED_TOGETHER):
        nats, words = loss_of(net, songs[first : first + VALIDATED_TOGETHER])
        sums, count = sums + nats, count + words
    gap, length, shares = (sums / count).tolist()
    return {"nats": gap + length, "gap_nats": gap, "length_nats": length, "shares_nats": shares}


def hidden(sheet: Sheet, share: float, random: np.random.Generator) -> Sheet:
    """The sheet with its tempo, its lines and its style each unknown by this chance."""
    no_tempo, no_lines, no_style = random.random(3) < share
    return replace(
        sheet,
        bpm=None if no_tempo else sheet.bpm,
        line_starts=None if no_lines else sheet.line_starts,
        style_S=None if no_style else sheet.style_S,
    )


def card(params: DurationParams, num_train: int, num_validation: int, best: Mapping[str, Any]) -> str:
    """What a reader of the checkpoint needs to know."""
    return (
        "# Duration predictor\n\n"
        "Gap, length and phone shares of every word of a song, from its lyrics, length and, where they are known, tempo, lines and style. "
        "`jam generate --times predicted` uses it.\n\n"
        f"Trained on {num_train} songs, best step {best['step']} of {params.steps} by {num_validation} validation songs: "
        f"{best['nats']:.3f} nats a word for gap and length, {best['shares_nats']:.3f} for phone shares (densities a second).\n\n"
        f"Settings: `{json.dumps(params.decides(), sort_keys=True)}`\n\n"
        "The times are those of its training songs' singers; tempo is believed to begin with the song.\n"
    )


def _update(
    net: DurationNet,
    optimiser: torch.optim.Optimizer,
    songs: Sequence[TimedSong],
    params: DurationParams,
    step: int,
    beside: Beside | None = None,
) -> None:
    """One step on songs drawn by seed and step alone."""
    random = np.random.default_rng([params.seed, step])
    drawn = random.choice(len(songs), min(params.batch_size, len(songs)), replace=False)
    chosen = [
        replace(songs[int(n)], sheet=hidden(songs[int(n)].sheet, params.unknown_share, random)) for n in drawn
    ]
    warm = min(1.0, (step + 1) / max(1.0, WARMUP * params.steps))
    rate = params.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / params.steps))
    for group in optimiser.param_groups:
        group["lr"] = rate
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(random.integers(1 << 62)))  # of the dropout
        nats, words = loss_of(net, chosen)
    optimiser.zero_grad(set_to_none=True)
    if beside:
        beside.backward(nats.sum() / words, step)
    else:
        (nats.sum() / words).backward()
    learned = [weight for group in optimiser.param_groups for weight in group["params"]]
    torch.nn.utils.clip_grad_norm_(learned, MAX_GRAD_NORM)
    optimiser.step()


def _save(
    path: Path, net: DurationNet, optimiser: torch.optim.Optimizer, step: int, best: Mapping[str, Any] | None
) -> None:
    """All that a run goes on from, as one file."""
    tensors = {f"net.{name}": tensor for name, tensor in net.state_dict().items()}
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": tensor for name, tensor in moments.items()}
    said = None
    if best is not None:
        tensors |= {f"best.{name}": tensor for name, tensor in best["weights"].items()}
        said = {name: value for name, value in best.items() if name != "weights"}
    facts = {"step": str(step), "best": json.dumps(said)}
    write_bytes(path, save({name: tensor.contiguous() for name, tensor in tensors.items()}, facts))


def _resumed(
    path: Path, net: DurationNet, optimiser: torch.optim.Optimizer
) -> tuple[int, dict[str, Any] | None]:
    """The step and the best one of a run that was stopped; 0 and None where none began."""
    if not path.is_file():
        return 0, None
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not whole ({error}); remove it to begin again") from error
    net.load_state_dict(_below(tensors, "net."))
    state = optimiser.state_dict()
    for name, tensor in _below(tensors, "optimiser.").items():
        number, _, moment = name.partition(".")
        state["state"].setdefault(int(number), {})[moment] = tensor
    optimiser.load_state_dict(state)
    best = json.loads(facts["best"])
    return int(facts["step"]), best and {**best, "weights": _below(tensors, "best.")}


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _append(path: Path, row: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
