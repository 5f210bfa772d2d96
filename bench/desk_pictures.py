"""Pictures of the desk's pages, light, dark and narrow, to be looked at; docs/desk.md shows some of them.

python bench/desk_pictures.py FOLDER --work W --checkpoint C

W: a work folder with a job that is done; what its songs sound like does not matter.
"""

from __future__ import annotations

import argparse
import base64
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.browser import Browser, chromium
from tests.flows.desk.driven import desk

SETTLED_S = 1.5  # until outlines are drawn
WIDE, NARROW = (1280, 860), (420, 860)
LOOKS = {"light": ("light", WIDE), "dark": ("dark", WIDE), "narrow": ("light", NARROW)}
LYRICS = "moon light over me\\nlight the way for me\\n\\nstay with me tonight"


class Pages:
    """Goes to a page and waits until it shows what it has."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def songs(self) -> None:
        self._to("#/", "document.querySelectorAll('.song-link').length")

    def song(self) -> None:
        self.songs()
        self.browser.js("[...document.querySelectorAll('.song-link')].pop().click()")
        self.browser.wait("document.querySelectorAll('.box').length")
        self._move()

    def generate(self) -> None:
        self._to("#/generate", "document.querySelector('textarea')")
        for name, value in (("lyrics", LYRICS), ("style", "bright pop, female voice"), ("duration_s", "9")):
            self.browser.js(f"document.querySelector('[name={name}]').value = '{value}'")
        self.browser.js("document.getElementById('lay').click()")
        self.browser.wait("document.querySelectorAll('.box').length")
        self._move()

    def candidates(self) -> None:
        self._to("#/generate", "document.querySelector('#queue tr[data-id] a')")
        self.browser.js("document.querySelector('#queue tr[data-id] a').click()")
        self.browser.wait("document.querySelectorAll('.candidates tbody tr').length")

    def choose(self) -> None:
        self.browser.js("localStorage.setItem('desk-rater', 'A listener')")
        self._to("#/choose", "document.querySelector('#sets a')")
        self.browser.js("document.querySelector('#sets a').click()")
        self.browser.wait("document.querySelector('.trial')")
        self.browser.js("document.querySelector('[data-side=b]').click()")
        self.browser.wait("!document.querySelector('[data-said=a]').disabled")

    def watch(self) -> None:
        self._to("#/watch", "document.querySelectorAll('#stages tr').length > 1")

    def _to(self, address: str, until: str) -> None:
        self.browser.js("location.hash = '#/none'")
        self.browser.js(f"location.hash = '{address}'")
        self.browser.wait(until)

    def _move(self) -> None:
        self.browser.js(
            "[...document.querySelectorAll('button')].find((one) => one.textContent === '+ 0.05').click()"
        )


def look_of(browser: Browser, scheme: str, size: tuple[int, int]) -> None:
    """Light or dark, in a window of this size."""

    def ask(command: str, **given: Any) -> None:
        browser.call("/goog/cdp/execute", {"cmd": command, "params": given})

    ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    width, height = size
    ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)


def picture(browser: Browser, path: Path) -> None:
    """The whole page as PNG."""
    given = {"cmd": "Page.captureScreenshot", "params": {"captureBeyondViewport": True}}
    path.write_bytes(base64.b64decode(browser.call("/goog/cdp/execute", given)["data"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, required=True)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as profile,
        desk(args.work, "--checkpoint", str(args.checkpoint)) as (address, _),
        chromium(Path(profile)) as browser,
    ):
        browser.call("/url", {"url": address})
        pages = Pages(browser)
        for look, (scheme, size) in LOOKS.items():
            look_of(browser, scheme, size)
            for name in ("songs", "song", "generate", "candidates", "choose", "watch"):
                getattr(pages, name)()
                time.sleep(SETTLED_S)
                picture(browser, args.folder / f"{name}_{look}.png")


if __name__ == "__main__":
    main()
