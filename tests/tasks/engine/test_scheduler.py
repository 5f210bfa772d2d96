"""Running stages: exactly once, drops with reasons, poison isolated, nothing left half-written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.engine import pool
from tasks.engine.column_file import stored_cache_key
from tasks.engine.params import StageWorkers
from tasks.engine.pipeline import Pipeline
from tasks.engine.pool import connect
from tasks.engine.scheduler import run_pipelines
from tasks.engine.stage import Stage, StageFailed
from tasks.engine.table import Table
from tasks.storage.lease import hold
from tasks.upkeep.prune import evict
from tests.tasks.engine.probes import (
    ENGINE,
    LISTED,
    Cut,
    Factor,
    Flag,
    Measure,
    Meet,
    Rank,
    Show,
    pipeline_of_titles,
    sources,
    table_of,
)

POISON = ("abort", "sleep", "greedy")


def pipeline_of(root: Path, table: Table, factor: float = 10.0) -> Pipeline:
    stages: list[Stage] = [Measure(Factor(factor=factor)), Flag(Factor(factor=1.0)), Cut(Factor(factor=1.0))]
    return Pipeline(table, stages, root / "shards")


def digests(root: Path) -> dict[str, str]:
    files = [p for p in root.rglob("*") if p.is_file() and "receipts" not in p.parts]
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_second_run_runs_nothing_and_changes_no_byte(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "two", "three", "drop me", "five"])
    first = run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts")
    before = digests(tmp_path)
    second = run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts")
    assert [report.fresh for report in first] == [0, 0, 0]
    assert [report.fresh for report in second] == [2, 2, 2]
    assert digests(tmp_path) == before
    assert not list(tmp_path.rglob(".tmp-*"))


def test_dropped_song_is_dropped_downstream_only_where_its_columns_are_read(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "drop me"])
    pipeline = pipeline_of(tmp_path, table)
    run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    rows = {row["title"]: row for row in pipeline.rows(["title", "kept", "vocals"])}
    assert rows["drop me"]["drop_reason"] == "too_short" and rows["drop me"]["dropped_by"] == "measure"
    assert rows["drop me"]["kept"] is True  # flag does not read what measure writes
    assert rows["drop me"]["vocals"] is None
    assert rows["one"]["vocals"] == b"v" * 30


def test_shard_is_the_kept_fragments_and_an_end(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "drop me"])
    pipeline = pipeline_of(tmp_path, table)
    run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    kept = next(row["song_id"] for row in pipeline.rows() if not row["drop_reason"])
    shard = pipeline.shard_path("cut", 0)
    assert shard is not None and shard.read_bytes() == kept.encode().ljust(512, b"\0") + bytes(1024)


def test_changed_params_replace_the_superseded_files(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "two"])
    run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts")
    old = set(digests(tmp_path))
    reports = run_pipelines([pipeline_of(tmp_path, table, factor=20.0)], ENGINE, tmp_path / "receipts")
    assert {r.stage: r.fresh for r in reports} == {"measure": 0, "flag": 1, "cut": 0}
    new = set(digests(tmp_path))
    assert len(new) == len(old) and new != old


def test_ten_songs_are_worked_on_by_both_of_two_workers_at_once(tmp_path: Path) -> None:
    (tmp_path / "met").mkdir()
    table = Table(tmp_path / "table", LISTED)
    table.admit(sources([str(tmp_path / "met")] * 10), 16)
    patient = ENGINE.model_copy(update={"song_limit_s": 120.0})
    (report,) = run_pipelines([Pipeline(table, [Meet(Factor(factor=1.0))])], patient, tmp_path / "receipts")
    assert len(report.receipts) == 5 and not report.dropped
    assert len(list((tmp_path / "met").iterdir())) == 2


def test_adding_songs_runs_only_new_partitions(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a", "b", "c"])
    run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts")
    before = digests(tmp_path)
    table.admit(sources(["a", "b", "c", "d"]), ENGINE.partition_size, fewest=1)
    reports = run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts")
    assert all(report.fresh == 1 and len(report.receipts) == 1 for report in reports)
    after = digests(tmp_path)
    assert {name: after[name] for name in before} == before


@pytest.mark.slow
def test_songs_that_kill_hang_or_flood_their_worker_are_dropped_alone(tmp_path: Path) -> None:
    """One aborts, one sleeps for ever, one allocates without end; the rest is as if they had not been there."""
    titles = ["one", "abort", "three", "sleep", "greedy", "six"]
    limited = ENGINE.model_copy(update={"song_memory_mb": 1000, "song_limit_s": 6.0})
    found = {}
    for name, harmless in (("poisoned", None), ("calm", "four")):
        root = tmp_path / name
        given = [harmless if harmless and title in POISON else title for title in titles]
        pipeline = pipeline_of_titles(root, given, Measure(Factor(factor=1.0)), Cut(Factor(factor=1.0)))
        with hold(root, "prepare", print):
            run_pipelines([pipeline], limited, root / "receipts")
        rows = pipeline.rows(["title", "duration_s", "vocals"])
        found[name] = {row["song_id"]: {**row, "partition": None} for row in rows}
    reasons = {row["title"]: row["drop_reason"] for row in found["poisoned"].values() if row["drop_reason"]}
    assert reasons == {"abort": "worker_died", "sleep": "timed_out", "greedy": "out_of_memory"}
    kept = {song_id: row for song_id, row in found["poisoned"].items() if not row["drop_reason"]}
    assert len(kept) == 3
    assert kept == {song_id: found["calm"][song_id] for song_id in kept}
    assert not list(tmp_path.rglob(".tmp-*"))


def test_run_without_a_node_ends_in_one_line_and_the_next_one_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = pipeline_of_titles(tmp_path, ["one", "slow"], Measure(Factor(factor=1.0)))
    with monkeypatch.context() as dead:
        dead.setattr(pool.ray, "nodes", lambda: [{"Alive": False}])
        stopped = pytest.raises(StageFailed, match=r"node has died.*the same command goes on from there")
        with hold(tmp_path, "prepare", print), stopped:
            run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    with hold(tmp_path, "prepare", print):
        run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    assert pipeline.missing("measure") == [] and not list(tmp_path.rglob(".tmp-*"))


def test_fault_of_the_code_fails_the_run_and_commits_nothing_of_it(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one", "bug"])
    pipeline = Pipeline(table, [Measure(Factor(factor=1.0))])
    with pytest.raises(StageFailed, match="KeyError"):
        run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    assert pipeline.missing("measure") == [0]
    assert not list(tmp_path.rglob(".tmp-*"))


def test_only_one_stage_can_be_run_and_says_what_it_needs(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one"])
    with pytest.raises(ValueError, match="stage cut needs measure"):
        run_pipelines([pipeline_of(tmp_path, table)], ENGINE, tmp_path / "receipts", only={"cut"})


def test_cache_key_in_the_file_says_what_it_was_made_from(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["one"])
    pipeline = pipeline_of(tmp_path, table)
    run_pipelines([pipeline], ENGINE, tmp_path / "receipts")
    assert stored_cache_key(pipeline.path("cut", 0)) == pipeline.cache_key("cut", 0)


def test_a_fit_over_the_whole_table_runs_between_the_stages_and_only_what_it_changed_after_it(
    tmp_path: Path,
) -> None:
    factor, fits = Factor(factor=1.0), []
    titles = ["a", "bbb", "cc", "d", "ee", "f"]

    def call(name: str, work: Callable[[], None]) -> None:
        assert len(list((tmp_path / "table" / "measure").glob("part-*"))) == len(pipeline.partitions)
        fits.append(name)
        work()

    def run() -> dict[str, int]:
        reports = run_pipelines([pipeline], ENGINE, tmp_path / "receipts", call=call)
        return {report.stage: len(report.receipts) for report in reports}

    pipeline = pipeline_of_titles(tmp_path, titles, Measure(factor), Rank(factor))
    assert run() == {"measure": 2, "rank": 2} and fits == ["fit rank"]
    assert [row["title"] for row in pipeline.rows(["title", "flags"]) if row["flags"]] == ["bbb"]
    pipeline = pipeline_of_titles(tmp_path, titles, Measure(factor), Rank(factor))
    assert run() == {"measure": 0, "rank": 0} and fits == ["fit rank"], "it stands"
    pipeline.fit_path("rank").unlink()
    pipeline = pipeline_of_titles(tmp_path, titles, Measure(factor), Rank(factor))
    assert pipeline.why_fit("rank") == ["never made"]
    assert run() == {"measure": 0, "rank": 0} and fits == ["fit rank"] * 2
    pipeline = pipeline_of_titles(tmp_path, [*titles, "gggg"], Measure(factor), Rank(factor))
    assert run() == {"measure": 1, "rank": 2} and fits == ["fit rank"] * 3
    assert [row["title"] for row in pipeline.rows(["title", "flags"]) if row["flags"]] == ["gggg"]


@pytest.mark.slow
def test_a_fit_may_ask_again_for_large_columns_that_were_evicted(tmp_path: Path) -> None:
    """Of a stage with workers of its own, which had nothing to do until then."""
    factor = Factor(factor=1.0)
    own = ENGINE.model_copy(update={"stages": {"cut": StageWorkers(workers=1)}})

    def run(found: str) -> dict[str, int]:
        stages = [Measure(factor), Cut(factor), Rank(factor, found), Show(factor)]
        pipeline = pipeline_of_titles(tmp_path, ["a", "bbb"], *stages)
        reports = run_pipelines([pipeline], own, tmp_path / "receipts")
        assert [row["title"] for row in pipeline.rows(["title", "kept"]) if row["kept"]] == [
            {"longest": "bbb", "shortest": "a"}[found]
        ]
        evict(pipeline.path("cut", 0), pipeline.columns)
        pipeline.path("measure", 0).unlink()
        return {report.stage: len(report.receipts) for report in reports if report.finished}

    assert run("longest") == {"measure": 1, "cut": 1, "rank": 1, "show": 1}
    workers = json.loads(next((tmp_path / "receipts" / "cut").iterdir()).read_text())["workers"]
    assert run("shortest") == {"measure": 1, "cut": 1, "rank": 1, "show": 1}
    again = [json.loads(path.read_text())["workers"] for path in (tmp_path / "receipts" / "cut").iterdir()]
    assert again == [workers] == [1], "its own"


def test_a_fit_waits_for_a_stage_that_is_not_run(tmp_path: Path) -> None:
    factor = Factor(factor=1.0)
    pipeline = pipeline_of_titles(tmp_path, ["a", "b"], Measure(factor), Rank(factor))
    with pytest.raises(ValueError, match="stage rank needs measure, which has not run"):
        run_pipelines([pipeline], ENGINE, tmp_path / "receipts", only={"rank"})
    assert not pipeline.fit_path("rank").exists()


def test_ray_client_address_is_refused() -> None:
    with pytest.raises(ValueError, match=r"engine\.address"):
        connect(ENGINE.model_copy(update={"address": "ray://head:10001"}))
