"""MIDI and KAR: lyric events become syllables on the notes of the melody."""

from __future__ import annotations

import io

import mido
import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms.midi import FORM, fits
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.smf import length
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

Events = list[tuple[int, str, str | bytes | int]]
LASTS = {"note": 239, "short": 19}


def midi(*tracks: Events, ppq: int = 480, charset: str = "utf-8") -> bytes:
    """A file of tracks of (tick, kind, value); a note's value is its pitch, and it lasts 240 ticks less one, a short one 20 less one."""
    song = mido.MidiFile(type=1, ticks_per_beat=ppq, charset=charset)
    for events in tracks:
        timed = []
        for tick, kind, value in events:
            if kind in LASTS:
                timed.append((tick, 1, mido.Message("note_on", note=value, velocity=90, channel=3)))
                timed.append((tick + LASTS[kind], 0, mido.Message("note_off", note=value, channel=3)))
            elif kind == "tempo":
                timed.append((tick, 0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(value))))
            elif kind == "name":
                timed.append((tick, 0, mido.MetaMessage("track_name", name=value)))
            else:
                timed.append((tick, 0, mido.MetaMessage(kind, text=value)))
        track, now = mido.MidiTrack(), 0
        for tick, _, message in sorted(timed, key=lambda event: event[:2]):
            track.append(message.copy(time=tick - now))
            now = tick
        song.tracks.append(track)
    file = io.BytesIO()
    song.save(file=file)
    return file.getvalue()


def sung(*texts: str, kind: str = "lyrics") -> Events:
    return [(480 * place, kind, text) for place, text in enumerate(texts)]


TEMPOS: Events = [(0, "tempo", 120), (960, "tempo", 60)]
TRUE = midi(
    TEMPOS, [*sung("mor", "ning ", "sun\r", "goes "), *((480 * at, "note", 60 + at) for at in range(4))]
)
KAR = midi(
    [(0, "name", "Soft Karaoke"), (0, "text", "@KMIDI KARAOKE FILE")],
    [
        (0, "name", "Words"),
        (0, "text", "@LENGL"),
        (0, "text", "@TOpen Gate"),
        (0, "text", "@TJane Roe"),
        *sung("\\Mor", "ning", " sun", "/goes", " down", kind="text"),
    ],
)


def read(data: bytes) -> Lyrics:
    lyrics = read_lyrics(data, 100_000, 100)
    assert lyrics.form == "MIDI"
    return lyrics


def starts(data: bytes) -> list[tuple[str, float | None]]:
    lyrics = read(data)
    times = lyrics.times or [None] * len(lyrics.words)
    return [(word, time and round(time.start_s, 4)) for word, time in zip(lyrics.words, times, strict=True)]


def test_lyric_events_are_syllables_by_the_tempos_of_all_tracks() -> None:
    assert starts(TRUE) == [("morning", 0.0), ("sun", 1.0), ("goes", 2.0)]
    assert [line.text for line in read(TRUE).lines or []] == ["morning sun", "goes"]


def test_notes_of_the_melody_give_pitch_and_end() -> None:
    lyrics = read(TRUE)
    assert [(note.word, note.pitch) for note in lyrics.notes] == [(0, 60), (0, 61), (1, 62), (2, 63)]
    assert lyrics.times and lyrics.times[0] and lyrics.times[0].end_s == pytest.approx(0.5 + 239 / 960)


def test_notes_that_go_on_hold_a_syllable_and_of_two_at_once_none_is_the_melody() -> None:
    notes: Events = [
        (0, "note", 60),
        (240, "note", 62),
        (480, "note", 65),
        (960, "note", 60),
        (960, "note", 64),
    ]
    lyrics = read(midi([*sung("one ", "two ", "three "), *notes]))
    assert [(note.word, note.pitch) for note in lyrics.notes] == [(0, 60), (0, 62), (1, 65)]


def test_notes_of_a_word_are_those_that_begin_within_it_though_none_begins_at_its_tick() -> None:
    words = sung("one ", "two ", "three ", "four ", "five ")
    own: Events = [(480 * at, "note", 60 + at) for at in (0, 2, 3, 4)]
    trill: Events = [(488 + 20 * place, "short", 62 + place % 2) for place in range(6)]
    lyrics = read(midi([*words, *own, *trill]))
    assert [note.pitch for note in lyrics.notes if note.word == 1] == [62, 63] * 3
    assert lyrics.times and lyrics.times[1] and lyrics.times[1].end_s == pytest.approx((588 + 19) / 960)
    for late, pitches in (
        ([(576, "note", 70)], [70]),
        ([(576, "note", 70), (580, "note", 74)], []),  # together
        ([(485, "note", 70), (495, "note", 74)], []),
        ([(740, "note", 70)], []),  # too late to be the word's
        ([(940, "short", 70)], []),  # the next word's
    ):
        lyrics = read(midi([*words, *own, *late]))
        assert [note.pitch for note in lyrics.notes if note.word == 1] == pitches, late
        assert {0, 2, 3, 4} <= {note.word for note in lyrics.notes}


def test_notes_of_another_track_are_the_melody_only_where_they_keep_to_the_words() -> None:
    words = sung("one ", "two ", "three ", "four ")
    assert len(read(midi(words, [(480 * at, "note", 60) for at in range(4)])).notes) == 4
    assert not read(midi(words, [(960 * at, "note", 40) for at in range(4)])).notes


def test_kar_lines_begin_at_slashes_and_headers_are_not_sung() -> None:
    assert starts(KAR) == [("morning", 0.0), ("sun", 1.0), ("goes", 1.5), ("down", 2.0)]
    assert [line.text for line in read(KAR).lines or []] == ["morning sun", "goes down"]
    assert FORM.read(KAR).names == ("Open Gate", "Jane Roe")  # type: ignore[arg-type]


@every(
    "texts",
    [
        ("mor-", "ning", "sun"),
        ("mor", "-ning", "sun"),
        ("mor-", "ning ", "sun "),
        ("mor", "ning", " ", "sun"),
        ("mor", "ning", " sun"),
        ("mor-", "-", "ning", "sun"),
        ("mor", "~", "ning ", "sun "),
    ],
)
def test_words_end_in_the_ways_that_programs_mark_it(texts: tuple[str, ...]) -> None:
    assert read(midi(sung(*texts))).words == ["morning", "sun"]


def test_hyphens_of_a_word_stay_where_they_do_not_mark_syllables() -> None:
    assert read(midi(sung("mor", "ning ", "e", "ven", "ing ", "ha-", "ha "))).words == [
        "morning",
        "evening",
        "ha",
        "ha",
    ]


def test_marks_of_a_keyboard_maker_are_not_sung() -> None:
    marks: Events = [(0, "cue_marker", "$Lyrc:1:270:L1")]
    data = midi([*marks, *sung("<mor", "ning^", "sun/", "%-goes^", "down")])
    assert read(data).words == ["morning", "sun", "goes", "down"]
    assert read(data).num_lines == 2


@every(("charset", "word"), [("utf-8", "señor"), ("latin1", "señor"), ("utf-8", "солнце")])
def test_letters_are_of_the_encoding_that_the_whole_file_is_of(charset: str, word: str) -> None:
    assert read(midi(sung("la ", word), charset=charset)).words == ["la", word]


def test_letters_of_an_unknown_encoding_are_refused() -> None:
    with pytest.raises(Refused, match="lyrics_mojibake"):
        read(midi(sung("солнце ", "светит "), charset="cp1251"))


def test_smpte_ticks_are_parts_of_a_second() -> None:
    data = bytearray(midi(sung("one ", "two ")))
    data[12:14] = bytes([256 - 25, 40])
    assert starts(bytes(data)) == [("one", 0.0), ("two", 0.48)]


def test_a_wrapped_file_is_read() -> None:
    assert read(b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + TRUE).words == ["morning", "sun", "goes"]


def test_a_cut_track_gives_what_there_is_and_says_so() -> None:
    lyrics = read(TRUE[:-40])
    assert lyrics.words[:1] == ["morning"] and len(lyrics.words) < 4
    assert [remark.kind for remark in lyrics.remarks] == ["cut_short"]


def test_notes_alone_are_no_lyrics() -> None:
    assert not fits(midi([(0, "note", 60)]))
    assert not fits(midi([(0, "text", "made by hand"), (0, "note", 60)]))
    assert not fits(b"MThd\0\0\0\6\0\1\0\1\0\0\xff\x05")


def test_lyrics_of_other_parts_are_told() -> None:
    data = midi(sung("one ", "two "), sung("one ", "other "))
    assert read(data).words == ["one", "two"]
    assert [remark.text[:1] for remark in read(data).remarks] == ["1"]


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        has_notes = seed % 2 > 0
        comes_back(FORM, toy_song(seed, pitch=has_notes), Kept(0.001, ends=has_notes, line_ends=has_notes))


def test_another_reader_reads_the_same_events() -> None:
    song = toy_song(5)
    other = mido.MidiFile(file=io.BytesIO(FORM.write(song)), charset="utf-8")  # type: ignore[misc]
    texts = "".join(message.text for message in other if message.type == "lyrics")
    assert texts.split() == "".join(line.text + " " for line in song.lines).split()
    ends = [syllable.end_s or 0.0 for line in song.lines for syllable in line.syllables]
    assert other.length == pytest.approx(max(ends), abs=0.002)


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(FORM, TRUE)) == 250
    assert sum(survives(FORM, KAR)) == 250


def test_lengths_are_of_one_to_four_bytes() -> None:
    assert [length(number).hex() for number in (0, 127, 128, 16383, 16384)] == [
        "00",
        "7f",
        "8100",
        "ff7f",
        "818000",
    ]
