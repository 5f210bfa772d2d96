"""SRT and WebVTT: cues become lines with times."""

from __future__ import annotations

import pysubs2

from tasks.lyrics.forms.subtitles import SRT, VTT
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Line, Syllable, Written
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

TRUE_SRT = """1
00:00:01,000 --> 00:00:02,500
<i>open the</i> window

2
00:00:03,000 --> 00:00:04,000
{\\an8}[Chorus]
let the morning in
& stay
"""
TRUE_VTT = """WEBVTT - own
Kind: captions

STYLE
::cue { color: red }

first
00:01.000 --> 00:04.000 align:start position:0%
<v Ann>open <00:00:01.500>the <00:00:02.000>win<00:00:02.250>dow<00:00:02.500> <00:00:03.000>now

NOTE a note of
two rows

2
00:00:05.000 --> 00:00:06.000
let &amp; stay
"""


def read(text: str, form: str) -> Lyrics:
    lyrics = read_lyrics(text.encode(), 10_000, 100)
    assert lyrics.form == form
    return lyrics


def lines(text: str, form: str = "SRT") -> list[tuple[str, float, float]]:
    return [(line.text, line.start_s, line.end_s) for line in read(text, form).lines or []]


def srt(*cues: str) -> str:
    return "\n\n".join(cues) + "\n"


def test_cues_are_lines_and_labels_are_not_sung() -> None:
    assert lines(TRUE_SRT) == [("open the window", 1.0, 2.5), ("let the morning in & stay", 3.0, 4.0)]
    lyrics = read(TRUE_SRT, "SRT")
    assert [(label.before, label.text) for label in lyrics.labels] == [(3, "Chorus")]
    assert lyrics.num_lines == 3


@every(
    "times",
    [
        "00:00:01,500 --> 00:00:02,250",
        "00:00:01.500 --> 00:00:02.250",
        "00:01,5 --> 00:02,25",
        "0:00:01:500 -> 0:00:02:250",
        " 00: 00: 01, 500-->00: 00: 02, 250  X1:0 X2:10",
    ],
)
def test_times_are_read_in_the_ways_they_are_written(times: str) -> None:
    assert lines(f"{times}\nhello\n") == [("hello", 1.5, 2.25)]


def test_a_byte_order_mark_and_windows_ends_do_not_matter() -> None:
    assert lines("\ufeff" + TRUE_SRT.replace("\n", "\r\n")) == lines(TRUE_SRT)


def test_a_number_that_is_sung_stays_and_a_number_of_a_cue_goes() -> None:
    first, second = "00:00:01,000 --> 00:00:02,000", "00:00:03,000 --> 00:00:04,000"
    assert lines(srt(f"1\n{first}\ncount to\n10", f"2\n{second}\n99")) == [
        ("count to 10", 1.0, 2.0),
        ("99", 3.0, 4.0),
    ]
    assert lines(f"1\n{first}\nno rows\n2\n{second}\nbetween") == [
        ("no rows", 1.0, 2.0),
        ("between", 3.0, 4.0),
    ]
    assert lines(srt(f"{first}\ntake", f"{second}\n5")) == [("take", 1.0, 2.0), ("5", 3.0, 4.0)]


def test_a_cue_that_ends_before_it_begins_keeps_its_words() -> None:
    text = srt("1\n00:00:03,000 --> 00:00:02,000\nhello", "2\n00:00:05,000 --> 00:00:06,000\nmoon")
    assert lines(text) == [("hello", 3.0, 5.0), ("moon", 5.0, 6.0)]
    assert [remark.kind for remark in read(text, "SRT").remarks] == ["bad_time"]


def test_stamps_in_a_cue_time_its_words_and_names_notes_and_voices_are_not_sung() -> None:
    lyrics = read(TRUE_VTT, "WebVTT")
    assert lyrics.words == ["open", "the", "window", "now", "let", "&", "stay"]
    times = [time and (time.start_s, time.end_s) for time in lyrics.times or []]
    assert times == [(1.0, 1.5), (1.5, 2.0), (2.0, 2.5), (3.0, 4.0), None, None, None]
    assert lines(TRUE_VTT, "WebVTT") == [("open the window now", 1.0, 4.0), ("let & stay", 5.0, 6.0)]
    assert not lyrics.remarks


def test_text_behind_an_empty_row_of_vtt_is_told() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n\nlost words\n\n00:03.000 --> 00:04.000\nmoon\n"
    assert lines(text, "WebVTT") == [("hello", 1.0, 2.0), ("moon", 3.0, 4.0)]
    assert [(remark.kind, remark.number) for remark in read(text, "WebVTT").remarks] == [("not_read", 6)]


def test_captions_that_roll_up_are_read_once() -> None:
    text = """WEBVTT
Kind: captions
Language: en

00:00:01.000 --> 00:00:02.990 align:start position:0%
 
hello<00:00:01.500><c> moon</c>

00:00:02.990 --> 00:00:03.000 align:start position:0%
hello moon
 

00:00:03.000 --> 00:00:04.990 align:start position:0%
hello moon
hello<00:00:03.500><c> moon</c>

00:00:04.990 --> 00:00:05.000 align:start position:0%
hello moon
 
"""
    lyrics = read(text, "WebVTT")
    assert lyrics.words == ["hello", "moon", "hello", "moon"]
    assert [time and time.start_s for time in lyrics.times or []] == [1.0, 1.5, 3.0, 3.5]
    assert [remark.kind for remark in lyrics.remarks] == ["rolled"]


def test_a_line_that_is_sung_twice_is_read_twice() -> None:
    assert (
        len(lines(srt("1\n00:00:01,000 --> 00:00:02,000\nla la", "2\n00:00:02,000 --> 00:00:03,000\nla la")))
        == 2
    )


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        comes_back(SRT, toy_song(seed, words=seed % 2 > 0), Kept(0.001, words=False, pitch=False))
        comes_back(VTT, toy_song(seed), Kept(0.001, pitch=False))


def test_another_reader_reads_the_same_cues() -> None:
    song = Written(
        (
            Line((Syllable("hello <moon>"),), 1.0, 2.0),
            Line((Syllable("[Chorus]"),)),
            Line((Syllable("la"),), 3.0),
        )
    )
    for form, name in ((SRT, "srt"), (VTT, "vtt")):
        events = pysubs2.SSAFile.from_string(form.write(song).decode(), format_=name)  # type: ignore[misc]
        assert [(event.start, event.end) for event in events] == [(1000, 2000), (3000, 4000)]


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(SRT, TRUE_SRT.encode())) == 250
    assert sum(survives(VTT, TRUE_VTT.encode())) == 250
