"""Ctrl-C, SIGTERM and a closed terminal at ten moments of `prepare`, `train`, `dpo` and `benchmark`, on a real terminal.

    python bench/stop.py --out bench/results/stop.json      # forty stops over toy songs
    python bench/stop.py --only prepare                     # ten

Every command runs on a pseudo-terminal of its own and is stopped there as a person stops it. Told are the seconds from
the first key until the prompt is back, what still ran then, and what was said. After its ten stops the same command
runs to its end; then every file must be that of an undisturbed run.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import select
import signal
import statistics
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chaos_life import HOUSE, SMALL, made_in
from chaos_processes import MARK, command_of, kill, marked
from measuring import machine

COMMANDS = ("prepare", "train", "dpo", "benchmark")
SETTINGS = [
    *(setting for setting in SMALL if not setting.startswith("group.")),
    "group.benchmark_share=0.2",
    "group.validation_share=0.5",
    "benchmark.num_songs=1",
    "benchmark.num_resamples=100",
    "benchmark.player_songs=1",
]
LAST_WORDS = {
    "prepare": "songs kept",
    "train": "sft",
    "dpo": "gate: ",
    "benchmark": "report.html",
}
"""What a command says near its end."""
TIMED = ("reports/benchmark/report.json", "reports/benchmark/report.html")
"""What tells how long stages took; the numbers of a report are in its metrics.json as well."""
CTRL_C = b"\x03"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BETWEEN_KEYS_S = 0.3
LIMIT_S = 900.0


@dataclass(frozen=True)
class Stop:
    """When and how a person stops a command: after a share of the seconds that it takes undisturbed, or at its end."""

    share: float | None  # None: at its last words
    how: str  # "Ctrl-C", of which there may be `times`; "SIGTERM"; "closed", the terminal
    times: int = 1


STOPS = (
    Stop(0.002, "Ctrl-C"),
    Stop(0.01, "Ctrl-C", times=2),
    Stop(0.03, "SIGTERM"),
    Stop(0.06, "Ctrl-C"),
    Stop(0.12, "closed"),
    Stop(0.2, "Ctrl-C", times=3),
    Stop(0.3, "Ctrl-C"),
    Stop(0.4, "SIGTERM"),
    Stop(0.55, "Ctrl-C"),
    Stop(None, "Ctrl-C"),
)


@dataclass(frozen=True)
class Ending:
    """How a stopped command ended."""

    stop: Stop
    code: int
    seconds: float  # from the first key to the prompt
    left: list[str]  # programs that still ran then
    said: list[str]  # lines after the first key
    load: float  # processes that wanted a core, over the last minute


class Terminal:
    """A command on a pseudo-terminal, whose session it leads."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            for kind in (signal.SIGINT, signal.SIGHUP):
                signal.signal(kind, signal.SIG_DFL)  # as a shell leaves them; `nohup` and `&` do not
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.code: int | None = None
        self.shown = b""

    def watch(self, seconds: float, words: bytes = b"") -> bool:
        """Read what is shown for so long, until `words` were, or until the command has ended (then False)."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.02)
            if self.ended():
                while self.read(0.1):
                    pass
                return False
            if words and words in self.shown:
                return True
        return True

    def read(self, wait_s: float) -> bool:
        """Read what is shown within so long; whether anything was."""
        if self.screen < 0 or not select.select([self.screen], [], [], wait_s)[0]:
            return False
        with suppress(OSError):  # the other side is closed
            self.shown += (new := os.read(self.screen, 65536))
            return bool(new)
        return False

    def ended(self) -> bool:
        """Whether the prompt is back."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is not None

    def press(self, stop: Stop) -> None:
        """Stop the command."""
        for turn in range(stop.times):
            if turn:
                self.watch(BETWEEN_KEYS_S)
            if stop.how == "Ctrl-C":
                os.write(self.screen, CTRL_C)
            elif stop.how == "closed":
                self.close()
            elif not self.ended():
                os.kill(self.pid, signal.SIGTERM)

    def close(self) -> None:
        """Close the terminal's window."""
        if self.screen >= 0:
            os.close(self.screen)
            self.screen = -1


def stopped(name: str, stop: Stop, whole_s: float, work: Path, songs: Path) -> Ending:
    """Start a command that takes `whole_s` undisturbed, stop it, and look at once what is left of it."""
    mark = f"{name}-{time.monotonic_ns()}"
    terminal = started(name, work, songs, mark)
    if stop.share is None:
        terminal.watch(LIMIT_S, LAST_WORDS[name].encode())
    else:
        terminal.watch(stop.share * whole_s)
    before, pressed = len(terminal.shown), time.monotonic()
    if not terminal.ended():
        terminal.press(stop)
        terminal.watch(LIMIT_S)
    seconds = time.monotonic() - pressed
    left = [pid for pid in marked(mark) if pid != os.getpid()]
    programs = [command_of(pid)[:80].replace(b"\0", b" ").decode(errors="replace") for pid in left]
    for pid in left:
        kill(pid)
    terminal.watch(0.1)
    terminal.close()
    shown = ESCAPES.sub("", terminal.shown[before:].decode(errors="replace"))
    said = [line for line in shown.splitlines() if line.strip("^C ")]
    return Ending(
        stop, terminal.code or 0, round(seconds, 2), programs, said[-3:], round(os.getloadavg()[0], 1)
    )


def started(name: str, work: Path, songs: Path, mark: str) -> Terminal:
    """`jam NAME` on a terminal of its own; `mark` tells all its processes."""
    command = [sys.executable, "-m", "flows.commands.main", name, "--work", str(work)]
    command += ["--songs", str(songs)] if name == "prepare" else []
    command += [word for setting in SETTINGS for word in ("--set", setting)]
    environment = {
        **os.environ,
        MARK: mark,
        "PYTHONPATH": str(HOUSE),
        "PREFECT_HOME": str(work.parent / "prefect"),
    }
    return Terminal(command, environment, work.parent)


def finished(name: str, work: Path, songs: Path) -> float:
    """Run a command to its end; the seconds it took."""
    began = time.monotonic()
    terminal = started(name, work, songs, f"{name}-whole")
    terminal.watch(LIMIT_S)
    if terminal.code != 0:
        raise SystemExit(
            f"{name} ended with {terminal.code}: {terminal.shown.decode(errors='replace')[-3000:]}"
        )
    return round(time.monotonic() - began, 1)


def measure(room: Path, names: list[str], num_songs: int, out: Path | None) -> dict[str, Any]:
    """Stop every command ten times and finish it; the record so far is written after each."""
    sys.path.insert(0, str(HOUSE))
    from flows.settings.params import load_params
    from tasks.toy.params import render

    toy = load_params(None, []).toy
    render(toy.model_copy(update={"out": str(room / "toy"), "num_songs": num_songs, "seed": 5}))
    songs, calm, work = room / "toy" / "songs", room / "calm" / "W", room / "stopped" / "W"
    for folder in (calm, work):
        folder.parent.mkdir()
    whole_s: dict[str, float] = {}
    endings: dict[str, list[Ending]] = {}
    record: dict[str, Any] = {}
    for name in names:
        whole_s[name] = finished(name, calm, songs)
        print(f"{name}: {whole_s[name]} s undisturbed", flush=True)
        endings[name] = []
        for stop in STOPS:
            endings[name].append(stopped(name, stop, whole_s[name], work, songs))
            print(name, json.dumps(asdict(endings[name][-1])), flush=True)
        finished(name, work, songs)
        record = record_of(whole_s, endings, calm, work)
        if out:
            out.write_text(json.dumps(record, indent=1) + "\n")
    return record


def record_of(
    whole_s: dict[str, float], endings: dict[str, list[Ending]], calm: Path, work: Path
) -> dict[str, Any]:
    """The figures of all stops and of each command, and how many files differ from those of the undisturbed run."""
    reference, made = made_in(calm).files, made_in(work).files
    paths = sorted(reference.keys() | made.keys())
    differing = [path for path in paths if reference.get(path) != made.get(path) and path not in TIMED]
    for path in differing[:10]:
        print(f"  differs: {path}")
    every = [ending for ended in endings.values() for ending in ended]
    return {
        "machine": machine("ray", "prefect"),
        "stops": len(every),
        **_figures(every),
        "finished": list(endings),
        "files": len(reference),
        "differing": len(differing),
        "commands": {
            name: {
                "undisturbed_s": whole_s[name],
                **_figures(ended),
                "stops": [asdict(one) for one in ended],
            }
            for name, ended in endings.items()
        },
    }


def _figures(endings: list[Ending]) -> dict[str, Any]:
    seconds = [ending.seconds for ending in endings]
    return {
        "worst_s": max(seconds),
        "median_s": round(statistics.median(seconds), 2),
        "codes": sorted({ending.code for ending in endings}),
        "left": sum(len(ending.left) for ending in endings),
        "worst_load": max(ending.load for ending in endings),
    }


def main() -> None:
    """Stop, finish, compare, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=COMMANDS, help="the commands up to this one")
    parser.add_argument("--num-songs", type=int, default=8)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    names = list(COMMANDS[: COMMANDS.index(asked.only) + 1] if asked.only else COMMANDS)
    with tempfile.TemporaryDirectory(prefix="stop-") as folder:
        record = measure(Path(folder), names, asked.num_songs, asked.out)
    print(json.dumps({key: value for key, value in record.items() if key != "commands"}))
    sys.exit(1 if record["left"] or record["differing"] else 0)


if __name__ == "__main__":
    main()
