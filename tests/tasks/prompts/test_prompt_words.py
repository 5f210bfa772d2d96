"""Words of a prompt: none is lost, hurried or given a time without a remark that names it."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from flows.settings.params import load_params
from jam_model.lyric_grid import SYMBOLS
from jam_model.words import Word
from tasks.lyrics.lyrics import Label, Lyrics, Note
from tasks.lyrics.parts.written import Remark
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import Pronunciation, build_phonemizer
from tasks.prompts.jamify_manifest import Requests, SongRequest
from tasks.prompts.prompt_words import PromptWords, prompt_words, told, words_of
from tests.tasks.prompts.test_rough_times import PARAMS

PHONEMIZER = load_params().models.phonemizer


class Letters:
    """Says every word by its own letters, but ``hmm`` not at all."""

    def phonemize(self, words: list[str]) -> list[Pronunciation]:
        return [Pronunciation("" if word == "hmm" else word, 0) for word in words]


def asked(lyrics: Lyrics, duration_s: float = 10.0, bpm: float | None = None) -> PromptWords:
    return prompt_words(lyrics, duration_s, bpm, Letters(), PARAMS)  # type: ignore[arg-type]


def at(*starts_s: float, lasts_s: float = 0.5, texts: str = "moon light over the river hmm") -> Lyrics:
    words = [
        Word(text, start_s, start_s + lasts_s) for text, start_s in zip(texts.split(), starts_s, strict=False)
    ]
    return Lyrics([word.text for word in words], [*words])


def kinds(words: PromptWords) -> dict[str, str]:
    """The first remark of each kind."""
    return {remark.kind: remark.text for remark in reversed(words.remarks)}


def check_songs_in_their_languages() -> None:
    """Each song's words as its language has them; where the model lacks their symbols the row is refused, with what to do."""
    params = PHONEMIZER.model_copy(update={"language": "ko", "symbols": "ipa"})
    korean = SongRequest("a", "a", Lyrics(["그늘"]), Path("style"), False, 10.0)

    def words(symbols: str, own: str) -> tuple[dict[str, PromptWords], Requests]:
        requests = Requests([korean], [])
        asked = params.model_copy(update={"symbols": symbols})
        return words_of(requests, asked, PARAMS, own, 0.05), requests

    found, requests = words("ipa", "")
    assert not found and not requests.songs and requests.refused[0].reason == "symbols_not_covered"
    assert (
        "its words are Korean" in requests.refused[0].detail
        and "jam.own_symbols" in requests.refused[0].detail
    )
    assert "symbols_not_covered" in str(words("released", "")[1].refused[0])
    phonemes = build_phonemizer(params).phonemize(["그늘"])[0].phonemes
    own = "".join(sorted(set(phonemes) - SYMBOLS.keys()))
    found, requests = words("ipa", own)
    assert own and not requests.refused and found["a"].is_heard == [True]
    assert found["a"].rough.to_json()["language"] == "ko"


def test_every_word_that_the_model_cannot_hear_is_named_with_its_reason() -> None:
    check_songs_in_their_languages()
    song = at(1.0, 2.0, 3.0, 9.9999, 12.0, 5.0)
    song.times[1] = Word("light", 2.0, 2.0)  # type: ignore[index]
    words = asked(song)
    assert words.is_heard == [True, False, True, False, False, False]
    assert kinds(words) == {
        "no_room": "word 2 'light' at 2.00 s lasts 0.000 s",
        "past_end": "word 4 'the' at 10.00 s, the song ends at 9.98 s",
        "no_phonemes": "word 6 'hmm'",
    }
    assert "word 5 'river' at 12.00 s" in [one.text for one in words.remarks if one.kind == "past_end"][1]


def test_a_word_under_a_later_one_is_lost_and_told() -> None:
    song = Lyrics(["la", "over"], [Word("la", 1.0, 2.0), Word("over", 0.5, 3.0)])
    assert kinds(asked(song)).keys() == {"covered"}


def test_words_that_all_are_heard_in_time_leave_no_remark() -> None:
    assert not asked(at(1.0, 2.0, 3.0, 4.0, 5.0)).remarks


@pytest.mark.parametrize(("lasts_s", "is_told"), [(0.2, False), (0.1, True)])
def test_more_syllables_a_second_than_can_be_sung_are_told(lasts_s: float, is_told: bool) -> None:
    song = at(*(lasts_s * number for number in range(20)), lasts_s=lasts_s, texts="la " * 20)
    found = [remark.text for remark in asked(song).remarks if remark.kind == "hurried"]
    assert len(found) == (20 if is_told else 0)
    assert not found or "10.0 syllables a second are asked for, at most 7" in found[0]


def test_lyrics_crammed_into_a_short_song_are_told_and_all_heard() -> None:
    words = asked(Lyrics(["la"] * 10), 1.0)
    assert words.is_rough and all(words.is_heard) and set(kinds(words)) == {"hurried"}


def test_a_word_without_a_time_among_others_that_have_one_is_told() -> None:
    song = at(1.0, 2.0, 3.0)
    song.times[1] = None  # type: ignore[index]
    assert kinds(asked(song)) == {"no_time": "word 2 'light' got a share of what stands beside it"}


def test_times_of_lines_are_kept_and_a_tempo_comes_before_them() -> None:
    song = read_lyrics(b"[00:02.00]moon light\n[00:05.00]over the river\n", 1000, 100)
    assert [word.start_s for word in asked(song).words] == [2.0, 2.7, 5.0, 5.7, 6.05]
    assert asked(song, bpm=120.0).words[0].start_s == 2.0 and asked(song, bpm=120.0).is_rough
    assert asked(song, bpm=60.0).words[0].start_s == 4.0


def test_the_lyrics_as_sung_are_those_that_are_heard_with_lines_labels_and_notes_in_place() -> None:
    song = replace(
        at(12.0, 2.0, 3.0, 4.0, 5.0, 6.0),
        line_starts=[0, 1, 4],
        breaks=[4],
        notes=[Note(0, 12.0, 12.5, 60), Note(4, 5.0, 5.5, 62)],
        labels=[Label(0, "Verse"), Label(4, "Chorus"), Label(6, "Outro")],
    )
    sung = asked(song).as_sung()
    assert sung.words == ["light", "over", "the", "river"]
    assert [word.start_s for word in sung.times] == [2.0, 3.0, 4.0, 5.0]  # type: ignore[union-attr]
    assert sung.line_starts == [0, 3] and sung.breaks == [3] and list(sung.notes) == [Note(3, 5.0, 5.5, 62)]
    assert [(label.before, label.text) for label in sung.labels] == [
        (0, "Verse"),
        (3, "Chorus"),
        (4, "Outro"),
    ]
    assert not asked(at(12.0)).as_sung().words, "a song may be left without any"


def test_an_open_end_is_the_next_start() -> None:
    song = Lyrics(["moon", "light"], [Word("moon", 1.0, inf), Word("light", 2.0, inf)])
    assert [(word.start_s, word.end_s) for word in asked(song).words] == [(1.0, 2.0), (2.0, 10.0)]


def test_remarks_of_many_songs_are_a_line_a_kind() -> None:
    songs = [
        (f"s{number}", [Remark("label", 1, "[Verse]"), Remark("label", 2, "[Chorus]")]) for number in range(3)
    ]
    assert list(told([*songs, ("s3", [Remark("hurried", 0, "word 1")])])) == [
        "hurried 1 in 1 of 4 songs (hardly to be sung; give a longer duration or fewer words): s3: word 1",
        "label 6 in 3 of 4 songs: s0: line 1: [Verse]; s0: line 2: [Chorus]; s1: line 1: [Verse]; ...",
    ]
    assert list(told(songs[:1])) == ["label 2: line 1: [Verse]; line 2: [Chorus]"]
