"""How many whole songs the quality filter and its detectors drop by limits that were chosen on songs of another seed.

OMP_NUM_THREADS=1 python bench/clean_songs.py --scratch FOLDER [--choosing 100] [--told 100]

Songs of world two without a fault. Limits *with room* (see `quality_faults.py`) are chosen on those of `quality_faults.py`, with the measures of
`check` alone and with the detectors, and told of those of another, which nobody looked at before; Wilson intervals (95 %).
A run that is stopped goes on where it was: songs are kept in FOLDER.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from bench.fault_songs import CLEAN, measured_songs
from bench.measuring import machine, write_result
from bench.quality_faults import BEFORE, CALIBRATED, SEED, roomy_limits, shares
from flows.settings.params import load_params

TOLD = 92_001


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--choosing", type=int, default=100)
    parser.add_argument("--told", type=int, default=100)
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.scratch.mkdir(parents=True, exist_ok=True)
    params = load_params(Path(__file__).resolve().parents[1] / "params" / "toy2.yaml")
    choosing, told = (
        measured_songs(CLEAN, seed, count, params, args.scratch)
        for seed, count in ((SEED, args.choosing), (TOLD, args.told))
    )
    rows = {}
    for name, measures in (("check", BEFORE), ("with detectors", CALIBRATED)):
        limits = roomy_limits(choosing, measures)
        rows[name] = {"limits": limits, **shares({CLEAN: told}, params, limits)[CLEAN]}
        print(name, {key: value for key, value in rows[name].items() if key != "limits"})
    write_result("clean_songs", {"choosing": len(choosing), "told": rows, "machine": machine()})


if __name__ == "__main__":
    main()
