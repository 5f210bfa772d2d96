"""Copies of songs that differ to every byte, without lyrics, are found by `prepare`; so is a given benchmark."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from flows.console.why import print_why
from flows.pipelines.stages import prepare_pipeline
from flows.prepare import run_prepare
from flows.settings.project import Project
from tasks.engine.pipeline import Pipeline
from tasks.stages.group import Group
from tasks.toy.render import render_songs

pytestmark = pytest.mark.slow

RATE_HZ = 44_100


def project(root: Path, *more: str) -> Project:
    fixed = [f"songs.path={root / 'songs'}", "engine.num_workers=2"]
    return Project.at(root / "W", None, [*fixed, *more])


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("near")
    render_songs(folder / "toy", 6, 3, "txt", ("wav",), 2, stems=False)
    (folder / "songs").mkdir()
    (folder / "held").mkdir()
    given = sorted((folder / "toy/songs").glob("*.wav"))
    for path in given:
        shutil.copy(path, folder / "songs")
        shutil.copy(path.with_suffix(".txt"), folder / "songs")
    mixes = [soundfile.read(path, dtype="float32")[0] for path in given]
    soundfile.write(folder / "songs/zz-mp3.mp3", mixes[0] / 4, RATE_HZ, compression_level=0.9)
    soundfile.write(
        folder / "songs/zz-late.flac", np.pad(mixes[1], ((round(0.7 * RATE_HZ), 0), (0, 0))), RATE_HZ
    )
    soundfile.write(folder / "songs/zz-cut.ogg", mixes[2][len(mixes[2]) // 5 :], RATE_HZ)
    soundfile.write(folder / "held/held.ogg", mixes[3] / 2, RATE_HZ)
    shutil.copy(given[3].with_suffix(".txt"), folder / "held/held.txt")
    row = {"id": "held", "audio_path": "held.ogg", "lrc_path": "held.txt", "duration": 9.0}
    (folder / "held/manifest.json").write_text(json.dumps([row]))
    return folder


@pytest.fixture(scope="module")
def pipeline(root: Path) -> Pipeline:
    return run_prepare(project(root))


def groups(pipeline: Pipeline) -> dict[str, set[str]]:
    """Titles of the songs of each group of more than one."""
    found: dict[str, set[str]] = {}
    for row in pipeline.rows([*Group.writes, "title"]):
        found.setdefault(row["duplicate_group"], set()).add(row["title"])
    return {name: titles for name, titles in found.items() if len(titles) > 1}


def test_copies_without_lyrics_are_found_and_nothing_else(pipeline: Pipeline, root: Path) -> None:
    titles = [path.stem for path in sorted((root / "toy/songs").glob("*.wav"))]
    expected = [{titles[0], "zz-mp3"}, {titles[1], "zz-late"}, {titles[2], "zz-cut"}]
    assert sorted(map(sorted, groups(pipeline).values())) == sorted(map(sorted, expected))
    rows = {row["song_id"]: row for row in pipeline.rows(Group.writes)}
    repeats = [row for row in rows.values() if row["duplicate_of"]]
    assert len(repeats) == 3
    assert all(row["split"] == rows[row["duplicate_of"]]["split"] for row in repeats)


def test_a_lost_fit_is_made_again_and_runs_no_partition(
    pipeline: Pipeline, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = project(root).work
    before = {path.name: path.stat().st_mtime_ns for path in work.table.rglob("part-*")}
    told = pipeline.fit_path("group").read_bytes()
    pipeline.fit_path("group").unlink()
    print_why(Project.at(work.root, None, ["engine.partition_size=4"]), "group")
    assert "group: its fit would run again: never made" in capsys.readouterr().out
    run_prepare(project(root), only={"group"})
    assert pipeline.fit_path("group").read_bytes() == told
    assert {path.name: path.stat().st_mtime_ns for path in work.table.rglob("part-*")} == before
    print_why(Project.at(work.root, None, ["group.min_words=0.9"]), "group")
    assert "its fit would run again: params.min_words: 0.7 -> 0.9" in capsys.readouterr().out


def test_songs_near_a_given_benchmark_are_marked_and_only_their_partition_runs(
    pipeline: Pipeline, root: Path
) -> None:
    work = project(root).work
    before = {path.name for path in (work.table / "group").glob("part-*")}
    near = project(root, f"group.benchmark_manifest={root / 'held/manifest.json'}")
    marked = [row for row in run_prepare(near).rows([*Group.writes, "title"]) if row["near_benchmark"]]
    assert [row["title"] for row in marked] == [sorted((root / "toy/songs").glob("*.wav"))[3].stem]
    assert marked[0]["near_benchmark"].startswith("held-")
    assert len({path.name for path in (work.table / "group").glob("part-*")} - before) == 1
    missing = project(root, f"group.benchmark_manifest={root / 'held/none.json'}")
    with pytest.raises(ValueError, match="neither a folder with songs nor a manifest"):
        run_prepare(missing)
    assert prepare_pipeline(near).missing("group") == []
