"""SongPrep's string, DiffSinger's segments, and chord sheets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms import songprep
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Line, Syllable, Written
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, stated, survives

SONGPREP = (
    "[intro][0.00:5.80] ; [verse][5.80:12.40]Open the gate. Let it in! ; [chorus][12.40:20]We sing; o we sing"
)
SEGMENT = {
    "offset": 1.0,
    "text": "SP open gate AP",
    "ph_seq": "SP ow p ah n g ey t AP",
    "ph_dur": "0.1 0.2 0.1 0.1 0.1 0.1 0.3 0.1 0.4",
    "ph_num": "1 4 3 1",
    "note_seq": "rest C4 D#4 Bb3 rest",
    "note_dur": "0.1 0.3 0.2 0.5 0.4",
    "note_slur": "0 0 1 0 0",
    "f0_seq": "1 2 3",
}
SHEET = """{title: Gate}
{artist: Jane Roe}
# a remark
{key: C}
{start_of_verse}
[G]Open the win[D7]dow
{end_of_verse}
{soc}
Let it [*softly]in
{eoc}
{sot}
e|--3--3--|
{eot}
{comment: Bridge}
{c: play this twice}
nobody said
{chorus}
"""


def read(value: Any) -> Lyrics:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_lyrics(text.encode(), 100_000, 1000)


def labels(lyrics: Lyrics) -> list[tuple[int, str]]:
    return [(label.before, label.text) for label in lyrics.labels]


def test_songprep_gives_parts_with_times_and_their_sentences_as_lines() -> None:
    lyrics = read(SONGPREP)
    assert lyrics.form == "SongPrep"
    assert line_starts(lyrics) == [("open the gate let it in", 5.8), ("we sing o we sing", 12.4)]
    assert lyrics.num_lines == 3
    assert labels(lyrics) == [(0, "intro"), (0, "verse"), (6, "chorus")]


def test_a_part_that_ends_before_it_begins_keeps_its_words() -> None:
    lyrics = read(SONGPREP.replace("5.80:12.40", "5.80:2.40"))
    assert [remark.kind for remark in lyrics.remarks if remark.kind != "label"] == ["bad_time"]
    assert lyrics.words[:3] == ["open", "the", "gate"]


def test_a_label_before_an_lrc_stamp_is_no_songprep() -> None:
    assert read("[Chorus][00:12.50]open\n[Verse][01:02.50]gate").form != "SongPrep"


def test_songprep_comes_back_as_it_was_written() -> None:
    for seed in range(SONGS):
        song = made_song(seed)
        if seed % 2:
            label = Line((Syllable("[Chorus]"),))
            song = Written((label, *song.lines))
        lyrics = read_back(songprep.FORM, song)
        said = [line for line in song.lines if line.start_s is not None]
        assert lyrics.words == [word for line in said for word in line.text.split()]
        assert [line.start_s for line in lyrics.lines or ()] == [pytest.approx(line.start_s) for line in said]


def test_songprep_without_times_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="no line has a time"):
        songprep.write(Written((Line((Syllable("la"),)),)))


def test_diffsinger_gives_words_notes_and_silence() -> None:
    lyrics = read([SEGMENT, SEGMENT | {"offset": "4.0", "text": "let it"}])
    assert lyrics.form == "DiffSinger"
    assert stated(lyrics) == [("open", 1.1, 1.6), ("gate", 1.6, 2.1), ("let", 4.1, 4.6), ("it", 4.6, 5.1)]
    assert [(note.word, round(note.start_s, 3), note.pitch) for note in lyrics.notes][:3] == [
        (0, 1.1, 60),
        (0, 1.4, 63),
        (1, 1.6, 58),
    ]
    assert line_starts(lyrics) == [("open gate", 1.1), ("let it", 4.1)]


def test_groups_that_begin_at_vowels_leave_consonants_to_the_silence_before() -> None:
    sung = {
        "text": "ka sa",
        "ph_seq": "SP k a s a SP",
        "ph_dur": "0.1 0.1 0.2 0.1 0.3 0.2",
        "ph_num": "2 2 2",
    }
    assert stated(read([{"offset": 0} | sung])) == [("ka", 0.2, 0.5), ("sa", 0.5, 0.8)]
    assert stated(read([{"offset": 0} | sung | {"text": "かさ"}])) == [("か", 0.2, 0.5), ("さ", 0.5, 0.8)]


def test_a_score_without_lengths_of_phones_has_those_of_its_notes() -> None:
    row = {
        key: SEGMENT[key]
        for key in ("offset", "text", "ph_seq", "ph_num", "note_seq", "note_dur", "note_slur")
    }
    assert [word[:2] for word in stated(read([row]))] == [("open", 1.1), ("gate", 1.6)]


@every(
    ("change", "kind"),
    [
        ({"text": "open the gate"}, "words_unmatched"),
        ({"ph_dur": "0.1 x"}, "bad_row"),
        ({"ph_num": "1 4"}, "bad_row"),
        ({"note_dur": "0.1"}, "bad_notes"),
        ({"offset": "soon"}, "bad_time"),
    ],
)
def test_one_bad_field_costs_the_times_of_one_segment(change: dict[str, str], kind: str) -> None:
    lyrics = read([SEGMENT | change, SEGMENT | {"offset": 9}])
    assert [remark.kind for remark in lyrics.remarks] == [kind]
    assert lyrics.words[-2:] == ["open", "gate"]
    assert (lyrics.times or [None])[-1] is not None


def test_a_ds_of_phones_alone_is_refused() -> None:
    with pytest.raises(Refused, match="phones but no text"):
        read([SEGMENT | {"text": "SP ow p ah n g ey t AP"}])


def test_a_chord_sheet_has_neither_chords_nor_comments_and_its_chorus_again() -> None:
    lyrics = read(SHEET)
    assert lyrics.form == "chord sheet"
    assert " ".join(lyrics.words) == "open the window let it in nobody said let it in"
    assert labels(lyrics) == [(0, "Verse"), (3, "Chorus"), (6, "Bridge"), (8, "Chorus")]
    assert {remark.kind for remark in lyrics.remarks} == {"chords", "comment", "label"}


def test_chords_in_tags_go_with_their_tags() -> None:
    lyrics = read("[Verse 1]\n[tab][ch]Am[/ch]     [ch]F#m7/E[/ch]\nOpen the window[/tab]\n")
    assert lyrics.words == ["open", "the", "window"]
    assert labels(lyrics) == [(0, "Verse 1")]


def test_chords_over_words_are_plain_text() -> None:
    lyrics = read(
        "[Intro]\nAm  F  C  G\n\n[Verse]\nAm        F\nOpen the window\n   C/E   N.C.\nA song for me\n"
    )
    assert (lyrics.form, lyrics.words) == ("plain text", ["open", "the", "window", "a", "song", "for", "me"])


def test_a_chorus_that_calls_itself_ends() -> None:
    lyrics = read("{soc}\nla la\n" + "{chorus}\n" * 200)
    assert len(lyrics.words) == 2 * (1 + 50)
    assert [remark.kind for remark in lyrics.remarks].count("repeat") == 150


@pytest.mark.parametrize("true", [SONGPREP, json.dumps([SEGMENT]), SHEET])
def test_damaged_files_are_read_or_refused(true: str) -> None:
    survives(true.encode())
