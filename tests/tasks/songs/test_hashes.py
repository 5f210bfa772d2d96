"""Files that have not changed are not read again; any that may have is."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tasks.songs import hashes
from tasks.songs.hashes import SETTLED_S, Hashes
from tasks.songs.listing import list_sources


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were read to be hashed, as time goes on: an hour later than it is."""
    names: list[str] = []
    whole = hashes.hash_file

    def noted(path: Path) -> str:
        names.append(path.name)
        return whole(path)

    monkeypatch.setattr(hashes, "hash_file", noted)
    later_ns = time.time_ns() + 3_600 * 10**9
    monkeypatch.setattr(hashes.time, "time_ns", lambda: later_ns)
    return names


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.wav").write_bytes(name.encode())
        (folder / f"{name}.txt").write_text(f"words of {name}")
    return folder


def listed(songs: Path, kept: Path) -> list[tuple[str, str]]:
    known = Hashes(kept)
    listing = list_sources(songs, hashes=known)
    known.write(kept)
    return [(source.facts["content_hash"], source.identity) for source in listing.sources]


def test_a_second_listing_reads_no_file_and_finds_the_same(
    songs: Path, tmp_path: Path, read: list[str]
) -> None:
    first = listed(songs, tmp_path / "hashes.parquet")
    assert sorted(read) == ["a.txt", "a.wav", "b.txt", "b.wav"]
    assert first[0][0] == hashlib.sha256(b"a").hexdigest()
    read.clear()
    assert listed(songs, tmp_path / "hashes.parquet") == first
    assert read == []


def test_a_changed_file_is_read_though_its_size_and_time_are_put_back(
    songs: Path, tmp_path: Path, read: list[str]
) -> None:
    before = listed(songs, tmp_path / "hashes.parquet")
    path = songs / "a.wav"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    time.sleep(0.02)
    path.write_bytes(b"A")
    os.utime(path, ns=times)
    read.clear()
    after = listed(songs, tmp_path / "hashes.parquet")
    assert read == ["a.wav"]
    assert after[0] != before[0] and after[1] == before[1]


def test_a_file_that_is_seconds_old_is_read_again_since_its_times_cannot_tell(
    songs: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    young_ns = (songs / "b.txt").stat().st_ctime_ns + int(0.5 * SETTLED_S * 1e9)
    monkeypatch.setattr(hashes.time, "time_ns", lambda: young_ns)
    listed(songs, tmp_path / "hashes.parquet")
    read.clear()
    listed(songs, tmp_path / "hashes.parquet")
    assert len(read) == 4


def test_what_was_remembered_is_no_more_than_what_is_there_and_damage_only_costs_time(
    songs: Path, tmp_path: Path, read: list[str]
) -> None:
    kept = tmp_path / "hashes.parquet"
    first = listed(songs, kept)
    size = kept.stat().st_size
    for name in ("b.wav", "b.txt"):
        (songs / name).unlink()
    assert listed(songs, kept) == first[:1]
    assert kept.stat().st_size < size
    kept.write_bytes(b"PAR1 and no more")
    read.clear()
    assert listed(songs, kept) == first[:1]
    assert sorted(read) == ["a.txt", "a.wav"]
