"""Seconds of a song that stay: as they are written, as a control, and what is wrong in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from eval.pages.lanes import Played
from flows.settings.params import load_params
from jam_model.checkpoint import fresh_model, save_model
from jam_model.config import JamConfig
from jam_model.frames import HOP_SAMPLES, SAMPLE_RATE_HZ
from jam_model.words import Word
from tasks.audio.read import flac_bytes
from tasks.lyrics.lyrics import Lyrics
from tasks.models.codec import build_codec
from tasks.prompts.asked_controls import check_asked
from tasks.prompts.control_prompts import ControlMakers, check_files, controls_of, request_of
from tasks.prompts.jamify_manifest import read_requests
from tasks.prompts.kept_seconds import kept_words, spans_in
from tasks.prompts.one_song import OneSong, write_request
from tasks.prompts.prompt_words import PromptWords
from tasks.prompts.prompts import Prompt
from tasks.prompts.song_pages import HearersParams, write_pages
from tasks.shards.played import played_by
from tests.every import every

PARAMS = load_params()
MAKERS = ControlMakers(
    PARAMS.audio,
    PARAMS.models.melody,
    PARAMS.models.separator,
    PARAMS.models.codec,
    PARAMS.drums,
    PARAMS.sketch,
    PARAMS.ingest.max_lyrics_bytes,
    PARAMS.ingest.max_lyrics_words,
)
FRAMES = 86  # four seconds


def _song(path: Path) -> np.ndarray:
    rng = np.random.default_rng(0)
    time_N = np.arange(2 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    sound_CN = np.stack([0.3 * np.sin(2 * np.pi * 220 * time_N)] * 2) + 0.01 * rng.normal(
        size=(2, len(time_N))
    )
    path.write_bytes(flac_bytes(sound_CN.astype(np.float32), SAMPLE_RATE_HZ))
    return sound_CN


def test_kept_seconds_are_the_codecs_latents_of_the_song_and_a_longer_song_is_made_behind_them(
    tmp_path: Path,
) -> None:
    _song(tmp_path / "song.flac")
    asked = request_of({"keep": "0-0.5, 1-2"}, {"keep_from": tmp_path / "song.flac"}, None)
    check_files(asked, FRAMES, MAKERS)
    painting_TX = controls_of(asked, FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ, MAKERS)["painting"]
    assert asked.names == ["painting"] and painting_TX.shape == (FRAMES, 65)
    middles_T = (np.arange(FRAMES) + 0.5) * HOP_SAMPLES / SAMPLE_RATE_HZ
    latents_TC, _ = build_codec(PARAMS.models.codec).encode(_song(tmp_path / "again.flac").astype(np.float32))
    wanted_T = (middles_T < 0.5) | ((middles_T >= 1) & (middles_T < 2))
    wanted_T[len(latents_TC) :] = False
    assert np.array_equal(painting_TX[:, -1] > 0, wanted_T) and 30 < wanted_T.sum() < 35
    np.testing.assert_allclose(
        painting_TX[wanted_T, :-1], latents_TC[wanted_T[: len(latents_TC)].nonzero()], atol=1e-2
    )
    assert not painting_TX[~wanted_T].any()
    controls = {
        "painting": painting_TX,
        "chords": np.repeat([1.0, 22.0], FRAMES // 2),
        "drums": painting_TX[:, :64],
    }
    played = played_by(controls, 120.0, 4.0)
    frame_s = HOP_SAMPLES / SAMPLE_RATE_HZ
    assert played.kept == [(0.0, 11 * frame_s), (22 * frame_s, 43 * frame_s)]
    assert [label for *_, label in played.chords] == ["C:maj", "A:min"]
    assert played.beats_s == [0.5 * beat for beat in range(8)] and not played.pitches
    assert played.by == "kept seconds, chords, drums (blurred, without a lane)"
    style_NS = np.zeros((1, 512), np.float32)
    prompts = [
        Prompt(name, name, (), style_NS, 4.0, None, controls=made)
        for name, made in (("song", controls), ("plain", {}))
    ]
    rows = [
        {
            "sample_id": one.title,
            "generated_audio_path": f"{one.title}.flac",
            "weights_sha256": "ab" * 32,
            "seed": 7,
        }
        for one in prompts
    ]
    words = PromptWords(Lyrics(["moon"]), [Word("moon", 0.1, 0.6)], [True], False, [])
    models = PARAMS.models
    hearing = HearersParams(models.separator, models.chords, models.melody, models.beats, PARAMS.audio)
    with patch("tasks.prompts.song_pages.Hearers") as heard:
        heard.return_value.played_in.return_value = Played("nobody", [(0.0, 2.0, "C:maj")])
        pages = write_pages(tmp_path, rows, prompts, {"song": words}, {"song": 120.0}, hearing)
    assert pages == [tmp_path / "song.html"]
    html = pages[0].read_text()
    for text in (
        "chords asked",
        "chords heard",
        "asked to stay",
        "beats asked",
        "seed 7",
        "generated</b>",
        ">moon<",
    ):
        assert text in html, text


@every(
    "text, told, frames",
    [
        ("0-10,5-12", "5-12 begins before 0-10 has ended", FRAMES),
        ("3-2", "3-2 ends before it has begun", FRAMES),
        ("0-x", "'0-x' is no span of seconds", FRAMES),
        ("", "'' is no span", FRAMES),
        ("0-1e9", "is no span", FRAMES),
        ("0-1," * 900 + "0-1", "characters; give at most 2000", FRAMES),
        ("0-3", "ends beyond the 2.00 s of keep_from", FRAMES),
        ("0-2 ", "nothing of the song is left to make", 43),
        ("0-1.5", "ends beyond the song of 0.93 s", 20),
        ("0.03-0.05", "holds no latent frame", FRAMES),
    ],
)
def test_what_cannot_be_kept_is_said_in_one_line(text: str, told: str, frames: int, tmp_path: Path) -> None:
    _song(path := tmp_path / "song.flac")
    with pytest.raises(ValueError, match=r"^keep: ") as error:
        check_files(request_of({"keep": text}, {"keep_from": path}, None), frames, MAKERS)
    assert told in str(error.value) and "\n" not in str(error.value)


def test_a_command_line_and_a_manifest_ask_alike_and_words_without_times_or_no_song_are_refused(
    tmp_path: Path,
) -> None:
    _song(tmp_path / "song.flac")
    assert spans_in("0-1.5") == ((0.0, 1.5),)
    for given, told in (
        ({"keep": "0-1"}, "nobody says of which song"),
        ({"keep_from": str(tmp_path / "song.flac")}, "is given and no seconds"),
    ):
        (tmp_path / "words.txt").write_text("many nights")
        with pytest.raises(ValueError, match=f"^keep: .*{told}"):
            OneSong(tmp_path / "words.txt", "pop", None, 4.0, controls=given)
    controls = {"keep": "0-1", "keep_from": str(tmp_path / "song.flac")}
    needs = (PARAMS.models.phonemizer, PARAMS.rough_times, PARAMS.ingest, 288)
    plain = OneSong(tmp_path / "words.txt", "pop", None, 4.0, controls=controls)
    for song, told in (
        (replace(plain, times="predicted"), "the words have no times"),
        (replace(plain, duration_s=None, bpm=90.0), "nobody says how long"),
        (replace(plain, controls={**controls, "keep": "0-3.8"}), "no stretch of 0.5 s"),
    ):
        with pytest.raises(ValueError, match=rf"^keep: .*{told}"):
            write_request(song, *needs, tmp_path / "a")
    (tmp_path / "words.txt").write_text("many nights\nalone again\nwe go\n")
    holes = replace(plain, controls={**controls, "keep": "0-1,2-2.5"})
    made = write_request(holes, *needs, tmp_path / "a")
    assert made.how == (
        "rough ones, in 2 of the stretches that are made; the words of what is kept are not known: no lyrics with times of words lie beside it"
    )
    times = json.loads(made.timed.read_text())["word"]
    laid = [(one["word"], one["line"], 1 <= one["start"] < one["end"] <= 2) for one in times]
    assert laid == [
        *(("many", 1, True), ("nights", 1, True)),
        *(("alone", 2, False), ("again", 2, False), ("we", 3, False), ("go", 3, False)),
    ]
    assert 2.5 <= times[2]["start"] < times[-1]["end"] <= 4.0
    own = [("moon", 0.1, 0.5), ("light", 0.9, 1.2), ("lost", 1.3, 1.8), ("love", 2.0, 2.6)]
    (tmp_path / "song.json").write_text(
        json.dumps([{"word": word, "start": start, "end": end} for word, start, end in own])
    )
    made = write_request(holes, *needs, tmp_path / "c")
    assert made.how == "rough ones, in 2 of the stretches that are made; 2 words of what is kept stay"
    times = json.loads(made.timed.read_text())["word"]
    assert [one["word"] for one in times] == [
        *("moon", "many", "nights", "love", "alone", "again", "we", "go")
    ]
    assert times[0]["start"] == 0.1 and times[3]["end"] == 2.6 <= times[4]["start"]
    (tmp_path / "timed.json").write_text(
        json.dumps([{"word": "many", "start": 0.2, "end": 0.6}, {"word": "nights", "start": 2.2, "end": 2.8}])
    )
    made = write_request(
        OneSong(tmp_path / "timed.json", "pop", None, 4.0, controls=controls), *needs, tmp_path / "b"
    )
    read = (PARAMS.audio, PARAMS.ingest, PARAMS.prompt, 288)
    (song,) = read_requests(made.manifest, *read).songs
    assert song.controls == OneSong(tmp_path / "timed.json", "pop", None, 4.0, controls=controls).request()
    row = json.loads(made.manifest.read_text())[0] | {"lrc_path": str(tmp_path / "words.txt")}
    made.manifest.write_text(json.dumps([row]))
    (refused,) = read_requests(made.manifest, *read).refused
    assert "the words have no times" in refused.detail
    words = [Word("many", 0.2, 0.6), Word("nights", 0.8, 1.4), Word("gone", 2.2, 2.8)]
    assert kept_words(words, ((0.0, 1.0),)) == (
        "1 of 3 words lie in kept seconds and sound as they do there: many; 1 over a seam, made in part; 1 are made"
    )
    assert kept_words(words[2:], ((0.0, 1.0),)) == (
        "0 of 1 words lie in kept seconds and sound as they do there; 1 are made"
    )


def test_a_model_without_painting_is_refused_by_the_option(tmp_path: Path) -> None:
    save_model(tmp_path, fresh_model(JamConfig(16, 1, 2, 2, 16, 1, 512, 64, 32, 256, True), 0))
    with pytest.raises(ValueError, match=r"^controls: painting \(keep\) asked of .* knows none"):
        check_asked(["painting"], tmp_path)
