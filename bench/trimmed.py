"""What the trimmed mode costs in likeness: latents of the same songs, sung exact and trimmed.

python bench/trimmed.py --checkpoint FOLDER [--songs 4]
python bench/trimmed.py                       a random model of middle size
python bench/trimmed.py --checkpoint FOLDER --shards W/shards --songs 8     also what a recogniser hears of both modes

The difference is told as a share of the exact latents' own spread, over the song's frames, by margin. Heard are the
shards' validation songs, by the models of params.yaml, which are embedded ones: stand-ins.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, write_result
from flows.pipelines.runs import validation_by_ear_of
from flows.settings.params import load_params
from jam_model.checkpoint import load_model
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Guidance, ODESolver
from jam_model.dit import Jam
from jam_model.lyric_grid import lyric_grid
from jam_model.sampler import sample, song_noise
from jam_model.shard_index import VALIDATION
from jam_model.shards import Shards
from jam_model.words import Word

MARGINS = (0, 16, 64, 128)
GUIDANCE = Guidance(1.5, 3.5, (0.0, 1.0), "dual")
WORDS = ("hɛlˈoʊ", "mˈun", "stˈeɪ", "fɚˈɛvɚ", "lˈʌv")


def random_model() -> Jam:
    """dim 256, depth 6, songs of up to 600 frames; zero-initialised parts random too."""
    torch.manual_seed(0)
    model = Jam(replace(JAM_0_5, dim=256, depth=6, heads=8, max_frames=600))
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.02 * torch.randn_like(weight)
    return model


def differences(model: Jam, number: int, share: float, num_steps: int) -> dict[int, float]:
    """Root-mean-square difference to the exact song by margin, over the exact song's standard deviation."""
    max_frames = model.config.max_frames
    num_frames = int(share * max_frames)
    words = [
        Word("", 0.3 + 0.45 * n, 0.7 + 0.45 * n, WORDS[n % len(WORDS)])
        for n in range(int(num_frames / 21.5 / 0.5))
    ]
    generator = torch.Generator().manual_seed(number)
    style, negative = torch.nn.functional.normalize(
        torch.randn(2, model.config.style_dim, generator=generator)
    )
    conditions = Conditions(
        torch.from_numpy(lyric_grid(words, max_frames, num_latent_frames=num_frames)).unsqueeze(0),
        style.unsqueeze(0),
        *(torch.tensor([duration]) for duration in duration_conditions(num_frames, max_frames)),
    )

    def sung(frames: int) -> torch.Tensor:
        noise_BTC = song_noise(0, f"song{number}", 0, frames).unsqueeze(0)
        return sample(model, conditions, noise_BTC, ODESolver(num_steps), GUIDANCE, negative)[0, :num_frames]

    exact = sung(max_frames)
    return {
        margin: (
            (sung(min(max_frames, num_frames + margin)) - exact).square().mean().sqrt() / exact.std()
        ).item()
        for margin in MARGINS
    }


def heard(model: Jam, shards: Path, num_songs: int) -> dict[str, Any]:
    """Phone error rates of validation songs sung in each mode, by the recogniser that guards."""
    validation = Shards(shards, VALIDATION)
    songs = [validation[number] for number in range(min(num_songs, len(validation)))]
    found = {}
    for mode in ("exact", "trimmed"):
        params = load_params(None, [f"sampler.mode={mode}", f"sft.validation_per_songs={num_songs}"])
        hearing = validation_by_ear_of(params.sft, params)
        assert hearing is not None
        found[mode] = hearing.figures(model, songs, params.sft.seed, torch.device("cpu"))
        found[mode]["margin_frames"] = params.sampler.margin_frames
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, help="a folder of save_model; none: random weights")
    parser.add_argument(
        "--shards", type=Path, help="a folder of shards, to sing and read its validation songs"
    )
    parser.add_argument("--songs", type=int, default=4)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--name", default="trimmed", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = (
        (load_model(given.checkpoint) if given.checkpoint else random_model()).eval().requires_grad_(False)
    )
    rows = {}
    for share in (0.5, 0.75):
        found = [differences(model, number, share, given.steps) for number in range(given.songs)]
        rows[str(share)] = {
            margin: round(float(np.median([f[margin] for f in found])), 4) for margin in MARGINS
        }
    write_result(
        given.name,
        {
            "machine": machine(),
            "weights": "trained" if given.checkpoint else "random",
            "songs": given.songs,
            "difference_by_song_share_and_margin_frames": rows,
            "heard": heard(model, given.shards, given.songs) if given.shards else None,
        },
    )


if __name__ == "__main__":
    main()
