"""The desk driven in headless Chromium by its keys alone: find a dropped song, hear it, move a line, approve it, run."""

from __future__ import annotations

import json
import tarfile
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import soundfile

from bench.desk import write_table
from bench.desk_kills import SONGS, killed_while_posting
from tasks.edits.store import add_edit, all_edits
from tasks.upkeep.takedown import forget_song
from tasks.upkeep.verify import verify_folder
from tests.browser import Browser, pytestmark  # noqa: F401
from tests.flows.desk.driven import DOWN, ENTER, ESCAPE, TAB, desk, drag, press
from tests.flows.prepared import prepare, prepare_twice, toy_songs

HOSTILE = "<img src=x onerror=window.broken=1> & <b>moon"
WIDEST_GAP = """(() => {
    const boxes = [...document.querySelectorAll('.box')];
    const gaps = boxes.slice(1).map((box, place) => box.offsetLeft - boxes[place].offsetLeft - boxes[place].offsetWidth);
    const place = gaps.indexOf(Math.max(...gaps));
    boxes[place].scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
    return [place, gaps[place]];
})()"""


def check_what_it_gives(address: str) -> str:
    """Ranges of sound to whoever has the token, and nothing that is not the desk's own; returns the hostile song's id."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    base = address.partition("/?")[0]
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(f"{base}/api/songs")
    assert b"The desk" in opener.open(address).read()
    found = json.load(opener.open(f"{base}/api/songs"))["songs"]
    song_id = next(song["song_id"] for song in found if song["title"] == HOSTILE)
    sound = f"{base}/api/sound?id={quote(song_id)}&name=mix"
    part = opener.open(urllib.request.Request(sound, headers={"Range": "bytes=0-3"}))
    assert (part.status, part.read()) == (206, b"fLaC")
    assert len(opener.open(f"{base}/api/peaks?id={quote(song_id)}&name=vocals").read()) > 100
    for path, status in (
        ("/../../etc/passwd", 404),
        ("/static/main.js", 404),
        ("/api/song?id=../../etc/passwd", 404),
        (f"/api/sound?id={quote(song_id)}&name=../../table", 404),
        ("/api/songs?sort=nothing", 422),
        ("/api/songs?where=[[[[", 422),
        ("/api/songs?limit=-1", 422),
    ):
        with pytest.raises(urllib.error.HTTPError, match=str(status)):
            opener.open(base + path)
    return str(song_id)


def shards_of(work: Path) -> dict[int, Path]:
    return {int(path.name.split("-")[1]): path for path in (work / "shards").glob("part-*.tar")}


def packed_words(shard: Path) -> list[dict[str, Any]]:
    """The words of the one song of a shard; none where it holds no song."""
    with tarfile.open(shard) as tar:
        found = [tar.extractfile(member) for member in tar.getmembers() if member.name.endswith(".json")]
        lists = [json.load(file)["word"] for file in found if file]
    return lists[0] if lists else []


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """Songs, the work folder they were prepared in, and the setting by which the longest, of a hostile name, is dropped."""
    folder = tmp_path_factory.mktemp("desk")
    songs = toy_songs(folder / "toy", 3)
    lengths = {
        path: soundfile.info(path).duration
        for path in songs.iterdir()
        if path.suffix in (".mp3", ".wav", ".flac")
    }
    longest, second = sorted(lengths, key=lambda path: -lengths[path])[:2]
    for path in list(songs.iterdir()):
        if path.name.partition(".")[0] == longest.stem:
            path.rename(songs / f"{HOSTILE}.{path.name.partition('.')[2]}")
    setting = f"filter.max_duration_s={(lengths[longest] + lengths[second]) / 2}"
    prepare(songs, str(folder / "W"), setting)
    return songs, folder / "W", setting


def test_a_dropped_song_is_found_heard_mended_and_approved_by_keys_and_its_shard_alone_is_made_again(
    browser: Browser,
    prepared: tuple[Path, Path, str],
) -> None:
    songs, work, setting = prepared
    before = {number: (path.name, path.read_bytes()) for number, path in shards_of(work).items()}
    (dropped,) = [number for number, path in shards_of(work).items() if not packed_words(path)]
    browser.log("performance"), browser.log("browser")
    with desk(work) as (address, running):
        browser.call("/url", {"url": address})
        browser.wait("document.querySelectorAll('.song-link').length === 3")
        press(browser, "f")
        browser.wait("document.activeElement.dataset.choice === 'state:kept'")
        press(browser, TAB, " ")
        browser.wait("document.querySelectorAll('.song-link').length === 1")
        assert browser.js("document.querySelector('.fate').textContent") == "duration_long"
        assert browser.js("document.querySelector('.song-link').textContent") == HOSTILE
        press(browser, "j", ENTER)
        browser.wait("document.querySelectorAll('.box').length > 0")
        assert browser.js("document.querySelector('h1').textContent") == HOSTILE
        press(browser, " ")
        browser.wait("document.querySelectorAll('.karaoke .now').length > 0", 30)
        press(browser, " ", "2", DOWN, ">")
        browser.wait("document.querySelectorAll('.box.moved').length > 0")
        moved = browser.js(
            "[...document.querySelectorAll('.box')].map((box) => box.classList.contains('moved'))"
        )
        press(browser, "t")
        browser.wait("document.getElementById('edits')?.textContent.includes('align')")
        press(browser, ",")
        browser.wait("document.querySelectorAll('.box.moved').length > 0")
        browser.call("/refresh")  # what is not saved stays
        browser.wait("document.getElementById('kept') && document.querySelectorAll('.box.moved').length > 0")
        press(browser, "y")  # and is saved with what is approved of it
        browser.wait("document.activeElement.name === 'reason'")
        press(browser, *"<b>a long outro", ENTER)
        browser.wait("document.getElementById('edits')?.textContent.includes('filter')")
        assert "“<b>a long outro”" in browser.js("document.querySelector('.decide ol').textContent")
        early = browser.log("browser")
        running.kill()  # what was acknowledged stands
        running.wait()
        press(browser, "U")
        browser.wait("document.getElementById('told').textContent.startsWith('the desk does not answer')")
    closed = address.partition("/?")[0]
    ((content_hash, edits),) = all_edits(work).items()
    assert [edit.kind for edit in edits] == ["times", "times", "approve"]
    said = prepare_twice(songs, str(work), setting)
    assert said.count("3 of 3 songs kept") == 2 and "the same bytes" in said  # none is applied twice
    words = packed_words(shards_of(work)[dropped])
    assert [[word["start"], word["end"]] for word in words] == edits[1].value["times"]
    assert any(moved) and not all(moved)
    after = {number: (path.name, path.read_bytes()) for number, path in shards_of(work).items()}
    assert {number for number in after if after[number] != before[number]} == {dropped}
    card = json.loads((work / "shards" / "data_card.json").read_text())
    assert card["edited"] == {"timed_by_hand": 1, "approved_by_hand": 1, "rejected_by_hand": 0}
    assert not verify_folder(work).damages
    with desk(work) as (address, _):
        song_id = check_what_it_gives(address)
        browser.call("/url", {"url": f"{address}"})
        browser.wait("document.querySelectorAll('.song-link').length === 3")
        press(browser, "/", *HOSTILE[:4], ENTER)
        browser.wait("document.querySelectorAll('.song-link').length === 1")
        press(browser, "j", ENTER)
        browser.wait("document.getElementById('edits')?.textContent === 'Its edits are taken in.'")
        assert browser.js("document.querySelectorAll('.box.moved').length") == 0
        add_edit(work, content_hash, edits[0].song_id, edits[-1].id, "reject", {"reason": "somebody else"})
        press(browser, "U")
        browser.wait("document.getElementById('told').textContent.startsWith('not saved')")
        place, gap = browser.js(WIDEST_GAP)
        press(browser, "s", "s")  # one word
        box = f"document.querySelectorAll('.box')[{place}]"
        left, right = browser.js(f"{box}.offsetLeft"), min(40, int(0.8 * gap))
        assert right > 10
        drag(browser, box, right)
        browser.wait("document.querySelectorAll('.box.moved').length === 1")
        assert abs(browser.js(f"{box}.offsetLeft") - left - right) < 4
        press(browser, "u")
        browser.wait("document.querySelectorAll('.box.moved').length === 0")
        press(browser, "?")
        browser.wait("document.querySelectorAll('dialog kbd').length > 15")
        press(browser, ESCAPE)
        browser.wait("!document.querySelector('dialog')")
        press(browser, ESCAPE)
        browser.wait("document.querySelectorAll('.song-link').length > 0")
        late = browser.log("browser")  # what is asked of a server that is closing is none of its faults
    late = [entry for entry in late if closed not in entry["message"]]  # what the kill cut off
    wrong = [entry for entry in [*early, *late] if "409" not in entry["message"]]
    assert wrong == []
    events = [json.loads(entry["message"])["message"] for entry in browser.log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert urls and all(url.startswith("http://127.0.0.1:") for url in urls)
    assert browser.js("window.broken === undefined && document.querySelectorAll('img, b').length === 0")
    assert (work / "desk" / "index.sqlite").is_file()
    forget_song(work, song_id)
    assert not all_edits(work) and not (work / "desk").exists()


def test_no_acknowledged_edit_is_lost_and_none_is_there_twice_when_the_server_is_killed(
    tmp_path: Path,
) -> None:
    write_table(tmp_path, SONGS, SONGS)
    found = killed_while_posting(tmp_path, kills=2)
    assert found["acknowledged"] > 0 and found["lost"] == found["twice"] == 0
