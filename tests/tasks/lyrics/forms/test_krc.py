"""Karaoke of KuGou, NetEase and QQ Music."""

from __future__ import annotations

import pytest

from tasks.lyrics.forms import krc
from tasks.lyrics.read import read_lyrics
from tasks.lyrics.sung import sung
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, stated, survives

KRC = "[ti:Gate]\n[total:9000]\n[1000,1500]<0,500,0>open <500,1000,0>gate\n[3000,500]<0,500,0>la\n"
YRC = '{"t":0,"c":[{"tx":"Writer: "}]}\n[1000,1500](1000,500,0)open (1500,1000,0)gate\n[3000,500](3000,500,0)la\n'
QRC = "[ti:Gate]\n[1000,1500]open(1000,500) (1500,0)gate(1500,1000)\n[3000,500]la(3000,500)\n"


@every("text", [KRC, YRC, QRC])
def test_words_and_lines_have_their_times(text: str) -> None:
    lyrics = read_lyrics(text.encode(), 10_000, 100)
    assert stated(lyrics) == [("open", 1, 1.5), ("gate", 1.5, 2.5), ("la", 3, 3.5)]
    assert line_starts(lyrics) == [("open gate", 1), ("la", 3)]


def test_lines_without_marks_have_line_times() -> None:
    lyrics = read_lyrics(b"[1000,1500]open (oh) gate\n[3000,10]la\n", 10_000, 100)
    assert line_starts(lyrics) == [("open oh gate", 1), ("la", 3)]
    assert lyrics.times is None


def test_a_song_comes_back_as_it_was_written() -> None:
    for seed in range(SONGS):
        song = made_song(seed)
        assert stated(read_back(krc.FORM, song)) == stated(sung(song))


@pytest.mark.parametrize("true", [KRC, YRC, QRC])
def test_damaged_files_are_read_or_refused(true: str) -> None:
    survives(true.encode())
