"""jamify's DPO list and manifest: what we write we read again, and what is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.shards import Sample
from jam_model.words import Word
from tasks.preference.pairs import Pair, read_pair_list, write_pair_list
from tests.every import every


def pair(number: int = 0, frames: int = 30, take_frames: int = 30, styles: int = 2) -> Pair:
    noise = np.random.default_rng(number)
    arrays = [
        noise.standard_normal((n, 64), dtype=np.float32) for n in (frames, frames, take_frames, take_frames)
    ]
    style_NS = noise.standard_normal((styles, 512), dtype=np.float32)
    words = (Word("hello", 0.1, 0.5, "hɛlˈoʊ"), Word("moon", 0.6, 1.0, ""))
    return Pair(
        Sample(f"song-{number}", arrays[0], arrays[1], style_NS, words, "train"), arrays[2], arrays[3]
    )


def assert_same(one: Pair, other: Pair) -> None:
    assert (one.prompt.song_id, one.prompt.words, one.prompt.split) == (
        other.prompt.song_id, other.prompt.words, other.prompt.split
    )  # fmt: skip
    for name in ("mean_TC", "std_TC", "style_NS"):
        np.testing.assert_array_equal(getattr(one.prompt, name), getattr(other.prompt, name))
    np.testing.assert_array_equal(one.winner_TC, other.winner_TC)
    np.testing.assert_array_equal(one.loser_TC, other.loser_TC)


def test_pairs_written_for_jamify_come_back(tmp_path: Path) -> None:
    pairs = [pair(0), pair(1, styles=1), pair(2, frames=30, take_frames=25)]
    for one, other in zip(
        pairs, read_pair_list(write_pair_list(tmp_path, pairs), vae_sampled=True), strict=True
    ):
        assert_same(one, other)


def test_the_pair_list_has_jamifys_form(tmp_path: Path) -> None:
    write_pair_list(tmp_path, [pair()])
    (row,) = json.loads((tmp_path / "dpo.json").read_text())
    assert row.keys() == {"win_latent", "loss_latent", "transcription", "style", "gt_latent"}
    loaded = {
        key: torch.load(tmp_path / row[key], weights_only=True) for key in row if key != "transcription"
    }
    assert {key: tuple(tensor.shape) for key, tensor in loaded.items()} == {
        "win_latent": (30, 64), "loss_latent": (30, 64), "style": (2, 512), "gt_latent": (128, 30)
    }  # fmt: skip
    words = json.loads((tmp_path / row["transcription"]).read_text())["word"]
    assert words[0] == {"start": 0.1, "end": 0.5, "phoneme": "hɛlˈoʊ", "word": "hello"}


def test_styles_are_all_vectors_or_all_rows_as_jamify_wants_them(tmp_path: Path) -> None:
    for name, pairs, shapes in (
        ("one", [pair(0, styles=1), pair(1, styles=1)], [(512,), (512,)]),
        ("several", [pair(0, styles=1), pair(1, styles=3)], [(1, 512), (3, 512)]),
    ):
        rows = json.loads(write_pair_list(tmp_path / name, pairs).read_text())
        loaded = [torch.load(tmp_path / name / row["style"], weights_only=True) for row in rows]
        assert [tuple(style.shape) for style in loaded] == shapes


def jamify_list(folder: Path, **changed: object) -> Path:
    """A list as jamify's training code has it: absolute paths, candidates of all 50 frames that inference saves."""
    tensors = {
        "win_latent": torch.full((50, 64), 1.0),
        "loss_latent": torch.full((50, 64), 2.0),
        "style": torch.ones(512),
        "gt_latent": torch.cat([torch.full((64, 20), 3.0), torch.zeros(64, 20)]),
    }
    lyrics = {"word": [{"start": 0, "end": 0.08, "phoneme": "l", "word": "la"}], "char": []}
    row: dict[str, object] = {"transcription": str(folder / "lyrics.json")}
    (folder / "lyrics.json").write_text(json.dumps(changed.get("transcription", lyrics)))
    for key, tensor in tensors.items():
        torch.save(changed.get(key, tensor), folder / f"{key}.pt")
        row[key] = str(folder / f"{key}.pt")
    (folder / "list.json").write_text(
        json.dumps([{**row, **{k: v for k, v in changed.items() if k == "row"}}])
    )
    return folder / "list.json"


def test_full_length_takes_of_jamify_are_cut_to_the_song(tmp_path: Path) -> None:
    (found,) = read_pair_list(jamify_list(tmp_path), vae_sampled=True)
    assert found.winner_TC.shape == found.loser_TC.shape == found.prompt.mean_TC.shape == (20, 64)
    assert (
        (found.winner_TC == 1).all()
        and (found.prompt.mean_TC == 3).all()
        and (found.prompt.std_TC == 0).all()
    )
    assert found.prompt.song_id == "gt_latent" and found.prompt.style_NS.shape == (1, 512)


def test_takes_that_are_posteriors_are_drawn_once_and_alike(tmp_path: Path) -> None:
    posterior_CT = torch.cat([torch.full((64, 20), 5.0), torch.full((64, 20), 0.1)])
    path = jamify_list(tmp_path, win_latent=posterior_CT, loss_latent=posterior_CT)
    (found,), (again,) = (read_pair_list(path, vae_sampled=False) for _ in range(2))
    assert found.winner_TC.mean() == pytest.approx(5.0, abs=0.02)
    assert found.winner_TC.std() == pytest.approx(0.1, abs=0.01)
    assert not np.array_equal(found.winner_TC, found.loser_TC)
    assert_same(found, again)


@every(
    ("changed", "told"),
    [
        ({"win_latent": torch.zeros(50, 128)}, r"win_latent has shape \(50, 128\)"),
        ({"win_latent": torch.zeros(40, 64)}, "candidates of 40 and 50 frames"),
        ({"gt_latent": torch.zeros(64, 20)}, "gt_latent has shape"),
        ({"style": torch.zeros(2, 256)}, "style has shape"),
        ({"style": torch.full((512,), torch.nan)}, "not finite"),
        ({"style": {"x": 1}}, "not a plain tensor"),
        ({"transcription": {"word": [{"start": 0, "end": 1, "word": "la"}]}}, "word 0 has no phoneme"),
        ({"transcription": []}, "list of words"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_pair_list(jamify_list(tmp_path, **changed), vae_sampled=True)


def test_a_list_that_is_none_or_names_missing_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dpo.json"
    for text, told in (("{", "cannot read"), ("{}", "JSON list"), ('[{"win_latent": "x.pt"}]', r"x\.pt is no file"), ("[{}]", "give a path")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(ValueError, match=told):
            read_pair_list(path, vae_sampled=True)
    with pytest.raises(ValueError, match="cannot read"):
        read_pair_list(tmp_path / "nowhere.json", vae_sampled=True)
