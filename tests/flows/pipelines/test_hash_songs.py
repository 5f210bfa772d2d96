"""Songs' files hashed by workers: the same listing as when one process reads them, and no file that stops it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import ray

from flows.pipelines import hash_songs as module
from flows.pipelines.hash_songs import hash_songs
from flows.prepare import admit_songs
from flows.run.standing import stands
from flows.settings.params import load_params
from flows.settings.project import Project, WorkFolder
from tasks.engine.song import Song
from tasks.songs import hash_files
from tasks.songs.hash_files import FILES_AT_ONCE, HashFiles
from tasks.songs.hashes import Hashes
from tasks.songs.listing import list_sources
from tests.s3 import s3_server
from tests.tasks.songs.test_files import put, shard_of

ENDS_ITS_WORKER = "song-0007.wav"


class Frail(HashFiles):
    """A reader that one file ends."""

    def one(self, song: Song) -> Song:
        if song["file"] == ENDS_ITS_WORKER:
            os._exit(1)
        return super().one(song)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    ray.shutdown()  # workers that stand know nothing of this server's keys
    with s3_server() as url:
        yield url


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More files than one process reads: songs with words, copies, a song in a tar file, one that is gone."""
    folder = tmp_path_factory.mktemp("many") / "songs"
    folder.mkdir()
    for number in range(FILES_AT_ONCE - 100):
        name = f"song-{number:04d}"
        (folder / f"{name}.wav").write_bytes(
            f"sound {number // 2 * 2 if number % 10 == 1 else number}".encode()
        )
        (folder / f"{name}.txt").write_text(f"words {number}")
    (folder / "gone.wav").symlink_to("nowhere.wav")
    shard_of(_one_song(folder.parent / "inner"), folder / "a-000.tar")
    return folder


def _one_song(folder: Path) -> Path:
    folder.mkdir()
    (folder / "packed.wav").write_bytes(b"a song in a tar file")
    return folder


def project_in(work: str | Path, songs: object = "songs") -> Project:
    params = load_params(None, [f"songs.path={songs}"])
    engine = params.engine.model_copy(
        update={"num_workers": 2, "object_store_mb": 100, "cpus_per_worker": 0.5}
    )
    return Project(params.model_copy(update={"engine": engine}), WorkFolder.at(work))


@pytest.mark.slow
def test_workers_find_the_listing_that_one_process_finds_on_disk_and_in_a_store(
    songs: Path, tmp_path: Path, server: str
) -> None:
    expected = list_sources(songs)
    assert {source.facts["refused"] for source in expected.sources} == {None, "duplicate"}
    assert [row["reason"] for row in expected.refused] == ["broken_link"]
    project = project_in(tmp_path / "W")
    assert list_sources(songs, hashes=Hashes(None, partial(hash_songs, project))) == expected
    assert len(list((project.work.listing / "hash").glob("part-*.parquet"))) > 1
    place = put(songs, WorkFolder.at(server).root.parent / "many")
    stored = project_in(server)
    found = list_sources(place, hashes=Hashes(None, partial(hash_songs, stored)))
    assert [(s.song_id, s.identity, s.facts) for s in found.sources] == [
        (s.song_id, s.identity, s.facts) for s in list_sources(place).sources
    ]
    assert [s.identity for s in found.sources] == [s.identity for s in expected.sources]
    assert len(list((stored.work.listing / "hash").glob("part-*.parquet"))) > 1


@pytest.mark.slow
def test_a_file_that_ends_its_worker_is_unreadable_and_the_others_are_songs(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hash_files, "HashFiles", Frail)
    project = project_in(tmp_path / "W", songs)
    count = admit_songs(project)
    assert count == len(list_sources(songs).sources) - 1
    refused = [json.loads(line) for line in project.work.refused.read_text().splitlines()]
    assert {"path": ENDS_ITS_WORKER, "reason": "unreadable"} in refused
    assert (
        f"1 file ended the workers that read them, and cannot be read: {ENDS_ITS_WORKER}"
        in capsys.readouterr().out
    )
    assert not project.work.listing.exists()


def test_what_only_looks_starts_no_worker_and_a_few_files_need_none(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not stands(lambda: admit_songs(project_in(tmp_path / "W", songs)))

    def never(*asked: Any) -> None:
        raise AssertionError("workers were asked")

    monkeypatch.setattr(module, "run_stages", never)
    few = _one_song(tmp_path / "few")
    assert admit_songs(project_in(tmp_path / "V", few)) == 1


def test_after_a_kill_files_that_were_hashed_are_not_read_again(
    songs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.songs.hashes.SETTLED_S", -3600.0)  # every file is old enough
    project = project_in(tmp_path / "W")
    expected = list_sources(songs, hashes=Hashes(None, partial(hash_songs, project)))
    made = {path: path.stat().st_mtime_ns for path in (project.work.listing / "hash").glob("part-*.parquet")}
    assert list_sources(songs, hashes=Hashes(None, partial(hash_songs, project))) == expected
    assert made == {path: path.stat().st_mtime_ns for path in made}
