"""Our training step beside the released one: forward, backward, clip and AdamW on equal weights and batches.

python bench/train_step.py --jamify CLONE
python bench/train_step.py --jamify CLONE --full --frames 5000 --batch-size 4 --precision bfloat16     for a GPU

Noise, times and kept conditions are drawn by each side itself (the released code from torch's global generator), so
losses are compared on their own draws: first without dropout, over equal noise and times.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.measuring import interleaved, machine, options_parser, summary, write_result
from bench.released import Released
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Dropout, JamConfig
from jam_model.dit import Jam
from jam_model.flow import FlowDraw, draw_flow, flow_error

SMALL = replace(JAM_0_5, dim=512, depth=8)
CLIP_NORM = 10.0
LEARNING_RATE = 7.5e-5
LARGEST_DIFFERENCE = 1e-4
NEVER = Dropout(0.0, 0.0, "jam")


class Bench:
    """Both models on one batch."""

    def __init__(self, released: Released, config: JamConfig, given: argparse.Namespace) -> None:
        generator = torch.Generator().manual_seed(0)
        torch.manual_seed(0)
        self.device, self.precision = torch.device(given.device), given.precision
        self.ours = Jam(config)
        with torch.no_grad():
            for weight in self.ours.parameters():
                weight += 0.02 * torch.randn_like(weight)
        self.theirs = released.model(config, self.ours.state_dict()).to(self.device).train()
        self.theirs.no_cond_drop = True
        self.ours = self.ours.to(self.device).train()
        self.ours.transformer.gradient_checkpointing = given.checkpointing
        self.theirs.transformer.grad_ckpt = given.checkpointing
        batch, frames = given.batch_size, config.max_frames
        self.latents = torch.randn(batch, frames, config.latent_channels, generator=generator).to(self.device)
        durations = duration_conditions(int(0.9 * frames), frames)
        self.conditions = Conditions(
            torch.randint(0, 64, (batch, 4 * frames), generator=generator),
            torch.nn.functional.normalize(torch.randn(batch, 512, generator=generator)),
            *(torch.full((batch,), duration) for duration in durations),
        ).to(self.device)
        self.generator = generator
        self.optimisers = {
            name: torch.optim.AdamW(model.parameters(), LEARNING_RATE, fused=name == "ours")
            for name, model in (("released", self.theirs), ("ours", self.ours))
        }

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bfloat16")

    def their_loss(self) -> torch.Tensor:
        """Draws its own noise and times."""
        c = self.conditions
        with self.autocast():
            loss, _, _ = self.theirs(
                self.latents,
                c.lyric_tokens_BL,
                style_prompt=c.style_BS,
                start_time=c.start_time_B,
                duration_abs=c.duration_abs_B,
                duration_rel=c.duration_rel_B,
            )
        return loss

    def our_loss(self, draw: FlowDraw | None = None) -> torch.Tensor:
        """On a given draw, or on one of its own."""
        draw = draw or draw_flow(self.latents, NEVER, self.generator)
        with self.autocast():
            return flow_error(self.ours, self.latents, self.conditions, draw).mean()

    def difference(self) -> float:
        """Of the two losses on the noise and times that the released code draws, as a share."""
        torch.manual_seed(1)
        spans = torch.zeros(len(self.latents), device=self.device).uniform_()  # drawn there and not used
        torch.rand_like(spans)
        noise = torch.randn_like(self.latents)
        time = torch.normal(mean=0, std=1, size=(len(self.latents),), device=self.device).sigmoid()
        kept = torch.ones(len(self.latents), dtype=torch.bool, device=self.device)
        torch.manual_seed(1)
        with torch.no_grad():
            their = self.their_loss().item()
            mine = self.our_loss(FlowDraw(noise, time, kept, kept)).item()
        return abs(mine - their) / their

    def step(self, name: str) -> None:
        """One optimiser step."""
        model, optimiser = (self.theirs if name == "released" else self.ours), self.optimisers[name]
        optimiser.zero_grad(set_to_none=True)
        (self.their_loss() if name == "released" else self.our_loss()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
        optimiser.step()


def measure(released: Released, num_frames: int, given: argparse.Namespace) -> dict[str, Any]:
    """Seconds a step, tokens a second, FLOPs."""
    bench = Bench(released, replace(JAM_0_5 if given.full else SMALL, max_frames=num_frames), given)
    difference = bench.difference()
    if given.precision == "float32" and difference > LARGEST_DIFFERENCE:
        raise SystemExit(f"losses differ by {difference:.2g} of their value, more than {LARGEST_DIFFERENCE}")
    runs = {name: lambda name=name: bench.step(name) for name in ("released", "ours")}
    result = summary(interleaved(runs, given.runs), "released", "ours")
    with FlopCounterMode(display=False) as counter:
        bench.step("ours")
    tflop = counter.get_total_flops() / 1e12
    return {
        "num_frames": num_frames,
        "loss_difference": difference,
        **result,
        "frames_per_s": round(given.batch_size * num_frames / result["ours_s"]),
        "tflop": round(tflop, 3),
        "tflop_per_s": round(tflop / result["ours_s"], 3),
        "mfu": round(tflop / result["ours_s"] / given.peak_tflops, 3) if given.peak_tflops else None,
    }


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--jamify", type=Path, required=True, help="a clone of declare-lab/jamify")
    parser.add_argument("--frames", type=int, nargs="+", default=[500])
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="the 530M model instead of dim 512, depth 8")
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing on both sides")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--peak-tflops", type=float, help="of the GPU in this precision, for MFU")
    parser.add_argument("--name", default="train_step", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    released = Released(given.jamify)
    config = JAM_0_5 if given.full else SMALL
    write_result(
        given.name,
        {
            "machine": machine("transformers"),
            "model": {"dim": config.dim, "depth": config.depth, "heads": config.heads},
            "batch_size": given.batch_size,
            "precision": given.precision,
            "gradient_checkpointing": given.checkpointing,
            "runs": given.runs,
            "stood_in_for": released.stand_ins,
            "lengths": [measure(released, num_frames, given) for num_frames in given.frames],
        },
    )


if __name__ == "__main__":
    main()
