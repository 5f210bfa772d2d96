"""JSON that holds lyrics as text among other facts of a song."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms import sidecars
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics, stated_detail
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, survives

ACE_STEP = {
    "caption": "bright pop",
    "lyrics": "[Verse]\nOpen the gate\n\n[Chorus]\nlet it in\n",
    "bpm": 96,
    "text": "pop",
}
LRCLIB = {
    "id": 1,
    "trackName": "Gate",
    "artistName": "Jane Roe",
    "duration": 20,
    "instrumental": False,
    "plainLyrics": "Open the gate\nlet it in",
    "syncedLyrics": "[00:01.00] Open the gate\n[00:03.50] let it in\n[00:05.00]",
}
MUSE = {
    "messages": [
        {
            "role": "user",
            "content": "Please generate a song in the following style: pop.\n[Intro][desc:soft [low] piano]",
        },
        {"role": "assistant", "content": "[SOA]<AUDIO_1>[EOA]"},
        {
            "role": "user",
            "content": "[Verse 1][desc:a voice][lyrics:\nOpen the gate\nlet it in][phoneme:\nOW P AH N sp\nL EH T]",
        },
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "[Chorus][desc:all][lyrics:\nwe sing [oh]]"},
    ]
}


def read(value: Any) -> Lyrics:
    text = value if isinstance(value, str) else json.dumps(value)
    return read_lyrics(text.encode(), 100_000, 1000)


def test_a_sidecar_gives_its_lyrics_and_their_labels() -> None:
    lyrics = read(ACE_STEP)
    assert lyrics.words == ["open", "the", "gate", "let", "it", "in"]
    assert [(label.before, label.text) for label in lyrics.labels] == [(0, "Verse"), (3, "Chorus")]


@every(
    "value",
    [
        LRCLIB,
        [LRCLIB],
        {"lrc": {"version": 3, "lyric": LRCLIB["syncedLyrics"]}},
        {"lyrics": LRCLIB["syncedLyrics"]},
    ],
)
def test_a_synced_text_is_read_before_a_plain_one(value: Any) -> None:
    lyrics = read(value)
    assert line_starts(lyrics) == [("open the gate", 1.0), ("let it in", 3.5)]
    assert not lyrics.remarks


def test_a_second_text_of_other_words_is_told() -> None:
    lyrics = read(LRCLIB | {"plainLyrics": "Close the door"})
    assert [remark.kind for remark in lyrics.remarks] == ["other_text"]


@every(
    "value",
    [
        {"audio_filepath": "a.wav", "duration": 2.0, "text": "open the gate"},
        {"title": "Gate", "lyrics": ["open the", "gate"]},
        {"text": "Open the gate.", "segments": []},
    ],
)
def test_a_row_with_text_is_lyrics(value: Any) -> None:
    assert read(value).words == ["open", "the", "gate"]


def test_many_songs_in_one_file_are_refused_with_their_number() -> None:
    rows = "\n".join(json.dumps({"audio_filepath": f"{n}.wav", "text": "open the gate"}) for n in range(3))
    for value in (rows, [LRCLIB, LRCLIB, LRCLIB]):
        with pytest.raises(Refused, match="lyrics of 3 songs"):
            read(value)


def test_muse_states_sections_and_neither_descriptions_nor_phonemes() -> None:
    for value in (MUSE, MUSE["messages"], [MUSE]):
        lyrics = read(value)
        assert lyrics.form == "Muse's messages"
        assert lyrics.words == ["open", "the", "gate", "let", "it", "in", "we", "sing"]
        assert [(label.before, label.text) for label in lyrics.labels][:3] == [
            (0, "Intro"),
            (0, "Verse 1"),
            (6, "Chorus"),
        ]


def test_lyrics_that_are_not_closed_are_read_and_told() -> None:
    turns = [*MUSE["messages"], {"role": "user", "content": "[Outro][desc:x][lyrics:\nlost words"}]
    lyrics = read(turns)
    assert lyrics.words[-2:] == ["lost", "words"]
    assert "no_end" in {remark.kind for remark in lyrics.remarks}


@every(
    ("value", "detail"),
    [
        ({"bpm": 96, "caption": "pop"}, 0),
        ({"caption": "pop", "text": "a song of pop"}, 0),
        ({"instrumental": True, "plainLyrics": None, "syncedLyrics": None}, 0),
        ({"lyrics": "[Instrumental]"}, 0),
        ('{"lyrics": "cut', 0),
        (ACE_STEP, 1),
        (LRCLIB, 2),
        ([{"word": "la", "start": 1, "end": 2}], 3),
        ("open the gate", 1),
        ("<?xml version='1.0'?><song><bpm>9</bpm></song>", 0),
    ],
)
def test_a_file_beside_a_song_is_known_by_how_much_it_states(value: Any, detail: int) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    assert stated_detail(text.encode()) == detail


@every("text", ["<score><part/></score>", "<?xml version='1.0'?>", "<a:b x='1'>la la</a:b>\n"])
def test_xml_of_no_known_form_is_never_read_as_plain_text(text: str) -> None:
    with pytest.raises(Refused, match="not_lyrics: XML"):
        read(text)


@every("text", ["<i>open the gate</i>", "<3 open the gate", "{open} the gate", "[x] open the gate"])
def test_lines_that_only_look_a_little_like_data_are_lines(text: str) -> None:
    assert read(text).words[-3:] in (["open", "the", "gate"],)


@pytest.mark.parametrize("form", [sidecars.FORM, sidecars.MESSAGES])
def test_a_song_comes_back_with_its_words(form: Any) -> None:
    for seed in range(SONGS):
        song = made_song(seed)
        lyrics = read_back(form, song)
        said = [line.text.split() for line in song.lines]
        assert lyrics.words == [word for line in said for word in line]
        assert lyrics.num_lines == len(said)
        if form is sidecars.FORM:
            assert [line.start_s for line in lyrics.lines or ()] == [
                pytest.approx(one.start_s) for one in song.lines
            ]


@pytest.mark.parametrize("true", [ACE_STEP, LRCLIB, MUSE])
def test_damaged_files_are_read_or_refused(true: Any) -> None:
    survives(json.dumps(true).encode())
