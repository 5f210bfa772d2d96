"""Work folders in an object store: used like paths, whole files or none, credentials from the environment."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.run_partition import run_partition
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import Stage
from tasks.engine.table import Table
from tasks.storage.files import atomic_path, names_in, remove_tree, write_json, write_json_lines
from tasks.storage.lease import LEASE_NAME, STALE_S, LeaseLost, WorkHeld, fence_over, hold, read_holder
from tasks.storage.object_store import StorePath, local_file, local_folder, place_of
from tasks.upkeep.checksums import kept_files, recording
from tasks.upkeep.repair import repair
from tasks.upkeep.verify import verify_folder
from tests.every import every
from tests.s3 import s3_server
from tests.tasks.engine.probes import ENGINE, LISTED, Cut, Factor, Measure, run_here, sources, work_of
from tests.tasks.storage.test_lease import another_process, silent, taken_over


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def place(server: str) -> StorePath:
    """A prefix that no other test uses."""
    found = place_of(server)
    assert isinstance(found, StorePath)
    return found / uuid4().hex


def files(place: StorePath) -> set[str]:
    return {str(path.relative_to(place)) for path in place.files_below()}


def test_a_url_survives_as_text_and_in_a_worker(place: StorePath) -> None:
    assert place_of(str(place)) == place == pickle.loads(pickle.dumps(place))
    assert place_of("data/w") == Path("data/w") and place_of("file:///data/a%20b") == Path("/data/a b")


def test_a_place_is_used_like_a_path(place: StorePath) -> None:
    path = place / "table" / "cut" / "part-00001-ab.parquet"
    assert (path.name, path.stem, path.suffix, path.parent.name) == (
        "part-00001-ab.parquet",
        "part-00001-ab",
        ".parquet",
        "cut",
    )
    assert not path.exists() and not place.is_dir() and list(place.iterdir()) == []
    path.write_bytes(b"12345")
    assert path.is_file() and place.is_dir() and path.stat().st_size == 5 and path.read_text() == "12345"
    assert names_in(path.parent) == {path.name}
    assert list(place.glob("table/*/part-*.parquet")) == [path]
    assert list(place.glob("table/cut/part-00002*")) == []
    assert path.with_suffix(".tar").name == "part-00001-ab.tar"
    assert path.relative_to(place) == PurePosixPath("table/cut/part-00001-ab.parquet")
    with path.open() as file:
        file.seek(2)
        assert file.read(2) == b"34"
    path.unlink()
    path.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError):
        path.unlink()


def test_nothing_of_a_store_is_taken_for_a_local_file(place: StorePath) -> None:
    with pytest.raises(TypeError):
        open(place)  # type: ignore[call-overload]  # noqa: SIM115
    with pytest.raises(TypeError):
        Path(place)
    with pytest.raises(ValueError, match="read bytes"):
        place.open("wb")


@every(
    ("url", "told"),
    [
        ("s3://key:hidden@bucket/w", "credentials"),
        ("s3://bucket/w?secret_key=hidden", "credentials"),
        ("s3:///w", "names no bucket"),
        ("http://bucket/w", "no store"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_secrets(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as refused:
        place_of(url)
    assert "hidden" not in str(refused.value)


def test_an_exception_leaves_no_object(place: StorePath) -> None:
    with pytest.raises(RuntimeError), atomic_path(place / "a.bin") as spool, spool.open("wb") as file:
        file.write(b"half")
        raise RuntimeError
    with pytest.raises(RuntimeError), local_folder(place / "report") as folder:
        (folder / "page.html").write_text("half")
        raise RuntimeError
    assert files(place) == set()


def test_files_of_any_size_arrive_whole(place: StorePath) -> None:
    for size in (0, 1, 11 << 20):  # the last in parts
        with atomic_path(place / "a.bin") as spool:
            spool.write_bytes(bytes(size))
        with local_file(place / "a.bin") as local:
            assert local.read_bytes() == bytes(size)
    write_json(place / "a.json", {"b": 1})
    write_json_lines(place / "a.jsonl", [{"b": 1}, {"b": 2}])
    assert json.loads((place / "a.json").read_text()) == {"b": 1}
    remove_tree(place)
    assert files(place) == set()


@dataclass
class Moody:
    """A store that does not answer every other time."""

    store: Any
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: Any) -> Any:
            self.asked += 1
            if self.asked % 2:
                raise OSError(f"AWS Error NETWORK_CONNECTION during {name}: curlCode: 7, Couldn't connect")
            return getattr(self.store, name)(*arguments)

        return answer


def test_a_store_that_is_away_for_a_moment_is_asked_again(
    place: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    moody = Moody(place.filesystem)
    monkeypatch.setattr(StorePath, "filesystem", moody)
    monkeypatch.setattr("tasks.storage.retry.time.sleep", lambda _: None)
    (place / "a.json").write_bytes(b"{}")
    assert (place / "a.json").read_bytes() == b"{}" and files(place) == {"a.json"}
    (place / "a.json").unlink()
    assert not (place / "a.json").exists() and moody.asked == 2 * 5


def pipeline_in(root: Path, titles: list[str]) -> Pipeline:
    Table(root / "table", LISTED).admit(sources(titles), ENGINE.partition_size, fewest=1)
    stages: list[Stage] = [Measure(Factor(factor=10.0)), Cut(Factor(factor=1.0))]
    return Pipeline(Table(root / "table", LISTED), stages, root / "shards")


def test_a_table_in_a_store_has_the_bytes_of_one_in_a_folder(place: StorePath, tmp_path: Path) -> None:
    for root in (tmp_path / "w", place):
        pipeline = pipeline_in(root, ["one", "two", "drop me", "four", "five"])
        run_here(pipeline, tmp_path / "receipts")
        assert not any(pipeline.missing(stage) for stage in pipeline.stages)
    local = {str(path.relative_to(tmp_path / "w")) for path in (tmp_path / "w").rglob("*") if path.is_file()}
    assert files(place) == local and len(local) == 8
    for name in local:
        assert (place / name).read_bytes() == (tmp_path / "w" / name).read_bytes(), name
    assert [row["drop_reason"] for row in pipeline.rows()].count("too_short") == 1


def test_a_stage_that_raises_half_way_leaves_no_object(place: StorePath, tmp_path: Path) -> None:
    pipeline = pipeline_in(place, ["one", "two", "bug", "four"])
    before = files(place)
    with pytest.raises(KeyError):
        run_partition(pipeline.stages["measure"], work_of(pipeline, "measure", 0, tmp_path))
    assert files(place) == before == {str(pipeline.path("sources", 0).relative_to(place))}


def test_a_store_has_one_writer_and_a_killed_one_is_taken_over(place: StorePath) -> None:
    process = another_process(place)
    with (
        pytest.raises(WorkHeld, match=f"held by `jam train` .*pid {process.pid}"),
        hold(place, "dpo", silent),
    ):
        pass
    process.kill()
    process.wait()
    said: list[str] = []
    with hold(place, "prepare", said.append):
        assert files(place) == {LEASE_NAME}
    assert len(said) == 1 and f"took {place} over from `jam train`" in said[0]
    assert files(place) == set()


def test_a_lease_in_a_store_whose_heart_stopped_on_another_machine_is_taken_over(place: StorePath) -> None:
    with hold(place, "prepare", silent):
        holder = read_holder(place / LEASE_NAME)
    assert holder is not None
    far = replace(holder, machine="another", host="node-2", beat_at=time.time())
    write_json(place / LEASE_NAME, asdict(far))
    with pytest.raises(WorkHeld, match="host node-2"), hold(place, "prepare", silent):
        pass
    write_json(place / LEASE_NAME, asdict(replace(far, beat_at=time.time() - 2 * STALE_S)))
    said: list[str] = []
    with hold(place, "prepare", said.append):
        assert "host node-2" in said[0]


def test_a_writer_that_lost_its_lease_in_a_store_commits_nothing(place: StorePath, tmp_path: Path) -> None:
    pipeline = pipeline_in(place, ["one", "two"])
    with hold(place, "prepare", silent):
        work = replace(work_of(pipeline, "measure", 0, tmp_path), fence=fence_over(place / "table"))
        taken_over(place / LEASE_NAME)
        with pytest.raises(LeaseLost, match="host other"):
            run_partition(pipeline.stages["measure"], work)
    assert pipeline.missing("measure") == [0]
    assert files(place) == {LEASE_NAME, str(pipeline.path("sources", 0).relative_to(place))}


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """From its call on, the folders of a store that were listed; looking at one file or opening it fails."""

    def begin() -> list[str]:
        found: list[str] = []
        listing = StorePath._listing

        def counted(self: StorePath, recursive: bool = False) -> list:
            found.append(self.name)
            return listing(self, recursive)

        monkeypatch.setattr(StorePath, "_listing", counted)
        monkeypatch.setattr(StorePath, "_info", None)
        monkeypatch.setattr(StorePath, "open", None)
        return found

    return begin


def test_what_stands_in_a_store_is_one_listing_a_folder(
    place: StorePath, listed: Callable[[], list[str]]
) -> None:
    pipeline = pipeline_in(place, [f"title {number}" for number in range(12)])
    found = listed()
    for stage in pipeline.stages:
        existing = pipeline.existing(stage)
        assert len(pipeline.missing(stage, existing)) == 3
        assert not pipeline.superseded(stage, existing)
    assert found == ["measure", "sources", "cut", "shards"]


def test_a_finished_table_in_a_store_is_checked_again_by_one_listing_a_folder(
    place: StorePath, tmp_path: Path, listed: Callable[[], list[str]]
) -> None:
    pipeline = pipeline_in(place, [f"title {number}" for number in range(12)])
    run_here(pipeline, tmp_path)
    again = Pipeline(Table(place / "table", LISTED), list(pipeline.stages.values()), place / "shards")
    found = listed()
    reports = run_pipelines([again], ENGINE, place / "receipts")
    assert all(report.finished and report.fresh == 3 for report in reports)
    assert sorted(found) == ["cut", "measure", "shards", "sources"]


def test_what_is_deleted_in_a_store_is_missed_and_made_again(place: StorePath) -> None:
    def prepare() -> Pipeline:
        with recording(place, "prepare", silent):
            pipeline = pipeline_in(place, ["one", "two", "three"])
            run_here(pipeline, place / "receipts" / "prepare")
        return pipeline

    pipeline = prepare()
    before = {path: path.read_bytes() for path in kept_files(place)}
    gone = [pipeline.path("measure", 0), pipeline.path("sources", 0)]
    for path in gone:
        path.unlink()
    found = verify_folder(place).damages
    assert [str(damage) for damage in found] == [f"{path.relative_to(place)}: missing" for path in gone]
    repair(place, found)
    prepare()
    assert {path: path.read_bytes() for path in kept_files(place)} == before
