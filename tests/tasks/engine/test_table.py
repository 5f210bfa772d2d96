"""The song table: membership, fingerprints, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.stage import WholeTable
from tasks.engine.table import Source, Table
from tests.tasks.engine.probes import (
    LISTED,
    Cut,
    Factor,
    Flag,
    Listen,
    Measure,
    pipeline_of_titles,
    run_here,
    sources,
    table_of,
)


def members(table: Table) -> dict[int, list[str]]:
    return {part.number: [s.song_id for s in part.sources] for part in table.partitions()}


def test_new_songs_open_new_partitions_and_old_ones_keep_their_place(tmp_path: Path) -> None:
    table = table_of(tmp_path, [f"title {i}" for i in range(6)])
    before = members(table)
    table.admit(sources([f"title {i}" for i in range(9)]), 4, fewest=1)
    after = members(table)
    assert {number: after[number] for number in before} == before
    assert sorted(song for ids in after.values() for song in ids) == [f"song-{i:02d}" for i in range(9)]
    assert [len(ids) for ids in after.values()] == [4, 2, 3]


def test_few_songs_are_cut_into_eight_partitions_by_their_number_alone(tmp_path: Path) -> None:
    cuts = {
        3: [1] * 3,
        8: [1] * 8,
        10: [2] * 5,
        33: [5] * 6 + [3],
        127: [16] * 7 + [15],
        200: [16] * 12 + [8],
    }
    for num_songs, sizes in cuts.items():
        table = Table(tmp_path / str(num_songs), LISTED)
        table.admit(sources([f"title {i}" for i in range(num_songs)]), 16)
        assert [len(ids) for ids in members(table).values()] == sizes
    table.admit(sources([f"title {i}" for i in range(210)]), 16)
    assert [len(ids) for ids in members(table).values()] == [*cuts[200], 10], "as large as those that stand"


def test_a_lost_partition_is_cut_as_it_was(tmp_path: Path) -> None:
    table = Table(tmp_path, LISTED)
    table.admit(sources([f"title {i}" for i in range(20)]), 16)
    before = members(table)
    table.partitions()[-1].path.unlink()
    table.admit(sources([f"title {i}" for i in range(20)]), 16)
    assert members(table) == before and [len(ids) for ids in before.values()] == [3] * 6 + [2]


def test_vanished_song_stays_as_source_gone_and_comes_back(tmp_path: Path) -> None:
    titles = ["a", "b", "c"]
    table = table_of(tmp_path, titles)
    table.admit(sources(titles)[1:], 4, fewest=1)
    refusals = {s.song_id: s.facts["refused"] for s in table.partitions()[0].sources}
    assert refusals == {"song-00": "source_gone", "song-01": None, "song-02": None}
    table.admit(sources(titles), 4, fewest=1)
    assert not any(s.facts.get("refused") for s in table.partitions()[0].sources)


def test_groups_never_share_a_partition(tmp_path: Path) -> None:
    table = Table(tmp_path / "table", {})
    table.admit([Source(f"s{i}", f"{i}", group="ab"[i % 2]) for i in range(6)], 4, fewest=1)
    assert [{s.group for s in part.sources} for part in table.partitions()] == [{"a"}, {"b"}]


def test_two_sources_with_one_id_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'s1' stands twice"):
        Table(tmp_path, {}).admit([Source("s1", "a"), Source("s1", "b")], 4, fewest=1)


def test_fingerprint_follows_params_and_content_but_not_paths(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a", "b"])
    name = Pipeline(table, [Measure(Factor(factor=1.0))]).path("measure", 0).name
    assert Pipeline(table, [Measure(Factor(factor=1.0))]).path("measure", 0).name == name
    assert Pipeline(table, [Measure(Factor(factor=2.0))]).path("measure", 0).name != name
    moved = [
        Source(s.song_id, s.identity, {**s.facts, "lyrics_path": "elsewhere"}) for s in sources(["a", "b"])
    ]
    table.admit(moved, 4, fewest=1)
    assert Pipeline(table, [Measure(Factor(factor=1.0))]).path("measure", 0).name == name
    changed = [Source(s.song_id, s.identity + "x", s.facts) for s in moved]
    table.admit(changed, 4, fewest=1)
    assert Pipeline(table, [Measure(Factor(factor=1.0))]).path("measure", 0).name != name


def test_change_upstream_changes_only_what_reads_it(tmp_path: Path) -> None:
    table = table_of(tmp_path, ["a", "b"])

    def names(factor: float) -> dict[str, str]:
        stages = [Measure(Factor(factor=factor)), Flag(Factor(factor=1.0)), Cut(Factor(factor=1.0))]
        pipeline = Pipeline(table, stages)
        return {stage: pipeline.path(stage, 0).name for stage in pipeline.stages}

    one, two = names(1.0), names(2.0)
    assert one["flag"] == two["flag"]
    assert one["measure"] != two["measure"] and one["cut"] != two["cut"]


class Told(Flag):
    """A stage whose fit says something of some songs."""

    @property
    def fit_reads(self) -> frozenset[str]:
        return frozenset({"title"})

    def __init__(self, told: dict[str, str]) -> None:
        super().__init__(Factor(factor=1.0))
        self.told = told

    def fit(self, table: WholeTable, reference: WholeTable | None) -> dict[str, str]:
        return self.told


def test_a_song_that_a_stage_beside_the_shards_dropped_is_in_none(tmp_path: Path) -> None:
    factor = Factor(factor=1.0)
    stages = [Measure(factor), Listen(factor), Cut(factor)]  # nothing that Listen writes goes into a shard
    pipeline = pipeline_of_titles(tmp_path, ["open", "closed"], *stages)
    assert list(pipeline.inputs["cut"]) == ["measure", "listen"]
    run_here(pipeline, tmp_path / "receipts")
    assert {row["song_id"]: row["dropped_by"] for row in pipeline.rows()} == {
        "song-00": None,
        "song-01": "listen",
    }
    packed = b"".join(path.read_bytes() for path in (tmp_path / "shards").iterdir())
    assert b"song-00" in packed and b"song-01" not in packed


def test_what_a_fit_says_of_a_song_changes_only_its_partition(tmp_path: Path) -> None:
    table = table_of(tmp_path, list("abcdef"))

    def names(told: dict[str, str]) -> list[str]:
        pipeline = Pipeline(table, [Told(told)])
        pipeline.fit("flag")
        return [pipeline.path("flag", number).name for number in (0, 1)]

    silent, (number,) = names({}), [n for n, ids in members(table).items() if "song-05" in ids]
    told = names({"song-05": "repeats song-00"})
    assert [place for place in (0, 1) if silent[place] != told[place]] == [number]
    assert told != names({"song-05": "repeats song-01"})
    assert names({"unknown": "x"}) == silent
    assert silent == [Pipeline(table, [Flag(Factor(factor=1.0))]).path("flag", n).name for n in (0, 1)]


def test_rows_of_some_partitions(tmp_path: Path) -> None:
    pipeline = Pipeline(table_of(tmp_path, list("abcdef")), [])
    assert [row["partition"] for row in pipeline.rows(["title"], numbers=[1])] == [1, 1]


def test_pipeline_refuses_two_writers_and_reading_ahead(tmp_path: Path) -> None:
    table, factor = table_of(tmp_path, ["a"]), Factor(factor=1.0)
    with pytest.raises(ValueError, match="written by both"):
        Pipeline(table, [Measure(factor), Measure(factor)])
    with pytest.raises(ValueError, match="only measure writes, later"):
        Pipeline(table, [Cut(factor), Measure(factor)])
