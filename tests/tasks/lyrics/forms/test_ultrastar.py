"""UltraStar files: notes in beats become syllables with times."""

from __future__ import annotations

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms.ultrastar import FORM, fits, read
from tasks.lyrics.parts.written import Line, Syllable, Written
from tasks.lyrics.read import FORMS, read_lyrics, read_written
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

TRUE = """#TITLE:Open Gate
#ARTIST:Jane Roe
#EDITION:Own
#VOCALS:open.mp3
#BPM:300
#GAP:500
: 40 5 12 o
* 45 6 14 pen
: 51 9 12  the
: 60 4 7 ~
F 70 4 0  win
R 74 2 0 dow
- 89
: 110 5 -3 let
E
"""


def words(text: str) -> list[tuple[str, float | None, float | None]]:
    lyrics = read_lyrics(text.encode(), 10_000, 100)
    assert lyrics.form == "UltraStar"
    times = lyrics.times or [None] * len(lyrics.words)
    return [
        (word, time and pytest.approx(time.start_s), time and pytest.approx(time.end_s))  # type: ignore[misc]
        for word, time in zip(lyrics.words, times, strict=True)
    ]


def song(*notes: str, **headers: str) -> str:
    rows = {"BPM": "300", "GAP": "0"} | headers
    return "".join(f"#{key}:{value}\n" for key, value in rows.items()) + "\n".join([*notes, "E", ""])


def test_notes_are_four_to_a_beat_from_the_gap() -> None:
    assert words(TRUE) == [
        ("open", 2.5, 3.05),
        ("the", 3.05, 3.7),
        ("window", 4.0, 4.3),
        ("let", 6.0, 6.25),
    ]
    assert read(TRUE).names == ("Open Gate", "Jane Roe")


def test_pitch_zero_is_middle_c_and_rap_has_none() -> None:
    notes = read_lyrics(TRUE.encode(), 10_000, 100).notes
    assert [(note.word, note.pitch) for note in notes] == [(0, 72), (0, 74), (1, 72), (1, 67), (3, 57)]


def test_freestyle_is_told_and_its_words_stay() -> None:
    assert [(remark.kind, remark.text.strip()) for remark in read(TRUE).remarks] == [("freestyle", "win")]


def test_a_line_lasts_from_its_first_note_to_its_last() -> None:
    lines = read_lyrics(TRUE.encode(), 10_000, 100).lines or []
    assert [(line.text, line.start_s, line.end_s) for line in lines] == [
        ("open the window", 2.5, pytest.approx(4.3)),
        ("let", 6.0, 6.25),
    ]


@pytest.mark.parametrize(
    "notes",
    [[": 0 4 0 mor", ": 4 4 0 ning ", ": 8 4 0 sun"], [": 0 4 0 mor", ": 4 4 0 ning", ": 8 4 0  sun"]],
)
def test_a_blank_before_or_behind_ends_a_word(notes: list[str]) -> None:
    assert words(song(*notes)) == [("morning", 0.0, 0.4), ("sun", 0.4, 0.6)]


def test_notes_of_a_file_without_blanks_are_words() -> None:
    assert words(song(": 0 4 0 the", ": 4 4 0 sun", ": 8 4 0 ~", ": 12 4 0 rose")) == [
        ("the", 0.0, 0.2),
        ("sun", 0.2, 0.6),
        ("rose", 0.6, 0.8),
    ]


def test_decimal_commas_and_tabs_are_read() -> None:
    assert words(song(":\t0\t4\t0\tsun", BPM="300,0", GAP="1500,5")) == [("sun", 1.5005, 1.7005)]


def test_relative_beats_count_from_the_line_break() -> None:
    notes = [": 0 4 0 one", "- 10 20", ": 0 4 0 two", "- 8", ": 2 4 0 three"]
    assert words(song(*notes, RELATIVE="YES")) == [("one", 0.0, 0.2), ("two", 1.0, 1.2), ("three", 1.5, 1.7)]


def test_the_tempo_may_change() -> None:
    assert words(song(": 0 4 0 one ", "B 20 150", ": 20 4 0 two ", ": 30 4 0 three")) == [
        ("one", 0.0, 0.2),
        ("two", 1.0, 1.4),
        ("three", 2.0, 2.4),
    ]


def test_negative_beats_are_times_where_the_gap_is_long_enough() -> None:
    text = song(": -10 4 0 one ", ": -40 4 0 two ", ": 0 4 0 three", GAP="1000")
    assert [time for _, time, _ in words(text)] == [0.5, None, 1.0]
    assert [remark.kind for remark in read(text).remarks] == ["bad_time"]


@pytest.mark.parametrize("marks", [("P1", "P2"), ("P 1", "P 2")])
def test_parts_of_a_duet_stand_in_the_order_of_their_times_and_together_once(marks: tuple[str, str]) -> None:
    first = [": 0 4 0 one", "- 10", ": 40 4 0 both", "- 50", ": 60 4 0 left"]
    second = [": 20 4 0 two", "- 30", ": 41 4 0 Both", "- 50", ": 60 4 0 right"]
    text = song(marks[0], *first, marks[1], *second)
    assert [word for word, _, _ in words(text)] == ["one", "two", "both", "left", "right"]
    assert [remark.text.strip() for remark in read(text).remarks] == ["Both"]


def test_a_code_page_in_the_header_is_believed_where_the_bytes_allow_it() -> None:
    data = song(": 0 4 0 się ", ENCODING="CP1250").encode("cp1250")
    assert read_lyrics(data, 1000, 10).words == ["się"]


def test_a_bad_line_is_told_and_costs_itself() -> None:
    text = song(": 0 4 0 one ", ": x 4 0 two ", "* 8", ": 8 4 0 three")
    assert [word for word, _, _ in words(text)] == ["one", "three"]
    assert [(remark.kind, remark.number) for remark in read(text).remarks] == [
        ("not_read", 4),
        ("not_read", 5),
    ]


def test_a_file_without_tempo_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="#BPM is '0'"):
        read(song(": 0 4 0 one", BPM="0"))


def test_other_text_is_not_taken_for_notes() -> None:
    assert not fits("#1 in the charts\n: she said 4 of us\n")
    assert not any(form.fits(TRUE) for form in FORMS[: FORMS.index(FORM)] if not form.binary)  # type: ignore[arg-type]


def test_what_has_no_time_joins_what_has_and_comes_back_as_words() -> None:
    timed = Line((Syllable("one ", 1.0, 1.5), Syllable("two ")))
    lines = (Line((Syllable("[Chorus]"),)), timed, Line((Syllable("three"),), 2.0))
    lyrics = read_lyrics(FORM.write(Written(lines)), 1000, 10)  # type: ignore[misc]
    assert lyrics.words == ["one", "two", "three"]
    assert [label.before for label in lyrics.labels] == [0]
    assert [time and time.start_s for time in lyrics.times or []] == [
        1.0,
        1.25,
        2.0,
    ]  # two words under one note share it
    with pytest.raises(Refused, match="lyrics_untimed"):
        FORM.write(Written(lines[:1]))  # type: ignore[misc]


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        comes_back(FORM, toy_song(seed, pitch=seed % 3 > 0), Kept(grid_s=0.01))


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(FORM, TRUE.encode())) == 250
    assert read_written(TRUE.encode())[0] is FORM
