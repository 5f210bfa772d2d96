"""A hand at the desk for `desk_steps.py`: keys, clicks and fields, each a step, and how long the page takes until what comes next is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.browser import Browser
from tests.flows.desk.driven import drag, press

LIMIT_S, MADE_LIMIT_S = 30.0, 600.0
IN_VIEW = """(() => {{ const box = ({0}).getBoundingClientRect();
    return box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.left < innerWidth; }})()"""


@dataclass
class Hand:
    """Somebody at the desk. `steps`: what was done; `seconds`: what the page took; `heard_s`, `made_s`: sound, and a model."""

    browser: Browser
    steps: list[str] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    heard_s: float = 0.0
    made_s: float = 0.0

    def key(self, what: str, *keys: str | tuple[str, ...], until: str) -> None:
        """Keys that are pressed at once, or a text that is typed: one step."""
        self._does(what, lambda: press(self.browser, *keys), until)

    def click(self, what: str, script: str, until: str) -> None:
        """A click; a turn of the wheel before it where that is needed."""
        if not self.browser.js(IN_VIEW.format(script)):
            scroll = f"({script}).scrollIntoView({{block: 'center', behavior: 'instant'}})"
            self._does(f"scroll to {what}", lambda: self.browser.js(scroll), IN_VIEW.format(script))
        self._does(what, lambda: drag(self.browser, script, 0), until)

    def fill(self, what: str, name: str, text: str) -> None:
        """A field, which is clicked and typed into: one step."""
        place = f"document.querySelector('[name={name}]')"
        self.browser.js(f"{place}.focus(), {place}.select()")
        self._does(what, lambda: press(self.browser, *text), f"{place}.value.length >= {len(text)}")

    def hears(self, until: str) -> None:
        """Sound until something is there."""
        self.heard_s += self._waited(until, LIMIT_S)

    def waits(self, until: str) -> None:
        """For a model."""
        self.made_s += self._waited(until, MADE_LIMIT_S)

    def facts(self) -> dict[str, Any]:
        """What it took."""
        return {
            "steps": len(self.steps),
            "page_s": round(sum(self.waits_s), 2),
            "slowest_s": round(max(self.waits_s), 2),
            "heard_s": round(self.heard_s, 1),
            "made_s": round(self.made_s, 1),
            "did": self.steps,
        }

    def _does(self, what: str, act: Callable[[], object], until: str) -> None:
        start = time.perf_counter()
        act()
        self._waited(until, LIMIT_S)
        self.waits_s.append(time.perf_counter() - start)
        self.steps.append(what)

    def _waited(self, until: str, limit_s: float) -> float:
        start = time.perf_counter()
        while not self.browser.js(until):
            if time.perf_counter() - start > limit_s:
                raise RuntimeError(f"after {self.steps[-1:]}: still not true: {until}")
            time.sleep(0.005)
        return time.perf_counter() - start


def one(css: str) -> str:
    """The element of a selector."""
    return f"document.querySelector('{css}')"


def said(text: str) -> str:
    """The button or link that says this."""
    return f"[...document.querySelectorAll('button, a')].find((one) => one.textContent === '{text}')"
