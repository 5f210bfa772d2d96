"""Training from a store: shards fetched as they are read, within bounds; runs kept there, resumed from there."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from jam_model.checkpoint import load_model, weights_hash
from jam_model.shards import Shards
from tasks.shards.open import open_shards
from tasks.storage.object_store import StorePath, place_of, upload
from tasks.storage.shard_cache import NodeCache, cache_folder
from tasks.trainer.checkpoints import newest_checkpoint
from tasks.trainer.loop import run_steps
from tasks.trainer.run_folder import RunFolder
from tests.jam_model.test_shards import members_of, write_folder
from tests.s3 import s3_server
from tests.tasks.training.test_train import ALONE, PARAMS, log_of, objective

SPLITS = {f"s{n}": "train" if n < 6 else "validation" for n in range(8)}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def place(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePath:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "node"))
    (tmp_path / "node").mkdir()
    found = place_of(server)
    assert isinstance(found, StorePath)
    return found / uuid4().hex


@pytest.fixture
def folder(place: StorePath, tmp_path: Path) -> Path:
    """Eight shards of one song, here and in the store."""
    found = write_folder(
        tmp_path / "shards", [{f"s{n}": members_of(n, 12 + 3 * n)} for n in range(8)], SPLITS
    )
    index = json.loads((found / "index.json").read_text())
    for entry in index["shards"]:
        entry["num_samples"] = 1
    (found / "index.json").write_text(json.dumps(index))
    for path in found.iterdir():
        upload(path, place / path.name)
    return found


def kept(place: StorePath) -> set[str]:
    return {path.name for path in cache_folder(place).glob("part-*.tar")}


def test_samples_of_a_store_are_those_of_a_folder_and_are_fetched_when_read(
    folder: Path, place: StorePath
) -> None:
    there, here = open_shards(place, "train", 0, 1), Shards(folder, "train")
    assert [p.song_id for p in there.places] == [p.song_id for p in here.places]
    assert there.shard_sizes() == here.shard_sizes() and kept(place) == set()
    for number in (4, 0, 4):
        np.testing.assert_array_equal(there[number].mean_TC, here[number].mean_TC)
        assert there[number].words == here[number].words
    assert kept(place) == {"part-00000.tar", "part-00004.tar"}


def test_the_least_recently_used_shards_go_first(folder: Path, place: StorePath) -> None:
    sizes = {path.name: path.stat().st_size for path in folder.glob("*.tar")}
    names = sorted(sizes)
    cache = NodeCache(place, sum(sizes[name] for name in names[:3]) + 100)
    for name in [*names[:3], names[0], names[3]]:
        assert cache.get(name, sizes[name]).read_bytes() == (folder / name).read_bytes()
    assert names[0] in kept(place) and names[1] not in kept(place) and len(kept(place)) <= 3
    assert cache.get(names[1], sizes[names[1]]).is_file()


def test_what_a_killed_download_left_goes_and_a_running_one_stays(folder: Path, place: StorePath) -> None:
    NodeCache(place, 0)
    left, running = (cache_folder(place) / f".tmp-{name}-part-00000.tar" for name in ("aaaaaaaa", "bbbbbbbb"))
    left.write_bytes(b"half")
    with running.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        NodeCache(place, 0)
        assert not left.exists() and running.exists()


def test_a_shard_of_another_size_than_its_index_says_is_refused(folder: Path, place: StorePath) -> None:
    (place / "part-00000.tar").write_bytes(b"short")
    with pytest.raises(ValueError, match="pack again"):
        open_shards(place, "train", 0, 1)[0]
    assert "part-00000.tar" not in kept(place)


def test_a_run_in_a_store_goes_on_from_what_another_machine_left_there(
    folder: Path, place: StorePath, tmp_path: Path
) -> None:
    whole, run = tmp_path / "whole", place / "run"
    whole.mkdir()
    run_steps(objective(folder), PARAMS, whole, ALONE)
    for attempt, stop in (("first", 5), ("second", None)):
        work = RunFolder(run, attempt)  # the second begins on an empty folder, as another machine would
        work.bring()
        run_steps(objective(place), PARAMS, work.here, ALONE, stop_at=stop, commit=work.send)
        work.leave()
    assert log_of(run) == log_of(whole)  # type: ignore[arg-type]
    names = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    assert {str(path.relative_to(run)) for path in run.files_below()} == names
    assert weights_hash(run) == weights_hash(whole)
    loaded, wanted = (load_model(where).state_dict() for where in (run, whole))
    assert all(bool((loaded[name] == wanted[name]).all()) for name in wanted)
    newest = newest_checkpoint(run)
    assert newest is not None and newest.name == "step-000006"
