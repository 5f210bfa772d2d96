"""What the fit of `group` takes: seconds and memory a song, over tables of 10,000 songs and more.

python bench/group.py [--songs 10000 50000 200000] [--copies 0.05]

The features are made here, no audio: each song has 512 shingles and 512 landmarks of its own, one word in ten of a
vocabulary that all songs share (as choruses do), and a share of songs copies the words or the sound of an earlier one.
They are given as the bytes that a table holds. Each size runs in a process of its own, so that its peak is its own; a pass
that only makes and reads the features is timed beside it, since making them takes longer than comparing. Every copy
that was planted must be found, and nothing else.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import RESULTS, machine, options_parser, write_result
from flows.settings.params import load_params
from tasks.audio.read import array_of, npy_bytes
from tasks.dedup.landmarks import TIME_BITS
from tasks.dedup.sides import hash_of_text
from tasks.stages.group import COMPARED, STYLE, Group

SHINGLES, LANDMARKS, FRAMES = 512, 512, 16_000
COMMON_WORDS, COMMON_SHARE = 20_000, 0.1
BLOCK = 64  # songs, as a partition


class SyntheticTable:
    """Songs by number; each is made when it is read, the same every time."""

    def __init__(self, count: int, copies: float) -> None:
        self.count, self.copies = count, copies
        self.common = np.random.default_rng(0).integers(0, 1 << 62, COMMON_WORDS)

    def copied(self, number: int) -> int | None:
        """The earlier song that this one copies; never a copy itself."""
        noise = np.random.default_rng([1, number])
        if noise.random() >= self.copies or number < BLOCK:
            return None
        other = int(noise.integers(number))
        return other if self.copied(other) is None else None

    def words(self, number: int) -> np.ndarray:
        """Shingles of a song like no other, some of them common."""
        noise = np.random.default_rng([2, number])
        own = noise.integers(0, 1 << 62, round(SHINGLES * (1 - COMMON_SHARE)))
        return np.unique(np.append(own, noise.choice(self.common, round(SHINGLES * COMMON_SHARE))))

    def sound(self, number: int) -> np.ndarray:
        """Landmarks of a song like no other."""
        noise = np.random.default_rng([3, number])
        keys = noise.integers(0, 1 << 25, LANDMARKS)
        return np.sort((keys << TIME_BITS) | noise.integers(0, FRAMES, LANDMARKS))

    def rows(
        self, columns: Iterable[str], song_ids: Collection[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """As a table gives them."""
        wanted = {*columns}
        numbers = range(self.count) if song_ids is None else sorted(int(name[5:]) for name in song_ids)
        for number in numbers:
            yield {"song_id": f"song-{number}", "drop_reason": None, **self._facts(number, wanted)}

    def _facts(self, number: int, wanted: Collection[str]) -> dict[str, Any]:
        if STYLE in wanted:
            return {STYLE: [[1.0, 0.0]]}
        source = self.copied(number)
        words = number if source is None or number % 2 else source
        sound = number if source is None or not number % 2 else source
        return {
            "content_hash": hash_of_text(f"audio {number}"),
            "artist": None,
            "lyrics_hash": hash_of_text(f"words {number}"),
            "lyrics_shingles": npy_bytes(self.words(words)),
            "audio_landmarks": npy_bytes(self.sound(sound)),
        }


def measured(count: int, copies: float) -> dict[str, Any]:
    """One table, grouped in this process."""
    params = load_params()
    group = Group(params.group, params.dedup_features.max_shingles)
    table = SyntheticTable(count, copies)
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, cpu = time.perf_counter(), time.process_time()
    for row in table.rows(COMPARED):
        array_of(row["lyrics_shingles"]), array_of(row["audio_landmarks"])
    read_cpu_s = time.process_time() - cpu
    start, cpu = time.perf_counter(), time.process_time()
    told = group.fit(table, None)
    fit_s, fit_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    planted = {f"song-{n}" for n in range(count) if table.copied(n) is not None}
    found = {song_id for song_id, facts in told.items() if facts["duplicate_of"]}
    return {
        "songs": count,
        "copies": len(planted),
        "copies_not_found": len(planted - found),
        "found_that_are_none": len(found - planted),
        "making_features_cpu_s": round(read_cpu_s, 1),
        "fit_s": round(fit_s, 1),
        "fit_cpu_s": round(fit_cpu_s, 1),
        "comparing_cpu_ms_a_song": round(1e3 * (fit_cpu_s - read_cpu_s) / count, 4),
        "peak_mb": round(peak_mb),
        "kib_a_song": round(1024 * (peak_mb - before_mb) / count, 2),
    }


def main() -> None:
    """Measure every size and write the result."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--copies", type=float, default=0.05)
    parser.add_argument("--one", type=int, help="measure this size and print it")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one, options.copies)))
        return
    sizes, loads = [], [round(os.getloadavg()[0], 1)]
    for count in options.songs:
        command = [sys.executable, __file__, "--one", str(count), "--copies", str(options.copies)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        sizes.append(json.loads(done.stdout.splitlines()[-1]))
        loads.append(round(os.getloadavg()[0], 1))
        print(sizes[-1], flush=True)
    write_result("group", {"machine": machine("numpy"), "load_average": loads, "sizes": sizes}, options.out)


if __name__ == "__main__":
    main()
