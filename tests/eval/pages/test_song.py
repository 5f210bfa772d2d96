"""The page of one song: everything is shown, nothing of a song's text becomes markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from eval.pages.lanes import Played
from eval.pages.song import SongPage, Sound, StageLine, song_html
from tests.eval.conftest import HOSTILE

WORDS = [("hello", 0.2, 0.6, "həlˈoʊ", 0.9), ("moon", 0.7, 1.4, "mˈuːn", 0.3)]
PAGE = SongPage(
    song_id="song-1",
    title="Moon",
    subtitle="Ann · 0:02",
    duration_s=2.0,
    verdict="by every stage that ran",
    dropped=False,
    words=WORDS,
    claimed_s=[0.5, 0.7],
    lanes={"aligned": WORDS, "hypothesis": [("hollow", 0.2, 0.6, None, 0.4)]},
    sounds=[Sound("mix", b"mp3", [0.5, 1.0]), Sound("vocals", b"", [], "no stem")],
    stages=[
        StageLine("align", "align-v1 embedded/x@1", [("words", "hello moon", "the words")]),
        StageLine("filter", "filter-v1", dropped="dropped: too_short"),
    ],
)


def data_of(html: str) -> dict:
    return json.loads(re.search(r'id="page-data">(.*?)</script>', html, re.DOTALL)[1])


def test_words_scores_claims_and_stages_are_shown() -> None:
    html = song_html(PAGE)
    for text in (
        "Moon",
        "Ann · 0:02",
        "həlˈoʊ",
        "0.90",
        "−0.30",
        "+0.00",
        "embedded/x@1",
        "too_short",
        "the words",
    ):
        assert text in html, text
    assert re.search(r'class="figure failed">0.30<', html)
    data = data_of(html)
    assert [lane["name"] for lane in data["lanes"]] == ["aligned", "hypothesis"]
    assert data["sounds"][0]["script"] == "audio-0" and data["sounds"][1]["script"] is None
    assert 'id="audio-0">bXAz</script>' in html


def test_claims_have_no_columns_where_nothing_was_claimed() -> None:
    assert "Claimed" in song_html(PAGE) and "Claimed" not in song_html(replace(PAGE, claimed_s=()))


def test_a_song_without_words_and_sound_has_a_page() -> None:
    html = song_html(
        replace(
            PAGE, words=[], claimed_s=(), lanes={}, sounds=[], dropped=True, verdict="not_audio, by ingest"
        )
    )
    assert "not_audio, by ingest" in html and 'id="word-rows"' not in html


def test_hostile_text_stays_text() -> None:
    hostile = (HOSTILE, 0.1, 0.4, HOSTILE, 0.5)
    page = replace(
        PAGE,
        song_id=HOSTILE,
        title=HOSTILE,
        subtitle=HOSTILE,
        verdict=HOSTILE,
        words=[hostile],
        claimed_s=[0.3],
        lanes={HOSTILE: [hostile]},
        sounds=[Sound(HOSTILE, b"mp3", [1.0], HOSTILE)],
        stages=[StageLine(HOSTILE, HOSTILE, [(HOSTILE, HOSTILE, HOSTILE)], HOSTILE, HOSTILE)],
    )
    html = song_html(page)
    assert HOSTILE not in html and "<img" not in html
    assert len(re.findall(r"<script", html)) == 3  # data, one sound, the code
    assert data_of(html)["lanes"][0]["words"][0][0] == HOSTILE


def test_equal_songs_give_equal_pages() -> None:
    assert song_html(PAGE) == song_html(replace(PAGE))


def test_what_was_asked_stands_over_what_is_heard_and_a_side_without_anything_has_no_lane() -> None:
    plain = song_html(PAGE)
    assert "What was asked" not in plain and "<svg" not in plain.split("<script")[0].split("</style>")[1]
    asked = Played(
        "a person",
        [(0.0, 1.0, "C:maj"), (1.0, 1.5, HOSTILE), (1.5, 2.0, "N")],
        [None, 60.0, 60.0, 62.0],
        0.5,
        [0.0, 0.5, 1.0],
        [(0.5, 1.5)],
    )
    heard = Played("ears", [(0.1, 2.0, "C:maj")], [None, 61.5, 61.4, None], 0.5)
    html = song_html(replace(PAGE, asked=asked, heard=heard, state="generated"))
    lanes = html.split('<div class="strips">')[1].split("</section>")[0]
    names = re.findall(r'class="strip-name">([^<]*)<', lanes)
    assert names == [
        *("chords asked", "chords heard", "melody asked and heard"),
        *("beats asked", "asked to stay", "wave", ""),
    ]
    assert "<img" not in lanes and "&lt;img" in lanes and "style=" not in lanes
    chords = re.findall(r'class="(chord[^"]*)" x="([0-9.]+)"', lanes)
    assert chords == [("chord same", "0.0"), ("chord", "44.0"), ("chord", "4.4")]
    assert re.findall(r'class="asked-note" x="([0-9.]+)" .*? width="([0-9.]+)"', lanes) == [
        ("22.0", "44.0"),
        ("66.0", "22.0"),
    ]
    assert lanes.count('class="voice"') == 1 and lanes.count('class="beat"') == 3
    assert "asked: a person; heard: ears" in lanes and "generated</b>" in html
    alone = song_html(replace(PAGE, heard=heard))
    assert "Chords, melody, beats" in alone and "chords asked" not in alone
