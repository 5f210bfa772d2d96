"""A desk killed by force while edits are posted: is one lost that was acknowledged, is one there twice?

python bench/desk_kills.py [--kills 50]
python bench/desk_kills.py --jobs 3 --kills 12 --out desk_job_kills

A table of made-up songs is written; a desk is started on it, two clients post edits of the same songs, and after a time drawn at
random the server is killed with SIGKILL. After each kill the edits on the disk are read. With ``--jobs`` songs are asked for instead, and the
server or the process that makes a song is killed; the songs are held against those of a desk that nobody killed.
"""

from __future__ import annotations

import argparse
import hashlib
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

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.desk import ROOT, write_table
from bench.measuring import write_result
from jam_model.checkpoint import save_model
from jam_model.config import JamConfig
from jam_model.dit import Jam
from tasks.edits.store import all_edits
from tasks.jobs.store import SCORES, jobs_of

SONGS, CLIENTS = 6, 2
LONGEST_S = 1.5
CANDIDATES, LONGEST_OF_JOB_S, JOB_LIMIT_S, LOOK_S = 3, 20.0, 600.0, 0.5
TINY = JamConfig(
    dim=32,
    depth=2,
    heads=2,
    ff_mult=2,
    text_dim=16,
    text_layers=1,
    style_dim=512,
    latent_channels=64,
    max_frames=96,
    num_text_embeddings=256,
    use_implicit_duration=True,
)


class Client:
    """A browser's part: posts edits and keeps what was acknowledged."""

    def __init__(self, address: str, name: str) -> None:
        self.base, self.name = address.partition("/?")[0], name
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.opener.open(address, timeout=10).read()

    def ask(self, path: str) -> Any:
        return json.load(self.opener.open(self.base + path, timeout=10))

    def send(self, path: str, value: Any) -> Any:
        headers = {"Content-Type": "application/json", "Origin": self.base}
        request = urllib.request.Request(self.base + path, json.dumps(value).encode(), headers)
        return json.load(self.opener.open(request, timeout=10))

    def post(self, song: str, number: int) -> tuple[str, int, str] | None:
        """The content hash, number and id of an edit that was acknowledged; None where another was first."""
        facts = self.ask(f"/api/song?id={song}")
        value = {"reason": f"{self.name} {number}"}
        edit = {"id": song, "before": facts["edits"]["last"], "kind": "reject", "value": value}
        try:
            said = self.send("/api/edits", edit)
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
            _kill_server(running)
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


def jobs_killed(folder: Path, jobs: int, kills: int, seed: int = 0) -> dict[str, int]:
    """Kills of the server and of jobs' processes, jobs lost, candidates missing, there twice, made again although they stood, or unlike those
    of a desk that nobody killed.
    """
    torch.manual_seed(seed)
    save_model(folder / "model", Jam(TINY))
    calm, shaken = folder / "calm", folder / "shaken"
    for root in (calm, shaken):
        write_table(root, SONGS, SONGS)
    with _desk(calm, folder / "model") as running:
        _ask_for(Client(_address(running), "calm"), jobs)
        _until_done(calm, running)
        _kill_server(running)
    draw, told, stood = random.Random(seed), Counter[str](), dict[Path, int]()
    turn, asked = 0, False
    while turn <= kills:
        with _desk(shaken, folder / "model") as running:
            client = Client(_address(running), "shaken")
            if not asked:
                asked = bool(_ask_for(client, jobs))
            while turn < kills:
                time.sleep(draw.uniform(0.2, LONGEST_OF_JOB_S))
                turn += 1
                _want_again(client, told)
                stood |= {
                    path: path.stat().st_ino for path in shaken.glob("jobs/*/out/table/generate/part-*")
                }
                makers = _makers(shaken)
                if makers and draw.random() < 0.6:
                    with suppress(ProcessLookupError):
                        os.kill(draw.choice(makers), signal.SIGKILL)
                        told["kills_of_jobs"] += 1
                    continue
                told["kills_of_desk"] += 1
                _kill_server(running)
                break
            else:
                _until_done(shaken, running, client, told)
                _kill_server(running)
                turn += 1
    wanted, found = _made(calm), _made(shaken)
    return {
        **{name: told[name] for name in ("kills_of_desk", "kills_of_jobs", "asked_again")},
        "jobs": jobs,
        "lost": len({name[0] for name in wanted} - {name[0] for name in found}),
        "candidates": len(wanted),
        "missing": len(wanted.keys() - found.keys()),
        "twice": sum(
            len(list(path.glob("part-*"))) > CANDIDATES for path in shaken.glob("jobs/*/out/table/generate")
        ),
        "made_again": sum(not path.is_file() or path.stat().st_ino != one for path, one in stood.items()),
        "unlike": sum(found[name] != wanted[name] for name in wanted.keys() & found.keys()),
    }


def _desk(root: Path, model: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "flows.commands.main", "desk", "--work", str(root), "--checkpoint"]
    settings = [str(model), "--set", "sampler.num_steps=1", "--set", "engine.num_workers=1"]
    return subprocess.Popen(
        [*command, *settings], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _ask_for(client: Client, jobs: int) -> list[str]:
    words = [["moon", 0.5, 0.9], ["light", 1.0, 1.6], ["home", 2.0, 2.5]]
    ask = {"words": words, "line_starts": [0, 2], "duration_s": 4, "style": "warm pop", "style_song": ""}
    asked = [{**ask, "name": f"song{n}", "candidates": CANDIDATES, "seed": n} for n in range(jobs)]
    return [client.send("/api/ask", one)["id"] for one in asked]


def _until_done(
    root: Path, running: subprocess.Popen[str], client: Client | None = None, told: Counter[str] | None = None
) -> None:
    end = time.monotonic() + JOB_LIMIT_S
    while not all(job.state == "done" for job in jobs_of(root)):
        if client and told is not None:
            _want_again(client, told)
        if time.monotonic() > end or running.poll() is not None:
            raise RuntimeError(f"jobs: {[(job.state, job.why) for job in jobs_of(root)]}")
        time.sleep(LOOK_S)


def _want_again(client: Client, told: Counter[str]) -> None:
    """As a person would: what failed, since its process was killed `TRIES` times, is asked for again."""
    for job in client.ask("/api/jobs")["jobs"]:
        if job["state"] == "failed":
            told["asked_again"] += 1
            client.send("/api/jobs/change", {"id": job["id"], "do": "again"})


def _makers(root: Path) -> list[int]:
    """The processes that make a song of this work folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"flows.job" in words and str(root).encode() in words:
                found.append(int(entry.name))
    return sorted(found)


def _made(root: Path) -> dict[tuple[str, int], tuple[str, Any]]:
    """The sound and the scores of every candidate, by job and number."""
    found = {}
    for job in jobs_of(root):
        scores = json.loads((job.folder / SCORES).read_bytes())
        for row in json.loads((job.out / "generation_metadata.json").read_bytes()):
            sound = (job.out / row["generated_audio_path"]).read_bytes()
            number = row["generation_index"]
            found[job.id, number] = hashlib.sha256(sound).hexdigest(), scores[str(number)]
    return found


def _kill_server(running: subprocess.Popen[str]) -> None:
    for child in Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)  # the server; its supervisor says so and ends


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
    parser.add_argument("--jobs", type=int, default=0, help="kill while so many songs are made")
    parser.add_argument("--out", default="desk_kills")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        if args.jobs:
            result = jobs_killed(Path(folder), args.jobs, args.kills)
        else:
            write_table(Path(folder), SONGS, SONGS)
            result = killed_while_posting(Path(folder), args.kills)
    write_result(args.out, {**result, "seconds": time.perf_counter() - start})


if __name__ == "__main__":
    main()
