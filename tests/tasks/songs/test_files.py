"""Songs in a folder, in a store, in tar shards in either: the same songs, and nothing a tar file can do to a listing."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from tasks.audio.mix import mix_of
from tasks.audio.read import AudioParams
from tasks.engine.song import Song, SongError
from tasks.songs.files import song_file
from tasks.songs.hashes import Hashes
from tasks.songs.listing import Listing, list_sources
from tasks.stages.ingest import Ingest
from tasks.storage.object_store import StorePath, place_of
from tests.s3 import s3_server
from tests.tasks.stages.test_ingest import AUDIO, PARAMS
from tests.tasks.tiny import write_song


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def store(server: str) -> StorePath:
    """A prefix that no other test uses."""
    place = place_of(server)
    assert isinstance(place, StorePath)
    return place / uuid4().hex


def album(folder: Path) -> Path:
    """Songs with each kind of file beside them, in two folders."""
    write_song(folder / "Ärger & Söhne.wav", 0.4, seed=1)
    (folder / "Ärger & Söhne.json").write_text('[{"word": "la", "start": 0.1, "end": 0.2}]')
    write_song(folder / "sub" / "two words.v1.flac", 0.3, seed=2)
    (folder / "sub" / "two words.v1.lrc").write_text("[00:00.10]la la")
    (folder / "sub" / "two words.v1.style.txt").write_text("slow pop")
    write_song(folder / "sub" / "bare\u3000name.ogg", 0.5, seed=3)
    return folder


def shard_of(folder: Path, path: Path) -> Path:
    """A folder as a tar file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for file in sorted(folder.rglob("*")):
            tar.add(file, f"./{file.relative_to(folder).as_posix()}", recursive=False)
    return path


def put(folder: Path, store: StorePath) -> StorePath:
    for file in folder.rglob("*"):
        if file.is_file():
            (store / file.relative_to(folder).as_posix()).write_bytes(file.read_bytes())
    return store


def songs_of(listing: Listing) -> dict[str, Song]:
    return {
        source.song_id: Song(source.song_id, {**source.facts, "identity": source.identity})
        for source in listing.sources
    }


def test_songs_are_the_same_wherever_their_files_are(store: StorePath, tmp_path: Path) -> None:
    plain = album(tmp_path / "plain")
    shards = shard_of(plain, tmp_path / "shards" / "deep" / "a-000.tar").parent.parent
    expected = list_sources(plain)
    assert len(expected.sources) == 3 and expected.refused == []
    for place in (shards, put(plain, store / "plain"), put(shards, store / "shards")):
        listing = list_sources(place)
        assert listing.refused == [], place
        found, root = songs_of(listing), str(listing.root)
        for song_id, song in songs_of(expected).items():
            assert found[song_id]["identity"] == song["identity"], place
            ingested = Ingest(PARAMS, AUDIO).one(replace(found[song_id], root=root))
            for name, value in Ingest(PARAMS, AUDIO).one(replace(song, root=str(plain))).columns.items():
                if not name.endswith("path") and name != "audio":
                    assert ingested[name] == value, (place, name)
            mix_CN = mix_of(song_id, found[song_id]["audio"], root)
            assert np.array_equal(mix_CN, mix_of(song_id, song["audio"], str(plain))), place


def test_a_manifest_in_a_store_lists_the_songs_of_one_on_disk(store: StorePath, tmp_path: Path) -> None:
    plain = album(tmp_path / "plain")
    rows = [
        {"audio_path": "Ärger & Söhne.wav", "license": "CC0"},
        {"audio_path": "./sub/two words.v1.flac", "id": "two", "prompt_path": None},
        {"audio_path": "sub/bare\u3000name.ogg", "lrc_path": "sub/two words.v1.lrc"},
    ]
    (plain / "songs.json").write_text(json.dumps(rows))
    expected = list_sources(plain / "songs.json")
    put(plain, store)
    found = list_sources(store / "songs.json")
    assert len(found.sources) == 3 and found.refused == [] and found.root == store
    assert found.sources == expected.sources
    url = str(store / "sub" / "bare\u3000name.ogg")
    (store / "more.json").write_bytes(json.dumps([{"audio_path": url}]).encode())
    assert [s.facts["audio"]["path"] for s in list_sources(store / "more.json").sources] == [
        "sub/bare\u3000name.ogg"
    ]


def test_a_manifest_in_a_store_names_files_below_it_and_one_on_disk_files_of_this_machine(
    store: StorePath, tmp_path: Path
) -> None:
    (store.parent / "secret.wav").write_bytes(b"x")
    written = [
        "../secret.wav",
        "/etc/hostname",
        "none.wav",
        "s3://elsewhere/a.wav",
        "file:///a.wav",
        "http://a/b",
    ]
    (store / "songs.json").write_bytes(json.dumps([{"audio_path": path} for path in written]).encode())
    listing = list_sources(store / "songs.json")
    assert listing.sources == [] and [row["path"] for row in listing.refused] == [
        f"songs.json:{number}" for number in range(1, 7)
    ]
    assert {row["reason"] for row in listing.refused} == {"manifest_entry"}
    assert "'none.wav' is no file below s3://" in listing.refused[2]["detail"]
    (tmp_path / "songs.json").write_text(json.dumps([{"audio_path": "s3://bucket/a.wav"}]))
    (row,) = list_sources(tmp_path / "songs.json").refused
    assert "songs of a store need a manifest in it" in row["detail"]


def test_songs_in_a_store_are_seen_again_by_one_listing(
    store: StorePath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(album(tmp_path / "plain"), store)
    later_ns = time.time_ns() + 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later_ns)
    hashes = Hashes()
    first = list_sources(store, hashes=hashes)
    hashes.write(tmp_path / "hashes.parquet")
    asked: list[str] = []
    for name in ("_info", "_listing", "open"):
        method = getattr(StorePath, name)
        monkeypatch.setattr(
            StorePath,
            name,
            lambda *arguments, n=name, m=method, **more: (asked.append(n), m(*arguments, **more))[1],
        )
    assert list_sources(store, hashes=Hashes(tmp_path / "hashes.parquet")) == first
    assert asked == ["_info", "_listing"], "is it a folder, and what is in it"


def test_a_path_names_the_bytes_of_a_member_and_its_kind(tmp_path: Path) -> None:
    shard_of(album(tmp_path / "plain"), tmp_path / "shards" / "a-000.tar")
    paths = {source.facts["lyrics_path"] for source in list_sources(tmp_path / "shards").sources} - {None}
    assert all(path.startswith("a-000.tar@") for path in paths)
    assert {Path(path).suffix for path in paths} == {".json", ".lrc"}


def member(name: str, data: bytes = b"", **facts: object) -> tuple[tarfile.TarInfo, bytes]:
    header = tarfile.TarInfo(name)
    header.size = len(data)
    for key, value in facts.items():
        setattr(header, key, value)
    return header, data


def hostile(folder: Path, audio: bytes) -> Path:
    folder.mkdir()
    with tarfile.open(folder / "a.tar", "w") as tar:
        for header, data in (
            member("good.wav", audio),
            member("good.wav", audio + b"other"),
            member("../climbs.wav", audio),
            member("/absolute.wav", audio),
            member("win\\dows.wav", audio),
            member("new\nline.wav", audio),
            member("link.wav", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
            member("hard.wav", type=tarfile.LNKTYPE, linkname="good.wav"),
            member("pipe.wav", type=tarfile.FIFOTYPE),
            member("folder.wav", type=tarfile.DIRTYPE),
            member(".hidden.wav", audio),
            member("inner.tar", b"no song"),
            member("alone.txt", b"la"),
        ):
            tar.addfile(header, io.BytesIO(data))
    return folder


def test_what_in_a_tar_file_is_no_song_is_refused_with_a_reason(tmp_path: Path, store: StorePath) -> None:
    local = hostile(tmp_path / "songs", write_song(tmp_path / "song.wav", 0.2).read_bytes())
    for place in (local, put(local, store)):
        listing = list_sources(place)
        refused = {
            row["path"].removeprefix("a.tar").split("/", 1)[1]: row["reason"] for row in listing.refused
        }
        assert refused == {
            "good.wav": "duplicate_member",
            "../climbs.wav": "unsafe_name",
            "/absolute.wav": "unsafe_name",
            "win\\dows.wav": "unsafe_name",
            "new\nline.wav": "unsafe_name",
            "link.wav": "not_a_regular_file",
            "hard.wav": "not_a_regular_file",
            "pipe.wav": "not_a_regular_file",
            ".hidden.wav": "hidden",
            "inner.tar": "unsupported_ending",
            "alone.txt": "lyrics_without_audio",
        }
        assert [source.facts["title"] for source in listing.sources] == ["good"]


def test_a_tar_file_that_breaks_off_gives_what_stands_before(tmp_path: Path) -> None:
    shard = shard_of(album(tmp_path / "plain"), tmp_path / "songs" / "a.tar")
    whole = shard.read_bytes()
    with tarfile.open(shard) as tar:
        last = max(member.offset_data + member.size for member in tar)
    for data in (whole[: last - 10], whole[:last] + b"x" * 512, whole[: last // 512 * 512 + 512]):
        shard.write_bytes(data)
        listing = list_sources(tmp_path / "songs")
        assert [(row["path"], row["reason"]) for row in listing.refused][-1] == ("a.tar", "shard_damaged")
        assert listing.sources
    (tmp_path / "songs" / "no.tar").write_bytes(b"<html>" * 200)
    (tmp_path / "songs" / "out.tar").symlink_to(shard_of(tmp_path / "plain", tmp_path / "out.tar"))
    reasons = {row["path"]: row["reason"] for row in list_sources(tmp_path / "songs").refused}
    assert (reasons["no.tar"], reasons["out.tar"]) == ("shard_damaged", "outside_root")


def reason(root: Path, song: Song, audio: AudioParams = AUDIO) -> str:
    with pytest.raises(SongError) as error:
        Ingest(PARAMS, audio).one(replace(song, root=str(root)))
    return error.value.reason


def test_what_changed_or_went_since_it_was_listed_drops_its_song(tmp_path: Path, store: StorePath) -> None:
    plain = album(tmp_path / "plain")
    shard = shard_of(plain, tmp_path / "shards" / "a.tar")
    song = next(iter(songs_of(list_sources(shard.parent)).values()))
    assert reason(shard.parent, song, AUDIO.model_copy(update={"max_bytes": 1000})) == "too_large"
    write_song(plain / "Another.wav", 0.4, seed=9)
    shard_of(plain, shard)
    assert reason(shard.parent, song) == "source_changed"
    shard.unlink()
    assert reason(shard.parent, song) == "source_gone"
    song = next(iter(songs_of(list_sources(put(plain, store))).values()))
    (store / song["audio"]["path"]).unlink()
    assert reason(store, song) == "source_gone"


def test_a_path_that_leads_out_of_a_store_is_not_opened(store: StorePath, tmp_path: Path) -> None:
    for path in ("../work/lease.json", "/songs/x.wav", "a.tar@0+9/../../x.wav"):
        for root in (store, tmp_path):
            with pytest.raises(ValueError, match="out of the songs folder"):
                song_file(str(root), path)
    with pytest.raises(ValueError, match="neither a prefix with songs nor a manifest"):
        list_sources(store / "nothing")
