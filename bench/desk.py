"""What the desk takes over many songs: its index, a page, filters, memory.

python bench/desk.py [--songs 100000] [--partition 64]

A table of made-up rows is written (no audio: the list alone is measured), then `jam desk` is started on it and asked over
HTTP. Each question is asked once cold, with the index just built, and then `TURNS` times; the slowest is told.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.measuring import machine, write_result
from tasks.quality.measures import MEASURES

ROOT = Path(__file__).resolve().parent.parent
TURNS = 20
REASONS = ("too_quiet", "low_agreement", "words_unheard", "near_duplicate")
ASKED = {
    "first page": ("/api/songs", {}),
    "counts": ("/api/counts", {}),
    "histogram": ("/api/histogram", {"measure": "alignment"}),
    "search": ("/api/songs", {"where": json.dumps({"search": "song 77"})}),
    "filter and sort": (
        "/api/songs",
        {
            "where": json.dumps({"chosen": {"reason": ["too_quiet"]}, "ranges": {"alignment": [0.2, 0.8]}}),
            "sort": "agreement",
            "down": "1",
        },
    ),
    "last page": ("/api/songs", {"offset": "99950", "sort": "agreement"}),
}


def columns(count: int) -> dict[str, pa.Table]:
    """The columns of each stage for all songs."""
    noise = np.random.default_rng(0)
    ids = pa.array([f"song-{number:06d}" for number in range(count)])
    dropped = noise.random(count) < 0.3
    which = noise.integers(len(REASONS), size=count)
    reasons = pa.array(
        [REASONS[one] if gone else None for one, gone in zip(which, dropped, strict=True)], pa.string()
    )
    by = pa.array(["filter" if gone else None for gone in dropped], pa.string())
    nothing = pa.nulls(count, pa.string())
    drops = {"drop_reason": nothing, "dropped_by": nothing}
    measures = [pa.array(noise.random(count)) for _ in MEASURES]
    quality = pa.StructArray.from_arrays(measures, names=[measure.name for measure in MEASURES])
    text = {name: pa.array([f"{name} {number}" for number in range(count)]) for name in ("artist", "source")}
    hashes = pa.array([f"{number:064x}" for number in range(count)])
    titles = pa.array([f"Made-up song {number}" for number in range(count)])
    sources = {"title": titles, **text, "license": nothing, "content_hash": hashes}
    split = pa.array(noise.choice(["train", "validation", "benchmark"], count, p=[0.9, 0.05, 0.05]))
    language = pa.array(noise.choice(["en", "de", "es"], count))
    found = {
        "sources": {**sources, **drops},
        "ingest": {
            "duration_s": pa.array(60 + 180 * noise.random(count)),
            "lyrics_language": language,
            **drops,
        },
        "check": {"quality": quality, **drops},
        "group": {"split": split, **drops},
        "filter": {"drop_reason": reasons, "dropped_by": by},
        "pack": {"drop_reason": reasons, "dropped_by": by},
    }
    return {stage: pa.table({"song_id": ids, **named}) for stage, named in found.items()}


def write_table(root: Path, count: int, size: int) -> int:
    """The column files; returns how many partitions."""
    parts = range(0, count, size)
    for stage, table in columns(count).items():
        folder = root / "table" / stage
        folder.mkdir(parents=True)
        for number, first in enumerate(parts):
            pq.write_table(table.slice(first, size), folder / f"part-{number:05d}-{0:012x}.parquet")
    return len(parts)


def memory_mb(pid: int) -> float:
    """Resident memory of the children of a process, where the server runs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20


def timed(call: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(root: Path) -> dict[str, object]:
    """Start the desk, ask it, stop it."""
    command = [sys.executable, "-m", "flows.commands.main", "desk", "--work", str(root)]
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            address = next(found[0] for line in running.stdout if (found := re.search(r"http://\S+", line)))
            opened_s = time.perf_counter() - start
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
            opener.open(address).read()
            base = address.partition("/?")[0]

            def ask(name: str) -> float:
                path, given = ASKED[name]
                return timed(lambda: opener.open(f"{base}{path}?{urlencode(given)}").read())

            cold = {name: ask(name) for name in ASKED}
            first_mb = memory_mb(running.pid)
            worst = {name: max(ask(name) for _ in range(TURNS)) for name in ASKED}
            return {
                "opened_s": opened_s,
                "cold_s": cold,
                "worst_s": worst,
                "memory_mb": {"after the first questions": first_mb, "at the end": memory_mb(running.pid)},
            }
        finally:
            running.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--partition", type=int, default=64)
    parser.add_argument("--out", default="desk")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        made_s = timed(lambda: write_table(root, args.songs, args.partition))
        first = measure(root)
        index_bytes = sum(path.stat().st_size for path in (root / "desk").glob("index.sqlite*"))
        again = measure(root)
    result = {
        "songs": args.songs,
        "partitions": -(-args.songs // args.partition),
        "made_s": made_s,
        "first": first,
        "index_mb": index_bytes / 2**20,
        "opened again": again,
        "machine": machine(),
    }
    write_result(args.out, result)


if __name__ == "__main__":
    main()
