"""The desk makes songs, in headless Chromium by keys: lyrics, words moved, candidates that start there, a blind choice, a run watched."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from tasks.choices.store import read_choice
from tests.browser import Browser, pytestmark  # noqa: F401
from tests.flows.desk.driven import ENTER, ESCAPE, desk, press
from tests.flows.desk.test_desk_in_browser import HOSTILE
from tests.tasks.desk.test_index import fill
from tests.tasks.stages.generated.test_generate import TINY

STAGES = ("sources", "check", "filter", "pack")
FAST = ("--set", "sampler.num_steps=1", "--set", "engine.num_workers=1")
MADE_LIMIT_S = 240.0


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core out of npm; empty where that cannot be had."""
    folder = tmp_path_factory.mktemp("axe")
    npm = shutil.which("npm")
    got = npm and subprocess.run(
        [npm, "pack", "axe-core@4.14.1", "--silent"], cwd=folder, capture_output=True, timeout=60
    )
    if not got or got.returncode:
        return ""
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder)
    return (folder / "package" / "axe.min.js").read_text()


def serious(browser: Browser, axe: str) -> list[Any]:
    """What axe-core finds of the page that is shown, serious or worse."""
    if not axe:
        return []
    browser.call("/execute/sync", {"script": axe, "args": []})
    ask = """const tell = arguments[0];
        axe.run(document, {resultTypes: ['violations']})
            .then(({violations}) => tell(violations.map((one) => [one.impact, one.id, one.nodes[0].html])));"""
    found = browser.call("/execute/async", {"script": ask, "args": []})
    return [one for one in found if one[0] in ("serious", "critical")]


def test_lyrics_become_candidates_that_start_where_words_were_moved_and_are_chosen_blind(
    browser: Browser,
    axe: str,
    tmp_path: Path,
) -> None:
    work, model = tmp_path / "W", tmp_path / "model"
    fill(work / "table", 0, [HOSTILE, "b", "c"])
    torch.manual_seed(0)
    save_model(model, Jam(replace(TINY, max_frames=96, filler="sung", controls=("chords",))))
    browser.log("performance"), browser.log("browser")
    faults = []
    with desk(work, "--checkpoint", str(model), *FAST) as (address, running):
        browser.call("/url", {"url": address})
        browser.wait("document.querySelectorAll('.song-link').length === 3")
        faults += serious(browser, axe)
        browser.js("location.hash = '#/generate'")
        browser.wait("document.querySelector('textarea')")
        press(browser, "w")
        browser.wait("document.activeElement.name === 'lyrics'")
        press(browser, *"moon light", ENTER, *"<b>home")
        for name, value in (("style", "warm pop"), ("duration_s", "4"), ("chords", "C G")):
            browser.js(f"document.querySelector('[name={name}]').focus()")
            press(browser, *value)
        press(browser, ESCAPE, "g")
        browser.wait("document.getElementById('told').textContent.startsWith('bpm: chords need a tempo')")
        press(browser, "s", "s", *"..")
        browser.js("document.querySelector('[name=bpm]').focus()")
        press(browser, *"96", ESCAPE, "g")
        browser.wait("document.getElementById('told').textContent.includes('laid anew')")
        assert browser.js("document.querySelectorAll('.box.moved').length") == 0
        press(browser, "s", "s", "s", *"....", "s", "s")
        browser.wait("document.querySelectorAll('.box.moved').length > 0")
        assert "phones lie evenly" in browser.js("document.querySelector('.notes').textContent")
        starts = browser.js(
            "[...document.querySelectorAll('.box')].map((box) => parseFloat(box.style.left) * 4 / 100)"
        )
        faults += serious(browser, axe)
        press(browser, "g")
        browser.wait("document.querySelector('#queue tr[data-id] a')")
        browser.wait(
            "document.querySelector('#queue tr[data-id] .fate').textContent === 'done'", MADE_LIMIT_S
        )
        press(browser, "q", ENTER)
        browser.wait("document.querySelectorAll('.candidates tbody tr').length === 2")
        browser.wait("document.querySelectorAll('.candidates td.best').length > 0")
        press(browser, "2", " ")
        browser.wait("document.querySelector('.play').getAttribute('aria-label') === 'Pause'")
        press(browser, " ")
        faults += serious(browser, axe)
        browser.js("location.hash = '#/choose'")
        browser.wait("document.activeElement?.id === 'rater'")
        press(browser, *"Ann", ENTER)
        browser.wait("document.activeElement?.closest('#sets')")
        press(browser, ENTER)
        browser.wait("document.querySelector('.trial')")
        press(browser, "1")  # nobody chooses before both are heard
        browser.wait("document.getElementById('told').textContent === 'hear both first'")
        press(browser, "a", "x")
        browser.wait("!document.querySelector('[data-said=a]').disabled")
        faults += serious(browser, axe)
        press(browser, "2")
        browser.wait("document.getElementById('result')")
        browser.js("location.hash = '#/watch'")
        browser.wait("document.querySelector('#run').textContent.includes('Nothing writes')")
        faults += serious(browser, axe)
        wrong = [
            one for one in browser.log("browser") if "422" not in one["message"]
        ]  # chords without a tempo
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0
    (folder,) = [path for path in (work / "jobs").iterdir() if (path / "job.json").is_file()]
    rows = json.loads((folder / "out" / "generation_metadata.json").read_text())
    assert [row["generation_index"] for row in rows] == [0, 1] and all(
        (folder / "out" / row["generated_audio_path"]).is_file() for row in rows
    )
    (source, *_) = (folder / "out" / "table" / "sources").glob("*.parquet")
    row = pq.read_table(source).to_pylist()[0]
    words = row["reference_words"]
    assert row["control_chords"]
    assert all(abs(word["start_s"] - start_s) < 0.05 for word, start_s in zip(words, starts, strict=True))
    (choice,) = [read_choice(path) for path in (work / "choices").glob("*/*/*.json")]
    assert (choice.rater, choice.side) == ("Ann", "b")
    assert faults == wrong == []
    events = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith("http://127.0.0.1:") for url in urls)
