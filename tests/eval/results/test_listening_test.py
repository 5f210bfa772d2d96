"""Blind answers: scored against the key, with intervals over songs; what is not of the page is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from eval.pages.listening_test import Trial, blind_html
from eval.pages.players import build_players
from eval.pages.report import report_html
from eval.results.listening_test import COLUMNS, ListeningKey, Side, preferences, read_answers
from eval.results.report_json import report_record
from eval.stats.intervals import Resampling
from tests.eval.conftest import HOSTILE, make_report
from tests.every import every

DRAWS = Resampling(num_resamples=400, seed=4)
SIDES = [Side(f"song-{n}", *(("new", "old") if n % 2 else ("old", "new"))) for n in range(8)]
KEY = ListeningKey("p1", "new", "old", {f"{n:03}": side for n, side in enumerate(SIDES)}, ["embedded/x@1"])


def csv_of(answers: dict[str, tuple[str, str]], listener: str = "ann", page: str = "p1") -> str:
    rows = [",".join([page, listener, trial, *given]) for trial, given in answers.items()]
    return "\n".join([",".join(COLUMNS), *rows, ""])


def always(system: str) -> dict[str, tuple[str, str]]:
    return {name: ("A" if side.a == system else "B", "same") for name, side in KEY.trials.items()}


def test_the_side_that_a_system_stood_on_does_not_matter() -> None:
    enjoyed, styled = preferences(KEY, read_answers(KEY, csv_of(always("new"))), DRAWS)
    assert (enjoyed.estimate.value, enjoyed.estimate.n, enjoyed.num_listeners) == (1.0, 8, 1)
    assert enjoyed.p_value == pytest.approx(2 / 2**8)
    assert (styled.estimate.value, styled.p_value) == (0.5, 1.0)
    worse, _ = preferences(KEY, read_answers(KEY, csv_of(always("old"))), DRAWS)
    assert worse.estimate.value == 0.0


def test_listeners_are_averaged_within_a_song_and_songs_nobody_judged_fail() -> None:
    two = {name: always("new")[name] for name in ("000", "001")}
    rows = read_answers(KEY, csv_of(two)) + read_answers(KEY, csv_of({"000": always("old")["000"]}, "bob"))
    enjoyed, _ = preferences(KEY, rows, DRAWS)
    assert enjoyed.estimate.value == pytest.approx((0.5 + 1.0) / 2)
    assert (enjoyed.estimate.n, enjoyed.estimate.n_failed) == (2, 6)
    assert (enjoyed.num_listeners, enjoyed.num_answers) == (2, 3)


def test_a_listener_who_answers_again_counts_once() -> None:
    rows = read_answers(KEY, csv_of(always("old"))) + read_answers(KEY, csv_of(always("new")))
    enjoyed, _ = preferences(KEY, rows, DRAWS)
    assert (enjoyed.estimate.value, enjoyed.num_answers) == (1.0, 8)


def test_an_empty_answer_is_no_answer() -> None:
    enjoyed, styled = preferences(KEY, read_answers(KEY, csv_of({"000": ("", "A")})), DRAWS)
    assert (enjoyed.estimate.value, enjoyed.num_answers) == (None, 0)
    assert styled.num_answers == 1


@every(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "columns are"),
        (csv_of({"000": ("A", "B")}, page="p2"), "answers page 'p2'"),
        (csv_of({"999": ("A", "B")}), "answers trial '999'"),
        (csv_of({"000": ("C", "B")}), "answers 'C'"),
    ],
)
def test_what_the_page_cannot_write_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        read_answers(KEY, text)


def test_the_key_survives_its_file() -> None:
    assert ListeningKey.of(json.loads(json.dumps(KEY.record()))) == KEY


def test_the_page_knows_no_system_and_shows_titles_as_text() -> None:
    page = blind_html(
        "p1", [Trial("000", HOSTILE, b"one", b"two", b"three"), Trial("001", "plain", b"1", b"2")]
    )
    assert HOSTILE not in page and "<img" not in page
    data = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL)[1])
    assert set(data) == {"page", "trials", "questions", "columns"}
    assert [sorted(trial["sounds"]) for trial in data["trials"]] == [["A", "B", "style"], ["A", "B"]]
    assert "new" not in json.dumps(data["trials"]) and "old" not in json.dumps(data["trials"])


def test_the_report_shows_and_stamps_what_listeners_said() -> None:
    found = preferences(KEY, read_answers(KEY, csv_of(always("new"))), DRAWS)
    report = replace(make_report("plain"), listening=found)
    page = report_html(report, build_players(report))
    section = page.split('id="ratings"')[1].split("</section>")[0]
    said = section.replace("\u00a0", " ")
    assert "Listeners preferred new to old for enjoyment (new on 100 % [100, 100] of songs, n = 8)." in said
    assert "8 answers by 1 listener" in section and section.count("stand-in, not a result") == 2
    assert report_record(report)["listening"][0]["stamp"] == "stand-in, not a result"
