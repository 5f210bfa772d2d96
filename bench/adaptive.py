"""How far `dopri5` is from Euler's method, by tolerance, and what it takes: against 400 updates of Euler, from one noise.

python bench/adaptive.py --checkpoint FOLDER [--songs 4]

FOLDER is a fine-tuned model on toy songs (`make demo` leaves one in data/checkpoints/sft). Prompts and noise are those of bench/solvers.py; so
is the toy's guidance. What is measured is latents: the root mean square difference over that of the reference, mean over songs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, options_parser, write_result
from bench.solvers import Studio, generate
from flows.settings.params import load_params
from jam_model import sampler
from jam_model.checkpoint import load_model
from jam_model.config import ODESolver
from jam_model.solvers.dopri5 import Solved
from jam_model.solvers.tolerances import Tolerances

TOLERANCES = (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 1e-4)
STEPS = (6, 12, 25, 49, 100, 200)
REFERENCE = 400
MOST = 20_000


def counted(found: list[Solved]) -> Any:
    """The solver, which leaves what it found."""
    plain = sampler.dopri5

    def solve(*given: Any) -> Solved:
        found.append(plain(*given))
        return found[-1]

    return solve


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=4)
    given = parser.parse_args()
    torch.set_num_threads(1)
    params = load_params()
    studio, model = Studio(params), load_model(given.checkpoint).eval().requires_grad_(False)
    songs = [studio.song(number) for number in range(given.songs)]
    negative_S = torch.from_numpy(np.asarray(studio.style.negative_style, np.float32))
    solved: list[Solved] = []
    sampler.dopri5 = counted(solved)
    asked = {
        **{f"euler {steps}": ODESolver(steps) for steps in STEPS},
        **{f"ab2 {steps}": ODESolver(steps, "ab2") for steps in (6, 12, 25)},
        **{
            f"dopri5 {size:g}": ODESolver(1, "dopri5", tolerances=Tolerances(size, size, MOST))
            for size in TOLERANCES
        },
    }
    curve: dict[str, Any] = {}
    guidance = params.sampler.guidance
    reference = generate(model, songs, ODESolver(REFERENCE), guidance, negative_S)
    for label, solver in asked.items():
        solved.clear()
        latents = generate(model, songs, solver, guidance, negative_S)
        away = [
            np.sqrt(np.mean((a - b) ** 2) / np.mean(b**2)) for a, b in zip(latents, reference, strict=True)
        ]
        counts = [one.evaluations for one in solved] or [solver.num_steps]
        rejected = [one.rejected_evaluations for one in solved] or [0]
        curve[label] = {
            "away": round(float(np.mean(away)), 5),
            "away_most": round(float(np.max(away)), 5),
            "evaluations": round(float(np.mean(counts)), 1),
            "rejected_evaluations": round(float(np.mean(rejected)), 1),
        }
        print(label, curve[label], file=sys.stderr, flush=True)
    write_result(
        "adaptive",
        {
            "machine": machine(),
            "songs": len(songs),
            "reference": f"euler {REFERENCE}",
            "guidance": [guidance.style_guidance_scale, guidance.lyrics_guidance_scale, *guidance.interval],
            "curve": curve,
        },
    )


if __name__ == "__main__":
    main()
