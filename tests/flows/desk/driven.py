"""A running desk, and a browser's keys and mouse upon its pages."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from subprocess import PIPE

from tests.browser import Browser
from tests.flows.prepared import ROOT

ENTER, ESCAPE, DOWN, TAB, SHIFT = "\ue007", "\ue00c", "\ue015", "\ue004", "\ue008"
CONTROL, ALT = "\ue009", "\ue00a"
SHIFTED = ">?U"


def press(browser: Browser, *keys: str | tuple[str, ...]) -> None:
    """Keys, one after the other, to whatever has the focus; a tuple's are held together."""
    actions: list[dict[str, str]] = []
    for key in keys:
        around = key if isinstance(key, tuple) else (SHIFT, key) if key in SHIFTED else (key,)
        actions += [{"type": "keyDown", "value": one} for one in around]
        actions += [{"type": "keyUp", "value": one} for one in reversed(around)]
    browser.call("/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})


def drag(browser: Browser, script: str, right: int, lets_go: bool = True) -> None:
    """By the mouse, from the middle of an element, so many pixels to the right; 0: a click."""
    element = browser.js(script)
    move = {"type": "pointerMove", "duration": 20, "y": 0}
    actions = [
        {**move, "origin": element, "x": 0},
        {"type": "pointerDown", "button": 0},
        *({**move, "origin": "pointer", "x": right // 2} for _ in range(2) if right),
        *([{"type": "pointerUp", "button": 0}] if lets_go else []),
    ]
    browser.call("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})


@contextmanager
def desk(work: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running desk: its address with the token, and its process."""
    command = [sys.executable, "-m", "flows.commands.main", "desk", "--work", str(work), *options]
    heeds = partial(
        signal.signal, signal.SIGINT, signal.SIG_DFL
    )  # what is started behind a shell's & does not
    with subprocess.Popen(
        command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True, preexec_fn=heeds
    ) as running:
        try:
            assert running.stdout
            address = next(found[0] for line in running.stdout if (found := re.search(r"http://\S+", line)))
            yield address, running
        finally:
            running.kill()


def close(running: subprocess.Popen[str]) -> str:
    """Ctrl-C; what the desk says to it, which ends well since that is how it is closed."""
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=20)[1]
    assert running.returncode == 0, said
    return said


def choose_file(browser: Browser, name: str, path: Path) -> None:
    """A file for the field of this name, as its dialog would give it."""
    (element,) = browser.js(f"document.querySelector('[name={name}]')").values()
    browser.call(f"/element/{element}/value", {"text": str(path)})
