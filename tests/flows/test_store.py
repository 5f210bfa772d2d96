"""``--work s3://...`` and ``--songs s3://...``: the same commands, the same bytes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.commands.main import run
from tasks.songs.folder import AUDIO_ENDINGS
from tasks.storage.object_store import StorePath, place_of
from tests.flows.prepared import prepare, toy_songs
from tests.flows.test_lifecycle import digests, jam
from tests.s3 import CREDENTIALS, s3_server
from tests.tasks.songs.test_files import put, shard_of

pytestmark = pytest.mark.slow
SETTINGS = ("--set", "group.benchmark_share=0.2")
ALONE = ("group.benchmark_share=0.2", "engine.num_workers=1")
"""One worker: what lies in a folder is read once more, to be held against the store."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


def test_prepare_from_and_in_a_store_gives_the_shards_of_a_folder(
    server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    songs = toy_songs(tmp_path / "toy", 4)
    prepare(songs, str(tmp_path / "W"), *ALONE)
    place = place_of(server)
    assert isinstance(place, StorePath)
    stored = put(songs, place.parent / "toy")
    jam("prepare", "--songs", str(stored), "--work", server, *SETTINGS, cwd=tmp_path)
    kept = {path.relative_to(place).as_posix() for path in place.files_below()}
    local = {
        path.relative_to(tmp_path / "W").as_posix() for path in (tmp_path / "W").rglob("*") if path.is_file()
    }
    assert kept == local and not list(tmp_path.glob("s3*"))
    shards = [name for name in local if name.startswith(("shards/", "table/"))]
    assert any(name.endswith(".tar") for name in shards)
    for name in shards:
        assert (place / name).read_bytes() == (tmp_path / "W" / name).read_bytes(), name
    put(shard_of(songs, tmp_path / "shards" / "a-000.tar").parent, place.parent / "shards")
    prepare(place.parent / "shards", str(tmp_path / "from_shards"), *ALONE)
    assert digests(tmp_path / "from_shards" / "shards") == digests(tmp_path / "W" / "shards")
    listed = [{"audio_path": path.name} for path in songs.iterdir() if path.suffix in AUDIO_ENDINGS]
    (stored / "songs.json").write_bytes(json.dumps(listed).encode())
    prepare(stored / "songs.json", str(tmp_path / "from_manifest"), *ALONE)
    assert digests(tmp_path / "from_manifest" / "shards") == digests(tmp_path / "W" / "shards")
    assert run(["table", "--work", server, *SETTINGS]) == run(["verify", "--work", server]) == 0
    said = capfd.readouterr().out
    assert "4 songs in" in said and "all as written" in said


def test_without_credentials_in_the_environment_a_store_is_refused_in_one_line(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    command = [sys.executable, "-m", "flows.commands.main", "table", "--work", "s3://key:hidden@songs/work"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "environment" in done.stderr and "hidden" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
