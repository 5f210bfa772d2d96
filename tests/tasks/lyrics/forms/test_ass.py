"""ASS and SSA: dialogue becomes lines, karaoke becomes syllables."""

from __future__ import annotations

import pysubs2

from tasks.lyrics.forms.ass import FORM, HEAD
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

ROWS = (
    r"Dialogue: 0,0:00:05.00,0:00:06.50,Default,,0,0,0,,let{\i1} the, moon{\i0}\Nstay",
    r"Dialogue: 0,0:00:01.00,0:00:03.00,Default,Ann,0,0,0,,{\k50}{\kf20}mor{\K30\1c&H00&}ning {\ko40}sun",
)
TRUE = HEAD + "\n".join(ROWS)


def read(text: str) -> Lyrics:
    lyrics = read_lyrics(text.encode(), 10_000, 100)
    assert lyrics.form == "ASS"
    return lyrics


def test_rows_are_lines_in_the_order_of_their_times_and_tags_are_not_sung() -> None:
    lines = [(line.text, line.start_s, line.end_s) for line in read(TRUE).lines or []]
    assert lines == [("morning sun", 1.0, 3.0), ("let the moon stay", 5.0, 6.5)]


def test_karaoke_lengths_are_times_of_syllables() -> None:
    times = [time and (time.text, time.start_s, time.end_s) for time in read(TRUE).times or []]
    assert times == [("morning", 1.5, 2.0), ("sun", 2.0, 2.4), None, None, None, None]


def test_drawings_and_comments_are_not_sung_and_a_layer_is_read_once() -> None:
    rows = [
        r"Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\p1}m 0 0 l 10 10{\p0}hello",
        r"Dialogue: 1,0:00:01.00,0:00:02.00,Default,,0,0,0,,hello",
        r"Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,a note",
    ]
    lyrics = read(HEAD + "\n".join(rows))
    assert lyrics.words == ["hello"]
    assert [remark.text[:6] for remark in lyrics.remarks] == ["2 rows"]


def test_rendered_effects_are_read_from_what_they_were_made_of() -> None:
    rows = [
        r"Comment: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,karaoke,{\k50}mor{\k50}ning",
        r"Comment: 0,0:00:00.00,0:00:00.00,Default,,0,0,0,template syl,{\t(\fscx120)}",
        r"Dialogue: 0,0:00:01.00,0:00:01.50,Default,,0,0,0,fx,{\pos(1,2)}mor",
        r"Dialogue: 0,0:00:01.50,0:00:02.00,Default,,0,0,0,fx,{\pos(1,2)}ning",
    ]
    assert read(HEAD + "\n".join(rows)).words == ["morning"]


def test_the_columns_of_an_older_file_are_found_by_their_names() -> None:
    text = "[Script Info]\n[Events]\nFormat: Marked, Start, End, Text\nDialogue: Marked=0,0:00:01.00,0:00:02.00,one, two\n"
    assert [(line.text, line.start_s) for line in read(text).lines or []] == [("one two", 1.0)]


def test_a_bad_time_costs_a_line_its_times() -> None:
    lyrics = read(TRUE.replace("0:00:05.00", "0:xx:05.00"))
    assert lyrics.words == ["morning", "sun", "let", "the", "moon", "stay"]
    assert [remark.kind for remark in lyrics.remarks] == ["bad_time"]


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        comes_back(
            FORM,
            toy_song(seed, words=seed % 4 > 0),
            Kept(0.011, pitch=False, words=seed % 4 > 0),
        )


def test_another_reader_reads_the_same_rows() -> None:
    song = toy_song(3, pitch=False)
    events = pysubs2.SSAFile.from_string(FORM.write(song).decode(), format_="ass")  # type: ignore[misc]
    assert [event.plaintext.strip() for event in events] == [line.text.strip() for line in song.lines]
    assert all(
        abs(event.start / 1000 - line.start_s) < 0.01 for event, line in zip(events, song.lines, strict=True)
    )


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(FORM, TRUE.encode())) == 250
