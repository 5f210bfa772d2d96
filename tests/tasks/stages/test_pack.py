"""Pack writes samples that the released loader reads, equal bytes for equal songs, and an index of the shards."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.shard_index import symbols_of
from jam_model.shards import Shards, stream_samples
from tasks.audio.read import npy_bytes
from tasks.engine.column_file import ColumnFile
from tasks.engine.song import Song, SongError
from tasks.shards.write import (
    Shard,
    packed_shard,
    read_shard,
    sample_bytes,
    shard_bytes,
    tensor_bytes,
    verify_shard,
    write_index,
)
from tasks.stages.pack import Pack, PackParams
from tests.tasks.tiny import given, timed


def packable(song_id: str, split: str = "train", styles: int = 2, frames: int = 30) -> Song:
    noise = np.random.default_rng(len(song_id))
    latent_TC = noise.standard_normal((frames, 128), dtype=np.float32)
    return given(
        "a.wav",
        song_id,
        latent=npy_bytes(latent_TC),
        style_embedding=noise.standard_normal((styles, 512), dtype=np.float32).tolist(),
        words=timed(("hello", 0.1, 0.5, "hɛlˈoʊ"), ("moon", 0.6, 1.0, "mˈuːn")),
        kept=True,
        masked=[],
        split=split,
        license="CC0",
    )


def fragment(song: Song, tensor_format: str = "pt", extras: tuple[str, ...] = ()) -> bytes:
    return Pack(PackParams(tensor_format=tensor_format, extras=extras)).one(song)["sample"]  # type: ignore[arg-type]


def members(shard: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(shard)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_a_sample_holds_what_the_released_loader_needs() -> None:
    found = members(shard_bytes([fragment(packable("a-1"))]))
    assert list(found) == ["a-1.json", "a-1.latent.pt", "a-1.style.pt"]
    latent_CT = torch.load(io.BytesIO(found["a-1.latent.pt"]), weights_only=True)
    assert (latent_CT.shape, latent_CT.dtype) == ((128, 30), torch.float32)
    assert latent_CT.untyped_storage().nbytes() == 128 * 30 * 4
    assert torch.load(io.BytesIO(found["a-1.style.pt"]), weights_only=True).shape == (2, 512)
    lyrics = json.loads(found["a-1.json"])
    assert lyrics["word"][1] == {"start": 0.6, "end": 1.0, "word": "moon", "phoneme": "mˈuːn"}
    assert (lyrics["split"], lyrics["license"], lyrics["artist"], lyrics["duration"]) == (
        "train",
        "CC0",
        None,
        2.0,
    )


def test_masked_seconds_travel_with_the_sample_or_the_song_is_left_out(tmp_path: Path) -> None:
    songs = [packable("a-1").with_columns(masked=[{"start_s": 0.5, "end_s": 0.75}]), packable("b-22")]
    with pytest.raises(SongError, match=r"0\.2 s are masked.*pack\.extras lacks masked") as error:
        fragment(songs[0])
    assert error.value.reason == "masked_left_out"
    path = tmp_path / "part-00000-x.tar"
    path.write_bytes(shard_bytes(fragment(song, extras=("masked",)) for song in songs))
    write_index(
        tmp_path, [read_shard(path)], [{"id": s.song_id, "duration": 2.0, "split": "train"} for s in songs]
    )
    assert [sample.masked_s for sample in map(Shards(tmp_path).__getitem__, range(2))] == [((0.5, 0.75),), ()]


def test_an_extra_column_is_a_member_of_its_own_that_only_who_asks_for_it_reads(tmp_path: Path) -> None:
    songs = [packable("a-1").with_columns(language="en"), packable("b-22").with_columns(language=None)]
    path = tmp_path / "part-00000-x.tar"
    path.write_bytes(shard_bytes(fragment(song, extras=("language",)) for song in songs))
    found = members(path.read_bytes())
    assert list(found)[:4] == ["a-1.json", "a-1.language.json", "a-1.latent.pt", "a-1.style.pt"]
    plain = members(fragment(packable("a-1")) + bytes(1024))
    assert {name: found[name] for name in plain} == plain, "the other members are what they are without it"
    rows = [{"id": song.song_id, "duration": 2.0, "split": "train"} for song in songs]
    write_index(tmp_path, [read_shard(path)], rows)
    assert [sample.extras for sample in Shards(tmp_path)] == [{}, {}]
    assert [sample.extras["language"] for sample in Shards(tmp_path, extras=["language"])] == ["en", None]
    assert [sample.song_id for sample in stream_samples([path])] == ["a-1", "b-22"]
    path.write_bytes(path.read_bytes().replace(b'"en"', b'"en '))
    with pytest.raises(ValueError, match=r"a-1\.language\.json is not JSON"):
        verify_shard(path)


def test_only_a_registered_column_can_be_packed_and_pack_reads_it() -> None:
    with pytest.raises(ValueError, match=r"'vocals' is no member of a sample; give some of language"):
        PackParams(tensor_format="pt", extras=("vocals",))
    asked = Pack(PackParams(tensor_format="pt", extras=("language",)))
    assert pickle.loads(pickle.dumps(asked)).reads == Pack.reads | {"language"} != Pack.reads


def test_a_single_style_is_one_vector_as_released() -> None:
    found = members(shard_bytes([fragment(packable("a-1", styles=1))]))
    assert torch.load(io.BytesIO(found["a-1.style.pt"]), weights_only=True).shape == (512,)


def test_npy_members_hold_the_same_numbers() -> None:
    song = packable("a-1")
    as_npy = members(shard_bytes([fragment(song, "npy")]))
    as_pt = members(shard_bytes([fragment(song)]))
    latent_CT = np.load(io.BytesIO(as_npy["a-1.latent.npy"]), allow_pickle=False)
    expected = torch.load(io.BytesIO(as_pt["a-1.latent.pt"]), weights_only=True)
    np.testing.assert_array_equal(latent_CT, expected.numpy())


def test_headers_tell_no_time_no_owner_and_no_host() -> None:
    with tarfile.open(fileobj=io.BytesIO(shard_bytes([fragment(packable("a-1"))]))) as tar:
        facts = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.isreg()) for m in tar}
    assert facts == {(0, 0, 0, "", "", 0o644, True)}
    assert fragment(packable("a-1"))[257:263] == b"ustar\0"


def test_equal_songs_give_equal_bytes_in_another_process() -> None:
    code = (
        "import hashlib; from tests.tasks.stages.test_pack import fragment, packable;"
        "print(hashlib.sha256(fragment(packable('a-1'))).hexdigest())"
    )
    root = Path(__file__).parents[3]
    other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == hashlib.sha256(fragment(packable("a-1"))).hexdigest()


def test_shards_read_back_through_webdataset(tmp_path: Path) -> None:
    for tensor_format in ("pt", "npy"):
        path = tmp_path / f"{tensor_format}.tar"
        path.write_bytes(shard_bytes(fragment(packable(name), tensor_format) for name in ("a-1", "b-22")))
        samples = list(stream_samples([path]))
        assert [sample.song_id for sample in samples] == ["a-1", "b-22"]
        assert samples[0].words[1].phonemes == "mˈuːn"


def test_a_member_beyond_the_loaders_limit_drops_its_song(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.stages.pack.MAX_MEMBER_BYTES", 10_000)
    with pytest.raises(SongError) as error:
        fragment(packable("a-1"))
    assert error.value.reason == "sample_too_large"


def test_a_song_that_no_loader_would_take_is_dropped() -> None:
    nan = packable("a-1").with_columns(latent=npy_bytes(np.full((30, 128), np.nan, np.float32)))
    with pytest.raises(SongError) as error:
        fragment(nan)
    assert error.value.reason == "sample_unreadable"


def shards(folder: Path) -> list[dict[str, object]]:
    """Two shards of three songs, and one without songs; the rows that describe them."""
    splits = {"a-1": "train", "b-22": "benchmark", "c-333": "train"}
    packed = {name: fragment(packable(name, split)) for name, split in splits.items()}
    (folder / "part-00000-x.tar").write_bytes(shard_bytes([packed["b-22"], packed["a-1"]]))
    (folder / "part-00001-x.tar").write_bytes(shard_bytes([packed["c-333"]]))
    (folder / "part-00002-x.tar").write_bytes(shard_bytes([]))
    return [{"id": name, "duration": 2.0, "split": split, "more": 1} for name, split in splits.items()]


def standing(folder: Path) -> list[Shard]:
    return [read_shard(path) for path in sorted(folder.glob("*.tar"))]


def test_index_tells_name_hash_size_and_songs_of_every_shard(tmp_path: Path) -> None:
    rows = shards(tmp_path)
    index = write_index(tmp_path, standing(tmp_path), rows)
    assert json.loads((tmp_path / "index.json").read_text()) == index
    first = index["shards"][0]
    data = (tmp_path / "part-00000-x.tar").read_bytes()
    assert (first["name"], first["bytes"]) == ("part-00000-x.tar", len(data))
    assert first["sha256"] == hashlib.sha256(data).hexdigest()
    assert (first["num_samples"], first["splits"]) == (2, {"benchmark": 1, "train": 1})
    assert (index["num_samples"], index["splits"]) == (3, {"benchmark": 1, "train": 2})
    assert index["shards"][2]["num_samples"] == 0
    assert "own_symbols" not in index and symbols_of(tmp_path) == ""
    write_index(tmp_path, standing(tmp_path), rows, own_symbols="çø")
    assert symbols_of(tmp_path) == "çø"


def test_a_shard_is_told_by_its_column_file_as_it_is_read(tmp_path: Path) -> None:
    songs = [packable("a-1"), packable("b-22"), packable("c-333", "validation")]
    rows = [{"id": song.song_id, "duration": 2.0, "split": song["split"]} for song in songs]
    columns, shard = tmp_path / "part-00000-x.parquet", tmp_path / "part-00000-x.tar"
    stage = Pack(PackParams(tensor_format="pt", extras=()))
    with ColumnFile(stage, columns, shard, {"models": []}, {}) as output:
        for song in songs:
            output.write(stage.one(song), song.song_id, None, None)
        output.write(None, "dropped", "too_short", "filter")
        output.close()
    read = read_shard(shard)
    index = write_index(tmp_path, [read], rows)
    shard.unlink()
    assert packed_shard(columns, shard.name) == read
    assert write_index(tmp_path, [packed_shard(columns, shard.name)], rows) == index


def test_id_lists_follow_the_shards_and_the_splits(tmp_path: Path) -> None:
    rows = shards(tmp_path)
    write_index(tmp_path, standing(tmp_path), rows)

    def ids(name: str) -> list[str]:
        lines = [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]
        assert all(line.keys() == {"id", "duration", "split"} for line in lines)
        return [line["id"] for line in lines]

    assert ids("ids.jsonl") == ["b-22", "a-1", "c-333"]
    assert (ids("ids.train.jsonl"), ids("ids.benchmark.jsonl")) == (["a-1", "c-333"], ["b-22"])


def test_index_is_the_same_twice_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = shards(tmp_path)
    write_index(tmp_path, standing(tmp_path), rows)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    write_index(tmp_path, standing(tmp_path), rows[::-1])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_split_that_lost_its_songs_loses_its_list(tmp_path: Path) -> None:
    rows = shards(tmp_path)
    write_index(tmp_path, standing(tmp_path), rows)
    (tmp_path / "part-00000-x.tar").unlink()
    write_index(tmp_path, standing(tmp_path), [{"id": "c-333", "duration": 2.0, "split": "train"}])
    assert not (tmp_path / "ids.benchmark.jsonl").exists()


def test_index_of_other_songs_than_the_table_has_is_refused(tmp_path: Path) -> None:
    rows = shards(tmp_path)
    with pytest.raises(ValueError, match="is not in the table"):
        write_index(tmp_path, standing(tmp_path), rows[1:])
    with pytest.raises(ValueError, match="in no shard"):
        write_index(tmp_path, standing(tmp_path), [*rows, {"id": "d", "duration": 1.0, "split": "train"}])
    (tmp_path / "part-00003-x.tar").write_bytes((tmp_path / "part-00001-x.tar").read_bytes())
    with pytest.raises(ValueError, match="songs twice"):
        write_index(tmp_path, standing(tmp_path), rows)


def test_verify_finds_damage(tmp_path: Path) -> None:
    good = shard_bytes([fragment(packable("a-1"))])
    path = tmp_path / "a.tar"
    path.write_bytes(good)
    assert verify_shard(path) == ["a-1"]
    found = {name.removeprefix("a-1."): data for name, data in members(good).items()}
    nan = {**found, "latent.pt": tensor_bytes(np.full((128, 30), np.nan, np.float32), "pt")}
    damaged = {
        "cut": good[: len(good) // 2],
        "endless": good[:-1024],
        "header": b"x" * 512 + good[512:],
        "half a sample": good[1024:],
        "twice": good[:-1024] + good,
        "not finite": shard_bytes([sample_bytes("a-1", nan)]),
        "nothing": b"",
    }
    for name, data in damaged.items():
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"a\.tar"):
            pytest.fail(f"{name}: {verify_shard(path)}")
