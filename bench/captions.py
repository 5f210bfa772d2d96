"""A caption stage killed by force in the middle of its questions, and begun again by the same call: what is asked twice.

python bench/captions.py --songs 60 --kills 5 --out bench/results/captions.json

A real HTTP server on loopback answers every question after 20 ms and counts it. A child process asks for each song in turn and is killed (SIGKILL)
at a random question; the next one begins again from the first song. Asked twice may be a question that was on its way when
its child was killed, one a kill, and no other.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tasks.models.description.captioner import EndpointCaptioner
from tasks.models.description.endpoint import EndpointParams

ANSWER = {
    "choices": [{"message": {"content": "bright pop"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}
LATENCY_S = 0.02
ASKED: Counter[str] = Counter()


class Handler(BaseHTTPRequestHandler):
    """Counts and answers."""

    def do_POST(self) -> None:
        """An answer after a while; nobody may wait for it any more."""
        ASKED[self.rfile.read(int(self.headers["Content-Length"])).decode()] += 1
        time.sleep(LATENCY_S)
        data = json.dumps(ANSWER).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            return

    def log_message(self, *args: object) -> None:
        """Nothing."""


def caption_all(url: str, folder: str, num_songs: int) -> None:
    """What a child does: every song from the first on."""
    params = EndpointParams(
        url=url,
        model="m",
        key_variable=None,
        prompt="{facts}",
        send="facts",
        audio_s=1,
        max_tokens=9,
        temperature=0,
        timeout_s=20,
        tries=2,
        pause_s=0.1,
        price_in=None,
        price_out=None,
        answers=folder,
        again=0,
    )
    writer = EndpointCaptioner(params)
    for number in range(num_songs):
        fact = {"name": "tempo_bpm", "text": None, "number": float(60 + number)}
        answer = writer.caption([fact], None)
        assert answer is not None and answer.text == "bright pop"


def run(num_songs: int, num_kills: int, seed: int) -> dict[str, Any]:
    """Kills and restarts until all songs are captioned; what was asked how often."""
    draw = random.Random(seed)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        goals = sorted(draw.sample(range(1, num_songs), num_kills))
        killed = 0
        while True:
            child = context.Process(target=caption_all, args=(url, folder, num_songs))
            child.start()
            while child.is_alive() and (killed >= num_kills or sum(ASKED.values()) < goals[killed] + killed):
                time.sleep(0.002)
            if killed >= num_kills or not child.is_alive():
                child.join()
                break
            time.sleep(draw.uniform(0, 2 * LATENCY_S))
            child.kill()
            child.join()
            killed += 1
        server.shutdown()
        kept = len(list(Path(folder).glob("*.json")))
    return {
        "songs": num_songs,
        "kills": killed,
        "ended_with": child.exitcode,
        "answers_kept": kept,
        "questions": len(ASKED),
        "asked_twice": sum(count > 1 for count in ASKED.values()),
        "asked_more_often": sum(count > 2 for count in ASKED.values()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, default=60)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = json.dumps(run(given.songs, given.kills, given.seed), indent=1) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text)
