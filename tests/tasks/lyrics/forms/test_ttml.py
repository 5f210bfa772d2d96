"""TTML: paragraphs become lines, spans become syllables."""

from __future__ import annotations

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms.ttml import FORM
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

TRUE = """<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:itunes="http://music.apple.com/lyric-ttml-internal"
 xmlns:ttm="http://www.w3.org/ns/ttml#metadata" itunes:timing="Word" xml:lang="en">
<head><metadata><ttm:title>Open Gate</ttm:title><ttm:agent type="person" xml:id="v1"/><ttm:agent type="other" xml:id="v2"/>
</metadata></head>
<body dur="1:10.5"><div begin="9.5" end="14.000" itunes:songPart="Verse"><p begin="9.5" end="11.2" itunes:key="L1"
 ttm:agent="v1"><span begin="9.5" end="9.8">o</span><span begin="9.8" end="10.1">pen</span> <span begin="10.5" end="11"
>now</span><span ttm:role="x-bg"><span begin="10.9" end="11.1">(ooh</span> <span begin="11.1" end="11.2">yeah)</span></span><span
 ttm:role="x-translation" xml:lang="de">auf jetzt</span><span ttm:role="x-roman">opun</span></p></div>
<div begin="1:02.345" end="1:04" itunes:songPart="Chorus"><p begin="1:02.345" end="1:04" ttm:agent="v2"><span begin="1:02.345"
 end="1:03.000">let</span> <span begin="1:03.000" end="1:04.000">go</span></p></div></body></tt>
"""


def read(text: str) -> Lyrics:
    lyrics = read_lyrics(text.encode(), 10_000, 100)
    assert lyrics.form == "TTML"
    return lyrics


def lines(text: str) -> list[tuple[str, float, float]]:
    return [
        (line.text, pytest.approx(line.start_s, abs=1e-4), pytest.approx(line.end_s, abs=1e-4))  # type: ignore[misc]
        for line in read(text).lines or []
    ]


def tt(body: str, root: str = "") -> str:
    return f'<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" {root}>{body}</tt>'


def test_spans_are_syllables_and_blanks_between_them_end_words() -> None:
    lyrics = read(TRUE)
    times = [time and (time.text, time.start_s, time.end_s) for time in lyrics.times or []]
    assert times == [
        ("open", 9.5, 10.1),
        ("now", 10.5, 11.0),
        ("ooh", 10.9, 11.1),
        ("yeah", 11.1, 11.2),
        ("let", 62.345, 63.0),
        ("go", 63.0, 64.0),
    ]


def test_parts_are_labels_and_other_roles_are_told() -> None:
    lyrics = read(TRUE)
    assert [(label.before, label.text) for label in lyrics.labels] == [(0, "Verse"), (4, "Chorus")]
    told = {remark.kind: remark.text for remark in lyrics.remarks if remark.kind != "label"}
    assert told == {"backing": "(ooh yeah)", "translation": "auf jetzt", "romanisation": "opun"}


@every(
    "begin",
    ["62.5s", "1:02.500", "00:01:02.5", "00:01:02,500", "00:01:02:12", "62500ms", "1500f", "625t", "62.5"],
)
def test_times_are_read_in_all_their_ways(begin: str) -> None:
    root = 'ttp:frameRate="24" ttp:tickRate="10"'
    assert lines(tt(f'<body><div><p begin="{begin}" dur="2s">hello</p></div></body>', root)) == [
        ("hello", 62.5, 64.5)
    ]


def test_inner_times_count_from_what_is_around_them_where_they_must() -> None:
    nested = '<body><div begin="10s"><p begin="2s" end="4s"><span begin="0s" end="1s">one </span><span begin="1s">two</span></p></div></body>'
    assert lines(tt(nested)) == [("one two", 12.0, 14.0)]
    assert [time and time.start_s for time in read(tt(nested)).times or []] == [12.0, 13.0]
    row = '<body><div timeContainer="seq"><p dur="2s" begin="1s">one</p><p begin="1s" dur="3s">two</p></div></body>'
    assert lines(tt(row.replace("<body>", '<body begin="5s">'))) == [("one", 6.0, 8.0), ("two", 9.0, 12.0)]


def test_lines_alone_may_be_timed_and_times_may_be_missing() -> None:
    body = '<body><div><p begin="1s" end="2s">one <span>and</span><br/>two</p><p>three</p></div></body>'
    assert lines(tt(body)) == [("one and two three", 1.0, 2.0)]
    assert read(tt("<body><div><p>one</p></div></body>")).lines is None


def test_words_without_blanks_between_are_words() -> None:
    body = '<body><div><p begin="1s"><span begin="1s">one</span><span begin="2s">two</span></p></div></body>'
    assert read(tt(body)).words == ["one", "two"]


def test_a_bad_time_costs_itself() -> None:
    lyrics = read(TRUE.replace('begin="10.5"', 'begin="soon"'))
    assert lyrics.words == ["open", "now", "ooh", "yeah", "let", "go"]
    assert [remark.kind for remark in lyrics.remarks if remark.kind == "bad_time"] == ["bad_time"]


@every(
    ("text", "said"),
    [
        (TRUE[:-30], "line 1"),
        ('<!DOCTYPE tt [<!ENTITY a "b">]><tt>&a;</tt>', "entities"),
        (tt("<div>" * 100 + "</div>" * 100), "deeper than 64"),
    ],
)
def test_what_is_no_xml_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read(text)


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        comes_back(FORM, toy_song(seed, words=seed % 4 > 0), Kept(0.001, pitch=False))


def test_labels_come_back_as_parts() -> None:
    again = read_lyrics(FORM.write(FORM.read(TRUE)), 10_000, 100)  # type: ignore[misc,arg-type]
    assert (again.words, again.times, again.labels) == (read(TRUE).words, read(TRUE).times, read(TRUE).labels)


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(FORM, TRUE.encode())) == 250
