"""A desk killed by force while edits are posted: is one lost that was acknowledged, is one there twice?

python bench/desk_kills.py [--kills 50]

A table of made-up songs is written; a desk is started on it, two clients post edits of the same songs, and after a time drawn at
random the server is killed with SIGKILL. After each kill the edits on the disk are read.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.desk import ROOT, write_table
from bench.measuring import write_result
from tasks.edits.store import all_edits

SONGS, CLIENTS = 6, 2
LONGEST_S = 1.5


class Client:
    """A browser's part: posts edits and keeps what was acknowledged."""

    def __init__(self, address: str, name: str) -> None:
        self.base, self.name = address.partition("/?")[0], name
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.opener.open(address, timeout=10).read()

    def ask(self, path: str) -> Any:
        return json.load(self.opener.open(self.base + path, timeout=10))

    def post(self, song: str, number: int) -> tuple[str, int, str] | None:
        """The content hash, number and id of an edit that was acknowledged; None where another was first."""
        facts = self.ask(f"/api/song?id={song}")
        value = {"reason": f"{self.name} {number}"}
        edit = {"id": song, "before": facts["edits"]["last"], "kind": "reject", "value": value}
        headers = {"Content-Type": "application/json", "Origin": self.base}
        request = urllib.request.Request(f"{self.base}/api/edits", json.dumps(edit).encode(), headers)
        try:
            said = json.load(self.opener.open(request, timeout=10))
        except urllib.error.HTTPError as error:
            if error.code == 409:
                return None
            raise
        return facts["content_hash"], said["number"], said["last"]


def killed_while_posting(root: Path, kills: int, seed: int = 0) -> dict[str, int]:
    """Kills, edits acknowledged, conflicts told, edits lost, edits that stand twice, edits that stand without an acknowledgement."""
    draw, acknowledged, told = random.Random(seed), dict[tuple[str, int], str](), Counter[str]()
    for turn in range(kills):
        command = [sys.executable, "-m", "flows.commands.main", "desk", "--work", str(root)]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as running:
            address = _address(running)
            threads = [
                threading.Thread(target=_posting, args=(address, f"client {turn}-{one}", acknowledged, told))
                for one in range(CLIENTS)
            ]
            for thread in threads:
                thread.start()
            time.sleep(draw.uniform(0.05, LONGEST_S))
            for child in Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)  # the server; its supervisor says so and ends
            for thread in threads:
                thread.join()
    standing = {(key, edit.number): edit for key, edits in all_edits(root).items() for edit in edits}
    reasons = Counter(edit.value["reason"] for edit in standing.values())
    return {
        "kills": kills,
        "acknowledged": len(acknowledged),
        "conflicts": told["conflicts"],
        "lost": sum(key not in standing or standing[key].id != last for key, last in acknowledged.items()),
        "twice": sum(count > 1 for count in reasons.values()),
        "unacknowledged": len(standing) - len(acknowledged),
    }


def _address(running: subprocess.Popen[str]) -> str:
    assert running.stdout
    said: list[str] = []
    for line in running.stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
        said.append(line)
    raise RuntimeError(f"the desk did not open: {''.join(said)}")


def _posting(address: str, name: str, acknowledged: dict[tuple[str, int], str], told: Counter[str]) -> None:
    with suppress(OSError, ValueError, HTTPException):  # the server is gone
        client = Client(address, name)
        songs = [song["song_id"] for song in client.ask("/api/songs")["songs"]]
        for number in range(10_000):
            found = client.post(songs[number % len(songs)], number)
            if found is None:
                told["conflicts"] += 1
            else:
                acknowledged[found[:2]] = found[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--out", default="desk_kills")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder), SONGS, SONGS)
        start = time.perf_counter()
        result = killed_while_posting(Path(folder), args.kills)
    write_result(args.out, {**result, "seconds": time.perf_counter() - start})


if __name__ == "__main__":
    main()
