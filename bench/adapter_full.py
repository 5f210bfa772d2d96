"""Adapters of the 530M model on this machine: a bare released-form file begun with, tuned for a few steps, merged, generated.

python bench/adapter_full.py [--frames 646] [--steps 5] [--rank 16] [--scratch FOLDER] [--out FILE]

The weights are random, under the released names, with no config beside them; the songs are random latents. Told are the
seconds of each part, the parameters that are learned, the largest memory of this process (the file is written by another), and beside
the plan what tuning adds to its size just before the model is built, the averaged model that a run ends with among it. Parts and steps
that stand in the scratch folder are not made again, so that a run that was ended goes on; the folder goes when all is done.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.full_model import GUIDANCE, write_checkpoint
from bench.measuring import machine, options_parser
from bench.plan_memory import NEVER, resident
from flows.settings.params import load_params
from jam_model.checkpoint import load_model, save_model, weights_hash
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JamConfig, ODESolver
from jam_model.flow import flow_loss
from jam_model.sampler import sample, song_noise
from jam_model.train_state import TrainState, write_adapter
from tasks.storage.files import write_json
from tasks.trainer.checkpoints import newest_checkpoint
from tasks.trainer.run_folder import ADAPTER_NAME, STEPS_NAME
from tasks.training.adapter_params import AdapterParams
from tasks.training.adapters import add_adapters, merged, num_learned, read_adapter
from tasks.training.memory import GIB, load_of, memory_of
from tasks.training.start import bring_start


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
    parser = options_parser(__doc__)
    parser.add_argument("--frames", type=int, default=646)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "adapter_full")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    ctypes.CDLL(None).mallopt(-3, 2**16)  # M_MMAP_THRESHOLD: what is freed is gone
    given.scratch.mkdir(parents=True, exist_ok=True)
    told = Told(given.scratch / "told.json")
    file = given.scratch / "jam-0_5.safetensors"
    if not told.has("write the file (another process)"):
        writer = multiprocessing.get_context("spawn").Process(target=write_file, args=(file,))
        writer.start()
        writer.join()
        told.part("write the file (another process)")
    params = load_params()
    start = bring_start(str(file), params.start, params.jam, 5000, given.scratch / "start")
    told.part("begin with it")
    linears = ("attention", "mlp")
    section = AdapterParams(kind="lora", rank=given.rank, alpha=float(given.rank), targets=linears)
    adapter = given.scratch / ADAPTER_NAME
    if not adapter.is_file():
        tuned(start.checkpoint, replace(start.config, max_frames=given.frames), section, given, told)
    if not told.has("merge"):
        tensors, facts = read_adapter(adapter)
        save_model(given.scratch / "merged", merged(load_model(start.checkpoint), tensors, facts, 1.0))
        told.part("merge")
    sung = load_model(given.scratch / "merged").eval()
    generator = torch.Generator().manual_seed(1)
    conditions = random_conditions(given.frames, sung.config.max_frames, generator)
    noise = song_noise(0, "bench", 0, given.frames).unsqueeze(0)
    negative = torch.nn.functional.normalize(torch.randn(512, generator=generator), dim=0)
    latents = sample(sung, conditions, noise, ODESolver(2), GUIDANCE, negative)
    told.facts["finite"] = bool(torch.isfinite(latents).all())
    told.part(f"generate {given.frames} frames in 2 updates")
    result = {"machine": machine(), "frames": given.frames, "rank": given.rank, **told.facts}
    result["adapter_mb"] = round(adapter.stat().st_size / 1e6, 1)
    print(json.dumps(result, indent=1))
    if given.out:
        write_json(given.out, result)
    shutil.rmtree(given.scratch)


def tuned(
    checkpoint: Path, config: JamConfig, section: AdapterParams, given: argparse.Namespace, told: Told
) -> None:
    """The steps, each kept, then the averaged model and one pass of it; the adapter's file when all are done."""
    params, root = load_params(), given.scratch
    changes = {"learning_rate": 1e-4, "ema_decay": 0.9, "batch_size": 1, "activation_checkpointing": True}
    changes |= {"num_workers": 1, "max_frames": given.frames, "gradient_accumulation_steps": 1}
    tuning = params.sft.model_copy(update=changes)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    model = add_adapters(load_model(checkpoint, config), section, 0)
    model.transformer.gradient_checkpointing = True
    learned, every = num_learned(model)
    told.facts["parameters"] = {"learned": learned, "all": every, "share": round(learned / every, 5)}
    told.facts["planned_gib"] = round(memory_of(load_of(tuning, config, section)).peak / GIB, 2)
    state = TrainState(model.train(), tuning.rule())
    if (newest := newest_checkpoint(root)) is not None:
        state.load(newest)
    told.part("load, with adapters")
    losses = told.facts.setdefault("losses", [])[: state.step]
    while state.step < given.steps:
        generator = torch.Generator().manual_seed(state.step)
        state.optimiser.zero_grad(set_to_none=True)
        latents = torch.randn(1, given.frames, 64, generator=generator)
        conditions = random_conditions(given.frames, given.frames, generator)
        loss = flow_loss(model, latents, conditions, NEVER, generator).loss
        state.backward(loss)
        state.update()
        told.facts["losses"] = losses = [*losses, round(loss.item(), 4)]
        told.facts["step_gib"] = round((resident("VmHWM") - before) / GIB, 2)
        state.save(root / STEPS_NAME / f"step-{state.step:06d}", {})
        told.part(f"step {state.step} of {given.frames} frames")
    ema = state.ema_model()
    assert ema is not None
    with torch.no_grad():
        generator = torch.Generator().manual_seed(given.steps)
        conditions = random_conditions(given.frames, given.frames, generator)
        flow_loss(ema, torch.randn(1, given.frames, 64, generator=generator), conditions, NEVER, generator)
    told.facts["tuned_gib"] = round((resident("VmHWM") - before) / GIB, 2)
    write_adapter(root / ADAPTER_NAME, state.adapter_tensors(), section.facts(weights_hash(checkpoint)))
    told.part("average, and one pass of it")


class Told:
    """Seconds of the parts and other facts, in a file that is written after each part."""

    def __init__(self, file: Path) -> None:
        self.file, self.begun = file, time.perf_counter()
        self.facts: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {"seconds": {}}

    def has(self, part: str) -> bool:
        """Whether an earlier run got through it."""
        return part in self.facts["seconds"]

    def part(self, name: str) -> None:
        """Says that a part is done."""
        now, peak = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB
        self.facts["seconds"].setdefault(name, round(now - self.begun, 1))
        peak = max(peak, resident("VmHWM") / GIB)
        self.facts["peak_gib"] = round(max(peak, self.facts.get("peak_gib", 0.0)), 2)
        print(f"{name}: {now - self.begun:.1f} s, at most {peak:.2f} GiB", flush=True)
        self.begun = now
        write_json(self.file, self.facts)


if __name__ == "__main__":
    main()
