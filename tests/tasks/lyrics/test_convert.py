"""Lyrics into every form that is written, and what the way costs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from jam_model.words import Word
from tasks.lyrics.convert import convert, form_named, written_of
from tasks.lyrics.lyrics import Label, Lyrics, Note
from tasks.lyrics.parts.written import Form
from tasks.lyrics.read import FORMS, read_lyrics
from tasks.lyrics.sung import sung
from tests.every import every
from tests.tasks.lyrics.forms.damage import made_song

WRITTEN = [form for form in FORMS if form.write]
TIMED = [form for form in WRITTEN if form.name not in ("plain text", "Muse's messages", "SongPrep", "SRT")]
SONG = Lyrics(
    ["open", "the", "gate", "let", "it", "in"],
    [
        Word("open", 1, 1.5),
        Word("the", 1.5, 1.7),
        None,
        Word("let", 3, 3.2),
        Word("it", 3.2, 3.5),
        Word("in", 3.5, 4),
    ],
    [Word("open the gate", 1, 2.5), Word("let it in", 3, 4)],
    [0, 3],
    notes=[Note(0, 1.0, 1.2, 60), Note(0, 1.2, 1.5, 62), Note(3, 3.0, 3.2, 64)],
    labels=[Label(0, "Verse"), Label(3, "Chorus")],
)


@every("form", WRITTEN, ids=lambda form: form.name)
def test_a_song_through_every_form_keeps_its_words(form: Form) -> None:
    for seed in range(40):
        lyrics = sung(made_song(seed, grid_s=0.01))
        done = convert(lyrics, form)
        back = read_lyrics(done.data, 10**6, 10**4)
        assert (back.form, back.words) == (form.name, lyrics.words)
        if form in TIMED and form.name != "lyrics in JSON":
            ends = "the ends of" if form.name == "MIDI" else "none"  # there notes alone have an end
            assert not [lost for lost in done.lost if "word" in lost and ends not in lost], done.lost


@every(
    ("form", "lost", "added"),
    [
        ("LRC", ["3 notes"], ["times of 1 word, a share of what stands beside"]),
        ("plain text", ["the times of 5 words", "the times of 2 lines", "3 notes"], []),
        ("HTK labels", ["the ends of 1 word", "the breaks of lines", "3 notes", "2 labels"], ["times of 1 word, a share of what stands beside"]),
    ],
)  # fmt: skip
def test_what_is_lost_and_what_is_added_is_said(form: str, lost: list[str], added: list[str]) -> None:
    done = convert(SONG, form_named("", form))
    assert [part for part in lost if part not in done.lost] == []
    assert done.added == added


def test_a_word_without_a_time_goes_with_the_word_before_it() -> None:
    text = convert(SONG, form_named("song.labels.txt")).data.decode()
    assert text.splitlines()[1] == "1.500000\t1.700000\tthe gate"


def test_written_lyrics_are_the_lyrics_again() -> None:
    back = sung(written_of(SONG))
    assert replace(back, remarks=()) == replace(SONG, lines=back.lines, breaks=back.breaks, notes=back.notes)
    assert list(back.notes) == list(SONG.notes)
    assert [(line.text, line.start_s) for line in back.lines or ()] == [
        ("open the gate", 1),
        ("let it in", 3),
    ]


MELODY = replace(
    SONG,
    times=[Word(word, start_s, start_s + 0.5) for start_s, word in enumerate(SONG.words)],
    lines=None,
    notes=[
        Note(0, 0.0, 0.2, 59),
        Note(0, 0.2, 0.5, 60),
        *(Note(word, word, word + 0.5, 60 + word) for word in range(1, 6)),
    ],
)
"""A song that has a note for every word, the first held on two."""


@every("name", ["MIDI", "UltraStar", "MusicXML"])
def test_notes_survive_the_forms_that_have_them(name: str) -> None:
    done = convert(MELODY, form_named("", name))
    back = read_lyrics(done.data, 10**6, 10**4)
    assert list(back.notes) == [replace(note, end_s=pytest.approx(note.end_s)) for note in MELODY.notes]
    assert not [lost for lost in done.lost if "note" in lost]


def test_forms_that_have_notes_or_labels_are_written_with_them() -> None:
    for form in WRITTEN:
        lost = convert(MELODY, form).lost
        assert form.has_notes == ("7 notes" not in lost), form.name
        assert form.has_labels == ("2 labels" not in lost), form.name


def test_a_held_word_is_one_word_where_a_form_has_no_notes() -> None:
    syllables = written_of(SONG, has_notes=False).lines[1].syllables
    first = syllables[0]
    assert (first.text, first.start_s, first.end_s, first.pitch) == ("open ", 1, 1.5, None)


def test_a_label_inside_a_line_stands_before_its_word() -> None:
    song = Lyrics(["open", "gate"], None, None, [0], labels=[Label(1, "Chorus")])
    assert convert(song, form_named("a.txt")).data == b"open [Chorus] gate\n"


@every(
    ("name", "to", "form"),
    [
        ("a.json", None, "words in JSON"),
        ("a.lyrics.json", None, "lyrics in JSON"),
        ("A.TEXTGRID", None, "TextGrid"),
        ("a.labels.txt", None, "Audacity labels"),
        ("a.txt", None, "plain text"),
        ("a.txt", "lab", "HTK labels"),
        ("a.txt", ".lrc", "LRC"),
        ("a", "songprep", "SongPrep"),
        ("a", "muse's messages", "Muse's messages"),
    ],
)
def test_the_form_is_that_of_the_ending_or_the_one_asked_for(name: str, to: str | None, form: str) -> None:
    assert form_named(name, to).name == form


@every(("name", "to"), [("a.ds", None), ("a", None), ("a.lrc", "mp3")])
def test_a_form_that_is_not_written_is_refused_with_those_that_are(name: str, to: str | None) -> None:
    with pytest.raises(ValueError, match=r"\.lrc \(LRC\)"):
        form_named(name, to)


def test_a_form_that_needs_times_refuses_a_song_without() -> None:
    for form in ("HTK labels", "TextGrid", "CTM", "SongPrep"):
        with pytest.raises(ValueError, match="time"):
            convert(Lyrics(["la"]), form_named("", form))


def test_no_song_of_odd_times_breaks_a_writer() -> None:
    chance = random.Random(1)
    for _ in range(60):
        words = [chance.choice(["la", "open", "o"]) for _ in range(chance.randrange(1, 9))]
        at_s, times = 0.0, []
        for word in words:
            at_s += chance.choice([0.01, 0.5])
            end_s = chance.choice([at_s + 0.1, at_s + 0.3, float("inf")])
            times.append(chance.choice([None, Word(word, at_s, end_s)]))
        song = Lyrics(words, times if any(times) else None, None, sorted({0, len(words) // 2}))
        for form in TIMED if any(times) else ():
            done = convert(song, form)
            assert not any(
                "order" in lost or (lost.endswith(" word") and lost[0].isdigit()) for lost in done.lost
            ), (form, done)
