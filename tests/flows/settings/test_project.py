"""A project: settings read in layers, a work folder, and pipelines over its tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.settings.params import load_params
from flows.settings.project import Project
from tasks.engine.stage import Section
from tasks.engine.table import Source
from tests.tasks.models.spoken import Spoken


def test_settings_are_the_file_then_the_overlay_then_the_overrides(tmp_path: Path) -> None:
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("engine: {partition_size: 3, threads_per_worker: 7}\n")
    project = Project.at(str(tmp_path / "W"), str(overlay), ["engine.partition_size=2"])
    assert (project.params.engine.partition_size, project.params.engine.threads_per_worker) == (2, 7)
    assert project.params.songs == load_params().songs
    assert project.work.table == tmp_path / "W" / "table"


def test_a_store_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="work: ftp:// is no store"):
        Project.at("ftp://bucket/work")


def test_a_pipeline_takes_in_a_new_listing_and_leaves_a_table_alone_without_one(tmp_path: Path) -> None:
    project = Project.at(tmp_path, None, ["engine.partition_size=2"])
    stages, folder = [Spoken(Section())], tmp_path / "table"
    sources = [Source(name, name, {"title": name}) for name in ("a", "b", "c")]
    assert project.pipeline(folder, stages).partitions == {}
    parts = project.pipeline(folder, stages, sources).partitions.values()
    assert [len(part.sources) for part in parts] == [1, 1, 1]
    assert len(project.pipeline(folder, stages).partitions) == 3
    shrunk = project.pipeline(folder, stages, sources[:1])
    assert [row["song_id"] for row in shrunk.listed_rows()] == ["a"] and len(shrunk.rows()) == 3


def test_a_song_whose_file_a_stage_did_not_find_is_still_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Project.at(tmp_path).pipeline(tmp_path / "table", [Spoken(Section())], [Source("a", "a", {})])
    for stage, count in (("sources", 0), ("generate", 1)):
        row = {"song_id": "a", "drop_reason": "source_gone", "dropped_by": stage}
        monkeypatch.setattr(pipeline, "rows", lambda columns, row=row: [row])
        assert len(pipeline.listed_rows()) == count


def test_results_depend_on_no_path_of_songs_and_on_no_workers() -> None:
    plain = load_params()
    moved = load_params(
        None, ["songs.path=/else", "engine.num_workers=9", "group.benchmark_manifest=/some/list.json"]
    )
    assert moved.decides() == plain.decides()
    assert load_params(None, ["sampler.num_steps=3"]).decides() != plain.decides()
