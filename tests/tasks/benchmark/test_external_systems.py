"""Folders become systems: a row for every song that is asked for, missing ones with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.settings.params import load_params
from jam_model.words import Word, rows_of
from tasks.benchmark.external_systems import (
    Request,
    folder_sources,
    genre_of,
    prompt_fault,
    prompt_of,
    read_request,
    truth_sources,
)
from tasks.benchmark.songs import BenchmarkSong
from tasks.benchmark.system_folders import Folder, match, read_folder
from tasks.lyrics.lyrics import Lyrics
from tasks.models.phonemizer import Pronunciation
from tasks.prompts.prompts import Prompt
from tests.tasks.tiny import write_song

TEXT = "hello moon"
TIMES = [Word("hello", 0.1, 0.4), Word("moon", 0.5, float("inf"))]


class Letters:
    def phonemize(self, words: list[str]) -> list[Pronunciation]:
        return [Pronunciation(word, 0) for word in words]


class Reads:
    def embed_text(self, text: str) -> np.ndarray:
        if "pop" not in text:
            raise ValueError("no known tag")
        return np.eye(512, dtype=np.float32)[0]


def song(number: int, times: list[Word] | None = None, **changes: object) -> BenchmarkSong:
    made = BenchmarkSong(
        f"s{number}", f"s{number}", Lyrics(["hello", "moon"], times), "soft pop", None, 1.0, None
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def prompt(of: BenchmarkSong, row: dict | None = None) -> Prompt:
    return prompt_of(of, row, Letters(), Reads(), ["pop", "folk"])  # type: ignore[arg-type]


def test_row_for_every_song_and_missing_ones_refused(tmp_path: Path) -> None:
    write_song(tmp_path / "deep" / "s1.wav", 0.2)
    write_song(tmp_path / "other.flac", 0.2)
    folder = read_folder("theirs", tmp_path)
    prompts = [prompt(song(1)), prompt(song(2))]
    found, missing = folder_sources(folder, prompts, 3)
    assert found.song_id == "s1-theirs" and found.facts["parent_audio"]["path"] == "deep/s1.wav"
    assert found.facts["refused"] is None and missing.facts["refused"] == "missing"
    assert match(prompts, folder).unused == ["other.flac"]
    moved = read_folder("theirs", (tmp_path / "deep"))
    assert folder_sources(moved, prompts, 3)[0].identity == found.identity, "where it lies decides nothing"


def test_of_candidates_the_first_that_is_there_is_judged_and_the_others_are_told_of() -> None:
    names = ("s1", "s1_1", "s1_3", "s2_10", "s2_2", "s3_1", "s4_1", "odd")
    folder = Folder("ours", Path("ours"), {name: Path(f"{name}.mp3") for name in names})
    songs = [prompt(song(number)) for number in (1, 2, 3, 5)] + [prompt(song(4, title="s3_1"))]
    found = match(songs, folder)
    assert {key: path.stem for key, path in found.files.items()} == {"s1": "s1", "s2": "s2_2", "s4": "s3_1"}
    assert found.later == ["s2"] and found.unused == ["odd.mp3"], "and s3_1 is the song of that title"
    assert found.candidates == ["s1_1.mp3", "s1_3.mp3", "s2_10.mp3", "s4_1.mp3"]
    assert match(songs[:4], folder).later == ["s2", "s3"], "without that song it is a candidate of s3"


def test_other_audio_is_another_identity(tmp_path: Path) -> None:
    write_song(tmp_path / "s1.wav", 0.2, seed=1)
    before = folder_sources(read_folder("theirs", tmp_path), [prompt(song(1))], 3)[0]
    write_song(tmp_path / "s1.wav", 0.2, seed=2)
    assert (
        folder_sources(read_folder("theirs", tmp_path), [prompt(song(1))], 3)[0].identity != before.identity
    )


def test_folder_that_cannot_be_judged_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no audio in"):
        read_folder("theirs", tmp_path)
    write_song(tmp_path / "a.wav", 0.2)
    write_song(tmp_path / "a.mp3", 0.2)
    with pytest.raises(ValueError, match="one file a song"):
        read_folder("theirs", tmp_path)
    with pytest.raises(ValueError, match="is no folder"):
        read_folder("theirs", tmp_path / "gone")
    with pytest.raises(ValueError, match="a to z"):
        Request(tmp_path / "songs.json", {"Their Model": tmp_path}, {}, None)


def test_folder_of_which_no_file_is_of_a_song_is_refused_with_both_names(tmp_path: Path) -> None:
    params = load_params()
    write_song(tmp_path / "theirs" / "take-1.wav", 0.2)
    rows = [{"id": name, "audio_path": None, "lrc_path": TEXT} for name in ("moon", "sun")]
    (tmp_path / "list.json").write_text(json.dumps(rows))
    asked = Request.of(str(tmp_path / "list.json"), [f"theirs={tmp_path / 'theirs'}"], [], None)
    with pytest.raises(ValueError, match="none of the 1 audio files") as refusal:
        read_request(asked, params.benchmark.fields, params.ingest)
    for told in (f"theirs={tmp_path / 'theirs'}", "take-1.wav", "2 songs", "moon, sun", "such as moon.wav"):
        assert told in str(refusal.value)
    write_song(tmp_path / "theirs" / "sun.wav", 0.2)
    songs, (folder,) = read_request(asked, params.benchmark.fields, params.ingest)
    assert len(songs.songs) == 2 and set(folder.files) == {"take-1", "sun"}


def test_true_songs_are_rows_of_their_own_and_uncut(tmp_path: Path) -> None:
    path = write_song(tmp_path / "x.wav", 0.2)
    songs = [song(1, TIMES, audio=path), song(2)]
    here, gone = truth_sources(songs, tmp_path, [prompt(one) for one in songs], 3)
    assert (here.song_id, here.facts["reference_duration_s"], here.facts["parent_audio"]["path"]) == (
        "s1-truth",
        None,
        "x.wav",
    )
    assert here.facts["lyrics_times"][1] == {
        "text": "moon",
        "start_s": 0.5,
        "end_s": None,
        "phonemes": None,
        "score": None,
    }
    assert gone.facts["refused"] == "missing" and gone.facts["lyrics_times"] is None


def test_prompt_takes_times_of_the_lyrics_then_of_the_true_song_then_none() -> None:
    laid = rows_of(Word(text, 0.2, 0.3, score=0.9) for text in ("hello", "moon"))
    style = np.ones((1, 512)).tolist()
    hypothesis = {"timed_words": laid, "style_embedding": style, "duration_s": 0.9}
    given, aligned, untimed = prompt(song(1, TIMES), hypothesis), prompt(song(1), hypothesis), prompt(song(1))
    assert given.words[0].start_s == 0.1 and given.is_timed
    assert aligned.words[0].start_s == 0.2 and aligned.is_timed and aligned.words[1].phonemes == "moon"
    assert not untimed.is_timed and [word.phonemes for word in untimed.words] == ["hello", "moon"]
    assert given.is_style_heard and not untimed.is_style_heard
    assert untimed.style_NS.shape == (1, 512) and untimed.genre == "pop"
    assert prompt(song(1, duration_s=None), hypothesis).duration_s == 0.9


def test_song_that_cannot_be_sung_says_what_is_lacking() -> None:
    assert prompt_fault(prompt(song(1, TIMES)), "", 0.05) is None
    assert prompt_fault(prompt(song(1)), "", 0.05) == "no_word_times"
    assert prompt_fault(prompt(song(1, TIMES, style_text="polka")), "", 0.05) == "no_style"
    assert prompt_fault(prompt(song(1, TIMES, duration_s=None)), "", 0.05) == "no_duration"
    words = (Word("그늘", 0.5, 0.9, "kɯnɯl"),)
    korean = replace(prompt(song(1, TIMES)), words=words, language="ko")
    assert prompt_fault(korean, "", 0.05) == "symbols_not_covered" and prompt_fault(korean, "ɯ", 0.05) is None


def test_genre_is_the_stated_one_or_the_only_one_named() -> None:
    assert genre_of("Pop", None, ["pop", "folk"]) == "pop"
    assert genre_of("polka", "pop", ["pop", "folk"]) is None
    assert genre_of(None, "plain folk, slow", ["pop", "folk"]) == "folk"
    assert genre_of(None, "folk pop", ["pop", "folk"]) is None
    assert genre_of(None, "popular", ["pop", "folk"]) is None
