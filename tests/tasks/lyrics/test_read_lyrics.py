"""Lyrics files of every form become the words that are sung, or say why not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from tasks.engine.song import Refused
from tasks.lyrics.convert import convert
from tasks.lyrics.forms import lrc, subtitles, ttml, ultrastar
from tasks.lyrics.language import in_their_language
from tasks.lyrics.lyrics import Lyrics
from tasks.lyrics.parts.smf import chunk
from tasks.lyrics.parts.written import NOT_LYRICS
from tasks.lyrics.read import read_lyrics, stated_detail
from tasks.models.many_languages import SongLanguages
from tests.every import every


def read(text: str | bytes, max_words: int = 100, **options: object) -> Lyrics:
    data = text if isinstance(text, bytes) else text.encode()
    return read_lyrics(data, max_bytes=10_000, max_words=max_words, **options)  # type: ignore[arg-type]


def reason(text: str | bytes, **options: int) -> str:
    with pytest.raises(Refused) as error:
        read(text, **options)
    return error.value.reason


def times(lyrics: Lyrics) -> list[tuple[str, float, float] | None]:
    return [t and (t.text, t.start_s, t.end_s) for t in lyrics.times or []]


def lines(lyrics: Lyrics) -> list[tuple[str, float, float]]:
    return [(t.text, t.start_s, t.end_s) for t in lyrics.lines or []]


def kinds(lyrics: Lyrics) -> set[str]:
    return {remark.kind for remark in lyrics.remarks}


@every("wrap", [lambda rows: rows, lambda rows: {"word": rows, "char": [], "segment": []}])
def test_json_is_a_list_of_words_or_a_nemo_dump(wrap: object) -> None:
    rows = [
        {"word": "Hello,", "start": 0.5, "end": 1, "start_offset": 6, "phoneme": "x"},
        {"word": "Moon!", "start": 1.0, "end": 1.5},
    ]
    lyrics = read(json.dumps(wrap(rows)))  # type: ignore[operator]
    assert lyrics.words == ["hello", "moon"]
    assert times(lyrics) == [("hello", 0.5, 1.0), ("moon", 1.0, 1.5)]


def test_nemo_frame_numbers_are_eighty_milliseconds() -> None:
    rows = [
        {"word": "Never", "start_offset": 8, "end_offset": 13},
        {"word": "been", "start_offset": 13, "end_offset": 16, "start": None, "end": None},
        {"word": "seen", "start_offset": 99, "end_offset": 99, "start": 1.3, "end": 2},
    ]
    dump = {"char": [{"char": ["N"]}], "word": rows, "segment": [{"segment": "Never been seen"}]}
    assert times(read(json.dumps(dump))) == [
        ("never", pytest.approx(0.64), pytest.approx(1.04)),
        ("been", pytest.approx(1.04), pytest.approx(1.28)),
        ("seen", 1.3, 2.0),
    ]


def test_json_without_any_times_is_untimed() -> None:
    lyrics = read('[{"word": "la"}, {"word": "li", "start": null}]')
    assert (lyrics.words, lyrics.times) == (["la", "li"], None)


def test_json_entry_of_several_words_shares_its_time_by_letters() -> None:
    lyrics = read('[{"word": "la-lala", "start": 1, "end": 4}, {"word": "♪", "start": 4, "end": 5}]')
    assert times(lyrics) == [("la", 1.0, 2.0), ("lala", 2.0, 4.0)]


@every(
    ("second", "kind"),
    [
        ('{"word": "li"}', None),
        ('{"word": "li", "start": -1, "end": 2}', "bad_time"),
        ('{"word": "li", "start": NaN, "end": 2}', "bad_time"),
        ('{"word": "li", "start": "soon", "end": 2}', "bad_time"),
        ('{"word": "li", "start": true, "end": 2}', "bad_time"),
        ('{"word": "li", "start": 1' + "0" * 400 + ', "end": 2}', "bad_time"),
        ('{"word": "li", "start": 0.95, "end": 2}', "back_in_time"),
    ],
)
def test_a_time_that_cannot_be_costs_its_word_the_time_and_nothing_else(
    second: str, kind: str | None
) -> None:
    first, third = '{"word": "la", "start": 1, "end": 1.4}', '{"word": "lo", "start": 2, "end": 3}'
    lyrics = read(f"[{first}, {second}, {third}]")
    assert lyrics.words == ["la", "li", "lo"]
    assert times(lyrics) == [("la", 1.0, 1.4), None, ("lo", 2.0, 3.0)]
    assert kinds(lyrics) == ({kind} if kind else set())


def test_an_end_that_cannot_be_or_is_not_stated_is_open_and_an_entry_without_text_is_told() -> None:
    rows = '[{"word": "la", "start": 1, "end": 0.5}, {"start": 0, "end": 1}, {"word": "li", "start": 2}]'
    lyrics = read(rows)
    assert times(lyrics) == [("la", 1.0, math.inf), ("li", 2.0, math.inf)]
    assert kinds(lyrics) == {"bad_time", "no_text"}


@every("text", ['[{"word": "la"', '{"word": [', "[[" * 5000])
def test_json_that_breaks_off_is_refused(text: str) -> None:
    assert reason(text, **{}) == "lyrics_malformed"


@every("text", ['{"title": "Moon", "bpm": 120}', "[[1], 2]", "<?xml version='1.0'?><a/>"])
def test_facts_without_words_are_told_from_lyrics(text: str) -> None:
    assert reason(text) == NOT_LYRICS


def test_lrc_lines_are_sorted_and_last_until_the_next_stamp() -> None:
    lyrics = read("[ar:Ann]\n[00:02.50]Two words\n[00:01]one\n[00:04.000]\n[01:00:50]last")
    assert lyrics.words == ["one", "two", "words", "last"]
    assert lines(lyrics) == [("one", 1.0, 2.5), ("two words", 2.5, 4.0), ("last", 60.5, math.inf)]
    assert lyrics.times is None


def test_lrc_line_with_several_stamps_is_sung_several_times() -> None:
    assert read("[00:01.00][00:03.00]la\n[00:02.00]li").words == ["la", "li", "la"]


@every(
    ("stamp", "start_s"),
    [
        ("[00:02.5]", 2.5),
        ("[00:02.05]", 2.05),
        ("[00:02.005]", 2.005),
        ("[00:02,05]", 2.05),
        ("[00:02:05]", 2.05),
        ("[01:00:02.050]", 3602.05),
        ("[ 00:02.05 ]", 2.05),
        ("[0:2.050000]", 2.05),
        ("[100:02.05]", 6002.05),
    ],
)
def test_lrc_stamps_are_read_as_tools_write_them(stamp: str, start_s: float) -> None:
    assert lines(read(f"{stamp}la")) == [("la", pytest.approx(start_s), math.inf)]


def test_stamps_whose_third_numbers_never_pass_59_in_a_whole_file_have_hours() -> None:
    text = "".join(f"[00:00:{second:02d}]la\n" for second in range(2, 58, 4))
    assert [start for _, start, _ in lines(read(text))] == [float(second) for second in range(2, 58, 4)]


@every(
    ("offset", "start_s"),
    [("+500", 1.5), ("-500", 2.5), ("500 ms", 1.5), ("0.5s", 1.5), ("", 2.0), ("soon", 2.0)],
)
def test_lrc_offset_moves_lines_earlier_and_one_that_is_no_number_moves_none(
    offset: str, start_s: float
) -> None:
    lyrics = read(f"[offset:{offset}]\n[00:02.00]la")
    assert lines(lyrics) == [("la", start_s, math.inf)]
    assert kinds(lyrics) == ({"bad_time"} if offset == "soon" else set())


def test_enhanced_lrc_gives_word_times() -> None:
    lyrics = read("[00:01.00]<00:01.00>One <00:01.50>two<00:02.00>\n[00:03.00]<00:03.00>la<00:03.50>")
    assert times(lyrics) == [("one", 1.0, 1.5), ("two", 1.5, 2.0), ("la", 3.0, 3.5)]


def test_syllables_without_a_blank_between_them_are_one_word() -> None:
    lyrics = read("[00:01.00]<00:01.00>win<00:01.20>dow <00:01.50>let <00:02.00>\n")
    assert times(lyrics) == [("window", 1.0, 1.5), ("let", 1.5, 2.0)]


def test_words_written_without_any_blank_between_their_stamps_are_words() -> None:
    assert read("[00:01.00]<00:01.00>open<00:01.20>the<00:01.50>door").words == ["open", "the", "door"]


def test_stamps_in_square_brackets_inside_a_line_are_those_of_words() -> None:
    lyrics = read("[00:01.00]one [00:01.50]two [00:02.00]\n")
    assert times(lyrics) == [("one", 1.0, 1.5), ("two", 1.5, 2.0)]


def test_a_word_or_a_line_without_a_stamp_costs_no_other_word_its_time() -> None:
    lyrics = read("[00:01.00]<00:01.00>One two three four <00:02.00>rock-n-roll<00:02.60>\n[00:03.00]la\nli")
    assert lyrics.words == ["one", "two", "three", "four", "rock", "n", "roll", "la", "li"]
    assert [word and word.start_s for word in lyrics.times or []] == [
        1.0, None, None, None, 2.0, pytest.approx(2.2667, abs=1e-3), pytest.approx(2.3333, abs=1e-3), None, None,
    ]  # fmt: skip
    assert lines(lyrics)[1] == ("la li", 3.0, math.inf)  # it goes on the line before


def test_untimed_lines_before_the_first_stamp_are_a_title_and_in_greater_number_words() -> None:
    lyrics = read("Open Gate - Jane Roe\n[00:02.00]la")
    assert (lyrics.words, kinds(lyrics)) == (["la"], {"title"})
    assert read("one\ntwo\nthree\n[00:02.00]la").words == ["one", "two", "three", "la"]


def test_of_two_texts_under_one_stamp_the_first_is_taken_and_the_rest_are_told() -> None:
    lyrics = read("[00:01.00]la la\n[00:01.00]otra vez\n[00:02.00]li\n[00:02.00]li")
    assert (lyrics.words, kinds(lyrics)) == (["la", "la", "li", "li"], {"translation"})


def test_backing_vocals_of_a_line_of_their_own_are_words_with_their_times() -> None:
    lyrics = read(
        "[00:01.00]<00:01.00>one <00:02.00>\n[bg:<00:02.10>oh <00:02.40>]\n[00:03.00]<00:03.00>two <00:04.00>"
    )
    assert times(lyrics) == [("one", 1.0, 2.0), ("oh", 2.1, 2.4), ("two", 3.0, 4.0)]


def test_labels_go_and_are_kept_beside_and_backing_words_stay() -> None:
    text = "[Verse 1: Ann]\nVerse 2:\nI say (oh yeah) hello [x]\nla la x2\nla (x3)\nChorus of birds"
    lyrics = read(text)
    assert lyrics.words == ["i", "say", "oh", "yeah", "hello", "la", "la", "la", "chorus", "of", "birds"]
    assert [(label.before, label.text) for label in lyrics.labels] == [
        (0, "Verse 1: Ann"),
        (0, "Verse 2"),
        (5, "x"),
    ]
    assert kinds(lyrics) == {"label", "repeat"}


@every(
    "label",
    ["[Chorus]", "(Chorus)", "{Chorus}", "【副歌】", "Chorus", "Chorus:", "CHORUS", "*Chorus*", "# Chorus", "Final Chorus",
     "Pre-Chorus 2", "Verse II", "Verse One:", "Hook:", "[Hook]", "(Instrumental)", "♪ Interlude ♪", "Chorus x2", "--- Bridge ---",
     "Estribillo", "Couplet 2", "Refrain", "Strophe 1", "Ritornello", "Refrão", "Zwrotka 2", "Припев:", "Куплет 1", "サビ",
     "副歌", "후렴", "Nakarat", "Omkvæd"],
)  # fmt: skip
def test_a_line_that_names_a_part_is_a_label_in_every_bracket_and_language(label: str) -> None:
    lyrics = read(f"la la\n{label}\nlo\n")
    assert lyrics.words == ["la", "la", "lo"]
    assert [found.before for found in lyrics.labels] == [2]


@every(
    "line",
    [
        "Bridge over water",
        "Hook",
        "Break",
        "solo",
        "You are my chorus",
        "(oh chorus of mine)",
        "Final",
        "I see music",
        "ponte",
    ],
)
def test_a_line_that_could_be_sung_stays(line: str) -> None:
    assert len(read(f"la\n{line}\n").words) == 1 + len(line.replace("(", "").replace(")", "").split())


@every(
    "credit",
    ["Lyrics by: Jane Roe", "Written by Jane Roe", "Composed by：John", "Music & Lyrics by Ann", "作词 : 林夕", "作曲：陈", "Letra: Ana",
     "Paroles : Anne", "Producer: Bo", "© 2020 Some Label", "All rights reserved", "https://example.org/x", "www.example.org",
     "Lyrics provided by Somebody", "Title: Open Gate"],
)  # fmt: skip
def test_lines_that_tell_who_made_the_song_are_credits(credit: str) -> None:
    lyrics = read(f"{credit}\nla la\n")
    assert (lyrics.words, kinds(lyrics)) == (["la", "la"], {"credit"})


def test_a_stamped_title_line_is_told_from_words_by_the_files_own_facts() -> None:
    text = "[ti:Open Gate]\n[ar:Jane Roe]\n[00:00.00]Jane Roe - Open Gate\n[00:02.00]open gate"
    assert read(text).words == ["open", "gate"]


def test_names_before_a_colon_are_voices_where_they_return_and_words_where_they_do_not() -> None:
    assert read("Ann: la\nBob: li\nAnn: lo\nBob: lu").words == ["la", "li", "lo", "lu"]
    assert read("F: la\nM: li\nBoth: lo").words == ["la", "li", "lo"]
    assert read("Remember: la\nli").words == ["remember", "la", "li"]


def test_a_page_of_a_lyrics_site_is_no_words() -> None:
    text = "2 ContributorsOpen Gate Lyrics[Verse 1]\nla la\nYou might also like[Chorus]\nli water5Embed"
    assert read(text).words == ["la", "la", "li", "water"]


def test_chords_above_and_inside_words_go_and_a_line_that_is_a_word_stays() -> None:
    sheet = "Am      G   C/E\nopen the win[Am]dow\ne|--0--2--3-|\n[G]let it in\n"
    assert read(sheet).words == ["open", "the", "window", "let", "it", "in"]
    assert read("A\nlong day\n").words == ["a", "long", "day"]


def test_letters_that_cannot_be_seen_or_only_look_like_others_are_mended_and_told() -> None:
    lyrics = read("win\u200bdow c\u0430rry &amp; it&#39;s <i>me</i> Привет")
    assert lyrics.words == ["window", "carry", "&", "it's", "me", "привет"]
    assert kinds(lyrics) == {"invisible", "look_alike", "entity", "markup"}


@every("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1", "cp1252"])
def test_text_is_read_in_every_common_encoding(encoding: str) -> None:
    assert read("Café la".encode(encoding)).words == ["café", "la"]


def test_windows_quotes_are_apostrophes_and_text_misread_before_is_refused_by_name() -> None:
    assert read(b"I don\x92t know").words == ["i", "don't", "know"]
    for text in ("I donâ€™t know", "la cafÃ© la", "lost \ufffd letters"):
        assert reason(text) == "lyrics_mojibake"


@every("head", [b"%PDF-1.4", b"{\\rtf1 la}", b"<!DOCTYPE html><html>", b"\xd0\xcf\x11\xe0"])
def test_documents_of_other_programs_are_refused(head: bytes) -> None:
    assert reason(head + b" la la") == "lyrics_malformed"


def test_limits_and_empty_lyrics_have_their_reasons() -> None:
    assert reason("la " * 101) == "lyrics_too_long"
    assert reason(b"a" * 10_001) == "lyrics_too_long"
    assert reason("[Chorus]\n...") == "lyrics_empty"
    assert reason('{"word": []}') == "lyrics_empty"
    assert reason(b"la\0la") == "lyrics_malformed"


@every(
    ("text", "num_lines"),
    [
        ("[Verse]\nla la\n\nChorus:\nli\n♪\n", 2),
        ("[00:01.00]la la\n[00:02.00]\n[00:03.00][00:05.00]li\n", 3),
        ('[{"word": "la"}]', None),
    ],
)
def test_lines_are_counted_where_a_format_has_lines(text: str, num_lines: int | None) -> None:
    assert read(text).num_lines == num_lines


def test_what_states_more_is_told_from_what_states_less() -> None:
    texts = ['[{"word": "la", "start": 1, "end": 2}]', "[00:01.00]la", "la", '{"bpm": 3}']
    assert [stated_detail(text.encode()) for text in texts] == [3, 2, 1, 0]


def test_words_without_times_share_what_their_neighbours_leave_and_all_stand_in_order() -> None:
    rows = '[{"word": "a"}, {"word": "b", "start": 1, "end": 2}, {"word": "c"}, {"word": "d"}, {"word": "e", "start": 4}]'
    timed = read(rows).fully_timed(6.0)
    assert timed is not None
    assert [(word.text, word.start_s, word.end_s) for word in timed] == [
        ("a", 0.0, 1.0), ("b", 1.0, 2.0), ("c", 2.0, 3.0), ("d", 3.0, 4.0), ("e", 4.0, 6.0),
    ]  # fmt: skip


STATED = {
    "en": b"[la:en]\n[00:01.00]open the window\n",
    "Deutsch": b"#TITLE:x\n#LANGUAGE:Deutsch\n#BPM:300\n#GAP:0\n: 0 4 0 auf\nE\n",
    "fr-FR": b'<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="fr-FR"><body><div><p begin="1s" end="2s">la</p></div></body></tt>',
    "ko": "WEBVTT\nKind: captions\nLanguage: ko\n\n00:01.000 --> 00:02.000\n사랑해\n".encode(),
    "ja": '{"language": "ja", "segments": [{"start": 1, "end": 2, "text": "愛してる さくら"}]}'.encode(),
    "zh": '{"lyrics": "我爱你\\n月亮", "vocal_language": "zh"}'.encode(),
    "es": chunk(b"MThd", bytes([0, 0, 0, 1, 1, 244]))
    + chunk(b"MTrk", b"\0\xff\x01\x06@LSPAN" + b"\0\xff\x05\x05luna " + b"\0\xff\x2f\0"),
}


def test_a_language_that_a_file_states_is_believed_where_its_letters_can_be_of_it() -> None:
    known = SongLanguages(("en", "ko", "zh"), "en", 20)
    assert {stated: read(data).language for stated, data in STATED.items()} == {one: one for one in STATED}
    assert read("[00:01.00]la").language == ""
    assert read(json.dumps({"language": "en]\n[00:09.00]x", "lyrics": "la"})).language == "en000900x"

    def told(text: str, listed: str | None = None) -> tuple[str | None, list[str], list[str]]:
        lyrics, language = in_their_language(read(text.encode()), known, listed)
        return language, lyrics.words, [one.text for one in lyrics.remarks if one.kind == "bad_language"]

    assert told("[la:ZH-TW]\n我爱你 baby") == ("zh", ["我", "爱", "你", "baby"], [])
    assert told("[la:en]\n사랑해 baby", "ko") == ("ko", ["사랑해", "baby"], [])
    assert told("[la:en]\n사랑해") == (
        "ko",
        ["사랑해"],
        ["'en', but no letter is English: found by its text"],
    )
    assert told("[la:und]\n사랑해")[2] == ["'und' names no one language: found by its text"]
    assert told("[la:en, ko]\n사랑해")[0] == "ko" and told("oh la")[0] is None
    for words, by in (("[la:sv]\nhej", "lyrics file says 'sv'"), ("[lang:Svenska]\nhej", "says 'Svenska'")):
        with pytest.raises(Refused, match=f"language_not_covered.*{by}, read are en, ko, zh"):
            told(words)
    for form in (lrc.FORM, ultrastar.FORM, ttml.FORM, subtitles.VTT, subtitles.SRT):
        done = convert(replace(read("[la:ko]\n[00:01.00]love\n[00:02.00]you"), language="ko"), form)
        assert ("its language, ko" in done.lost) == (form is subtitles.SRT), form.name
