"""MusicXML: notes with lyrics become syllables, repeats are played out."""

from __future__ import annotations

import io
import zipfile

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.forms.musicxml import FORM, ZIPPED
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.read import read_lyrics
from tests.every import every
from tests.tasks.lyrics.forms.trials import Kept, comes_back, survives, toy_song

SOUND = '<sound tempo="60"/>'
FORWARD = '<barline location="left"><repeat direction="forward"/></barline>'
BACKWARD = '<barline location="right"><repeat direction="backward"/></barline>'
CONTAINER = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'


def note(*lyrics: str, pitch: str = "C4", length: int = 1, inner: str = "") -> str:
    """A note of quarters; a lyric is its text, with - where its word goes on and _ where it is held, or XML."""
    texts = []
    for verse, text in enumerate(lyrics, start=1):
        syllabic = "begin" if text.endswith("-") else "end" if text.startswith("-") else "single"
        extend = "<extend/>" * text.endswith("_")
        if text.startswith("<"):
            texts.append(text)
        elif text:
            texts.append(
                f'<lyric number="{verse}"><syllabic>{syllabic}</syllabic><text>{text.strip("-_")}</text>{extend}</lyric>'
            )
    is_rest = pitch == "rest"
    where = "<rest/>" if is_rest else f"<pitch><step>{pitch[0]}</step><octave>{pitch[1]}</octave></pitch>"
    return f"<note>{inner}{where}<duration>{2 * length}</duration>{''.join(texts)}</note>"


def measures(*inner: str) -> str:
    return "".join(
        f'<measure number="{number}">{text}</measure>' for number, text in enumerate(inner, start=1)
    )


def score(*inner: str, others: str = "", first: str = SOUND) -> str:
    head = f"<attributes><divisions>2</divisions></attributes>{first}"
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd"><score-partwise version="4.0"><work><work-title>Open Gate</work-title>'
        f'</work><part id="P1">{measures(head + inner[0], *inner[1:])}</part>{others}</score-partwise>'
    )


TRUE = score(
    note("mor-", "eve-") + note("-ning_", "-ning_") + note(pitch="E4") + note("sun", "moon"),
    note("goes", length=2) + note(pitch="rest") + note("on") + BACKWARD,
    note("down"),
)


def read(text: str | bytes) -> Lyrics:
    return read_lyrics(text.encode() if isinstance(text, str) else text, 1_000_000, 1000)


def words(text: str) -> str:
    return " ".join(read(text).words)


def times(text: str) -> list[tuple[str, float, float]]:
    return [
        (word.text, pytest.approx(word.start_s), pytest.approx(word.end_s))  # type: ignore[misc]
        for word in read(text).times or []
        if word
    ]


def zipped(**members: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return file.getvalue()


def test_notes_are_syllables_melismas_hold_them_and_a_repeat_sings_the_second_verse() -> None:
    assert times(TRUE) == [
        ("morning", 0, 3),
        ("sun", 3, 4),
        ("goes", 4, 6),
        ("on", 7, 8),
        ("evening", 8, 11),
        ("moon", 11, 12),
        ("goes", 12, 14),
        ("on", 15, 16),
        ("down", 16, 17),
    ]
    assert read(TRUE).num_lines is None
    assert [(at.word, at.pitch) for at in read(TRUE).notes][:4] == [(0, 60), (0, 60), (0, 64), (1, 60)]


def test_words_that_share_a_note_are_two() -> None:
    elided = "<lyric><syllabic>end</syllabic><text>lo</text><elision>\u203f</elision><syllabic>single</syllabic><text>e</text></lyric>"
    assert words(score(note("bel-") + note(elided) + note("lo\u203fe"))) == "bello e lo e"


def test_ties_chords_and_grace_notes_are_no_syllables() -> None:
    tied = note("go", length=1) + note(inner='<tie type="stop"/>') + note("on")
    assert times(score(tied)) == [("go", 0, 2), ("on", 2, 3)]
    chord = (
        note("go")
        + note(pitch="G4", inner="<chord/>")
        + note(inner="<grace/>").replace("<duration>2</duration>", "")
    )
    assert [(at.pitch, at.end_s) for at in read(score(chord + note("on"))).notes] == [(67, 1.0), (60, 2.0)]


def test_a_slur_holds_a_syllable_and_a_note_alone_does_not() -> None:
    slur = '<notations><slur type="{}"/></notations>'
    first, second = note("go").replace("<lyric", slur.format("start") + "<lyric"), note(inner="")
    ended = second.replace("</note>", slur.format("stop") + "</note>")
    assert times(score(first + ended + note() + note("on"))) == [("go", 0, 2), ("on", 3, 4)]


def test_tempos_change_in_a_measure_and_a_metronome_counts_its_own_unit() -> None:
    mark = (
        "<direction><direction-type><metronome><beat-unit>eighth</beat-unit><beat-unit-dot/><per-minute>= 160</per-minute>"
        "</metronome></direction-type></direction>"
    )
    assert times(score(note("one") + note("two") + mark + note("three"), note("four"))) == [
        ("one", 0, 1),
        ("two", 1, 2),
        ("three", 2, 2.5),
        ("four", 2.5, 3),
    ]


def test_a_score_without_tempo_has_words_without_times() -> None:
    lyrics = read(score(note("one"), first=""))
    assert (lyrics.words, lyrics.times) == (["one"], None)
    assert [remark.kind for remark in lyrics.remarks] == ["no_tempo"]


def test_divisions_pickups_backups_and_transposition_are_kept() -> None:
    pickup = note("a")
    second = (
        "<attributes><divisions>4</divisions><transpose><chromatic>-2</chromatic></transpose></attributes>"
        + note("way")
    )
    backup = (
        note("we")
        + note(pitch="rest")
        + "<backup><duration>8</duration></backup>"
        + note(pitch="C3", inner="")
    )
    text = score(
        pickup,
        second,
        "<attributes><divisions>2</divisions></attributes>" + backup.replace("<duration>8", "<duration>4"),
    )
    assert times(text) == [("a", 0, 1), ("way", 1, 1.5), ("we", 1.5, 2.5)]
    assert [at.pitch for at in read(text).notes] == [60, 58, 58]


def ending(number: str, text: str, last: str = "") -> str:
    return (
        f'<barline location="left"><ending number="{number}" type="start"/></barline>{text}'
        f'<barline location="right"><ending number="{number}" type="stop"/>{last}</barline>'
    )


REPEAT = '<repeat direction="backward"/>'


@every(
    ("inner", "sung"),
    [
        ([note("a"), FORWARD + note("b"), note("c") + BACKWARD, note("d")], "a b c b c d"),
        ([note("a") + BACKWARD, note("b") + BACKWARD], "a a b b"),
        ([note("a") + BACKWARD.replace("/></", ' times="3"/></')], "a a a"),
        ([note("a"), ending("1", note("b"), REPEAT), ending("2", note("c")), note("d")], "a b a c d"),
        ([note("a"), ending("1", note("b"), REPEAT), ending("2", note("c")), note("d") + BACKWARD], "a b a c d d"),
        ([note("a"), ending("1, 2", note("b"), REPEAT), ending("3", note("c"))], "a b a b a c"),
        ([note("a"), ending("1", note("b"), REPEAT), note("c")], "a b a c"),
        ([note("a"), note("b") + '<sound fine="yes"/>', note("c") + '<sound dacapo="yes"/>'], "a b c a b"),
        (
            [note("a"), '<sound segno="s"/>' + note("b"), note("c") + '<sound tocoda="c"/>', note("d") + '<sound dalsegno="s"/>',
             '<sound coda="c"/>' + note("e")],
            "a b c d b c e",
        ),
        (
            [note("a") + "<direction><direction-type><words>Fine</words></direction-type></direction>",
             note("b") + "<direction><direction-type><words>D.C. al Fine</words></direction-type></direction>"],
            "a b a",
        ),
        ([note("a"), ending("1", note("b"), REPEAT), ending("2", note("c") + '<sound dacapo="yes"/>')], "a b a c a c"),
    ],
)  # fmt: skip
def test_measures_are_sung_in_the_order_they_are_played(inner: list[str], sung: str) -> None:
    assert words(score(*inner)) == sung


def test_repeats_without_end_are_refused() -> None:
    with pytest.raises(Refused, match="lyrics_too_long"):
        read(score(note("a") + BACKWARD.replace("/></", ' times="999999"/></')))


def test_a_verse_that_no_repeat_reaches_is_told() -> None:
    lyrics = read(score(note("one", "two")))
    assert lyrics.words == ["one"]
    assert [(remark.kind, remark.text) for remark in lyrics.remarks] == [("not_reached", "verse 2: two")]


def test_a_note_that_a_verse_has_no_syllable_for_is_told() -> None:
    lyrics = read(score(note("one") + note("sun", "moon") + BACKWARD))
    assert lyrics.words == ["one", "sun", "moon"]
    assert [remark.kind for remark in lyrics.remarks] == ["verse_gap"]


def test_the_first_part_with_lyrics_is_read_with_the_tempos_of_all() -> None:
    piano = f'<part id="P0">{measures(SOUND + note())}</part>'
    voice = (
        f'<part id="P2">{measures("<attributes><divisions>2</divisions></attributes>" + note("one"))}</part>'
    )
    text = score(note(), others=voice + voice.replace("one", "two") + piano)
    assert times(text) == [("one", 0, 1)]
    assert [remark.kind for remark in read(text).remarks] == ["other_part"]


def test_a_score_by_measures_is_read_too() -> None:
    inner = f'<part id="P1"><attributes><divisions>2</divisions></attributes>{SOUND}{note("one")}</part>'
    second = f'<part id="P1">{note("two")}</part>'
    assert times(f"<score-timewise>{measures(inner, second)}</score-timewise>") == [
        ("one", 0, 1),
        ("two", 1, 2),
    ]


def test_hyphens_stand_for_syllables_where_nothing_else_does() -> None:
    plain = "<lyric><text>{}</text></lyric>"
    assert words(score(note(plain.format("mor-")) + note(plain.format("ning")))) == "morning"


def test_a_zipped_score_is_read_by_its_container() -> None:
    assert read(zipped(**{"META-INF__container_xml": CONTAINER, "score_xml": TRUE})).words == read(TRUE).words
    assert read(zipped(song_musicxml=TRUE)).form == "zipped MusicXML"
    book = CONTAINER.replace("score.xml", "book.opf")
    assert not ZIPPED.fits(zipped(**{"META-INF__container_xml": book, "book_opf": ""}))  # type: ignore[arg-type]
    with pytest.raises(Refused, match="lyrics_too_long"):
        read(zipped(song_musicxml=" " * (17 << 20)))


def test_a_score_without_lyrics_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="no note of the score has lyrics"):
        read(score(note()))


def test_what_is_written_is_read_again() -> None:
    for seed in range(250):
        comes_back(FORM, toy_song(seed, pitch=seed % 3 > 0), Kept(0.001))


def test_damaged_files_are_read_or_refused() -> None:
    assert sum(survives(FORM, TRUE.encode())) == 250
    assert sum(survives(ZIPPED, zipped(song_musicxml=TRUE))) == 250
