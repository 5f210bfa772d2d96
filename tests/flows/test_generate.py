"""jam generate: a manifest or lyrics become jamify's folder, and nothing that stands is made again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from flows.commands.main import run
from tasks.audio.loudness import loudness_lufs
from tasks.audio.read import read_bytes
from tests.tasks.stages.generated.test_generate import tiny_checkpoint
from tests.tasks.tiny import write_song

pytestmark = pytest.mark.slow
FAST = ["--set", "sampler.num_steps=2", "--set", "engine.num_workers=1"]
WORDS = [{"word": "moon", "start": 0.1, "end": 0.5}, {"word": "light", "start": 0.6, "end": 1.0}]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkpoint of 1.5 s songs, and jamify's inputs for three of them and one too long."""
    tiny_checkpoint(tmp_path / "model")
    write_song(tmp_path / "inputs" / "style.wav", 3.0)
    (tmp_path / "inputs" / "warm.txt").write_text("warm pop\n")
    (tmp_path / "inputs" / "lyrics.json").write_text(json.dumps({"word": WORDS, "char": [], "segment": []}))
    style = {
        "a": {"audio_path": "style.wav"},
        "b": {"prompt_path": "warm.txt"},
        "c": {"prompt_path": "warm.txt"},
    }
    rows = [{"id": name, "lrc_path": "lyrics.json", "duration": 1.2, **style[name]} for name in "abc"]
    rows.append({**rows[1], "id": "long", "duration": 44.0})
    (tmp_path / "inputs" / "input.json").write_text(json.dumps(rows))
    return tmp_path


def sing(house: Path, *options: str) -> int:
    paths = {
        "--manifest": house / "inputs" / "input.json",
        "--checkpoint": house / "model",
        "--out": house / "out",
    }
    given = [text for name, path in paths.items() for text in (name, str(path))]
    return run(["generate", *given, *FAST, *options])


def stamps(house: Path) -> dict[str, int]:
    files = [*(house / "out" / "generated").iterdir(), *(house / "out" / "cfm_latents").iterdir()]
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_manifest_of_three_songs_and_two_takes_becomes_the_folder_once(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert sing(house, "--candidates", "2") == 0
    names = ["a", "a_1", "b", "b_1", "c", "c_1"]
    first = stamps(house)
    assert sorted(first) == sorted([f"{name}.mp3" for name in names] + [f"{name}.pt" for name in names])
    *rows, refused = json.loads((house / "out" / "generation_metadata.json").read_text())
    assert (refused["sample_id"], refused["drop_reason"]) == ("long", "prompt_too_long")
    assert "left out: long: prompt_too_long: duration is 44.0 s, at most 1.5 s" in capfd.readouterr().out
    assert [(row["sample_id"], row["generation_index"]) for row in rows] == [
        (n, k) for n in "abc" for k in (0, 1)
    ]
    for row in rows:
        mix_CN, _ = read_bytes((house / "out" / row["generated_audio_path"]).read_bytes())
        assert np.abs(mix_CN).max() <= 1
        assert row["lufs"] <= -14
        assert loudness_lufs(mix_CN) == pytest.approx(row["lufs"], abs=0.5)
        latent = torch.load(house / "out" / row["cfm_latent_path"], weights_only=True)
        assert latent.shape == (25, 64) and row["duration_rel"] == pytest.approx(25 / 32)
        assert len(row["weights_sha256"]) == 64 and row["sample_kwargs"]["num_steps"] == 2

    config = (house / "out" / "generation_config.yaml").read_text()
    assert yaml.safe_load(config)["checkpoint"] == rows[0]["weights_sha256"] and str(house) not in config

    assert sing(house, "--candidates", "2") == 0
    assert stamps(house) == first
    shown = capfd.readouterr().out
    assert "generate: up to date (6 partitions)" in shown and "0 songs written" in shown

    (house / "out" / "generated" / "b_1.mp3").unlink()
    assert sing(house, "--candidates", "2") == 0
    again = stamps(house)
    assert sorted(again) == sorted(first)
    assert {name for name in first if again[name] != first[name]} == {"b_1.mp3"}
    assert "1 song written" in capfd.readouterr().out

    assert sing(house, "--candidates", "2", "--format", "flac", "--write-lyrics", "lrc") == 0
    assert {path.suffix for path in (house / "out" / "generated").iterdir()} == {".mp3", ".flac", ".lrc"}


def test_lyrics_are_timed_in_a_file_first_and_edits_of_it_are_sung(
    house: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lyrics = house / "song.txt"
    lyrics.write_text("moon light\n")
    request = [
        "--checkpoint",
        str(house / "model"),
        "--out",
        str(house / "out"),
        "--style",
        "warm pop",
        *FAST,
    ]
    fast = ["--set", "rough_times.intro_bars=0", "--set", "rough_times.outro_bars=0"]
    assert run(["generate", "--lyrics", str(lyrics), "--bpm", "200", *request, *fast]) == 0
    timed = house / "out" / "request" / "song.json"
    assert str(timed) in capfd.readouterr().out
    assert (house / "out" / "generated" / "song.mp3").is_file()

    words = json.loads(timed.read_text())
    words["word"][1]["start"] += 0.1
    timed.write_text(json.dumps(words))
    assert run(["generate", "--lyrics", str(lyrics), "--bpm", "200", *request, *fast]) == 2
    assert "holds other times" in capfd.readouterr().err
    assert json.loads(timed.read_text()) == words

    before = (house / "out" / "generated" / "song.mp3").read_bytes()
    assert run(["generate", "--lyrics", str(timed), "--duration", "1.2", "--seed", "9", *request]) == 0
    rows = json.loads((house / "out" / "generation_metadata.json").read_text())
    sung = {row["generated_audio_path"]: row["seed"] for row in rows}
    assert list(sung) == ["generated/song.mp3", "generated/song.take2.mp3"]
    assert [seed == 9 for seed in sung.values()] == [False, True]
    assert (house / "out" / "generated" / "song.mp3").read_bytes() == before
    shown = capfd.readouterr().out
    assert "1 other take beside what stands" in shown and "1 song in 1 partition;" in shown

    lyrics.with_name("other.json").write_text(timed.read_text())
    other = ["--lyrics", str(lyrics.with_name("other.json")), "--duration", "1.2"]
    assert run(["generate", *other, *request]) == 0
    shown = capfd.readouterr().out
    assert "1 song in 1 partition;" in shown and "1 song written" in shown
    assert run(["generate", "--lyrics", str(timed), "--duration", "1.2", "--seed", "9", *request]) == 0
    shown = capfd.readouterr().out
    assert "up to date (1 partition)" in shown and "0 songs written" in shown
    rows = json.loads((house / "out" / "generation_metadata.json").read_text())
    assert [row["sample_id"] for row in rows] == ["other", "song", "song"]
