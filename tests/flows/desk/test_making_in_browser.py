"""The desk makes songs, in headless Chromium by keys: lyrics, words moved, candidates that start there, a blind choice, a run watched."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from flows.pipelines.rounds import peoples_choices
from flows.settings.params import load_params
from flows.settings.project import Project, WorkFolder
from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from tasks.audio.read import flac_bytes
from tasks.choices.store import peoples_pairs, read_choice
from tasks.desk.choosing import Comparison, comparison
from tasks.preference.pairing import candidate_of, pair_rows
from tests.browser import Browser, pytestmark  # noqa: F401
from tests.flows.desk.driven import ENTER, ESCAPE, choose_file, close, desk, drag, press
from tests.flows.desk.test_desk_in_browser import HOSTILE
from tests.flows.desk.test_files_sent import TUNE
from tests.tasks.desk.test_index import fill
from tests.tasks.stages.generated.test_generate import TINY

STAGES = ("sources", "check", "filter", "pack")
FAST = ("--set", "sampler.num_steps=1", "--set", "engine.num_workers=1")
MADE_LIMIT_S = 240.0
STARTS = "[...document.querySelectorAll('.box')].map((box) => parseFloat(box.style.left) * 4 / 100)"
PROMPTS = [f"song-{number}" for number in range(10)]


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


def noise(seed: int) -> bytes:
    """A fifth of a second of it."""
    return flac_bytes(np.random.default_rng(seed).uniform(-0.3, 0.3, (2, 8820)).astype(np.float32), 44_100)


def candidate_row(parent: str, number: int) -> dict[str, Any]:
    """As a round's scores have it."""
    made_of = {"seed": 1, "checkpoint": "w", "style_guidance_scale": 1.0, "lyrics_guidance_scale": 1.0}
    row = {"song_id": f"{parent}-{number}", "parent": parent, "candidate": number, "reward": float(number)}
    heard = {"reference_words": [], "transcript": None, "transcript_phones": None}
    return {**row, **made_of, **heard, "num_steps": 1, "drop_reason": None, "judge_scores": []}


ROUND = [candidate_row(parent, number) for parent in PROMPTS for number in range(2)]


def write_round(work: Path) -> None:
    """Two candidates of ten prompts, judged: the second one is the better, for the judge."""
    folder = work / "rounds" / "1"
    sounds = [{"song_id": row["song_id"], "audio": {"bytes": noise(n)}} for n, row in enumerate(ROUND)]
    for path, rows in (
        (folder / "scores.parquet", ROUND),
        (folder / "candidates" / "generate" / "part-00000-000000000000.parquet", sounds),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)


def choose_ten(browser: Browser, round_one: Comparison) -> tuple[str, dict[str, str]]:
    """The judge's second of every pair, by ear and without names; what the page says at the end, and who was preferred."""
    preferred: dict[str, str] = {}
    while True:
        browser.wait("document.querySelector('.trial') || document.getElementById('result')")
        if told := browser.js("document.getElementById('result')?.textContent"):
            return told, preferred
        number = browser.js("Number(document.querySelector('.trial').dataset.trial)")
        trial = round_one.trial("Ann", number)
        preferred[trial.prompt] = min(trial.a, trial.b)
        press(browser, "a", "x")
        browser.wait("!document.querySelector('[data-said=a]').disabled")
        press(browser, "1" if trial.a < trial.b else "2")
        browser.wait(f"Number(document.querySelector('.trial')?.dataset.trial ?? 99) > {number}")


def test_lyrics_become_candidates_that_start_where_words_were_moved_and_are_chosen_blind(
    browser: Browser,
    axe: str,
    tmp_path: Path,
) -> None:
    work, model = tmp_path / "W", tmp_path / "model"
    words, melody, drums = tmp_path / "words.txt", tmp_path / "<b>tune.mid", tmp_path / "loop.flac"
    words.write_text("no notes at all")
    melody.write_bytes(TUNE)
    drums.write_bytes(noise(1))
    write_round(work)
    fill(work / "table", 0, [HOSTILE, "b", "c"])
    torch.manual_seed(0)
    save_model(
        model, Jam(replace(TINY, max_frames=96, filler="sung", controls=("chords", "melody", "drums")))
    )
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
        choose_file(browser, "melody", words)
        browser.wait("document.getElementById('wrong-melody').textContent.includes('neither notes')")
        press(browser, ESCAPE, "g")  # what cannot be followed is not left out without a word
        browser.wait("document.getElementById('wrong-melody').textContent.includes('neither notes')")
        browser.js("document.querySelector('.chosen-file button').click()")
        choose_file(browser, "melody", melody)
        choose_file(browser, "drums", drums)
        browser.wait(
            "[...document.querySelectorAll('.file-name')].map((one) => one.textContent).join() === '<b>tune.mid,loop.flac'"
        )
        for name, value in (("style", "warm pop"), ("duration_s", "4"), ("chords", "C G")):
            browser.js(f"document.querySelector('[name={name}]').focus()")
            press(browser, *value)
        press(browser, ESCAPE, "g")
        browser.wait("document.getElementById('wrong-bpm').textContent.startsWith('chords need a tempo')")
        browser.wait("document.activeElement.name === 'bpm'")
        press(browser, ESCAPE, "s", "s", *"..")
        browser.js("document.querySelector('[name=bpm]').focus()")
        press(browser, *"96", ESCAPE, "g")
        browser.wait("document.getElementById('told').textContent.includes('laid anew')")
        assert browser.js("document.querySelectorAll('.box.moved').length") == 0
        press(browser, "s", "s", "s", *"....", "s", "s")
        browser.wait("document.querySelectorAll('.box.moved').length > 0")
        assert "phones lie evenly" in browser.js("document.querySelector('.notes').textContent")
        faults += serious(browser, axe)
        drag(browser, "document.querySelector('.box')", 4, lets_go=False)
        browser.call("/refresh")  # in the middle of a drag
        browser.call("/actions", method="DELETE")
        browser.wait("document.querySelectorAll('.box.moved').length > 0")
        starts = browser.js(STARTS)
        press(browser, "g")
        browser.wait("location.hash.startsWith('#/job')")
        browser.wait("document.querySelectorAll('.candidates td.best').length > 0", MADE_LIMIT_S)
        browser.js("location.hash = '#/generate'")
        browser.wait("document.querySelector('#queue tr[data-id] .fate')?.textContent === 'done'")
        press(browser, "q", ENTER)
        browser.wait("document.querySelectorAll('.candidates tbody tr').length === 2")
        press(browser, "2", " ")
        browser.wait("document.querySelector('.play').getAttribute('aria-label') === 'Pause'")
        press(browser, " ")
        faults += serious(browser, axe)
        browser.js("location.hash = '#/choose'")
        browser.wait("document.activeElement?.id === 'rater'")
        press(browser, *"Ann", ENTER)
        told, preferred = choose_ten(browser, comparison(work, "round-1"))
        assert (
            told
            == "All 12 answered by Ann: 10 pairs with a winner. 2 of 2 pairs heard twice were answered alike."
        )
        press(browser, ESCAPE)
        browser.wait("document.activeElement?.closest('#sets')")
        press(browser, "j", ENTER)
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
        assert close(running).splitlines()[-1] == "jam: closed"
    (folder,) = [path for path in (work / "jobs").iterdir() if (path / "job.json").is_file()]
    rows = json.loads((folder / "out" / "generation_metadata.json").read_text())
    assert [row["generation_index"] for row in rows] == [0, 1] and all(
        (folder / "out" / row["generated_audio_path"]).is_file() for row in rows
    )
    (source, *_) = (folder / "out" / "table" / "sources").glob("*.parquet")
    row = pq.read_table(source).to_pylist()[0]
    words = row["reference_words"]
    assert row["control_chords"] and row["control_melody"] and row["control_drums"]
    assert all(abs(word["start_s"] - start_s) < 0.05 for word, start_s in zip(words, starts, strict=True))
    choices = [read_choice(path) for path in (work / "choices").glob("*/*/*.json")]
    assert [choice.side for choice in choices if choice.prompt == "song"] == ["b"]
    assert {choice.rater for choice in choices} == {"Ann"} and len(choices) == 13
    project = Project(load_params(None, ["pair.by=people"]), WorkFolder(work))
    people = peoples_pairs(peoples_choices(project, work / "rounds" / "1" / "scores.parquet"))
    pairs = pair_rows(PROMPTS, [candidate_of(row) for row in ROUND], project.params.pair, people)
    assert {pair.song_id: pair.columns["winner"] for pair in pairs} == preferred
    assert len(pairs) == 10 and all(pair.columns["by_people"] for pair in pairs)
    assert faults == wrong == []
    events = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith("http://127.0.0.1:") for url in urls)
