"""Seconds of `jam prepare` on long compressed songs, of two source trees in turns, and how often each decodes.

python bench/decoding.py --before OLD_TREE [--after TREE] [--songs 10] [--minutes 3] [--turns 5]

Songs are toy songs one behind the other, as MP3 (44.1 and 48 kHz), FLAC and Ogg. Counted is what the stages took by their
receipts (`cpu_s`, all threads of the workers), not the start of processes: the sum over a command's children misses most of
what Ray's workers take (17 s where the stages alone took 46). Seconds by the clock, of the whole and from Enter to the start
of the first partition (its receipt's time less its seconds), say little on a shared machine. Ratios are after over before, turn by turn. Decodes and reads are a song's; a tree that does not count them has
none. The shards of both must hold the same songs, byte for byte.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import RESULTS, machine, options_parser, write_result
from tasks.toy.render import render_songs

HERE = Path(__file__).resolve().parents[1]
FORMS = (("mp3", 44_100), ("flac", 44_100), ("ogg", 44_100), ("mp3", 48_000))
NUM_PARTS = 12  # toy songs that the long ones are made of
BLOCK = 1 << 15


def write_songs(folder: Path, num_songs: int, minutes: float) -> None:
    """Long songs with their lyrics, none like another from its beginning on."""
    with tempfile.TemporaryDirectory() as toy:
        render_songs(Path(toy), NUM_PARTS, 11, "txt", ("wav",), 2, stems=False)
        paths = sorted(Path(toy, "songs").glob("*.wav"))
        parts = [soundfile.read(path, dtype="float32")[0] for path in paths]
        words = [path.with_suffix(".txt").read_text() for path in paths]
    folder.mkdir(parents=True)
    random = np.random.default_rng(3)
    for number, (ending, rate) in zip(range(num_songs), cycle(FORMS), strict=False):
        sound, lyrics, length = [], [], 0
        while length < minutes * 60 * 44_100:
            part = int(random.integers(NUM_PARTS))
            sound.append(parts[part])
            lyrics.append(words[part])
            length += len(parts[part])
        mix_NC = np.concatenate(sound)
        if rate != 44_100:
            mix_NC = soxr.resample(mix_NC, 44_100, rate)
        with soundfile.SoundFile(folder / f"long-{number}.{ending}", "w", rate, 2) as file:
            for start in range(0, len(mix_NC), BLOCK):  # libsndfile's Ogg encoder overflows on long blocks
                file.write(mix_NC[start : start + BLOCK])
        (folder / f"long-{number}.txt").write_text("\n".join(lyrics))


def prepared(tree: Path, songs: Path, work: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """One `jam prepare` of a tree's code, and what it took.

    Raises:
        SystemExit: it failed; its last words are told.
    """
    command = [
        sys.executable,
        "-m",
        "flows.commands.main",
        "prepare",
        "--songs",
        str(songs),
        "--work",
        str(work),
    ]
    begun, entered = time.perf_counter(), time.time()
    done = subprocess.run(
        command,
        cwd=tree,
        env={**environment, "PYTHONPATH": str(tree)},
        capture_output=True,
        text=True,
    )
    wall_s = time.perf_counter() - begun
    if done.returncode:
        raise SystemExit(f"{tree.name}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    paths = sorted(work.glob("receipts/prepare/*/part-*.json"))
    notes = [json.loads(path.read_text()) for path in paths]
    starts = [path.stat().st_mtime - note["seconds"] for path, note in zip(paths, notes, strict=True)]
    num_songs = sum(note["songs"] for note in notes if note["stage"] == "ingest")
    counted = all("decodes" in note for note in notes)
    return {
        "stages_cpu_s": sum(note["cpu_s"] for note in notes),
        "wall_s": wall_s,
        "first_partition_s": min(starts) - entered,
        "partitions": sum(note["stage"] == "ingest" for note in notes),
        "most_memory_mb": max(note["peak_memory_mb"] for note in notes),
        "decodes_a_song": sum(note["decodes"] for note in notes) / num_songs if counted else None,
        "reads_a_song": sum(note["reads"] for note in notes) / num_songs if counted else None,
        "packed": packed(work),
    }


def packed(work: Path) -> dict[str, bytes]:
    """Every member of every shard by its name, whichever shard it is in."""
    found = {}
    for path in sorted((work / "shards").glob("*.tar")):
        with tarfile.open(path) as shard:
            for member in shard:
                file = shard.extractfile(member)
                found[member.name] = b"" if file is None else file.read()
    return found


def compared(before: list[dict[str, Any]], after: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Medians of both sides, and the ratio of each turn: its median, least and most."""
    old, new = ([one[kind] for one in side] for side in (before, after))
    ratios = sorted(b / a for a, b in zip(old, new, strict=True))
    return {
        "before": round(statistics.median(old), 1),
        "after": round(statistics.median(new), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_range": [round(ratios[0], 3), round(ratios[-1], 3)],
    }


def main() -> None:
    """Measure and write the result after each turn."""
    parser = options_parser(__doc__)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--after", type=Path, default=HERE)
    parser.add_argument("--songs", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--house", type=Path, help="keep the songs here; those that stand are used again")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    trees = {"before": options.before.resolve(), "after": options.after.resolve()}
    took: dict[str, list[dict[str, Any]]] = {side: [] for side in trees}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        here, songs = Path(folder), (options.house or Path(folder)) / "songs"
        if not songs.is_dir():
            write_songs(songs, options.songs, options.minutes)
        environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"}
        environment["PREFECT_HOME"] = str(here / "prefect")
        for turn in range(options.turns):
            for side, tree in sorted(trees.items(), reverse=turn % 2 == 1):
                loads.append(os.getloadavg()[0])
                took[side].append(prepared(tree, songs, here / side, environment))
                shutil.rmtree(here / side)
            old, new = (side[-1].pop("packed") for side in took.values())
            write_result(
                "decoding",
                {
                    "machine": machine("soundfile", "soxr", "ray"),
                    "load_average": [round(min(loads), 1), round(max(loads), 1)],
                    "songs": options.songs,
                    "minutes_a_song": options.minutes,
                    "turns": turn + 1,
                    "same_bytes_of_packed_songs": old == new and bool(new),
                    **{
                        kind: compared(took["before"], took["after"], kind)
                        for kind in ("stages_cpu_s", "wall_s", "first_partition_s", "most_memory_mb")
                    },
                    **{
                        kind: {side: took[side][-1][kind] for side in trees}
                        for kind in ("partitions", "decodes_a_song", "reads_a_song")
                    },
                },
                options.out,
            )


if __name__ == "__main__":
    main()
