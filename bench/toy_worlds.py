"""Seconds that songs of world one and world two take to render, a second of audio, in turns.

python bench/toy_worlds.py --out bench/results/toy_worlds.json
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import interleaved, machine
from flows.settings.params import load_params
from tasks.toy.composition import compose, song_seed
from tasks.toy.performance import perform
from tasks.toy.render import render_songs
from tasks.toy.world_two.composition import compose as compose_two
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.performance import perform as perform_two


def in_memory(features: Features, num_songs: int, repeats: int) -> dict[str, list[float]]:
    """Composed and performed: seconds a second of audio, of every turn."""
    seeds = [song_seed(7, index) for index in range(num_songs)]
    audio_s = {
        "one": sum(compose(seed).duration_s for seed in seeds),
        "two": sum(compose_two(seed, features).duration_s for seed in seeds),
    }
    seconds = interleaved(
        {
            "one": lambda: [perform(compose(seed)) for seed in seeds],
            "two": lambda: [perform_two(compose_two(seed, features)) for seed in seeds],
        },
        repeats,
    )
    return {world: [value / audio_s[world] for value in values] for world, values in seconds.items()}


def on_disk(features: Features, num_songs: int, repeats: int) -> dict[str, list[float]]:
    """The same with their files, as FLAC with stems."""
    with tempfile.TemporaryDirectory() as folder:
        worlds: dict[str, Features | None] = {"one": None, "two": features}

        def render(world: str) -> None:
            out = Path(folder) / world
            render_songs(out, num_songs, 7, "all", ("flac",), 1, features=worlds[world])

        seconds = interleaved({world: lambda world=world: render(world) for world in worlds}, repeats)
        audio_s = {
            world: sum(
                soundfile.info(path).duration for path in (Path(folder) / world / "songs").glob("*.flac")
            )
            for world in worlds
        }
    return {world: [value / audio_s[world] for value in values] for world, values in seconds.items()}


def told(seconds: dict[str, list[float]]) -> dict[str, object]:
    """Medians, and world two over world one in each turn."""
    turns = sorted(two / one for one, two in zip(seconds["one"], seconds["two"], strict=True))
    medians = {f"{world}_s": round(sorted(of)[len(of) // 2], 5) for world, of in seconds.items()}
    return {
        **medians,
        "ratio": round(turns[len(turns) // 2], 3),
        "ratio_range": [round(turns[0], 3), round(turns[-1], 3)],
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    features = load_params().toy.two
    result = {
        "songs": given.songs,
        "repeats": given.repeats,
        "seconds_a_second_of_audio": {
            "composed and performed": told(in_memory(features, given.songs, given.repeats)),
            "rendered to flac with stems": told(on_disk(features, given.songs, given.repeats)),
        },
        "load": [round(load, 1) for load in os.getloadavg()],
        "machine": machine("numpy", "soxr", "espeakng-loader"),
    }
    text = json.dumps(result, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
