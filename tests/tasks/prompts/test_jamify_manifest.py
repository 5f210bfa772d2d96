"""Requests: rows of a manifest become prompts, and sung songs files named as the rows are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from tasks.audio.read import flac_bytes, npy_bytes
from tasks.engine.fingerprint import fingerprint
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.jamify_manifest import read_requests
from tasks.prompts.output_folder import write_songs
from tasks.prompts.prompts import Prompt, candidate_sources, policy_system
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


def read(path: Path) -> list[Prompt]:
    phonemizer = build_phonemizer(load_params().models.phonemizer)
    return read_requests(
        path,
        phonemizer,
        build_style_encoder(load_params().models.style_encoder),
        LIMITS,
        load_params().ingest,
    )


def manifest(root: Path, *rows: dict[str, object]) -> Path:
    path = root / "inputs" / "input.json"
    path.write_text(json.dumps(rows))
    return path


def test_jamifys_own_manifest_is_read_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = manifest(tmp_path, row(tmp_path), row(tmp_path, id="plain_1"))
    monkeypatch.chdir(tmp_path)  # its paths are relative to where jamify is started
    first, second = read(path)
    assert first.title == RELEASED_ID and first.song_id.startswith("rizzle-kicks-rachel")
    assert len(first.song_id) <= 48 and (second.title, second.song_id) == ("plain_1", "plain_1")
    assert first.texts == ["sun"] and first.words[0].end_s == 0.56


def test_a_manifest_of_json_lines_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(tmp_path, id=name) for name in ("a", "b")]
    path = tmp_path / "inputs" / "input.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    monkeypatch.chdir(tmp_path)
    assert [prompt.song_id for prompt in read(path)] == ["a", "b"]


@every("bad", ["", "../a", "a/b", "a\\b", ".hidden", "new\nline", "x" * 201, 3, None])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path: Path, bad: object) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        read(manifest(tmp_path, row(tmp_path, id=bad)))


def test_ids_stand_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="stands twice"):
        read(manifest(tmp_path, row(tmp_path), row(tmp_path)))


def test_songs_are_named_as_their_rows_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = manifest(tmp_path, row(tmp_path))
    monkeypatch.chdir(tmp_path)
    prompts = read(path)
    system = policy_system("generate", "generate", fingerprint("w"), load_params().sampler, prompts)
    latent_TC = np.ones((43, 64), np.float32)
    sung = {"duration_s": 2.0, "made_by": "x", "drop_reason": None, "generated_latent": npy_bytes(latent_TC)}
    songs = [
        {**source.facts, **sung, "audio": {"bytes": flac_bytes(tones_CN(), 44_100)}}
        for source in candidate_sources(prompts, system, 0, 2, 1)
    ]
    write_songs(tmp_path / "out", load_params().output, songs, 5000)
    assert {p.name for p in (tmp_path / "out" / "generated").iterdir()} == {
        f"{RELEASED_ID}.mp3",
        f"{RELEASED_ID}_1.mp3",
    }
    saved = torch.load(tmp_path / "out" / "cfm_latents" / f"{RELEASED_ID}_1.pt", weights_only=True)
    assert saved.shape == (43, 64)
    metadata = json.loads((tmp_path / "out" / "generation_metadata.json").read_text())
    assert [(m["sample_id"], m["generation_index"]) for m in metadata] == [(RELEASED_ID, 0), (RELEASED_ID, 1)]
