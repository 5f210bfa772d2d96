"""Damage is found by file, and taken away with as little else as lets the next run make the same bytes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Table
from tasks.storage.lease import hold
from tasks.upkeep.checksums import CHECKSUMS, kept_files, place_in, record_checksums
from tasks.upkeep.prune import superseded
from tasks.upkeep.repair import repair
from tasks.upkeep.verify import verify_folder
from tests.tasks.engine.probes import LISTED, Cut, Factor, Flag, Measure, run_here, sources, table_of

TITLES = ["one", "two", "three", "drop me", "five", "six"]


def flow(root: Path, factor: float = 10.0) -> Pipeline:
    """What a flow does: admits, runs its stages under the lease, writes a report, records."""
    with hold(root, "prepare", print) as lease:
        table = table_of(root, TITLES)
        stages = [Measure(Factor(factor=factor)), Flag(Factor(factor=1.0)), Cut(Factor(factor=1.0))]
        pipeline = Pipeline(table, stages, root / "shards")
        run_here(pipeline, root / "receipts" / "prepare")
        report = root / "reports" / "benchmark"
        if not (report / "recipe.json").is_file():  # as the benchmark asks whether its report stands
            (report / "audio").mkdir(parents=True, exist_ok=True)
            (report / "audio" / "one.mp3").write_bytes(b"sung")
            (report / "report.json").write_text('{"wer": 0.25}\n')
            (report / "recipe.json").write_text("{}\n")
        record_checksums(lease)
    return pipeline


def contents(root: Path) -> dict[str, bytes]:
    return {place_in(path, root): path.read_bytes() for path in kept_files(root)}


def flip(path: Path) -> None:
    """One bit, in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("work")
    flow(folder)
    yield folder


def test_whole_folder_has_a_record_of_every_file(root: Path) -> None:
    found = verify_folder(root)
    assert found.num_files == 13 and not found.damages and not found.unrecorded


@pytest.mark.parametrize(
    "pattern",
    [
        "table/measure/part-00000-*.parquet",
        "table/cut/part-00001-*.parquet",
        "table/sources/part-00000-*.parquet",
        "shards/part-00000-*.tar",
        "reports/benchmark/report.json",
        "reports/benchmark/audio/one.mp3",
    ],
)
def test_flipped_bit_is_found_and_the_flow_makes_the_same_bytes_again(root: Path, pattern: str) -> None:
    before = contents(root)
    (path,) = root.glob(pattern)
    flip(path)
    found = verify_folder(root)
    assert [damage.place for damage in found.damages] == [place_in(path, root)]
    gone, left = repair(root, found.damages)
    assert not left and len(gone) <= 2
    flow(root)
    assert contents(root) == before
    assert not verify_folder(root).damages


def test_missing_file_is_damage_and_an_unrecorded_one_is_told(root: Path) -> None:
    report, more = root / "reports/benchmark/report.json", root / "reports/benchmark/more.json"
    report.unlink()
    more.write_text("{}")
    found = verify_folder(root)
    assert [str(damage) for damage in found.damages] == ["reports/benchmark/report.json: missing"]
    assert found.unrecorded == ("reports/benchmark/more.json",)
    more.unlink()
    repair(root, found.damages)
    flow(root)
    assert not verify_folder(root).damages


def test_damage_is_not_recorded_as_right_by_the_next_flow(root: Path) -> None:
    report = root / "reports/benchmark/report.json"
    flip(report)
    flow(root)
    assert [damage.place for damage in verify_folder(root).damages] == ["reports/benchmark/report.json"]
    repair(root, verify_folder(root).damages)
    flow(root)


def test_what_was_made_of_damaged_bytes_goes_too(tmp_path: Path) -> None:
    pipeline = flow(tmp_path)
    before = contents(tmp_path)
    measured, cut = pipeline.path("measure", 0), pipeline.path("cut", 0)
    receipt = tmp_path / "receipts/prepare/measure" / f"{measured.stem}.json"
    note = json.loads(receipt.read_text())
    receipt.write_text(
        json.dumps({**note, "sha256": {"columns": "0" * 64}})
    )  # cut read other bytes than these
    gone, _ = repair(tmp_path, verify_folder(tmp_path).damages)
    assert gone == sorted([place_in(measured, tmp_path), place_in(cut, tmp_path)])
    flow(tmp_path)
    assert contents(tmp_path) == before


def test_damaged_take_of_a_round_goes_alone_and_its_songs_are_listed_again(tmp_path: Path) -> None:
    def sing() -> None:
        with hold(tmp_path, "dpo", print) as lease:
            table = Table(tmp_path / "rounds/1/candidates", LISTED)
            table.admit(sources(TITLES), 2)
            run_here(Pipeline(table, [Measure(Factor(factor=1.0))]), tmp_path / "receipts/rounds-1")
            record_checksums(lease)

    sing()
    before = contents(tmp_path)
    for pattern in ("measure/part-00001-*", "sources/part-00002-*"):
        (path,) = tmp_path.glob(f"rounds/1/candidates/{pattern}")
        flip(path)
        gone, left = repair(tmp_path, verify_folder(tmp_path).damages)
        assert (gone, left) == ([place_in(path, tmp_path)], [])
        sing()
        assert contents(tmp_path) == before and not verify_folder(tmp_path).damages


def test_unreadable_records_are_damage(root: Path) -> None:
    (root / CHECKSUMS).write_text("{")
    found = verify_folder(root)
    assert "receipts/checksums.json: cannot be read" in [str(damage) for damage in found.damages]
    repair(root, found.damages)
    flow(root)
    assert not verify_folder(root).damages


def test_superseded_files_of_an_unfinished_change_are_shown(tmp_path: Path) -> None:
    flow(tmp_path)
    pipeline = Pipeline(table_of(tmp_path, TITLES), [Measure(Factor(factor=20.0))], tmp_path / "shards")
    found = [place_in(path, tmp_path) for path in superseded(pipeline, tmp_path / "receipts" / "prepare")]
    stages = {Path(place).parent.name for place in found}
    assert stages == {"measure", "flag", "cut"} and len(found) == 12  # files and receipts of two partitions
