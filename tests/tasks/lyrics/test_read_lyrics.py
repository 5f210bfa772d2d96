"""Lyrics files become the words that are sung, or say why not."""

from __future__ import annotations

import json
import math

import pytest

from tasks.engine.song import Refused
from tasks.songs.lyrics import Lyrics, parse_lyrics


def parse(text: str | bytes, ending: str, max_words: int = 100) -> Lyrics:
    data = text if isinstance(text, bytes) else text.encode()
    return parse_lyrics(data, ending, max_bytes=10_000, max_words=max_words)


def reason(text: str | bytes, ending: str, **options: int) -> str:
    with pytest.raises(Refused) as error:
        parse(text, ending, **options)
    return error.value.reason


def times(lyrics: Lyrics) -> list[tuple[str, float, float]]:
    return [(t.text, t.start_s, t.end_s) for t in lyrics.times or []]


def lines(lyrics: Lyrics) -> list[tuple[str, float, float]]:
    return [(t.text, t.start_s, t.end_s) for t in lyrics.lines or []]


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"word": rows, "char": [], "segment": []}])
def test_json_is_a_list_of_words_or_a_nemo_dump(wrap: object) -> None:
    rows = [
        {"word": "Hello,", "start": 0.5, "end": 1, "start_offset": 6, "phoneme": "x"},
        {"word": "Moon!", "start": 1.0, "end": 1.5},
    ]
    lyrics = parse(json.dumps(wrap(rows)), ".json")  # type: ignore[operator]
    assert lyrics.words == ["hello", "moon"]
    assert times(lyrics) == [("hello", 0.5, 1.0), ("moon", 1.0, 1.5)]


def test_nemo_frame_numbers_are_eighty_milliseconds() -> None:
    rows = [
        {"word": "Never", "start_offset": 8, "end_offset": 13},
        {"word": "been", "start_offset": 13, "end_offset": 16, "start": None, "end": None},
        {"word": "seen", "start_offset": 99, "end_offset": 99, "start": 1.3, "end": 2},
    ]
    dump = {"char": [{"char": ["N"]}], "word": rows, "segment": [{"segment": "Never been seen"}]}
    assert times(parse(json.dumps(dump), ".json")) == [
        ("never", pytest.approx(0.64), pytest.approx(1.04)),
        ("been", pytest.approx(1.04), pytest.approx(1.28)),
        ("seen", 1.3, 2.0),
    ]


def test_json_without_any_times_is_untimed() -> None:
    assert parse('[{"word": "la"}, {"word": "li", "start": null}]', ".json") == Lyrics(["la", "li"])


def test_json_entry_of_several_words_shares_its_time_by_letters() -> None:
    lyrics = parse(
        '[{"word": "la-lala", "start": 1, "end": 4}, {"word": "♪", "start": 4, "end": 5}]', ".json"
    )
    assert times(lyrics) == [("la", 1.0, 2.0), ("lala", 2.0, 4.0)]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "3",
        '{"words": []}',
        '[{"start": 0, "end": 1}]',
        '["la"]',
        '[{"word": "la", "start": 1, "end": 0.5}]',
        '[{"word": "la", "start": -1, "end": 0.5}]',
        '[{"word": "la", "start": NaN, "end": 0.5}]',
        '[{"word": "la", "start": 0, "end": Infinity}]',
        '[{"word": "la", "start": 0, "end": 1' + "0" * 400 + "}]",
        '[{"word": "la", "start": "0", "end": 1}]',
        '[{"word": "la", "start": 2, "end": 3}, {"word": "li", "start": 1, "end": 2}]',
        '[{"word": "la", "start": 2, "end": 3}, {"word": "li"}]',
        '[{"word": "la", "start_offset": "8", "end_offset": 9}]',
        '[{"word": "la", "start_offset": -8, "end_offset": 9}]',
        '[{"word": "la", "start_offset": 8}]',
        "[" * 5000,
    ],
)
def test_malformed_json_is_refused(text: str) -> None:
    assert reason(text, ".json") == "lyrics_malformed"


def test_lrc_lines_are_sorted_and_last_until_the_next_stamp() -> None:
    lyrics = parse("[ar:Ann]\n[00:02.50]Two words\n[00:01]one\n[00:04.000]\n[01:00:50]last", ".lrc")
    assert lyrics.words == ["one", "two", "words", "last"]
    assert lines(lyrics) == [("one", 1.0, 2.5), ("two words", 2.5, 4.0), ("last", 60.5, math.inf)]
    assert lyrics.times is None


def test_lrc_line_with_several_stamps_is_sung_several_times() -> None:
    assert parse("[00:01.00][00:03.00]la\n[00:02.00]li", ".lrc").words == ["la", "li", "la"]


def test_lrc_offset_moves_lines_earlier() -> None:
    assert lines(parse("[offset:+500]\n[00:02.00]la", ".lrc")) == [("la", 1.5, math.inf)]


def test_enhanced_lrc_gives_word_times() -> None:
    lyrics = parse(
        "[00:01.00]<00:01.00>One <00:01.50>two<00:02.00>\n[00:03.00]<00:03.00>la<00:03.50>", ".lrc"
    )
    assert times(lyrics) == [("one", 1.0, 1.5), ("two", 1.5, 2.0), ("la", 3.0, 3.5)]


def test_enhanced_lrc_with_words_without_a_stamp_is_only_timed_by_line() -> None:
    lyrics = parse("[00:01.00]<00:01.00>One two\n[00:03.00]la", ".lrc")
    assert (lyrics.words, lyrics.times) == (["one", "two", "la"], None)


def test_lrc_with_unstamped_words_is_refused() -> None:
    assert reason("[00:01.00]la\nli", ".lrc") == "lyrics_malformed"
    assert reason("[offset:soon]\n[00:01.00]la", ".lrc") == "lyrics_malformed"


def test_labels_go_and_backing_words_stay() -> None:
    text = "[Verse 1: Ann]\nVerse 2:\nI say (oh yeah) hello [x]\nla la x2\nla (x3)\nChorus of birds"
    words = ["i", "say", "oh", "yeah", "hello", "la", "la", "la", "chorus", "of", "birds"]
    assert parse(text, ".txt").words == words


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_in_every_common_encoding(encoding: str) -> None:
    assert parse("Café".encode(encoding), ".txt").words == ["café"]


def test_limits_and_empty_lyrics_have_their_reasons() -> None:
    assert reason("la " * 101, ".txt") == "lyrics_too_long"
    assert reason(b"a" * 10_001, ".txt") == "lyrics_too_long"
    assert reason("[Chorus]\n...", ".txt") == "lyrics_empty"
    assert reason('{"word": []}', ".json") == "lyrics_empty"
    assert reason(b"la\0la", ".txt") == "lyrics_malformed"


@pytest.mark.parametrize(
    ("text", "ending", "num_lines"),
    [
        ("[Verse]\nla la\n\nChorus:\nli\n♪\n", ".txt", 2),
        ("[00:01.00]la la\n[00:02.00]\n[00:03.00][00:05.00]li\n", ".lrc", 3),
        ('[{"word": "la"}]', ".json", None),
    ],
)
def test_lines_are_counted_where_a_format_has_lines(text: str, ending: str, num_lines: int | None) -> None:
    assert parse(text, ending).num_lines == num_lines


def test_an_unknown_ending_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="unknown"):
        parse("la", ".srt")
