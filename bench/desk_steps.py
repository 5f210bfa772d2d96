"""Three tasks at the desk, driven in a browser as somebody does them who sees the page for the first time: steps and seconds.

python bench/desk_steps.py [--work W --checkpoint C] [--name after]

Mend a song, make one from lyrics, judge ten candidates; by the mouse, as whoever knows no key does it, and by keys. A step is a key, a click, a
field that is filled in, or a turn of the wheel where what is clicked lies outside the window. Seconds are the page's own, from each step until what comes
next is there; what is heard and what a model computes count beside them. No person is timed. Without ``--work`` toy songs are prepared and a
model with weights drawn at random makes the songs, which are noise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.desk_hand import MADE_LIMIT_S, Hand, one, said
from bench.desk_kills import TINY
from bench.measuring import RESULTS, machine, write_result
from jam_model.checkpoint import save_model
from jam_model.dit import Jam
from tests.browser import Browser, chromium
from tests.flows.desk.driven import ALT, CONTROL, DOWN, ENTER, TAB, desk, press
from tests.flows.prepared import prepare, toy_songs

WINDOW = {"width": 1280, "height": 800}
LYRICS = (
    ("moon light over me", "light the way for me"),
    ("golden day come home", "every day the way back home"),
)
STYLE, LENGTH_S = "bright pop, female voice", "6"
TEN, TEN_LAST_S = 10, 2.0
FAST = ("--set", "sampler.num_steps=2", "--set", "engine.num_workers=1")


SONGS = "document.querySelectorAll('.song-link').length"
MOVED = "document.querySelectorAll('.box.moved').length > 0"
PLAYS = f"{one('.play')}?.getAttribute('aria-label') === 'Pause'"
APPROVED = "['align', 'filter'].every((one) => document.getElementById('edits')?.textContent.includes(one))"


def mend_by_mouse(hand: Hand) -> None:
    """Find the dropped song, hear it, move its second line by half a second, approve it."""
    hand.click("dropped songs", one('[data-choice="state:dropped"]'), f"{SONGS} === 1")
    hand.click("the song", one(".song-link"), "document.querySelectorAll('.box').length > 0")
    hand.click("play", one(".play"), PLAYS)
    hand.hears("document.querySelectorAll('.karaoke .now').length > 0")
    line = "document.querySelectorAll('.box')[SECOND_LINE]".replace("SECOND_LINE", second_line(hand.browser))
    hand.click("a word of the second line", line, f"{line}.classList.contains('chosen')")
    hand.click("half a second later", said("+ 0.5 s"), MOVED)
    hand.click("approve", one("#approve"), "document.activeElement.name === 'reason'")
    hand.fill("why", "reason", "a long outro")
    hand.click("say so", one("dialog .strong"), APPROVED)


def mend_by_keys(hand: Hand) -> None:
    """The same, by whoever has read the keys."""
    hand.key("f", "f", until="document.activeElement.dataset.choice === 'state:kept'")
    hand.key("Tab", TAB, until="document.activeElement.dataset.choice === 'state:dropped'")
    hand.key("Space", " ", until=f"{SONGS} === 1")
    hand.key("j", "j", until="document.activeElement.className === 'song-link'")
    hand.key("Enter", ENTER, until="document.querySelectorAll('.box').length > 0")
    hand.key("Space", " ", until=PLAYS)
    hand.hears("document.querySelectorAll('.karaoke .now').length > 0")
    hand.key("Down", DOWN, until="!document.querySelectorAll('.box')[0].classList.contains('chosen')")
    hand.key(">", ">", until=MOVED)
    hand.key("y", "y", until="document.activeElement.name === 'reason'")
    hand.fill("why", "reason", "a long outro")
    hand.key("Enter", ENTER, until=APPROVED)


def second_line(browser: Browser) -> str:
    """Number of the first word of the second line, as the API has it."""
    asking = "fetch('/api/song?' + location.hash.split('?')[1]).then((one) => one.json()).then((song) => arguments[0](song.lines[1][0]))"
    return str(browser.call("/execute/async", {"script": asking, "args": []}))


def make_by_mouse(hand: Hand) -> None:
    """Lyrics, a style and a length to candidates; hear the second one."""
    hand.click("Generate", said("Generate"), "document.querySelector('textarea')")
    form(hand, LYRICS[0])
    hand.click("generate", one("#generate"), ASKED)
    hand.waits(DONE)
    hand.click("the second", one('[name=sound][value="1"]'), f"{one('[name=sound]:checked')}.value === '1'")
    hand.click("play", one(".play"), PLAYS)


def make_by_keys(hand: Hand) -> None:
    """The same by keys."""
    hand.key("Alt+2", (ALT, "2"), until="document.querySelector('textarea')")
    form(hand, LYRICS[1])
    hand.key("Ctrl+Enter", (CONTROL, ENTER), until=ASKED)
    hand.waits(DONE)
    hand.key("2", "2", until=f"{one('[name=sound]:checked')}.value === '1'")
    hand.key("Space", " ", until=PLAYS)


ASKED = "location.hash.startsWith('#/job')"
DONE = "document.querySelectorAll('.candidates tbody tr').length > 1"


def form(hand: Hand, lyrics: tuple[str, str]) -> None:
    """What has to be filled in."""
    place = one("textarea")
    hand.browser.js(f"{place}.focus(), {place}.select()")
    hand.key("lyrics", *ENTER.join(lyrics), until=f"{place}.value.includes('the way')")
    hand.fill("style", "style", STYLE)
    hand.fill("length", "duration_s", LENGTH_S)


def judge_by_mouse(hand: Hand) -> None:
    """Ten candidates, each beside the next: ten pairs, and two of them again."""
    hand.click("Choose", said("Choose"), "document.getElementById('rater')")
    hand.fill("name", "rater", "Ann")
    hand.click("the candidates", one("#sets a"), TRIAL)
    judged(hand, lambda trial: hand.click("A is better", one("[data-said=a]"), after(trial)))


def judge_by_keys(hand: Hand) -> None:
    """The same by keys."""
    hand.key("Alt+3", (ALT, "3"), until="document.getElementById('rater')")
    hand.fill("name", "rater", "Ben")
    hand.key("Enter", ENTER, until=TRIAL)
    judged(hand, lambda trial: hand.key("1", "1", until=after(trial)))


TRIAL = "document.querySelector('.trial')"


def after(trial: str) -> str:
    """The next pair is there, or what all of them come to."""
    return f"document.getElementById('result') || Number({TRIAL}?.dataset.trial) > {trial}"


def judged(hand: Hand, answer: Callable[[str], None]) -> None:
    """Both sides of every pair are heard, then one key or click."""
    while not hand.browser.js("document.getElementById('result')"):
        trial = hand.browser.js(f"{TRIAL}?.dataset.trial")
        hand.hears(f"!{one('[data-said=a]')}.disabled")
        answer(trial)


TASKS: dict[str, dict[str, Callable[[Hand], None]]] = {
    "mend": {"mouse": mend_by_mouse, "keys": mend_by_keys},
    "make": {"mouse": make_by_mouse, "keys": make_by_keys},
    "judge": {"mouse": judge_by_mouse, "keys": judge_by_keys},
}


def driven(browser: Browser, address: str, tasks: Sequence[str]) -> dict[str, Any]:
    """All tasks in both ways; what one leaves behind is taken away or does not matter to the next."""
    found: dict[str, Any] = {}
    for task in tasks:
        ways = TASKS[task]
        if task == "judge":
            ask_for_ten(browser, address)
        for way, does in ways.items():
            browser.call("/url", {"url": "about:blank"})
            browser.call("/url", {"url": address})
            browser.wait(f"{SONGS} > 0")
            browser.js("localStorage.clear(), sessionStorage.clear()")
            hand = Hand(browser)
            does(hand)
            found[f"{task} by {way}"] = hand.facts()
            print(task, way, hand.facts(), flush=True)
            if task == "mend":
                undo(browser)
    return found


def undo(browser: Browser) -> None:
    """What was saved of a song no longer counts."""
    while (count := browser.js("document.querySelectorAll('.decide ol li').length")) > 0:
        press(browser, "U")
        browser.wait(f"document.querySelectorAll('.decide ol li').length < {count}")


def ask_for_ten(browser: Browser, address: str) -> None:
    """Ten candidates to judge, the newest job."""
    browser.call("/url", {"url": address})
    browser.wait(f"{SONGS} > 0")
    words = [[word, 0.2 * place, 0.2 * place + 0.2] for place, word in enumerate(" ".join(LYRICS[0]).split())]
    ask = {
        "name": "ten",
        "words": words,
        "line_starts": [0, 4],
        "duration_s": TEN_LAST_S,
        "style": STYLE,
        "style_song": "",
    }
    body = json.dumps(json.dumps({**ask, "candidates": TEN, "seed": 1}))
    asking = f"""fetch('/api/ask', {{method: 'POST', headers: {{'Content-Type': 'application/json'}}, body: {body}}})
        .then((one) => one.json()).then(({{id}}) => arguments[0](id))"""
    job = browser.call("/execute/async", {"script": asking, "args": []})
    browser.js(f"location.hash = '#/job?id={job}'")
    browser.wait(f"{said('Choose blind')} !== undefined", MADE_LIMIT_S)


@contextmanager
def world(work: Path | None, checkpoint: Path | None) -> Iterator[tuple[Path, Path]]:
    """A work folder and a model: those given, or toy songs of which the longest is dropped, and a small model."""
    if work and checkpoint:
        yield work, checkpoint
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        songs = toy_songs(folder / "toy", 4)
        listed = json.loads((folder / "toy" / "manifest.json").read_text())
        *_, second, longest = sorted(one["duration"] for one in listed)
        prepare(songs, str(folder / "W"), f"filter.max_duration_s={(second + longest) / 2}")
        torch.manual_seed(0)
        save_model(folder / "model", Jam(replace(TINY, max_frames=288)))
        yield folder / "W", folder / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--name", default="after", help="what the result is called beside those that stand")
    parser.add_argument("--tasks", nargs="*", default=[*TASKS], choices=[*TASKS])
    parser.add_argument("--out", default="desk_steps")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as profile, world(args.work, args.checkpoint) as (work, model):
        options = ("--checkpoint", str(model), *FAST)
        with desk(work, *options) as (address, _), chromium(Path(profile)) as browser:
            browser.call("/window/rect", WINDOW)
            found = driven(browser, address, args.tasks)
    path = RESULTS / f"{args.out}.json"
    standing = json.loads(path.read_text()) if path.is_file() else {}
    write_result(
        args.out, {**standing, args.name: {**standing.get(args.name, {}), **found, "machine": machine()}}
    )


if __name__ == "__main__":
    main()
