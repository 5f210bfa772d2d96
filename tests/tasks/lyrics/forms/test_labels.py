"""Labels a row: HTK's, Audacity's and CTM."""

from __future__ import annotations

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms import labels
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.written import Form
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, stated, survives

WORDS = [("open", 1.0, 1.5), ("gate", 1.5, 2.0)]
HTK = "0 10000000 sil\n10000000 15000000 open\n15000000 20000000 gate -12.5\n20000000 25000000 sp\n"
TRACK = "1.000000\t1.500000\topen\n\\\t100.0\t200.0\n1.500000\t2.000000\tgate\n"
CTM = ";; made\nsong 1 1.00 0.50 open 0.98\nsong 1 1.50 0.50 gate\n"


def read(text: str) -> Lyrics:
    return read_lyrics(text.encode(), 100_000, 1000)


@every(
    ("form", "text"),
    [
        (labels.HTK, HTK),
        (labels.HTK, f'#!MLF!#\n"*/song.lab"\n{HTK}.\n'),
        (labels.AUDACITY, TRACK),
        (labels.AUDACITY, TRACK.replace("\t", " ")),
        (labels.AUDACITY, TRACK.replace(".", ",")),
        (labels.AUDACITY, "0.0 1.0 SP\n1.0 1.5 open\n1.5 2 gate\n"),
        (labels.CTM, CTM),
        (
            labels.CTM,
            "song 1 1.0 0.5 open NA lex spk1\nsong 1 1.5 0.5 gate NA lex spk1\nsong 1 2.0 0.1 <b> NA\n",
        ),
    ],
)
def test_words_have_their_times(form: Form, text: str) -> None:
    lyrics = read(text)
    assert (lyrics.form, stated(lyrics)) == (form.name, WORDS)
    assert not lyrics.remarks


def test_labels_of_lines_give_line_times_and_points_have_no_end() -> None:
    lyrics = read("1.0\t1.0\topen the gate\n3.0\t3.0\tlet it in\n")
    assert line_starts(lyrics) == [("open the gate", 1), ("let it in", 3)]
    assert line_starts(read("song 1 1.0 0.5 open<space>the<space>gate\n")) == [("open the gate", 1)]


@every(
    "text",
    [
        "start\tend\ttext\n1000\t2500\tOpen the gate\n3000\t4000\tlet it in\n",
        'start,end,text\n1000,2500," Open the gate"\n3000,4000," let it in"\n',
        "start;end;text\n1.0;2.5;Open the gate\n3.0;4.0;let it in\n",
        "1000\t2500\tOpen the gate\n3000\t4000\tlet it in\n",
    ],
)
def test_whispers_tables_are_in_milliseconds(text: str) -> None:
    assert line_starts(read(text)) == [("open the gate", 1), ("let it in", 3)]


def test_a_table_of_words_gives_word_times_and_one_of_times_alone_is_no_lyrics() -> None:
    assert stated(read("word\tstart\tend\nopen\t1.0\t1.5\ngate\t1.5\t2.0\n")) == WORDS
    with pytest.raises(Refused, match="not_lyrics: a table of word_start"):
        read("word_start,word_end,line_end\n1.0,1.5,\n1.5,2.0,2.0\n")


@every(
    ("text", "kind"),
    [
        (
            "0 10000000 pau\n10000000 12000000 k\n12000000 15000000 a\n15000000 16000000 s\n16000000 20000000 a\n",
            "phones",
        ),
        ("0.0 1.0 HH\n1.0 1.2 AH0\n1.2 1.3 L\n1.3 1.5 OW1\n", "phones"),
        ("0.0 12.5 intro\n12.5 30.0 verse\n30.0 50.0 chorus\n", "parts of a song"),
        ("0.0 2.5 N\n2.5 5.0 C:maj\n5.0 7.5 A:min/3\n", "chords"),
    ],
)
def test_labels_that_are_no_words_are_refused_by_their_kind(text: str, kind: str) -> None:
    with pytest.raises(Refused, match=f"the labels are {kind}"):
        read(text)


@every("text", [CTM + "other 1 0.0 0.5 la\n", f'#!MLF!#\n"a.lab"\n{HTK}.\n"b.lab"\n{HTK}.\n'])
def test_rows_of_two_recordings_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="of 2 recordings"):
        read(text)


@every("text", ["1 2 buckle my shoe\n3 4 shut the door", "99 100 here I come", "one 2 three 4 five"])
def test_a_song_that_counts_is_a_song(text: str) -> None:
    assert read(text).form == "plain text"


def test_one_bad_row_costs_one_row() -> None:
    text = TRACK + "2.5\t2.2\tlet\nnobody knows\n" + "3.0\t3.5\tit\n" * 6
    lyrics = read(text)
    assert stated(lyrics)[2][:2] == ("let", 2.5)
    assert lyrics.words[:3] == ["open", "gate", "let"]
    assert {remark.kind for remark in lyrics.remarks} == {"bad_row", "bad_time"}


@pytest.mark.parametrize("form", [labels.HTK, labels.AUDACITY, labels.CTM])
def test_a_song_comes_back_as_it_was_written(form: Form) -> None:
    for seed in range(SONGS):
        song = made_song(seed)
        said = [one for line in song.lines for one in line.syllables]
        assert stated(read_back(form, song)) == [
            (one.text.strip(), round(one.start_s, 4), round(one.end_s, 4))  # type: ignore[arg-type]
            for one in said
        ]


@pytest.mark.parametrize("true", [HTK, TRACK, CTM])
def test_damaged_files_are_read_or_refused(true: str) -> None:
    survives(true.encode())
