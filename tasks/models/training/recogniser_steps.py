"""Steps of the optimiser that train a recogniser, and a checkpoint so that a stop loses little.

Shape suffixes: B batch, T frames of 10 ms, U frames of the CTC head, M mel bands, V inventory.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from tasks.models.embedded.recogniser import Recogniser
from tasks.models.training.recogniser_crops import Crops

FRAME_LOSS_WEIGHT = 0.5
WARMUP_STEPS = 50
CONSTANT_SHARE = 0.6  # of the steps at the full learning rate; it then falls to LAST_RATE of it
LAST_RATE = 0.02
IGNORED = -100
CHECKPOINT_STEPS = 200

log = logging.getLogger(__name__)


def train(
    model: Recogniser, crops: Crops, steps: int, batch: int, learning_rate: float, checkpoint: Path
) -> None:
    """AdamW on the sum of the CTC loss and the frame loss. One thread, seeded: the same bytes every time.

    What stands in `checkpoint` goes on from there, to the same bytes; it is written every `CHECKPOINT_STEPS`.
    """
    optimiser = torch.optim.AdamW(model.parameters(), learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    losses = []
    for step in range(_resumed(checkpoint, model, optimiser, crops), steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * rate_at(step, steps)
        drawn = [crops.draw() for _ in range(batch)]
        mel_BTM = torch.nn.utils.rnn.pad_sequence([mel for mel, _, _ in drawn], batch_first=True)
        labels_BT = torch.nn.utils.rnn.pad_sequence([t for _, t, _ in drawn], True, IGNORED)
        ctc_BUV, frames_BTV = model(mel_BTM)
        ctc = F.ctc_loss(
            ctc_BUV.transpose(0, 1),
            torch.tensor([phone for _, _, phones in drawn for phone in phones]),
            torch.tensor([(len(mel) + 1) // 2 * model.config.ctc_parts for mel, _, _ in drawn]),
            torch.tensor([len(phones) for _, _, phones in drawn]),
            zero_infinity=True,
        )
        frames = F.nll_loss(
            frames_BTV[:, : labels_BT.shape[1]].transpose(1, 2), labels_BT, ignore_index=IGNORED
        )
        loss = ctc + FRAME_LOSS_WEIGHT * frames
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        losses.append((ctc.item(), frames.item()))
        if (step + 1) % CHECKPOINT_STEPS == 0:
            means = np.mean(losses[-CHECKPOINT_STEPS:], axis=0)
            log.info("step %d  ctc %.3f  frames %.3f", step + 1, *means)
            partial = checkpoint.with_suffix(".partial")
            state = {"step": step + 1, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
            torch.save({**state, "crops": json.dumps(crops.state)}, partial)
            partial.replace(checkpoint)


def _resumed(checkpoint: Path, model: Recogniser, optimiser: torch.optim.Optimizer, crops: Crops) -> int:
    """The first step that is left."""
    if not checkpoint.exists():
        return 0
    state = torch.load(checkpoint, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    crops.state = json.loads(state["crops"])
    return int(state["step"])


def rate_at(step: int, steps: int) -> float:
    """Share of the learning rate at a step: warm-up, constant, then linear down to `LAST_RATE`."""
    done = step / steps
    falling = 1.0 if done < CONSTANT_SHARE else max(LAST_RATE, (1 - done) / (1 - CONSTANT_SHARE))
    return min(1.0, (step + 1) / WARMUP_STEPS) * falling
