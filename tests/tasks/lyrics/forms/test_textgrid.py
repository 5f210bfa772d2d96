"""TextGrids: which tier holds the words, and what each of its forms and flaws does."""

from __future__ import annotations

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms import textgrid
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tasks.lyrics.sung import sung
from tests.every import every
from tests.tasks.lyrics.forms.damage import SONGS, line_starts, made_song, read_back, stated, survives

SAID = [(0, 1, ""), (1, 1.5, "open"), (1.5, 2, "gate"), (2, 2.25, "sp"), (2.25, 3, "AP"), (3, 4, 'o "my"')]


def tier(name: str, labels: list[tuple[float, float, str]]) -> str:
    rows = [
        f'class = "IntervalTier"\n name = "{name}"\n xmin = 0\n xmax = 9\n intervals: size = {len(labels)}'
    ]
    for number, (start, end, text) in enumerate(labels, start=1):
        quoted = text.replace('"', '""')
        rows.append(f'intervals [{number}]:\n xmin = {start}\n xmax = {end}\n text = "{quoted}"')
    return "\n".join(rows)


def grid(*tiers: str) -> str:
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = 9\ntiers? <exists>\n'
    return f"{head}size = {len(tiers)}\nitem []:\n" + "\n".join(
        f"item [{number}]:\n{one}" for number, one in enumerate(tiers, start=1)
    )


def read(text: str | bytes) -> Lyrics:
    return read_lyrics(text if isinstance(text, bytes) else text.encode(), 100_000, 1000)


WORDS = [("open", 1, 1.5), ("gate", 1.5, 2), ("o", 3, 3.3333), ("my", 3.3333, 4)]
PHONES = [
    (1, 1.2, "OW1"),
    (1.2, 1.3, "P"),
    (1.3, 1.4, "AH0"),
    (1.4, 1.5, "N"),
    (1.5, 1.7, "G"),
    (1.7, 2, "T"),
]


@every("name", ["words", "Word", "ORT", "lyrics", "Ann - words", "tier 1"])
def test_words_are_found_beside_phones_and_silence_is_none(name: str) -> None:
    for text in (grid(tier(name, SAID), tier("phones", PHONES)), grid(tier("x", PHONES), tier(name, SAID))):
        lyrics = read(text)
        assert stated(lyrics) == WORDS
        assert {remark.kind for remark in lyrics.remarks} == {"silence"}


@every("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_every_encoding_of_praat_is_read(encoding: str) -> None:
    assert read(grid(tier("words", [(1, 2, "été")])).encode(encoding)).words == ["été"]


def test_the_short_form_and_points_are_read() -> None:
    short = '"ooTextFile"\n"TextGrid"\n0\n9\n<exists>\n2\n"IntervalTier"\n"words"\n0\n9\n2\n1\n1.5\n"open"\n1.5\n2\n"gate"\n'
    head = f"File type = {short.splitlines()[0]}\n" + "\n".join(short.splitlines()[1:])
    points = (
        short.replace("IntervalTier", "TextTier")
        .replace('1.5\n"open"', '"open"')
        .replace('2\n"gate"', '"gate"')
    )
    assert stated(read(short)) == stated(read(head)) == WORDS[:2]
    assert [(word, start) for word, start, _ in stated(read(points))] == [("open", 1), ("gate", 1.5)]


def test_a_tier_of_lines_parts_the_words() -> None:
    lines = tier("sentence", [(1, 2, "open gate"), (3, 4, "o my")])
    lyrics = read(grid(lines, tier("words", SAID)))
    assert stated(lyrics) == WORDS
    assert line_starts(lyrics) == [("open gate", 1), ("o my", 3)]


def test_a_tier_of_lines_alone_gives_line_times() -> None:
    lyrics = read(grid(tier("utterances", [(1, 2, "open the gate"), (3, 4, "let it in")])))
    assert line_starts(lyrics) == [("open the gate", 1), ("let it in", 3)]


def test_two_singers_are_sung_together() -> None:
    lyrics = read(grid(tier("Ann - words", [(1, 2, "open")]), tier("Bob - words", [(1.5, 3, "gate")])))
    assert lyrics.words == ["open", "gate"]
    assert [remark.kind for remark in lyrics.remarks] == ["voices"]


def test_syllables_are_joined_at_their_hyphens() -> None:
    lyrics = read(grid(tier("syllables", [(1, 1.5, "win-"), (1.5, 2, "dow"), (2, 3, "pane")])))
    assert stated(lyrics) == [("window", 1, 2), ("pane", 2, 3)]


def test_one_bad_interval_costs_one_time() -> None:
    bad = grid(tier("words", SAID)).replace("xmin = 1.5", "xmin = ?").replace('"open"', '"open')
    lyrics = read(bad)
    assert stated(lyrics) == [("open", 1, 1.5), ("gate", None, None), *WORDS[2:]]
    assert [remark.kind for remark in lyrics.remarks if remark.kind != "silence"] == ["bad_time"]


@every(
    "text",
    [
        grid(tier("phones", PHONES)),
        grid(tier("words", [])),
        grid(tier("structure", [(0, 1, "verse"), (1, 2, "chorus")])),
        grid(tier("notes", [(0, 1, "60"), (1, 2, "62")])),
        "ooBinaryFile\x08TextGrid",
    ],
)
def test_a_textgrid_without_words_is_refused_with_its_tiers(text: str) -> None:
    with pytest.raises(Refused, match="TextGrid") as error:
        read(text)
    assert error.value.reason == "lyrics_malformed"


def test_an_aligners_unknown_word_is_told() -> None:
    lyrics = read(grid(tier("words", [(1, 2, "open"), (2, 3, "spn"), (3, 4, "<unk>")])))
    assert lyrics.words == ["open"]
    assert [remark.kind for remark in lyrics.remarks] == ["unheard", "unheard"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_song_comes_back_as_it_was_written(ends: bool) -> None:
    for seed in range(SONGS):
        song = made_song(seed, ends=ends)
        lyrics = read_back(textgrid.FORM, song)
        assert [word[:2] for word in stated(lyrics)] == [word[:2] for word in stated(sung(song))]
        if ends:
            assert stated(lyrics) == stated(sung(song))
        if len(song.lines) > 1:
            assert [line.start_s for line in lyrics.lines or ()] == [
                pytest.approx(line.start_s) for line in song.lines
            ]


def test_damaged_files_are_read_or_refused() -> None:
    survives(grid(tier("words", SAID), tier("phones", PHONES)).encode())
