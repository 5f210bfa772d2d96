"""What every benchmark needs: its options, interleaved timing, the machine it ran on, and a result file."""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from eval.stats.intervals import Estimate

RESULTS = Path(__file__).parent / "results"


def options_parser(told: str | None) -> argparse.ArgumentParser:
    """A parser of options whose help is the script's docstring as it stands."""
    return argparse.ArgumentParser(description=told, formatter_class=argparse.RawDescriptionHelpFormatter)


def rounded(estimate: Estimate, digits: int = 3) -> list[float | int | None]:
    """Value, bounds and how many, as results hold them; None where there is none."""
    known = (estimate.value, estimate.low, estimate.high)
    return [*(None if value is None else round(float(value), digits) for value in known), estimate.n]


def interleaved(runs: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each run, `repeats` times, taken in turns so that a busy machine slows all alike.

    Each run goes once unmeasured first.
    """
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            _wait_for_device()
            start = time.perf_counter()
            run()
            _wait_for_device()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def summary(seconds: Mapping[str, list[float]], slow: str, fast: str) -> dict[str, Any]:
    """Medians of two runs, and how many times faster `fast` is: of the medians, and the range over the turns."""
    turns = [a / b for a, b in zip(seconds[slow], seconds[fast], strict=True)]
    medians = {f"{name}_s": round(statistics.median(values), 4) for name, values in seconds.items()}
    ratio = statistics.median(seconds[slow]) / statistics.median(seconds[fast])
    return {**medians, "ratio": round(ratio, 3), "ratio_range": [round(min(turns), 3), round(max(turns), 3)]}


def machine(*packages: str) -> dict[str, Any]:
    """The processor, the GPU if there is one, torch's threads, and the versions that computed."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    facts = {
        "cpu": models[0] if models else platform.processor(),
        "num_cpus": len(models),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
    }
    for package in ("torch", *packages):
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = None
    return facts


def write_result(name: str, result: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Prints the result and writes ``<folder>/<name>.json``."""
    text = json.dumps(result, indent=1)
    print(text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(text + "\n")


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
