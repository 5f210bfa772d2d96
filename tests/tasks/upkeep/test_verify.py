"""Damage is found by file, and taken away with as little else as lets the next run make the same bytes again."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Table
from tasks.storage.files import remove_tree, write_bytes, write_json, write_json_lines
from tasks.upkeep.checksums import CHECKSUMS, kept_files, place_in, receipts_in, recording
from tasks.upkeep.prune import evict, superseded
from tasks.upkeep.repair import repair
from tasks.upkeep.takedown import FORGOTTEN_NAME
from tasks.upkeep.verify import verify_folder
from tests.tasks.engine.probes import LISTED, Cut, Factor, Flag, Measure, run_here, sources, table_of

TITLES = ["one", "two", "three", "drop me", "five", "six"]


def flow(root: Path, factor: float = 10.0) -> Pipeline:
    """What a flow does: admits, runs its stages under the lease, writes a report, records."""
    with recording(root, "prepare", print):
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
    return pipeline


def contents(root: Path) -> dict[str, bytes]:
    return {place_in(path, root): path.read_bytes() for path in kept_files(root)}


def damaged(root: Path) -> list[str]:
    return [str(damage) for damage in verify_folder(root).damages]


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


def test_every_deleted_file_is_reported_by_name(root: Path) -> None:
    everything = [*kept_files(root), *receipts_in(root), root / CHECKSUMS]
    assert len(everything) == 13 + 6 + 1, "files that are kept, a receipt a column file, the records"
    silent = []
    for path in everything:
        data = path.read_bytes()
        path.unlink()
        if damaged(root) != [f"{place_in(path, root)}: missing"]:
            silent.append((place_in(path, root), damaged(root)))
        path.write_bytes(data)
    assert not silent


@pytest.mark.parametrize(
    "pattern",
    [
        "table/[!s]*/part-00000-*",  # of every stage
        "table/sources/part-00001-*",
        "receipts/prepare/*/part-00001-*",
        "shards/part-00001-*",
        "reports/*/report.json",
    ],
)
def test_what_was_deleted_is_made_again_after_a_repair(root: Path, pattern: str) -> None:
    before = contents(root)
    for path in list(root.glob(pattern)):
        path.unlink()
    assert damaged(root)
    repair(root, verify_folder(root).damages)
    flow(root)
    assert contents(root) == before and not damaged(root)


def test_next_command_does_not_hide_that_a_file_is_gone(root: Path) -> None:
    report = root / "reports/benchmark/report.json"
    data = report.read_bytes()
    report.unlink()
    flow(root)
    assert damaged(root) == ["reports/benchmark/report.json: missing"]
    report.write_bytes(data)


def test_unrecorded_file_is_told(root: Path) -> None:
    more = root / "reports/benchmark/more.json"
    more.write_text("{}")
    assert verify_folder(root).unrecorded == ("reports/benchmark/more.json",) and not damaged(root)
    more.unlink()


def test_what_a_command_removed_is_no_damage(tmp_path: Path) -> None:
    pipeline = flow(tmp_path)
    flow(tmp_path, factor=20.0)  # the files of the settings before stay beside those of these
    for path in tmp_path.glob("table/*/part-*"):
        if path.parent.name != "sources" and path != pipeline.path(path.parent.name, int(path.name[5:10])):
            path.unlink()  # as a run does that is killed before it records
    assert not any("table/" in line for line in damaged(tmp_path))
    with recording(tmp_path, "prune", print):
        remove_tree(tmp_path / "reports")
        evict(pipeline.path("cut", 0), pipeline.columns)
    assert not any("table/" in line or "reports/" in line for line in damaged(tmp_path))
    pipeline.stub_path("cut", 0).unlink()
    assert f"{place_in(pipeline.stub_path('cut', 0), tmp_path)}: missing" in damaged(tmp_path)


def test_list_of_takedowns_is_missed_and_left_to_the_user(tmp_path: Path) -> None:
    with recording(tmp_path, "forget", print):
        write_json_lines(tmp_path / FORGOTTEN_NAME, [{"song_id": "a-song", "content_hash": "aa"}])
    (tmp_path / FORGOTTEN_NAME).unlink()
    flow(tmp_path)
    found = verify_folder(tmp_path)
    assert [str(damage) for damage in found.damages] == ["forgotten.jsonl: missing"]
    assert repair(tmp_path, found.damages) == ([], ["forgotten.jsonl"])


def test_every_deleted_file_of_a_training_run_is_reported(tmp_path: Path) -> None:
    run, state = (
        tmp_path / "checkpoints/sft/0123",
        {"files": {"optimizer.pt": hashlib.sha256(b"o").hexdigest()}},
    )
    with recording(tmp_path, "train", print):
        for step in (10, 20):
            write_json(run / f"steps/step-{step:06d}/state.json", state)
            write_bytes(run / f"steps/step-{step:06d}/optimizer.pt", b"o")
        for name, value in (("train.json", {}), ("done.json", {"weights": hashlib.sha256(b"w").hexdigest()})):
            write_json(run / name, value)
        write_bytes(run / "model.safetensors", b"w")
        write_bytes(run / "best/model.safetensors", b"b")
        write_bytes(run / "log.jsonl", b"{}")
    silent = []
    for path in list(kept_files(tmp_path)):
        data = path.read_bytes()
        path.unlink()
        if f"{place_in(path, tmp_path)}: missing" not in damaged(tmp_path):
            silent.append(place_in(path, tmp_path))
        path.write_bytes(data)
    assert not silent and not damaged(tmp_path)
    with recording(tmp_path, "train", print):
        shutil.rmtree(run / "steps/step-000010")  # as training does, which keeps only so many
    assert not damaged(tmp_path)


def test_report_that_was_removed_by_hand_as_a_whole_is_forgotten_by_the_next_command(root: Path) -> None:
    shutil.rmtree(root / "reports")
    assert len(damaged(root)) == 3
    with recording(root, "look", print):
        pass
    assert not damaged(root)
    flow(root)


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
        with recording(tmp_path, "dpo", print):
            table = Table(tmp_path / "rounds/1/candidates", LISTED)
            table.admit(sources(TITLES), 2, fewest=1)
            run_here(Pipeline(table, [Measure(Factor(factor=1.0))]), tmp_path / "receipts/rounds-1")

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
