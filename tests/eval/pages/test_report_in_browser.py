"""The page driven in headless Chromium: sorting, playing, hostile titles, no request outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from eval.pages.listening_test import Trial, blind_html
from eval.report.write import write_report
from tests.browser import Browser, pytestmark  # noqa: F401
from tests.eval.conftest import HOSTILE, make_report, tone


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Callable[..., Browser]:
    def open_report(**options: int) -> Browser:
        write_report(make_report(), tmp_path, **options)
        browser.log("performance"), browser.log("browser")
        browser.call("/url", {"url": (tmp_path / "report.html").as_uri()})
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


def choose(browser: Browser, position: int, value: str) -> None:
    browser.js(
        f"(() => {{ const s = document.querySelectorAll('#song-controls select')[{position}]; s.value = {json.dumps(value)};"
        "s.dispatchEvent(new Event('change')) })()"
    )


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
    assert browser.js("document.querySelectorAll('#song-table tbody tr').length") == 1
    browser.js("document.querySelector('#song-table tbody tr button').click()")
    assert browser.js("document.querySelector('#player h3').textContent").startswith("Song 1")
    browser.js(
        "document.querySelector('.wave').dispatchEvent(new KeyboardEvent('keydown', {key: 'End', "
        "bubbles: true}))"
    )
    assert browser.js(now(0)) == 1.2


def test_one_click_leads_from_a_number_to_its_sound_and_what_each_stage_did(
    opened: Callable[..., Browser],
) -> None:
    browser = opened()
    browser.js("document.querySelector('#worst-table td.figure button').click()")
    browser.wait(f"{now(0)} > 0 || {now(1)} > 0")
    current = "document.querySelector('.take[aria-current]')"
    assert browser.js(f"{current}.querySelector('.play').getAttribute('aria-label')").startswith("Pause")
    assert browser.js(f"{current}.querySelector('.facts').open")
    assert "generate-v1" in browser.js(f"{current}.querySelector('.facts').textContent")
    assert browser.js("document.querySelector('#worst-table .unsung').textContent") == "sing"


def test_genre_system_and_metric_change_every_table(opened: Callable[..., Browser]) -> None:
    browser = opened()
    assert browser.js("document.querySelectorAll('#genre-table tbody tr').length") == 2
    assert "n\u00a0=\u00a01" in browser.js("document.querySelector('#genre-table td').textContent")
    choose(browser, 2, "rock")
    assert browser.js("document.querySelectorAll('#genre-table tbody tr').length") == 1
    assert browser.js("document.querySelectorAll('#song-table tbody tr').length") == 1
    choose(browser, 1, "trained")
    assert browser.js("document.querySelectorAll('#song-table thead th').length") == 2
    choose(browser, 0, "judge_mean")
    assert browser.js("document.getElementById('song-count').textContent").startswith("Judge, mean: 1 of 2")


def test_systems_switch_off_and_pairs_unfold(opened: Callable[..., Browser]) -> None:
    browser = opened()
    browser.js("document.querySelectorAll('.chips input')[0].click()")
    assert browser.js("document.querySelectorAll('.take').length") == 1
    assert browser.js("document.activeElement === document.querySelectorAll('.chips input')[0]")
    browser.js("document.querySelector('.pairs summary').click()")
    assert browser.js("document.querySelector('.pairs').open")
    assert browser.js("document.querySelector('.pairs tbody tr').checkVisibility()")


def test_a_blind_page_plays_and_gives_its_answers_as_a_file(browser: Browser, tmp_path: Path) -> None:
    _, audio = tone()
    page = tmp_path / "listen.html"
    page.write_text(
        blind_html("p1", [Trial("001", HOSTILE, audio, audio, audio), Trial("002", "b", audio, audio)])
    )
    browser.log("browser")
    browser.call("/url", {"url": page.as_uri()})
    browser.js("document.querySelectorAll('.play')[0].click()")
    browser.wait("Number(document.querySelector('.bar-slider').getAttribute('aria-valuenow')) > 0")
    browser.js("document.querySelectorAll('input[type=radio]').forEach((r) => r.value === 'B' && r.click())")
    assert browser.js("document.getElementById('progress').textContent") == "2 of 2 songs answered."
    browser.js(
        "(() => { window.links = []; HTMLAnchorElement.prototype.click = function () { window.links.push(this) };"
        "const make = URL.createObjectURL; URL.createObjectURL = (b) => { b.text().then((t) => { window.csv = t });"
        "return make.call(URL, b) };"
        "document.getElementById('listener').value = 'Ann, <1>'; document.querySelector('#finish button').click() })()"
    )
    assert browser.js("window.links[0].download") == "listening-p1-Ann-1.csv"
    browser.wait("window.csv !== undefined")
    assert (
        browser.js("window.csv") == "page,listener,trial,enjoyment,style\np1,Ann 1,001,B,B\np1,Ann 1,002,B,\n"
    )
    assert browser.log("browser") == []
    assert browser.js("document.querySelectorAll('img').length") == 0
