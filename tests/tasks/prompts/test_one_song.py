"""One song's lyrics and style: word times that can be edited, and nothing written where the song cannot be sung."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from flows.settings.params import load_params
from jam_model.durations.checkpoint import save_durations
from jam_model.durations.config import DurationConfig
from jam_model.durations.network import DurationNet
from tasks.lyrics.read import read_lyrics
from tasks.models.phonemizer import build_phonemizer
from tasks.prompts.one_song import OneSong, WrittenRequest, write_request
from tasks.prompts.predicted_times import Predictor
from tasks.prompts.prompt_words import prompt_words
from tests.every import every

TIMED = json.dumps([{"word": "moon", "start": 0.1, "end": 0.5}])


def write(
    root: Path,
    predictor: Predictor | None = None,
    text: str | None = "[Verse]\nmoon light\n\nover me\n",
    **options: object,
) -> WrittenRequest:
    """The request of lyrics, for a model of 13.4 s."""
    given = {"style": "pop", "bpm": None, "duration_s": None, **options}
    if text is not None:
        (root / "song.txt").write_text(text)
    params = load_params()
    return write_request(
        OneSong(root / "song.txt", **given),  # type: ignore[arg-type]
        params.models.phonemizer,
        params.rough_times,
        params.ingest,
        288,
        root / "request",
        predictor,
    )


def test_words_without_times_get_some_in_their_lines_and_what_was_left_out_is_kept(tmp_path: Path) -> None:
    made = write(tmp_path, bpm=120.0)
    row = json.loads(made.manifest.read_text())[0]
    assert row["id"] == "song" and row["duration"] == 10.0 and Path(row["lrc_path"]) == made.timed
    words = json.loads(made.timed.read_text())["word"]
    assert [(word["word"], word["line"]) for word in words] == [
        ("moon", 1),
        ("light", 1),
        ("over", 2),
        ("me", 2),
    ]
    assert [remark.text for remark in made.remarks] == ["[Verse]"]


def test_a_length_alone_is_enough_and_is_the_songs(tmp_path: Path) -> None:
    made = write(tmp_path, duration_s=7.0)
    assert json.loads(made.manifest.read_text())[0]["duration"] == 7.0
    assert json.loads(made.timed.read_text())["word"][-1]["end"] <= 7.0


def test_edited_times_are_never_written_over(tmp_path: Path) -> None:
    made = write(tmp_path, bpm=120.0)
    assert write(tmp_path, bpm=120.0) == made
    with pytest.raises(
        ValueError, match=r"holds other times than .*song.txt at 121 bpm would get.*remove the file"
    ):
        write(tmp_path, bpm=121.0)


@every(
    ("options", "words"),
    [
        ({"duration_s": 44.0}, "'song': duration is 44.0 s, at most 13.4 s; give a shorter --duration"),
        (
            {"bpm": 60.0, "text": "moon\n" * 11},
            "'song': duration is 52.0 s, at most 13.4 s; give fewer words",
        ),
        ({"duration_s": 0.0}, "duration is 0 s; give a second or more"),
        ({"text": TIMED}, "does not say how long the song is; give --duration"),
        ({"text": "[00:01.00]moon\n"}, "does not say how long the song is; give --duration"),
        ({}, "has no times; give --bpm or --duration"),
        ({"bpm": 5.0}, "bpm: 5 is out of range"),
        ({"bpm": 90.0, "style": None}, "--lyrics needs --style"),
        ({"bpm": 90.0, "text": "[Verse]"}, "song.txt: lyrics_empty"),
        ({"bpm": 90.0, "text": None}, "song.txt is no file"),
    ],
)
def test_what_cannot_be_sung_is_refused_and_nothing_is_written(
    tmp_path: Path, options: dict, words: str
) -> None:
    with pytest.raises(ValueError) as refusal:
        write(tmp_path, **options)
    assert words in str(refusal.value)
    assert not (tmp_path / "request").exists()


def test_words_get_the_times_that_are_asked_for_and_which_they_are_is_told(tmp_path: Path) -> None:
    """Predicted ones where a predictor stands, another for each candidate; rough ones on request; or those of a file."""
    torch.manual_seed(0)
    net = DurationNet(DurationConfig("ˈaeimnouɪʊlvt", 8, 16, 2, 0, 0.01, 0.4, 0.1))
    save_durations(tmp_path / "net", net, "")
    style = load_params().models.style_encoder
    predictor = Predictor(tmp_path / "net", 1.0, 0, style)
    rough = write(tmp_path, duration_s=9.0)
    assert rough.how == "rough ones" and rough.rows == 1
    written = rough.timed.read_bytes()
    rough.timed.unlink()
    assert write(tmp_path, predictor, duration_s=9.0, times="rough").timed.read_bytes() == written
    rough.timed.unlink()
    made = write(tmp_path, predictor, duration_s=9.0, candidates=2)
    assert made.how == "predicted ones by net" and made.rows == 2
    rows = json.loads(made.manifest.read_text())
    assert [(row["id"], row["duration"]) for row in rows] == [("song", 9.0), ("song_1", 9.0)]
    one, other = (json.loads(Path(row["lrc_path"]).read_text())["word"] for row in rows)
    assert [word["line"] for word in one] == [1, 1, 2, 2] and one != other
    assert one[-1]["end"] <= 9 and all(a["end"] <= b["start"] for a, b in pairwise(one))
    assert write(tmp_path, predictor, duration_s=9.0, candidates=2) == made
    made.timed.unlink()
    sung = write(tmp_path, replace(predictor, phones=True), duration_s=9.0)
    lyrics = read_lyrics(sung.timed.read_bytes(), 10_000, 100)
    phonemizer, rough_times = load_params().models.phonemizer, load_params().rough_times
    asked = prompt_words(lyrics, 9.0, None, build_phonemizer(phonemizer), rough_times, filler="sung")
    assert asked.phones and all(asked.phones), "a model that lays phones where they are sung knows them all"
    assert "phones_unknown" not in {remark.kind for remark in asked.remarks}
    sung.timed.unlink()
    answer = tmp_path / "answer.txt"
    answer.write_text(
        'Here: [{"word": "moon", "start": "0:01", "end": 2}, {"word": "over", "start": 4, "end": 4.5}, '
        '{"word": "me", "start": 4.4, "end": 5}]'
    )
    given = write(tmp_path, predictor, duration_s=9.0, times=answer)
    assert (
        given.how
        == f"those of {answer}, times that are no seconds (1), words without a time (1), words that overlap the next (1)"
    )
    times = [(word["start"], word["end"]) for word in json.loads(given.timed.read_text())["word"]]
    assert times == [(1, 2), (2, 4), (4, 4.4), (4.4, 5)]
    answer.write_text("I cannot do that.")
    for options, message in (
        ({"times": answer, "duration_s": 9.0}, "answer.txt: times_malformed: no list of words with times"),
        ({"times": answer}, "does not say how long the song is; give --duration"),
        ({"times": "predicted", "duration_s": 9.0}, "run `jam durations` first"),
        ({"times": "rough", "duration_s": 9.0, "text": TIMED}, "has times of its words, which are kept"),
    ):
        with pytest.raises(ValueError, match=message):
            write(tmp_path, **options)  # type: ignore[arg-type]


def test_words_in_time_keep_their_times_and_get_the_phones_that_a_model_wants_told(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_durations(
        tmp_path / "net", DurationNet(DurationConfig("ˈaeimnouɪʊlvt", 8, 16, 2, 0, 0.01, 0.4, 0.1)), ""
    )
    predictor = Predictor(tmp_path / "net", 1.0, 0, load_params().models.style_encoder, phones=True)
    timed = json.dumps(
        [{"word": "moon", "start": 0.1, "end": 0.5}, {"word": "light", "start": 0.7, "end": 1.4}]
    )
    assert write(tmp_path, replace(predictor, phones=False), timed, duration_s=9.0).timed.name == "song.txt"
    made = write(tmp_path, predictor, timed, duration_s=9.0)
    assert made.how.endswith("song.txt, their phones as predicted by net") and made.rows == 1
    words = json.loads(made.timed.read_text())["word"]
    assert [(word["start"], word["end"]) for word in words] == [(0.1, 0.5), (0.7, 1.4)]
    for word in words:
        assert (word["phones"][0]["start"], word["phones"][-1]["end"]) == (word["start"], word["end"])
    half = json.dumps([{"word": "moon", "start": 0.1, "end": 0.5}, {"word": "light"}])
    assert write(tmp_path, predictor, half, duration_s=9.0).timed.name == "song.txt", "its reader tells of it"


def test_lines_that_are_timed_hold_while_a_predictor_places_their_words(tmp_path: Path) -> None:
    """Each candidate anew; a line without time for its phones is told; a tempo, or rough ones, lay the words by rule as ever."""
    torch.manual_seed(0)
    save_durations(
        tmp_path / "net", DurationNet(DurationConfig("ˈaeimnouɪʊlvt", 8, 16, 2, 0, 0.01, 0.4, 0.1)), ""
    )
    predictor = Predictor(tmp_path / "net", 1.0, 0, load_params().models.style_encoder, phones=True)
    text = "[00:01.23]moon light\n\n[00:03.50]over me\n[00:03.503]moon light moon\n[00:06.00]\n[00:07.00]me\n"
    made = write(tmp_path, predictor, text=text, duration_s=9.0, candidates=2)
    assert (
        made.how
        == "predicted ones by net within the times of 4 lines (1 too short for their words, dealt evenly)"
    )
    rows = json.loads(made.manifest.read_text())
    one, other = (json.loads(Path(row["lrc_path"]).read_text())["word"] for row in rows)
    assert one != other
    for words in (one, other):
        assert [words[number]["start"] for number in (0, 2, 4, 7)] == [1.23, 3.5, 3.503, 7.0]
        assert words[6]["end"] <= 6.0 and words[-1]["end"] <= 9.0, "a line ends before what ends it"
        assert all(a["start"] <= a["end"] <= b["start"] for a, b in pairwise(words))
        assert all(word["phones"][-1]["end"] == pytest.approx(word["end"], abs=1e-3) for word in words)
    made.timed.unlink()
    rule = write(tmp_path, text=text, duration_s=9.0)
    by_rule = rule.timed.read_bytes()
    rule.timed.unlink()
    rough = write(tmp_path, predictor, text=text, duration_s=9.0, times="rough")
    assert rough.how == "rough ones" and rough.timed.read_bytes() == by_rule
