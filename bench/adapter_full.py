"""Adapters of the 530M model on this machine: a bare released-form file begun with, tuned for a few steps, merged, generated.

python bench/adapter_full.py [--frames 646] [--steps 5] [--rank 16] [--out FILE]

The weights are random, under the released names, with no config beside them; the songs are random latents. Told are the
seconds of each part, the parameters that are learned, what the plan says of those steps, and the largest memory of this process (the
file is written by another).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.full_model import GUIDANCE, write_checkpoint
from bench.measuring import machine
from flows.settings.params import load_params
from jam_model.checkpoint import load_model, save_model, weights_hash
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import Dropout, ODESolver
from jam_model.flow import flow_loss
from jam_model.sampler import sample, song_noise
from jam_model.train_state import TrainState
from tasks.storage.files import write_json
from tasks.trainer.run_folder import ADAPTER_NAME
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import add_adapters, merged, num_learned, read_adapter
from tasks.training.memory import load_of, memory_of
from tasks.training.start import bring_start

GIB = 2**30


def write_file(path: Path) -> None:
    """Random weights, in a process of its own."""
    write_checkpoint(path, torch.Generator().manual_seed(0))


def random_conditions(frames: int, max_frames: int, generator: torch.Generator) -> Conditions:
    """Of one song: random lyrics and style, the length of so many frames."""
    return Conditions(
        torch.randint(0, 64, (1, 4 * max_frames), generator=generator),
        torch.nn.functional.normalize(torch.randn(1, 512, generator=generator)),
        *(torch.tensor([value]) for value in duration_conditions(frames, max_frames)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=646)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    seconds: dict[str, float] = {}
    begun = time.perf_counter()

    def told(part: str) -> None:
        nonlocal begun
        seconds[part] = round(time.perf_counter() - begun, 1)
        print(f"{part}: {seconds[part]} s, at most {peak_gib():.2f} GiB", flush=True)
        begun = time.perf_counter()

    def peak_gib() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB

    generator = torch.Generator().manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        writer = multiprocessing.get_context("spawn").Process(
            target=write_file, args=(root / "jam-0_5.safetensors",)
        )
        writer.start()
        writer.join()
        before = peak_gib()
        told("write the file (another process)")
        params = load_params()
        start = bring_start(str(root / "jam-0_5.safetensors"), params.start, params.jam, 5000, root / "start")
        told("begin with it")
        section = AdapterParams(
            kind="lora", rank=given.rank, alpha=float(given.rank), targets=("attention", "mlp")
        )
        config = replace(start.config, max_frames=given.frames)  # as training on crops of so many has it
        model = add_adapters(load_model(start.checkpoint, config), section, 0)
        model.transformer.gradient_checkpointing = True
        tuning = params.sft.model_copy(
            update={
                "learning_rate": 1e-4,
                "ema_decay": 0.9,
                "batch_size": 1,
                "activation_checkpointing": True,
            }
            | {"num_workers": 1, "max_frames": given.frames}
        )
        planned = memory_of(load_of(tuning, config, section)).peak
        learned, every = num_learned(model)
        state = TrainState(model, tuning.rule())
        told("load, with adapters")
        losses = []
        for _ in range(given.steps):
            state.optimiser.zero_grad(set_to_none=True)
            latents = torch.randn(1, given.frames, 64, generator=generator)
            conditions = random_conditions(given.frames, given.frames, generator)
            loss = flow_loss(model, latents, conditions, Dropout(0.0, 0.0, "jam"), generator, False).loss
            loss.backward()
            state.update()
            losses.append(round(loss.item(), 4))
        told(f"{given.steps} steps of {given.frames} frames")
        tuned = peak_gib()
        base = weights_hash(start.checkpoint)
        state.save_adapter(root / ADAPTER_NAME, section.facts(base))
        adapter_mb = (root / ADAPTER_NAME).stat().st_size / 1e6
        del state, model
        tensors, facts = read_adapter(root / ADAPTER_NAME)
        save_model(root / "merged", merged(load_model(start.checkpoint), tensors, facts, 1.0))
        told("merge")
        sung = load_model(root / "merged").eval()
        conditions = random_conditions(given.frames, sung.config.max_frames, generator)
        noise = song_noise(0, "bench", 0, given.frames).unsqueeze(0)
        negative = torch.nn.functional.normalize(torch.randn(512, generator=generator), dim=0)
        latents = sample(sung, conditions, noise, ODESolver(2), GUIDANCE, negative)
        told(f"generate {given.frames} frames in 2 updates")
        result = {
            "machine": machine(),
            "frames": given.frames,
            "rank": given.rank,
            "parameters": {"learned": learned, "all": every, "share": round(learned / every, 5)},
            "adapter_mb": round(adapter_mb, 1),
            "losses": losses,
            "finite": bool(torch.isfinite(latents).all()),
            "seconds": seconds,
            "before_gib": round(before, 2),
            "planned_gib": round(planned / GIB, 2),
            "tuned_gib": round(tuned - before, 2),
            "peak_gib": round(peak_gib(), 2),
        }
        print(json.dumps(result, indent=1))
        if given.out:
            write_json(given.out, result)


if __name__ == "__main__":
    main()
