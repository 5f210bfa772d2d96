"""The page driven in headless Chromium: sorting, playing, hostile titles, no request outside."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eval.report_files import write_report
from tests.eval.conftest import HOSTILE, make_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("chromedriver") and shutil.which("chromium")),
        reason="needs chromium and chromedriver",
    ),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]
START_LIMIT_S = 60


class Browser:
    """The few WebDriver commands needed, over plain HTTP."""

    def __init__(self, port: int, profile: Path) -> None:
        self.url = f"http://127.0.0.1:{port}/session"
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        capabilities = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        started = self.call("", {"capabilities": {"alwaysMatch": capabilities}})
        self.url += f"/{started['sessionId']}"

    def call(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=START_LIMIT_S) as answer:
            return json.load(answer)["value"]

    def js(self, script: str) -> Any:
        return self.call("/execute/sync", {"script": f"return {script}", "args": []})

    def log(self, kind: str) -> list[dict[str, Any]]:
        return self.call("/se/log", {"type": kind})

    def wait(self, script: str, limit_s: float = 10) -> None:
        end = time.monotonic() + limit_s
        while not self.js(script):
            assert time.monotonic() < end, f"still not true: {script}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    profile = tmp_path_factory.mktemp("profile")
    with subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True) as driver:
        try:
            assert driver.stdout
            line = next(line for line in driver.stdout if "started successfully on port" in line)
            session = Browser(int(line.strip().rstrip(".").split()[-1]), profile)
            yield session
            session.call("", method="DELETE")
        finally:
            driver.terminate()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    def open_report(**options: int) -> Browser:
        files = write_report(make_report(), tmp_path, **options)
        browser.log("performance"), browser.log("browser")
        browser.call("/url", {"url": files.html.as_uri()})
        return browser

    return open_report


def now(position: int) -> str:
    return f"Number(document.querySelectorAll('.wave')[{position}].getAttribute('aria-valuenow'))"


@pytest.mark.parametrize("budget", [25_000_000, 0])
def test_players_play_pause_and_light_up_words(opened: Callable[..., Browser], budget: int) -> None:
    browser = opened(embed_budget_bytes=budget)
    browser.js("document.querySelectorAll('.play')[1].click()")
    browser.wait(f"{now(1)} > 0 && document.querySelectorAll('.word.now').length > 0")
    assert browser.js("document.querySelectorAll('.play')[1].getAttribute('aria-label')").startswith("Pause")
    browser.js("document.querySelectorAll('.play')[0].click()")
    browser.wait(f"{now(0)} > 0")
    assert browser.js("document.querySelectorAll('.play')[1].getAttribute('aria-label')").startswith("Play")
    browser.wait(f"{now(0)} === 0")  # it ends and returns to its start
    assert browser.js("document.querySelectorAll('.word.now').length") == 0


def test_page_is_silent_on_console_and_network(opened: Callable[..., Browser]) -> None:
    browser = opened()
    browser.js("document.querySelectorAll('.play')[0].click()")
    browser.wait(f"{now(0)} > 0")
    assert browser.log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = {
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    }
    assert urls
    assert all(url.startswith(("file:", "blob:", "data:")) for url in urls)


def test_hostile_titles_stay_text_in_the_browser(opened: Callable[..., Browser]) -> None:
    browser = opened()
    assert browser.js("window.broken === undefined && document.querySelectorAll('img').length === 0")
    assert HOSTILE in browser.js("document.querySelector('#player h3').textContent")
    assert HOSTILE in browser.js("document.querySelector('#song-table tbody').textContent")


def test_tables_sort_filter_and_open_songs_by_keyboard(opened: Callable[..., Browser]) -> None:
    browser = opened()
    order = (
        "[...document.querySelectorAll('.leaderboard tbody tr')].map(r => r.cells[1].dataset.value).join()"
    )
    assert browser.js(order) == "0,0.27"
    browser.js("document.querySelectorAll('.leaderboard thead button')[1].click()")
    browser.js("document.querySelectorAll('.leaderboard thead button')[1].click()")
    assert browser.js(order) == "0.27,0"
    assert browser.js("document.querySelector('.leaderboard [aria-sort]').ariaSort") == "descending"
    browser.js(
        "(() => { const i = document.querySelector('#song-controls input'); i.value = 'song 1';"
        "i.dispatchEvent(new Event('input')) })()"
    )
    assert browser.js("document.querySelectorAll('#song-table tbody tr:not([hidden])').length") == 1
    browser.js("document.querySelector('#song-table tbody tr:not([hidden]) button').click()")
    assert browser.js("document.querySelector('#player h3').textContent").startswith("Song 1")
    browser.js(
        "document.querySelector('.wave').dispatchEvent(new KeyboardEvent('keydown', {key: 'End', "
        "bubbles: true}))"
    )
    assert browser.js(now(0)) == 1.2
