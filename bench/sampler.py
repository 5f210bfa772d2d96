"""Our sampler beside the released one: same weights, inputs, noise and steps, in one process.

python bench/sampler.py --jamify CLONE                             dim 512, depth 8, 500 and 1500 frames
python bench/sampler.py --jamify CLONE --frames 5000 --steps 49 --full --precision bfloat16     the 530M model, for a GPU

Seconds are medians of runs in turns. FLOPs are counted while each side runs; MFU is told only where the
peak of the GPU is given (--peak-tflops).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["TQDM_DISABLE"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.measuring import interleaved, machine, options_parser, summary, write_result
from bench.released import Released
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Guidance, ODESolver
from jam_model.dit import Jam
from jam_model.frames import seconds_of_frames
from jam_model.sampler import sample

SMALL = replace(JAM_0_5, dim=512, depth=8)
GUIDANCE = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
LARGEST_DIFFERENCE = 1e-3  # in float32
SUNG_SHARE = 0.9


def random_model(num_frames: int, full: bool, device: str) -> Jam:
    """A model of random weights, those that start from zero too."""
    torch.manual_seed(0)
    model = Jam(replace(JAM_0_5 if full else SMALL, max_frames=num_frames)).eval().requires_grad_(False)
    for weight in model.parameters():
        weight += 0.02 * torch.randn_like(weight)
    return model.to(device)


def random_conditions(num_frames: int, generator: torch.Generator) -> Conditions:
    """One song that ends before the frames do."""
    durations = duration_conditions(int(SUNG_SHARE * num_frames), num_frames)
    return Conditions(
        torch.randint(0, 64, (1, 4 * num_frames), generator=generator),
        torch.nn.functional.normalize(torch.randn(1, 512, generator=generator)),
        *(torch.tensor([duration]) for duration in durations),
    )


def compare(released: Released, num_frames: int, given: argparse.Namespace) -> dict[str, Any]:
    """Times, differences and rates at one length."""
    device, generator = given.device, torch.Generator().manual_seed(1)
    model = random_model(num_frames, given.full, device)
    cfm = released.model(model.config, model.state_dict()).eval().to(device)
    conditions = random_conditions(num_frames, generator).to(device)
    negative = torch.nn.functional.normalize(torch.randn(1, 512, generator=generator)).to(device)
    torch.manual_seed(2)
    noise = torch.randn(1, num_frames, model.config.latent_channels, device=device)
    integration = ODESolver(given.steps, precision=given.precision, compiled=given.compile)

    def theirs() -> torch.Tensor:
        torch.manual_seed(2)  # they draw the noise themselves
        enabled = given.precision == "bfloat16"
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=enabled):
            candidates, _ = cfm.sample(
                cond=torch.zeros_like(noise),
                text=conditions.lyric_tokens_BL,
                style_prompt=conditions.style_BS,
                negative_style_prompt=negative,
                start_time=conditions.start_time_B,
                duration_abs=conditions.duration_abs_B,
                duration_rel=conditions.duration_rel_B,
                latent_pred_segments=[(0, num_frames)],
                steps=given.steps + 1,
                dual_cfg=(GUIDANCE.style_guidance_scale, GUIDANCE.lyrics_guidance_scale),
                cfg_range=GUIDANCE.interval,
            )
        return candidates[0]

    def ours() -> torch.Tensor:
        return sample(model, conditions, noise, integration, GUIDANCE, negative[0])

    difference = (theirs() - ours()).abs().max().item()
    if given.precision == "float32" and difference > LARGEST_DIFFERENCE:
        raise SystemExit(
            f"{num_frames} frames: outputs differ by {difference:.2g}, more than {LARGEST_DIFFERENCE}"
        )
    seconds = interleaved({"released": theirs, "ours": ours}, given.runs)
    result = summary(seconds, "released", "ours")
    flops = {"released": flops_of(theirs), "ours": flops_of(ours)}
    ours_s, updates = result["ours_s"], given.steps
    return {
        "num_frames": num_frames,
        "max_difference": difference,
        **result,
        "rtf": round(ours_s / seconds_of_frames(num_frames), 4),
        "frames_per_s": round(num_frames * updates / ours_s),
        "tflop": {name: round(count / 1e12, 3) for name, count in flops.items()},
        "tflop_per_s": {name: round(flops[name] / 1e12 / result[f"{name}_s"], 3) for name in flops},
        "mfu": round(flops["ours"] / 1e12 / ours_s / given.peak_tflops, 3) if given.peak_tflops else None,
    }


def flops_of(run: Callable[[], Any]) -> int:
    """Floating-point operations of matrix products, convolutions and attention in one run."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--jamify", type=Path, required=True, help="a clone of declare-lab/jamify")
    parser.add_argument("--frames", type=int, nargs="+", default=[500, 1500])
    parser.add_argument(
        "--steps", type=int, default=8, help="updates; the released code counts their grid points"
    )
    parser.add_argument("--full", action="store_true", help="the 530M model instead of dim 512, depth 8")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--compile", action="store_true", help="torch.compile our steps")
    parser.add_argument("--peak-tflops", type=float, help="of the GPU in this precision, for MFU")
    parser.add_argument("--name", default="sampler", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    released = Released(given.jamify)
    config = JAM_0_5 if given.full else SMALL
    lengths = [compare(released, num_frames, given) for num_frames in given.frames]
    write_result(
        given.name,
        {
            "machine": machine("transformers"),
            "model": {"dim": config.dim, "depth": config.depth, "heads": config.heads},
            "num_steps": given.steps,
            "precision": given.precision,
            "compiled": given.compile,
            "runs": given.runs,
            "stood_in_for": released.stand_ins,
            "lengths": lengths,
        },
    )


if __name__ == "__main__":
    main()
