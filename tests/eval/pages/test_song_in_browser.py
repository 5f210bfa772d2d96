"""The page of one song driven in headless Chromium: it plays, words light up, nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from eval.pages.players import waveform_peaks
from eval.pages.song import Sound, song_html
from tasks.audio.mix import mp3_bytes
from tests.browser import Browser, pytestmark  # noqa: F401
from tests.eval.conftest import HOSTILE
from tests.eval.pages.test_song import PAGE, replace

NOW = "document.querySelectorAll('.box.now').length"


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Browser]:
    hum_CN = 0.3 * np.sin(2 * np.pi * 220 * np.arange(88_200) / 44_100)[None].astype(np.float32)
    sounds = [Sound(name, mp3_bytes(hum_CN), waveform_peaks(hum_CN, 40)) for name in ("mix", "vocals")]
    words = [*PAGE.words, (HOSTILE, 1.5, 1.9, None, 0.9)]
    page = replace(PAGE, sounds=sounds, words=words, claimed_s=(), lanes={**PAGE.lanes, "aligned": words})
    path = tmp_path / "song.html"
    path.write_text(song_html(page))
    browser.log("performance"), browser.log("browser")
    browser.call("/url", {"url": path.as_uri()})
    yield browser


def test_words_light_up_while_it_plays_and_stems_change_on_one_clock(opened: Browser) -> None:
    assert opened.js("document.querySelector('input:checked').parentNode.textContent") == "vocals"
    opened.js("document.querySelector('.play').click()")
    opened.wait(f"{NOW} > 0 && document.querySelectorAll('tr.now').length > 0")
    opened.js("document.querySelector('input').click()")
    opened.wait("document.querySelector('.play').getAttribute('aria-label') === 'Pause'")
    assert opened.js("Number(document.querySelector('.wave').getAttribute('aria-valuenow'))") > 0
    opened.wait("document.querySelector('.play').getAttribute('aria-label') === 'Play'")  # it ends


def test_a_row_of_the_table_leads_to_its_word(opened: Browser) -> None:
    opened.js("document.querySelectorAll('#word-rows tr')[1].click()")
    opened.wait("Number(document.querySelector('.wave').getAttribute('aria-valuenow')) >= 0.7")


def test_the_page_is_silent_and_hostile_words_stay_text(opened: Browser) -> None:
    opened.js("document.querySelector('.play').click()")
    opened.wait(f"{NOW} > 0")
    assert opened.log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in opened.log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith(("file:", "blob:", "data:")) for url in urls)
    assert opened.js("window.broken === undefined && document.querySelectorAll('img').length === 0")
    assert HOSTILE in opened.js("document.querySelectorAll('.box')[2].textContent")
