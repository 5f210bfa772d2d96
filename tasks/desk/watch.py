"""What runs in a work folder (`Watch`), read from its files alone: holder and pid, how far each stage is and how fast, what is learned.

Nothing is locked or written, so reading disturbs no run. Receipts of a folder are read again only where it changed.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.desk.existing import changed_ns, column_files
from tasks.engine.sources import SOURCES
from tasks.storage.lease import LEASE_NAME, Holder, read_holder

RECENT = 20
"""Receipts of a stage that its rate is of."""
MAX_POINTS, MAX_TAIL_BYTES, MAX_TRAININGS = 240, 400_000, 12
MAX_SEARCHED, MAX_LINES, MAX_TEXT = 4000, 300, 200
LOGS = ("checkpoints/*/*/log.jsonl", "rounds/*/*/*/log.jsonl", "sweep/*/*/*/log.jsonl")
PROC = Path("/proc")
SERVERS = {"Prefect": r"flows\.run\.prefect_server (\d{2,5})", "Ray": r"dashboard\.py .*--port=(\d{2,5})"}


@dataclass
class Watch:
    """A work folder that is watched. `stages`: of its table, sources first, in order; `receipts`: of the flow that makes it."""

    root: Path
    stages: Sequence[str]
    receipts: Path
    _read: dict[Path, tuple[int, list[dict[str, Any]]]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Who holds the folder, its stages, its trainings, and where else to look."""
        holder = read_holder(self.root / LEASE_NAME)
        files = column_files(self.root / "table", self.stages)
        total = sum(SOURCES in of_part for of_part in files.values())
        stages = [
            {
                "stage": stage,
                "done": sum(stage in of_part for of_part in files.values()),
                "total": total,
                **self._rate(stage),
            }
            for stage in self.stages
            if stage != SOURCES
        ]
        running = holder is not None and holder.alive()
        return {
            "run": _run(holder) if holder else None,
            "stages": stages,
            "trainings": self.trainings(),
            "links": [*_links(holder.pid)] if holder is not None and running else [],
        }

    def trainings(self) -> list[dict[str, Any]]:
        """Training runs, the one written last first."""
        paths = [path for pattern in LOGS for path in self.root.glob(pattern)]
        stamped = sorted(((changed_ns(path), path) for path in paths), reverse=True)[:MAX_TRAININGS]
        return [self._training(path, changed_at) for changed_at, path in stamped]

    def log(self, text: str) -> dict[str, Any]:
        """The newest lines of receipts in which a text stands: partitions, and why songs were dropped.

        Raises:
            ValueError: the text is too long.
        """
        if len(text) > MAX_TEXT:
            raise ValueError(f"text: give at most {MAX_TEXT} characters")
        paths = [(entry.stat().st_mtime_ns, entry.path) for entry in _receipts(self.root / "receipts")]
        paths.sort(reverse=True)
        wanted, lines = text.casefold(), list[dict[str, Any]]()
        for changed_at, path in paths[:MAX_SEARCHED]:
            for line in _lines(Path(path), changed_at):
                if wanted in line["text"].casefold():
                    lines.append(line)
            if len(lines) >= MAX_LINES:
                break
        return {"lines": lines[:MAX_LINES], "searched": min(len(paths), MAX_SEARCHED), "receipts": len(paths)}

    def _rate(self, stage: str) -> dict[str, Any]:
        notes = self._newest(self.receipts / stage)
        songs, seconds = (sum(note[name] for note in notes) for name in ("songs", "seconds"))
        audio_s = sum(note.get("audio_s") or 0.0 for note in notes)
        drops: dict[str, int] = {}
        for note in notes:
            for reason, count in note["dropped"].items():
                drops[reason] = drops.get(reason, 0) + count
        return {
            "songs_per_s": songs / seconds if seconds else None,
            "times_real": audio_s / seconds if seconds and audio_s else None,
            "drops": drops,
            "recent": songs,
        }

    def _newest(self, folder: Path) -> list[dict[str, Any]]:
        changed_at = changed_ns(folder)
        known = self._read.get(folder)
        if known is None or known[0] != changed_at:
            paths = sorted(
                ((entry.stat().st_mtime_ns, entry.path) for entry in _receipts(folder)), reverse=True
            )
            known = changed_at, [note for _, path in paths[:RECENT] if (note := _json(Path(path)))]
            self._read[folder] = known
        return known[1]

    def _training(self, path: Path, changed_at: int) -> dict[str, Any]:
        rows = [row for row in _tail(path) if isinstance(row, dict) and "step" in row]
        step = max(1, len(rows) // MAX_POINTS)
        last = rows[-1] if rows else {}
        figures = {
            name: value for name, value in last.items() if isinstance(value, int | float) and name != "step"
        }
        return {
            "name": "/".join(path.parent.relative_to(self.root).parts[:-1]),
            "is_done": (path.parent / "done.json").is_file(),
            "seconds_ago": max(0.0, time.time() - changed_at / 1e9),
            "step": last.get("step"),
            "figures": figures,
            "losses": [
                [row["step"], row["loss"]] for row in rows[::step] if isinstance(row.get("loss"), int | float)
            ],
        }


def _run(holder: Holder) -> dict[str, Any]:
    return {
        "command": holder.command,
        "host": holder.host,
        "pid": holder.pid,
        "since": holder.since,
        "is_alive": holder.alive(),
        "beat_s_ago": max(0.0, time.time() - holder.beat_at),
    }


def _links(pid: int) -> Iterator[dict[str, str]]:
    """Servers that a process of this machine started, by the command lines of what it started."""
    for name, pattern in SERVERS.items():
        for line in _started_by(pid):
            if match := re.search(pattern, line):
                yield {"name": name, "url": f"http://127.0.0.1:{match[1]}"}
                break


def _started_by(pid: int, depth: int = 6) -> Iterator[str]:
    for thread in _names(PROC / str(pid) / "task"):
        children = _text(PROC / str(pid) / "task" / thread / "children").split()
        for child in children:
            yield _text(PROC / child / "cmdline").replace("\0", " ")
            if depth:
                yield from _started_by(int(child), depth - 1)


def _lines(path: Path, changed_at: int) -> Iterator[dict[str, Any]]:
    note = _json(path)
    if not note:
        return
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(changed_at / 1e9))
    dropped = "".join(f", dropped {reason} {count}" for reason, count in sorted(note["dropped"].items()))
    place = f"{path.parent.parent.name} {note['stage']} {note['number']}"
    yield {
        "at": at,
        "kind": "partition",
        "text": f"{place}: {note['kept']} of {note['songs']} songs in {note['seconds']:.1f} s{dropped}",
    }
    for song_id, why in note["details"].items():
        yield {"at": at, "kind": "dropped", "song": song_id, "text": f"{place}: {song_id}: {why}"}


def _receipts(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        entries = [*os.scandir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _receipts(Path(entry.path))
        elif entry.name.startswith("part-") and entry.name.endswith(".json"):
            yield entry


def _tail(path: Path) -> list[Any]:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_TAIL_BYTES))
        lines = file.read().split(b"\n")
    whole = lines[1:-1] if size > MAX_TAIL_BYTES else lines[:-1]  # the last one may be half written
    return [json.loads(line) for line in whole]


def _json(path: Path) -> dict[str, Any] | None:
    try:
        note: dict[str, Any] = json.loads(path.read_bytes())
        return (
            note
            if note.keys() >= {"stage", "number", "songs", "kept", "dropped", "details", "seconds"}
            else None
        )
    except (FileNotFoundError, ValueError, AttributeError):
        return None  # a run replaced it meanwhile


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
