"""What listing and hashing a folder takes: by threads of the driver, and by the engine's workers.

python bench/listing.py [--songs 10000] [--kib 64] [--turns 3] [--store]

Each song is a file of random bytes with a lyrics file beside it. Both ways read every file and must give the same listing;
seconds of the wall, and processor seconds of the driver and of the workers, are told apart. `--store`: the files lie on a
loopback S3 server (moto), which is itself most of what is measured.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, options_parser, write_result
from flows.pipelines.hash_songs import hash_songs
from flows.settings.project import Project
from tasks.engine.pool import connect
from tasks.songs.hashes import Hashes
from tasks.songs.listing import Listing, list_sources
from tasks.storage.files import remove_tree
from tasks.storage.object_store import place_of


def make_songs(folder: Path, count: int, kib: int) -> None:
    """Files of random bytes, with words."""
    noise = np.random.default_rng(0)
    for number in range(count):
        (folder / f"song-{number:06d}.wav").write_bytes(noise.bytes(kib * 1024))
        (folder / f"song-{number:06d}.txt").write_bytes(f"words of song {number}\n".encode())


def by_driver(project: Project, songs: Path) -> tuple[Listing, float]:
    """The listing, and no seconds of workers."""
    return list_sources(songs), 0.0


def by_workers(project: Project, songs: Path) -> tuple[Listing, float]:
    """The listing, and the processor seconds that workers told in their receipts."""
    listing = list_sources(songs, hashes=Hashes(None, partial(hash_songs, project)))
    receipts = [path.read_text() for path in (project.work.listing / "receipts").rglob("part-*.json")]
    remove_tree(project.work.listing)
    return listing, sum(float(text.split('"cpu_s": ')[1].split(",")[0]) for text in receipts)


@contextmanager
def a_place(store: bool, folder: Path) -> Iterator[Path]:
    """Where songs can lie."""
    if not store:
        (folder / "songs").mkdir()
        yield folder / "songs"
        return
    from tests.s3 import s3_server

    with s3_server() as url:
        yield place_of(url).parent / "songs"


def main() -> None:
    """Measure both ways in turns and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--kib", type=int, default=64)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    ways = {"driver": by_driver, "workers": by_workers}
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder, a_place(options.store, Path(folder)) as songs:
        make_songs(songs, options.songs, options.kib)
        project = Project.at(Path(folder) / "W")
        connect(project.params.engine)
        listings = []
        for _ in range(options.turns):
            for name, way in ways.items():
                start, cpu = time.perf_counter(), time.process_time()
                listing, worker_s = way(project, songs)
                wall_s, driver_s = time.perf_counter() - start, time.process_time() - cpu
                turns[name].append({"wall_s": wall_s, "driver_cpu_s": driver_s, "worker_cpu_s": worker_s})
                listings.append(listing)
    if any(listing != listings[0] for listing in listings):
        raise RuntimeError("two listings differ")
    result: dict[str, Any] = {
        "machine": machine("ray", "pyarrow"),
        "load_average": round(os.getloadavg()[0], 1),
        "songs": options.songs,
        "files": 2 * options.songs,
        "kib_a_song": options.kib,
        "turns": options.turns,
        "driver_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    for name, found in turns.items():
        result[name] = {key: round(statistics.median(turn[key] for turn in found), 2) for key in found[0]}
    write_result("listing_store" if options.store else "listing", result, options.out)


if __name__ == "__main__":
    main()
