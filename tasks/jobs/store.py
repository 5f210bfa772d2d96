"""Jobs of a work folder: ``jobs/<hash of what is asked>/``, its files written once, its state (done, failed, cancelled) in files that come and go.

``job.json`` is the last of a job's own files to be written, so a job is there whole or not at all. ``out`` is jamify's
output folder; the process that makes it holds its lease. ``done.json`` or ``failed.json`` say how that ended, ``cancelled``
that nobody wants it. Whoever was killed left none of the three, so the job is taken up again.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.jobs.ask import Ask, read_ask
from tasks.jobs.files import JOBS, copied
from tasks.storage.files import remove_tree, write_bytes, write_json, write_new
from tasks.storage.lease import LEASE_NAME, read_holder

OUT = "out"
ASKED, DONE, FAILED, CANCELLED, SCORES, LOG = (
    *("job.json", "done.json", "failed.json", "cancelled", "scores.json", "log.txt"),
)
MAX_JOBS, MAX_BYTES, MAX_LOG_BYTES = 10_000, 16_000_000, 60_000
TRIES = 3
"""How often a job is started whose process ends without a word, before that counts as failed."""
_ID = re.compile(r"[0-9a-f]{12}")
State = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class Job:
    """One job as its file has it."""

    folder: Path
    ask: Ask
    made_at: str

    @property
    def id(self) -> str:
        """The hash of what is asked."""
        return self.folder.name

    @property
    def out(self) -> Path:
        """jamify's output folder."""
        return self.folder / OUT

    @property
    def manifest(self) -> Path:
        """jamify's manifest of one row."""
        return self.folder / "manifest.json"

    @property
    def state(self) -> State:
        """Where it stands."""
        for name, state in ((DONE, "done"), (FAILED, "failed")):
            if (self.folder / name).is_file():
                return state  # type: ignore[return-value]
        holder = read_holder(self.out / LEASE_NAME)
        if holder is not None and holder.alive():
            return "running"
        return "cancelled" if (self.folder / CANCELLED).is_file() else "waiting"

    @property
    def num_made(self) -> int:
        """Candidates whose sound stands."""
        return len(list((self.out / "table" / "generate").glob("part-*.parquet")))

    @property
    def why(self) -> str:
        """Why it failed; empty where it has not."""
        path = self.folder / FAILED
        return str(json.loads(path.read_bytes())["line"]) if path.is_file() else ""

    def log(self) -> str:
        """The end of what its process said."""
        path = self.folder / LOG
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MAX_LOG_BYTES))
            return file.read().decode("utf-8", "replace")

    def cancel(self) -> None:
        """Nobody wants it any more; whoever makes it stops."""
        if self.state in ("waiting", "running"):
            write_bytes(self.folder / CANCELLED, b"")

    def again(self) -> None:
        """It is wanted again, from where it was."""
        for name in (CANCELLED, FAILED):
            (self.folder / name).unlink(missing_ok=True)

    def ends(self, name: str, facts: Mapping[str, Any]) -> None:
        """Says how it ended: `DONE` or `FAILED`."""
        write_json(self.folder / name, dict(facts))


def add_job(root: Path, ask: Ask, style_audio: Path | None = None) -> Job:
    """A job of a work folder, which stands for good when this returns; the same ask is the same job, wanted again.

    `style_audio`: a sound file of the song whose style is wanted, which is copied.

    Raises:
        ValueError: there are too many jobs, or a file to follow is gone.
    """
    folder = root / JOBS / ask.id
    if (folder / ASKED).is_file():
        job = read_job(folder)
        job.again()
        return job
    if len(_folders(root)) >= MAX_JOBS:
        raise ValueError(f"jobs: {MAX_JOBS} stand in {root / JOBS}; remove some")
    row: dict[str, Any] = {"id": ask.name, "lrc_path": "words.json", "duration": ask.duration_s}
    if ask.chords is not None:
        row |= {"chords": ask.chords, "bpm": ask.bpm}
    for control, digest in ask.files.items():
        write_bytes(folder / control, copied(root, control, digest))
        row[control] = control
    if style_audio is None:
        write_bytes(folder / "style.txt", f"{ask.style}\n".encode())
        row["prompt_path"] = "style.txt"
    else:
        name = f"style{style_audio.suffix}"
        write_bytes(folder / name, style_audio.read_bytes())
        row["audio_path"] = name
    write_bytes(folder / "words.json", lyrics_bytes(ask))
    write_json(folder / "manifest.json", [row])
    asked = {
        "made_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "ns": time.time_ns(),
        "ask": asdict(ask),
    }
    data = (json.dumps(asked, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()
    with suppress(FileExistsError):  # somebody asked the same at once
        write_new(folder / ASKED, data)
    return read_job(folder)


def lyrics_bytes(ask: Ask) -> bytes:
    """The words of an ask as the file of its job has them."""
    return (json.dumps(ask.lyrics(), indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def jobs_of(root: Path) -> list[Job]:
    """The jobs of a work folder in the order in which they were asked for; what cannot be read is left out."""
    found = []
    for folder in _folders(root):
        try:
            found.append((_asked(folder)["ns"], read_job(folder)))
        except (ValueError, FileNotFoundError):
            continue
    return [job for _, job in sorted(found, key=lambda one: (one[0], one[1].id))]


def job_called(root: Path, name: str) -> Job:
    """A job by its id.

    Raises:
        KeyError: there is none.
    """
    if not _ID.fullmatch(name) or not (root / JOBS / name / ASKED).is_file():
        raise KeyError(name)
    return read_job(root / JOBS / name)


def read_job(folder: Path) -> Job:
    """One job.

    Raises:
        ValueError: the file is none of ours, or was altered.
    """
    asked = _asked(folder)
    try:
        ask, made_at = read_ask(asked["ask"]), str(asked["made_at"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"jobs: {folder / ASKED} is none of ours ({error}); remove its folder") from error
    if ask.id != folder.name:
        raise ValueError(f"jobs: {folder / ASKED} is not what its folder says; remove that")
    return Job(folder, ask, made_at)


def forget_jobs(root: Path, names: Collection[str]) -> int:
    """Remove jobs in the style of one of these songs; returns the files that went."""
    gone = 0
    for job in jobs_of(root):
        if job.ask.style_song in names:
            gone += sum(1 for path in job.folder.rglob("*") if path.is_file())
            remove_tree(job.folder)
    return gone


def _asked(folder: Path) -> dict[str, Any]:
    path = folder / ASKED
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b""
        asked = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"jobs: {path} cannot be read ({error}); remove its folder") from error
    if not isinstance(asked, dict) or type(asked.get("ns")) is not int:
        raise ValueError(f"jobs: {path} is none of ours; remove its folder")
    return asked


def _folders(root: Path) -> list[Path]:
    folder = root / JOBS
    names = os.listdir(folder) if folder.is_dir() else []
    return [
        folder / name for name in sorted(names) if _ID.fullmatch(name) and (folder / name / ASKED).is_file()
    ]
