"""The 530M model on this machine: a random checkpoint under the released keys, loaded and sampled.

python bench/full_model.py --frames 430

Writes the checkpoint to a temporary folder (2.1 GB), loads it as `jam-0_5.safetensors` would be loaded, generates with 8 updates
of the first frames, and tells seconds and the largest memory of the process.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from safetensors.torch import save_file

from bench.measuring import machine, options_parser, write_result
from jam_model.checkpoint import load_model
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Guidance, ODESolver
from jam_model.dit import Jam
from jam_model.sampler import sample, song_noise

GUIDANCE = Guidance(4.7, 2.6, (0.05, 1.0), "dual")


def write_checkpoint(path: Path, generator: torch.Generator) -> None:
    """Random weights under the names of the released file."""
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Jam(JAM_0_5).state_dict().items()}
    save_file(
        {
            name: torch.randn(shape, generator=generator) * 0.02 + name.endswith("norm.weight")
            for name, shape in shapes.items()
        },
        path,
    )


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--frames", type=int, default=430)
    parser.add_argument("--steps", type=int, default=8, help="updates")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    generator = torch.Generator().manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jam-0_5.safetensors"
        write_checkpoint(path, generator)
        start = time.perf_counter()
        model = load_model(path, JAM_0_5).eval().requires_grad_(False)
        loaded_s = time.perf_counter() - start
    slots = 4 * JAM_0_5.max_frames
    durations = duration_conditions(given.frames, JAM_0_5.max_frames)
    conditions = Conditions(
        torch.randint(0, 64, (1, slots), generator=generator),
        torch.nn.functional.normalize(torch.randn(1, 512, generator=generator)),
        *(torch.tensor([duration]) for duration in durations),
    )
    negative_S = torch.nn.functional.normalize(torch.randn(512, generator=generator), dim=0)
    noise_BTC = song_noise(0, "bench", 0, given.frames).unsqueeze(0)
    start = time.perf_counter()
    sung_BTC = sample(model, conditions, noise_BTC, ODESolver(given.steps), GUIDANCE, negative_S)
    sampled_s = time.perf_counter() - start
    write_result(
        "full_model",
        {
            "machine": machine(),
            "num_parameters": sum(weight.numel() for weight in model.parameters()),
            "num_frames": given.frames,
            "updates": given.steps,
            "finite": bool(sung_BTC.isfinite().all()),
            "load_s": round(loaded_s, 1),
            "sample_s": round(sampled_s, 1),
            "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        },
    )


if __name__ == "__main__":
    main()
