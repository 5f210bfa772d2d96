"""Sampler and training step of the 530M model on one GPU, beside the released formulae; called by bench/gpu.sh.

bash bench/gpu.sh                              under 8 minutes; writes results/gpu.json
bash bench/gpu.sh --tiny --out /tmp/gpu        on any machine: a tiny model in place of the 530M one, to try the script itself

Weights are random, made and loaded on the spot under the released names. The released side is `released_formulae.py`
in bfloat16 autocast; ours runs as it is and through torch.compile, exact and trimmed. FLOPs are those of matrix products,
convolutions and attention, counted without a compiler; MFU is over the dense bfloat16 peak of the device, where
it is known. What the time did not reach is named in `left_out`.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode

from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.released_formulae import released_loss, released_sample
from jam_model.checkpoint import load_model
from jam_model.conditions import Conditions, duration_conditions
from jam_model.config import JAM_0_5, Dropout, Guidance, JamConfig, ODESolver
from jam_model.dit import Jam
from jam_model.flow import draw_flow, flow_error
from jam_model.sampler import sample

GUIDANCE = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
PEAK_TFLOPS = {"H200": 989.0, "H100": 989.0, "A100": 312.0, "L40S": 362.0, "B200": 2250.0}
"""Dense bfloat16, as the makers state them, by a part of the device's name."""
KEEPS_ALL = Dropout(0.0, 0.0, "jam")


@dataclass(frozen=True)
class Sizes:
    """What is run: 49 updates of a song of 95 s among 5,000 frames; a step over 4 crops of 2,000 frames."""

    config: JamConfig = JAM_0_5
    num_steps: int = 49
    song_frames: int = 2043
    margin_frames: int = 64
    batch_size: int = 4
    crop_frames: int = 2000
    runs: int = 3


TINY = Sizes(
    replace(JAM_0_5, dim=64, depth=2, heads=4, text_dim=32, text_layers=1, max_frames=40), 3, 20, 4, 2, 16, 1
)


@dataclass
class Session:
    """One device, a time that is left, and what was found."""

    device: torch.device
    peak_tflops: float | None
    ends: float
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    def measure(self, name: str, run: Callable[[], Any], runs: int, tflop: float | None = None) -> None:
        """Median seconds of `run` after one that is not counted, its largest memory, and MFU.

        `tflop` is counted during the first run where it is not given; compiled code does not tell it.
        """
        cuda = self.device.type == "cuda"
        if name.endswith("compiled") and not cuda:
            self.left_out.append(f"{name}: no CUDA device")
            return
        if time.monotonic() > self.ends:
            self.left_out.append(f"{name}: no time")
            return
        start = time.perf_counter()
        if tflop is None:
            with FlopCounterMode(display=False) as counter:
                run()
            tflop = counter.get_total_flops() / 1e12
        else:
            run()
        if cuda:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        first_s, seconds = time.perf_counter() - start, []
        while len(seconds) < runs and (not seconds or time.monotonic() < self.ends):
            start = time.perf_counter()
            run()
            if cuda:
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - start)
        typical = median(seconds)
        self.rows[name] = {
            "first_s": round(first_s, 3),
            "seconds": [round(value, 4) for value in seconds],
            "median_s": round(typical, 4),
            "tflop": round(tflop, 4),
            "tflop_per_s": round(tflop / typical, 2),
            "mfu": round(tflop / typical / self.peak_tflops, 4) if self.peak_tflops else None,
            "peak_memory_gb": round(torch.cuda.max_memory_allocated() / 1e9, 2) if cuda else None,
        }
        print(f"{name}: {typical:.4f} s", file=sys.stderr, flush=True)

    def tflop(self, name: str) -> float | None:
        """What `name` was counted at; None where it was not run."""
        return self.rows[name]["tflop"] if name in self.rows else None

    def ratio(self, slow: str, fast: str) -> float | None:
        """How many times faster `fast` is; None where one of them was not run."""
        if slow not in self.rows or fast not in self.rows:
            return None
        return round(float(self.rows[slow]["median_s"] / self.rows[fast]["median_s"]), 3)


def random_checkpoint(config: JamConfig, device: torch.device) -> tuple[Jam, float]:
    """A model of random weights that went through a file of the released names, and the seconds of loading it."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in Jam(config).state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "jam-0_5.safetensors"
        save_file(
            {
                name: torch.randn(shape, generator=generator) * 0.02 + name.endswith("norm.weight")
                for name, shape in shapes.items()
            },
            path,
        )
        start = time.perf_counter()
        model = load_model(path, config).to(device)
    return model, time.perf_counter() - start


def random_conditions(num_frames: int, config: JamConfig, batch: int, device: torch.device) -> Conditions:
    """Songs of `num_frames` in a model of `config.max_frames`."""
    generator = torch.Generator().manual_seed(1)
    style = torch.randn(batch, config.style_dim, generator=generator)
    durations = duration_conditions(num_frames, config.max_frames)
    return Conditions(
        torch.randint(0, 64, (batch, 4 * config.max_frames), generator=generator),
        torch.nn.functional.normalize(style),
        *(torch.full((batch,), duration) for duration in durations),
    ).to(device)


def measure_sampler(session: Session, model: Jam, sizes: Sizes) -> dict[str, Any]:
    """A song by the released formulae and by ours: exact, trimmed, compiled; how far latents are apart."""
    config, device = model.config, session.device
    conditions = random_conditions(sizes.song_frames, config, 1, device)
    negative_S = torch.nn.functional.normalize(torch.randn(config.style_dim), dim=0).to(device)
    noise_BTC = torch.randn(1, config.max_frames, config.latent_channels).to(device)
    trimmed = sizes.song_frames + sizes.margin_frames
    model.eval()

    def released(num_steps: int = sizes.num_steps) -> torch.Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return released_sample(model, conditions, noise_BTC, num_steps, GUIDANCE, negative_S)

    def ours(frames: int, compiled: bool = False, num_steps: int = sizes.num_steps) -> torch.Tensor:
        solver = ODESolver(num_steps, precision="bfloat16", compiled=compiled)
        return sample(model, conditions, noise_BTC[:, :frames], solver, GUIDANCE, negative_S)

    whole = config.max_frames
    apart = (released(2) - ours(whole, num_steps=2)).norm() / ours(whole, num_steps=2).norm()
    runs = sizes.runs
    session.measure("sampler released", released, runs)
    for way, frames in (("exact", whole), ("trimmed", trimmed)):
        session.measure(f"sampler {way}", lambda frames=frames: ours(frames), runs)
    for way, frames in (("exact", whole), ("trimmed", trimmed)):
        counted = session.tflop(f"sampler {way}")
        session.measure(f"sampler {way} compiled", lambda frames=frames: ours(frames, True), runs, counted)
    ways = ("exact", "trimmed", "exact compiled", "trimmed compiled")
    return {
        "num_frames": {"exact": whole, "trimmed": trimmed},
        "updates": sizes.num_steps,
        "relative_difference_after_2_updates": round(apart.item(), 5),
        "times_faster_than_released": {
            way: session.ratio("sampler released", f"sampler {way}") for way in ways
        },
    }


def measure_training(session: Session, weights: Jam, sizes: Sizes) -> dict[str, Any]:
    """An optimiser step by the released formulae and by ours, as it is and compiled."""
    device = session.device
    config = replace(weights.config, max_frames=sizes.crop_frames)
    conditions = random_conditions(sizes.crop_frames, config, sizes.batch_size, device)
    generator = torch.Generator().manual_seed(2)
    shape = (sizes.batch_size, sizes.crop_frames, config.latent_channels)
    latents_BTC = torch.randn(shape, generator=generator).to(device)
    losses: dict[str, float] = {}

    def step_of(name: str, fused: bool, compiled: bool) -> Callable[[], None]:
        model = Jam(config).to(device)
        model.load_state_dict(weights.state_dict())
        model.train()
        called: Any = torch.compile(model) if compiled else model
        optimiser = torch.optim.AdamW(model.parameters(), 7.5e-5, fused=fused)
        draws = torch.Generator().manual_seed(3)

        def step() -> None:
            draw = draw_flow(latents_BTC, KEEPS_ALL, draws)
            optimiser.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16):
                if name == "released":
                    loss = released_loss(model, latents_BTC, conditions, draw)
                else:
                    loss = flow_error(called, latents_BTC, conditions, draw).mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimiser.step()
            losses.setdefault(name, loss.item())

        return step

    for name, fused, compiled in (
        ("released", False, False),
        ("ours", True, False),
        ("ours compiled", True, True),
    ):
        counted = session.tflop("training ours") if compiled else None
        session.measure(f"training {name}", step_of(name, fused, compiled), 3 * sizes.runs, counted)
        if session.device.type == "cuda":
            torch.cuda.empty_cache()
    return {
        "batch_size": sizes.batch_size,
        "num_frames": sizes.crop_frames,
        "first_loss": {name: round(value, 5) for name, value in losses.items()},
        "times_faster_than_released": {
            way: session.ratio("training released", f"training {way}") for way in ("ours", "ours compiled")
        },
    }


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument(
        "--tiny", action="store_true", help="a tiny model; runs on a CPU too, and tells no speed"
    )
    parser.add_argument("--seconds", type=float, default=400.0, help="no measurement begins later than this")
    parser.add_argument(
        "--peak-tflops", type=float, help="dense bfloat16 peak of a device that is not known here"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of gpu.json")
    given = parser.parse_args()
    if not torch.cuda.is_available() and not given.tiny:
        sys.exit(
            "gpu: torch finds no CUDA device here; run it on a GPU machine, or try the script with --tiny"
        )
    started = time.monotonic()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    named = torch.cuda.get_device_name() if device.type == "cuda" else machine()["cpu"]
    peak = given.peak_tflops or next((peak for part, peak in PEAK_TFLOPS.items() if part in named), None)
    sizes = TINY if given.tiny else Sizes()
    torch.manual_seed(0)
    session = Session(device, peak, started + given.seconds)
    model, loaded_s = random_checkpoint(sizes.config, device)
    model.requires_grad_(False)
    sampler = measure_sampler(session, model, sizes)
    training = measure_training(session, model, sizes)
    write_result(
        "gpu",
        {
            "device": named,
            "machine": machine(),
            "tiny": given.tiny,
            "num_parameters": sum(weight.numel() for weight in model.parameters()),
            "load_s": round(loaded_s, 2),
            "precision": "bfloat16",
            "peak_tflops": peak,
            "sampler": sampler,
            "training": training,
            "measured": session.rows,
            "left_out": session.left_out,
            "minutes": round((time.monotonic() - started) / 60, 2),
        },
        given.out,
    )


if __name__ == "__main__":
    main()
