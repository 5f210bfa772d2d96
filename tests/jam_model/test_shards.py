"""Reading shards: what stands in them comes back, and nothing hostile does any harm."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from jam_model.shard_index import VALIDATION, locate
from jam_model.shards import Shards, decode_sample, stream_samples
from jam_model.words import Word
from tests.every import every

WORDS = [{"start": 0.1, "end": 0.6, "phoneme": "lˈʌv", "word": "love"}]


def tensor_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(array), buffer)
    return buffer.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def members_of(
    seed: int, num_frames: int = 20, num_styles: int | None = None, form: str = "pt"
) -> dict[str, bytes]:
    rng = np.random.default_rng(seed)
    latent_CT = rng.standard_normal((128, num_frames)).astype(np.float32)
    style = rng.standard_normal((512,) if num_styles is None else (num_styles, 512)).astype(np.float32)
    to_bytes = tensor_bytes if form == "pt" else npy_bytes
    return {
        "json": json.dumps({"word": WORDS}).encode(),
        f"latent.{form}": to_bytes(latent_CT),
        f"style.{form}": to_bytes(style),
    }


def write_shard(path: Path, samples: dict[str, dict[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for song_id, members in samples.items():
            for suffix, data in members.items():
                header = tarfile.TarInfo(f"{song_id}.{suffix}")
                header.size = len(data)
                tar.addfile(header, io.BytesIO(data))
    return path


def write_folder(
    folder: Path, shards: list[dict[str, dict[str, bytes]]], splits: dict[str, str] | None = None
) -> Path:
    folder.mkdir(exist_ok=True)
    paths = [write_shard(folder / f"part-{n:05d}.tar", samples) for n, samples in enumerate(shards)]
    entries = [{"name": p.name, "bytes": p.stat().st_size, "sha256": "", "num_samples": 0} for p in paths]
    (folder / "index.json").write_text(json.dumps({"shards": entries}))
    if splits is not None:
        lines = [json.dumps({"id": i, "duration": 1.0, "split": s}) + "\n" for i, s in splits.items()]
        (folder / "ids.jsonl").write_text("".join(lines))
    return folder


def test_stream_reads_samples_through_webdataset(tmp_path: Path) -> None:
    shard = write_shard(tmp_path / "a.tar", {"one": members_of(1), "two": members_of(2, 30, num_styles=3)})
    one, two = stream_samples([shard])
    assert (one.song_id, two.song_id) == ("one", "two")
    assert one.mean_TC.shape == one.std_TC.shape == (20, 64) and one.style_NS.shape == (1, 512)
    assert two.num_frames == 30 and two.style_NS.shape == (3, 512)
    assert one.words == (Word("love", 0.1, 0.6, "lˈʌv"),)


def test_random_access_and_streaming_give_the_same_samples(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path / "s", [{"a": members_of(1), "b": members_of(2)}, {"c": members_of(3, form="npy")}]
    )
    shards = Shards(folder)
    streamed = list(stream_samples(shards.paths))
    assert shards.shard_sizes() == [2, 1]
    for number, expected in enumerate(streamed):
        assert shards[number].song_id == expected.song_id
        np.testing.assert_array_equal(shards[number].mean_TC, expected.mean_TC)
        np.testing.assert_array_equal(shards[number].std_TC, expected.std_TC)
        np.testing.assert_array_equal(shards[number].style_NS, expected.style_NS)


def test_mean_comes_before_std(tmp_path: Path) -> None:
    latent_CT = np.concatenate([np.full((64, 5), 2.0), np.full((64, 5), 0.5)]).astype(np.float32)
    members = members_of(1) | {"latent.pt": tensor_bytes(latent_CT)}
    (sample,) = stream_samples([write_shard(tmp_path / "a.tar", {"one": members})])
    assert (sample.mean_TC == 2.0).all() and (sample.std_TC == 0.5).all()


def test_only_the_asked_split_is_read(tmp_path: Path) -> None:
    songs = {"a": members_of(1), "b": members_of(2), "c": members_of(3)}
    folder = write_folder(tmp_path / "s", [songs], {"a": "train", "b": "validation", "c": "benchmark"})
    assert [place.song_id for place in Shards(folder).places] == ["a"]
    assert [place.song_id for place in Shards(folder, VALIDATION).places] == ["b"]


def test_cache_stays_within_its_bound(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{f"s{n}": members_of(n) for n in range(6)}])
    one = Shards(folder)[0].num_bytes
    shards = Shards(folder, cache_bytes=2 * one)
    for number in range(6):
        shards[number]
    assert list(shards._cache) == [4, 5]
    assert shards[4] is shards[4] and shards[0].song_id == "s0"


def test_pickle_in_a_tensor_member_is_refused_and_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (marker,))  # type: ignore[return-value]

    buffer = io.BytesIO()
    torch.save({"x": Evil()}, buffer)
    for data in (buffer.getvalue(), pickle.dumps(Evil())):
        folder = write_folder(tmp_path / "s", [{"one": members_of(1) | {"style.pt": data}}])
        with pytest.raises(ValueError, match=r"one\.style\.pt is not a plain tensor"):
            Shards(folder)[0]
        with pytest.raises(ValueError, match="not a plain tensor"):
            list(stream_samples([folder / "part-00000.tar"]))
    assert not marker.exists()


def test_object_array_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    members = members_of(1, form="npy") | {"style.npy": buffer.getvalue()}
    with pytest.raises(ValueError, match="not a plain tensor"):
        Shards(write_folder(tmp_path / "s", [{"one": members}]))[0]


@pytest.mark.parametrize("shape", [(64, 20), (128,), (128, 0)])
def test_latent_of_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    members = members_of(1) | {"latent.pt": tensor_bytes(np.zeros(shape, np.float32))}
    with pytest.raises(ValueError, match="latent has shape"):
        Shards(write_folder(tmp_path / "s", [{"one": members}]))[0]


def test_latent_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    members = members_of(1) | {"latent.pt": tensor_bytes(np.full((128, 4), np.nan, np.float32))}
    with pytest.raises(ValueError, match="not finite"):
        Shards(write_folder(tmp_path / "s", [{"one": members}]))[0]


@every("name", ["../evil.json", "/abs.json", "one.pyd", "one", "a.b.json"])
def test_member_of_another_name_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match="member"):
        locate(path, 0)


def test_a_registered_member_that_is_not_asked_for_is_passed_over_and_one_that_is_must_be_there(
    tmp_path: Path,
) -> None:
    with_more = members_of(1) | {"language.json": b"{damaged"}
    folder = write_folder(tmp_path / "s", [{"one": with_more, "two": members_of(2)}])
    assert [sample.extras for sample in Shards(folder)] == [{}, {}]
    with pytest.raises(ValueError, match=r"one\.language\.json is not JSON"):
        Shards(folder, extras=["language"])[0]
    with pytest.raises(ValueError, match="'two' lacks its language"):
        Shards(folder, extras=["language"])[1]


def test_an_extra_member_is_json_or_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jam_model.shards.EXTRAS", {"language": "language.json", "controls": "controls.npy"})
    more = {"language.json": b'"en"', "controls.npy": npy_bytes(np.ones((2, 3), np.float32))}
    sample = decode_sample("one", members_of(1) | more, "here", ["language", "controls"])
    assert sample.extras["language"] == "en" and sample.extras["controls"].sum() == 6


def test_link_in_a_shard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    link = tarfile.TarInfo("one.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with tarfile.open(path, "w") as tar:
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"one\.json"):
        locate(path, 0)


def test_sample_without_a_member_is_refused(tmp_path: Path) -> None:
    members = members_of(1)
    del members["style.pt"]
    with pytest.raises(ValueError, match="needs one each"):
        locate(write_shard(tmp_path / "a.tar", {"one": members}), 0)


def test_shard_that_was_cut_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}])
    shard = folder / "part-00000.tar"
    shard.write_bytes(shard.read_bytes()[:-600])
    with pytest.raises(ValueError, match="pack again"):
        Shards(folder)


def test_song_that_stands_in_two_shards_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}, {"one": members_of(2)}])
    with pytest.raises(ValueError, match="stands twice"):
        Shards(folder)


def test_index_cannot_point_outside_its_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}])
    entry = {"name": "../../secret.tar", "bytes": 1, "sha256": "0"}
    (folder / "index.json").write_text(json.dumps({"shards": [entry]}))
    with pytest.raises(ValueError, match="plain names"):
        Shards(folder)


@every(
    "text",
    [
        "[" * 100_000,
        "[]",
        "{}",
        '{"shards": {}}',
        '{"shards": [1]}',
        '{"shards": [{"name": "a.tar"}]}',
        "\udcff",
    ],
)
def test_an_index_of_another_form_is_a_plain_error(tmp_path: Path, text: str) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}])
    (folder / "index.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=r"index\.json"):
        Shards(folder)


@every("line", ["{}", "1", "{", '{"id": 1}', '{"id": "one", "split": []}', '{"id": "one", "duration": "3"}'])
def test_an_id_list_of_another_form_names_its_line(tmp_path: Path, line: str) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}])
    (folder / "ids.jsonl").write_text('{"id": "one"}\n' + line)
    with pytest.raises(ValueError, match=r"ids\.jsonl:2"):
        Shards(folder)


def test_a_shard_with_a_damaged_header_is_a_plain_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "s", [{"one": members_of(1)}])
    shard = next(folder.glob("*.tar"))
    data = bytearray(shard.read_bytes())
    data[:8] = b"\xff" * 8
    shard.write_bytes(data)
    with pytest.raises(ValueError, match="not a whole tar file"):
        Shards(folder)
