"""The same songs, model and training on true word times and on aligned ones: what does alignment cost?

python bench/word_times.py --work FOLDER --out bench/results/word_times.json

Runs two life cycles up to the benchmark (without DPO) in FOLDER/aligned and FOLDER/true. Songs, splits, seeds
and steps are equal; only where the word times come from differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from eval.stats.intervals import Resampling, paired_mean_difference

ARMS = {"aligned": ("txt", "align"), "true": ("json", "given")}
METRICS = ("wer", "acoustic_per", "style_similarity", "energy_after_end")


def jam(*arguments: str) -> None:
    """One command, its lines shown; raises when it fails."""
    subprocess.run([sys.executable, "-m", "flows.commands.main", *arguments], check=True)


def run_arm(name: str, work: Path) -> dict[str, Any]:
    """Render, prepare, train and benchmark one arm; returns its report."""
    lyrics, times = ARMS[name]
    songs, folder = work / f"toy-{name}", work / name
    jam("toy", "--out", str(songs), "--lyrics", lyrics)
    settings = [
        "--set",
        f"align.times={times}",
        "--set",
        f"songs.path={songs / 'songs'}",
        "--work",
        str(folder),
    ]
    for command in ("prepare", "train", "benchmark"):
        jam(command, *settings)
    return json.loads((folder / "reports" / "benchmark" / "report.json").read_text())


def compare(reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Both arms' estimates of the trained model, and the paired difference over the songs both have."""
    estimates = {
        name: {metric: report["systems"]["trained"]["metrics"][metric] for metric in METRICS}
        for name, report in reports.items()
    }
    per_song = {
        name: {row["song_id"]: row["scores"] for row in report["songs"] if row["system"] == "trained"}
        for name, report in reports.items()
    }
    shared = sorted(per_song["aligned"].keys() & per_song["true"].keys())
    differences = {}
    for metric in METRICS:
        aligned = np.array([per_song["aligned"][song][metric] for song in shared], float)
        true = np.array([per_song["true"][song][metric] for song in shared], float)
        found = paired_mean_difference(aligned, true, Resampling(10_000, 1))
        differences[metric] = {"value": found.value, "low": found.low, "high": found.high, "n": found.n}
    return {
        "trained": estimates,
        "aligned_minus_true_mean_over_songs": differences,
        "songs_shared": len(shared),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("bench/results/word_times.json"))
    given = parser.parse_args()
    result = compare({name: run_arm(name, given.work) for name in ARMS})
    text = json.dumps(result, indent=1)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text + "\n")
    print(text)
