"""Requests: rows of a manifest become prompts, and sung songs files named as the rows are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from tasks.audio.read import flac_bytes, npy_bytes
from tasks.engine.fingerprint import fingerprint
from tasks.lyrics.read import read_lyrics
from tasks.prompts.jamify_manifest import RefusedRow, Requests, read_requests
from tasks.prompts.output_folder import OutputParams, WrittenSongs, write_songs
from tasks.prompts.prompt_words import words_of
from tasks.prompts.prompts import Prompt, candidate_sources, policy_system
from tasks.prompts.standing_songs import read_earlier
from tests.every import every
from tests.tasks.audio.test_read import LIMITS
from tests.tasks.tiny import tones_CN

RELEASED_ID = "Rizzle Kicks, Rachel Chinouriri - Follow Excitement!"  # of jamify's inputs/input.json


def row(root: Path, **changed: object) -> dict[str, object]:
    """A row as jamify's inputs/input.json has them, and the files it names: a NeMo dump and a style text."""
    word = {"word": "Sun", "start_offset": 1, "end_offset": 7, "start": 0.08, "end": 0.56}
    dump = {"char": [{"char": ["S"]}], "word": [word], "segment": [{"segment": "Sun"}]}
    (root / "inputs").mkdir(parents=True, exist_ok=True)
    (root / "inputs" / "a.json").write_text(json.dumps(dump))
    (root / "inputs" / "a.json_genre.txt").write_text("warm pop")
    named = {"lrc_path": "inputs/a.json", "prompt_path": "inputs/a.json_genre.txt"}
    return {"id": RELEASED_ID, "duration": 2.0, **named, **changed}


def read(path: Path, max_frames: int = 100, *settings: str) -> Requests:
    params = load_params(None, settings)
    return read_requests(path, LIMITS, params.ingest, params.prompt, max_frames)


def manifest(root: Path, *rows: dict[str, object]) -> Path:
    path = root / "inputs" / "input.json"
    path.write_text(json.dumps(rows))
    return path


def test_jamifys_own_manifest_is_read_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = manifest(tmp_path, row(tmp_path), row(tmp_path, id="plain_1"))
    monkeypatch.chdir(tmp_path)  # its paths are relative to where jamify is started
    first, second = read(path).songs
    assert first.title == RELEASED_ID and first.song_id.startswith("rizzle-kicks-rachel")
    assert len(first.song_id) <= 48 and (second.title, second.song_id) == ("plain_1", "plain_1")
    assert first.lyrics.words == ["sun"] and first.lyrics.fully_timed(2.0)[0].end_s == 0.56


def test_a_manifest_of_json_lines_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(tmp_path, id=name) for name in ("a", "b")]
    path = tmp_path / "inputs" / "input.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    monkeypatch.chdir(tmp_path)
    assert [song.song_id for song in read(path).songs] == ["a", "b"]
    (tmp_path / "inputs" / "a.wav").write_bytes(b"sound")
    both = manifest(tmp_path, row(tmp_path, id="both", audio_path="a.wav"), row(tmp_path, id="next"))
    names = {"audio": "a.wav", "text": "a.json_genre.txt", "none": None}
    for style, name in names.items():
        asked = read(both, 100, "prompt.num_samples=1", f"prompt.style={style}")
        (song,) = asked.songs
        assert (song.style.name if song.style else None, song.is_style_heard) == (name, style == "audio")


def test_a_row_that_cannot_be_sung_is_refused_alone_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binary.txt").write_bytes(b"%PDF-1.7 \x00")
    good = row(tmp_path, id="good", lrc_path=None, lyrics="moon light", bpm=90)
    bad = {
        "long": {"duration": 4.9},
        "short": {"duration": 0.01},
        "gone": {"lrc_path": "inputs/b.json"},
        "binary": {"lrc_path": "binary.txt"},
        "slow": {"bpm": 3},
    }
    rows = [good, *(row(tmp_path, id=name, **changed) for name, changed in bad.items()), [1]]
    monkeypatch.chdir(tmp_path)
    found = read(manifest(tmp_path, *rows))  # type: ignore[arg-type]
    assert [(song.title, song.lyrics.words, song.bpm) for song in found.songs] == [
        ("good", ["moon", "light"], 90)
    ]
    told = [str(one) for one in found.refused]
    assert [line.partition(":")[0] for line in told] == [*bad, "row 7"]
    assert told[0].startswith("long: prompt_too_long: duration is 4.9 s, at most 4.6 s; ")
    assert "prompt_too_short" in told[1] and "lrc_path is no file" in told[2]
    assert "lyrics_malformed" in told[3] and "bpm is 3" in told[4] and "no object" in told[5]


@every("bad", ["", "../a", "a/b", "a\\b", ".hidden", "new\nline", "x" * 201, 3, None])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path: Path, bad: object) -> None:
    found = read(manifest(tmp_path, row(tmp_path, id=bad)))
    assert not found.songs and "cannot name a file" in found.refused[0].detail


def test_ids_stand_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="stands twice"):
        read(manifest(tmp_path, row(tmp_path), row(tmp_path)))


def written(
    tmp_path: Path,
    output: OutputParams,
    name: str = RELEASED_ID,
    seed: int = 1,
    loud: float | np.ndarray = 1.0,
) -> tuple[WrittenSongs, list[dict[str, Any]]]:
    """Two candidates of one song written to ``out``, one dropped; the rows of its metadata. `loud` makes it another sound."""
    requests = read(manifest(tmp_path, row(tmp_path, id=name)))
    asked = words_of(requests, load_params().models.phonemizer, load_params().rough_times, "", 0.05)
    prompts = [
        Prompt(song.song_id, song.title, tuple(asked[song.title].words), np.eye(1, 512), 2.0, None)
        for song in requests.songs
    ]
    system = policy_system("generate", "generate", fingerprint("w"), load_params().sampler, prompts)
    latent_TC = np.ones((43, 64), np.float32)
    sung = {"duration_s": 2.0, "made_by": "x", "drop_reason": None, "generated_latent": npy_bytes(latent_TC)}
    songs = [
        {**source.facts, **sung, "audio": {"bytes": flac_bytes(tones_CN() * loud, 44_100)}}
        for source in candidate_sources(prompts, system, 0, 3, seed)
    ]
    songs[2]["drop_reason"] = "not_finite"
    refused = [RefusedRow("long", "prompt_too_long", "44.0 s, at most 13.4 s")]
    done = write_songs(tmp_path / "out", output, songs, 5000, asked, refused)
    return done, json.loads(done.metadata.read_text())


def test_songs_are_named_as_their_rows_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done, metadata = written(tmp_path, load_params().output)
    assert {p.name for p in (tmp_path / "out" / "generated").iterdir()} == {
        f"{RELEASED_ID}.mp3",
        f"{RELEASED_ID}_1.mp3",
    }
    saved = torch.load(tmp_path / "out" / "cfm_latents" / f"{RELEASED_ID}_1.pt", weights_only=True)
    assert saved.shape == (43, 64) and (done.written, done.stood) == (2, 0)
    assert [(m["sample_id"], m["generation_index"], m["drop_reason"]) for m in metadata] == [
        (RELEASED_ID, 0, None),
        (RELEASED_ID, 1, None),
        (RELEASED_ID, 2, "not_finite"),
        ("long", 0, "prompt_too_long"),
    ]


def test_lyrics_lie_beside_each_song_on_request_and_do_not_write_songs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = load_params().output
    written(tmp_path, plain)
    done, metadata = written(tmp_path, plain.model_copy(update={"lyrics": "lrc"}))
    assert (done.written, done.stood, done.lost) == (0, 2, [])
    assert metadata[1]["lyrics_path"] == f"generated/{RELEASED_ID}_1.lrc"
    read_back = read_lyrics((tmp_path / "out" / metadata[1]["lyrics_path"]).read_bytes(), 10_000, 100)
    assert [(word.text, word.start_s, word.end_s) for word in read_back.times] == [("sun", 0.08, 0.56)]
    with pytest.raises(ValueError, match="lyrics: 'mp3' is no form that is written"):
        OutputParams(**{**plain.model_dump(), "lyrics": "mp3"})


def test_songs_that_stand_keep_their_files_and_rows_whatever_is_asked_for_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    output, out = load_params().output, tmp_path / "out"
    written(tmp_path, output, "p")
    first = {path: path.read_bytes() for path in out.rglob("p*.*")}
    written(tmp_path, output, "p2")
    other, rows = written(tmp_path, output, "p", seed=8, loud=np.linspace(0.1, 1, tones_CN().shape[1]))
    assert other.notes == [
        "2 other takes beside what stands, which is kept: p.take2.mp3 (seed 8; p.mp3 has 1), "
        "p_1.take2.mp3 (seed 8; p_1.mp3 has 1)"
    ]
    assert len(first) == 4 and {path: path.read_bytes() for path in first} == first
    sung = [(one["generated_audio_path"], one["seed"]) for one in rows if not one["drop_reason"]]
    names = [
        ("p.mp3", 1),
        ("p.take2.mp3", 8),
        ("p_1.mp3", 1),
        ("p_1.take2.mp3", 8),
        ("p2.mp3", 1),
        ("p2_1.mp3", 1),
    ]
    assert sung == [(f"generated/{name}", seed) for name, seed in names]
    again, same = written(tmp_path, output, "p")
    assert (again.written, again.stood, again.notes) == (0, 2, [])
    assert [one for one in same if not one["drop_reason"]] == [one for one in rows if not one["drop_reason"]]

    metadata = out / "generation_metadata.json"
    outside = {**same[-1], "generated_audio_path": "../p.mp3"}
    damaged = {
        "no list": b"{}",
        "row 1 is no song": b'[{"sample_id": "p"}]',
        "is no file in generated/": json.dumps([outside]).encode(),
        "recursion": b"[" * 200_000,
        "Expecting": b"[{",
    }
    for number, (told, data) in enumerate(damaged.items(), 1):
        metadata.write_bytes(data)
        if number < len(damaged):
            note = read_earlier(out, metadata).note or ""
        else:  # the same sounds under their names are no other takes
            found, _ = written(tmp_path, output, "p")
            assert (found.written, found.stood) == (0, 2)
            (note,) = found.notes
        assert told in note and f"kept as generation_metadata.unread{number}.json" in note
        assert (out / f"generation_metadata.unread{number}.json").read_bytes() == data
    assert {path: path.read_bytes() for path in first} == first
    (out / "generated" / "p.mp3").unlink()
    assert [one["generated_audio_path"] for one in read_earlier(out, metadata).rows] == ["generated/p_1.mp3"]
