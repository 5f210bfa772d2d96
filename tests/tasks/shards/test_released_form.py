"""The released form: our shards read by a reader made from its description alone, not from our code.

What a released shard is: for each key the members ``latent.pt`` [128, T] (mean, then std, channel first),
``style.pt`` [512] or [n, 512], and ``json`` with ``word``: a list of ``start``, ``end`` and ``phoneme``. The
loader takes the tuple (``__key__``, ``latent.pt``, ``style.pt``, ``json``), draws mean + std * noise, cuts a crop
and puts 4 lyric slots on a frame. ``id_list_jsonl`` has lines of ``id`` and ``duration``.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from tasks.engine.song import Song
from tasks.shards.write import read_shard, shard_bytes, write_index
from tasks.songs.listing import list_sources
from tasks.stages.pack import Pack, PackParams
from tests.tasks.stages.test_pack import packable
from tests.tasks.tiny import write_song

FRAME_RATE = 44_100 / 2048


class Read(NamedTuple):
    """What the released data set gives for one sample."""

    key: str
    latent: torch.Tensor
    prompt: torch.Tensor
    lrc: torch.Tensor
    duration_abs: float
    duration_rel: float


def tensor(data: bytes) -> torch.Tensor:
    return torch.load(io.BytesIO(data), weights_only=True)  # type: ignore[no-any-return]


def read_released(
    shard: Path,
    durations: dict[str, float] | None,
    max_frames: int,
    multiple_styles: bool,
    tokenize: Callable[[str], list[int]],
) -> Iterator[Read]:
    """The samples of a shard as the released loader makes them, always cropped from the beginning."""
    import webdataset

    samples = webdataset.WebDataset([str(shard)], shardshuffle=False, empty_check=False)
    decoded = samples.decode(webdataset.handle_extension("pt", tensor))
    for key, latent, style, lyrics in decoded.to_tuple("__key__", "latent.pt", "style.pt", "json"):
        if durations is not None and key not in durations:
            continue
        style = style[0] if multiple_styles else style
        mean, std = latent.transpose(0, 1).chunk(2, dim=1)
        drawn = (mean + std * torch.randn_like(mean)).transpose(0, 1)[:, :max_frames]
        end_s = min(max_frames, latent.shape[-1]) / FRAME_RATE
        lrc = torch.full((max_frames * 4,), 63)
        for word in lyrics["word"]:
            if word["end"] > 0 and word["start"] < end_s:
                first = max(0, int(word["start"] * 4 * FRAME_RATE))
                last = min(len(lrc), int(word["end"] * 4 * FRAME_RATE))
                phoneme = word["phoneme"] if word["phoneme"].endswith("_") else word["phoneme"] + "_"
                ids = tokenize(phoneme)
                if last > first and ids:
                    lrc[first:last] = filled(ids, last - first)
        yield Read(
            key, drawn, style, lrc, math.log1p(end_s) / math.log1p(500), end_s * FRAME_RATE / max_frames
        )


def filled(ids: list[int], length: int) -> torch.Tensor:
    if len(ids) >= length:
        return torch.tensor(ids[:length])
    slots = torch.full((length,), 62)
    span = length // len(ids)
    slots[: span * len(ids) : span] = torch.tensor(ids)
    return slots


def letters(text: str) -> list[int]:
    """Stands for the released tokenizer, whose checkpoint is not needed to see where its tokens go."""
    return [0 if letter == "_" else 3 + ord(letter) % 50 for letter in text]


def packed(folder: Path, *songs: Song) -> Path:
    stage = Pack(PackParams(tensor_format="pt", extras=()))
    path = folder / "part-00000-x.tar"
    path.write_bytes(shard_bytes(stage.one(song)["sample"] for song in songs))
    shards = [read_shard(path) for path in sorted(folder.glob("*.tar"))]
    write_index(
        folder, shards, [{"id": s.song_id, "duration": s["duration_s"], "split": s["split"]} for s in songs]
    )
    return path


@pytest.mark.parametrize("styles", [1, 3])
def test_our_shards_are_read_by_the_released_form(tmp_path: Path, styles: int) -> None:
    shard = packed(tmp_path, *(packable(f"song-{n}", styles=styles, frames=30 + n) for n in range(3)))
    read = list(read_released(shard, None, 40, styles > 1, letters))
    assert [sample.key for sample in read] == ["song-0", "song-1", "song-2"]
    assert [tuple(sample.latent.shape) for sample in read] == [(64, 30), (64, 31), (64, 32)]
    assert all(sample.prompt.shape == (512,) and sample.prompt.dtype == torch.float32 for sample in read)
    lrc = read[0].lrc
    assert (lrc[:8] == 63).all() and lrc[8] == letters("h")[0]  # "hello" from 0.1 s
    assert (lrc[44:51] == 63).all() and (lrc[86:] == 63).all()  # silence between the words and after them
    assert (lrc == 0).sum() == 2  # a boundary ends each of the two words
    assert 0 < read[0].duration_abs < 1 and read[0].duration_rel == pytest.approx(30 / 40)


def test_the_grid_of_the_released_form_is_ours(tmp_path: Path) -> None:
    from jam_model.lyric_grid import SYMBOLS, lyric_grid
    from jam_model.words import words_of

    song = packable("song-0")
    (sample,) = read_released(packed(tmp_path, song), None, 40, True, lambda text: [SYMBOLS[s] for s in text])
    assert sample.lrc.tolist() == lyric_grid(words_of(song["words"]), 40, 0, 30).tolist()


def test_our_id_list_selects_as_the_released_one_does(tmp_path: Path) -> None:
    songs = [packable("song-0"), packable("song-1", split="validation")]
    shard = packed(tmp_path, *songs)
    lines = [json.loads(line) for line in (tmp_path / "ids.train.jsonl").read_text().splitlines()]
    durations = {str(line["id"]): line["duration"] for line in lines}
    assert durations == {"song-0": 2.0}
    assert [sample.key for sample in read_released(shard, durations, 40, True, letters)] == ["song-0"]


def test_licence_source_and_artist_go_from_the_manifest_to_the_shard(tmp_path: Path) -> None:
    write_song(tmp_path / "a.wav")
    write_song(tmp_path / "b.wav", seed=1)
    facts: dict[str, dict[str, Any]] = {
        "a": {"license": "CC BY 4.0", "source": "https://example.org/a?x=1&y", "artist": "Ann & Söhne"},
        "b": {"license": "CC0", "source": None},
    }
    rows = [{"id": name, "audio_path": f"{name}.wav", **given} for name, given in facts.items()]
    (tmp_path / "manifest.json").write_text(json.dumps(rows))
    songs = []
    for source in list_sources(tmp_path / "manifest.json").sources:
        made = packable(source.song_id)
        songs.append(
            made.with_columns(**{k: source.facts[k] for k in ("title", "license", "source", "artist")})
        )
    import webdataset

    shard = packed(tmp_path, *songs)
    found = {
        s["__key__"][0]: json.loads(s["json"])
        for s in webdataset.WebDataset([str(shard)], shardshuffle=False)
    }
    for name, given in facts.items():
        for key in ("license", "source", "artist"):
            assert found[name][key] == given.get(key)
