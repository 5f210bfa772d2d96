"""A takedown: the song, its copies and what was sung from it go from everything; its partition is made again without it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Source, Table
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.songs.columns import SONG_COLUMNS
from tasks.storage.file_hashes import sha256_of_file
from tasks.storage.files import write_json, write_json_lines
from tasks.trainer.run_folder import hash_of
from tasks.upkeep.takedown import forget_song, forgotten_hashes
from tests.tasks.engine.probes import Cut, Factor, Flag, Measure, run_here

BAD, COPY = "bad-song-0123", "bad-song-0123-2"


def given(song_id: str, title: str, content_hash: str) -> Source:
    facts = {"title": title, "content_hash": content_hash, "audio": {"path": f"{title}.wav", "bytes": None}}
    return Source(song_id, f"{content_hash}-{song_id}", facts)


def sung(song_id: str, parent: str) -> Source:
    return Source(song_id, song_id, {"title": "a candidate", "parent": parent})


def pipeline_of(root: Path) -> Pipeline:
    return Pipeline(
        Table(root / "table", SONG_COLUMNS),
        [Measure(Factor(factor=1.0)), Cut(Factor(factor=1.0))],
        root / "shards",
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two partitions with the song in the first, a round and a benchmark that generated it, and five training runs."""
    songs = [given(BAD, "bad", "aa"), given("good-1", "good", "bb"), given("good-2", "better", "cc")]
    Table(tmp_path / "table", SONG_COLUMNS).admit(songs, 2, fewest=1)
    Table(tmp_path / "table", SONG_COLUMNS).admit([*songs, given(COPY, "bad copy", "aa")], 2, fewest=1)
    run_here(pipeline_of(tmp_path), tmp_path / "receipts" / "prepare")
    for place in ("rounds/1/candidates", "benchmark/table"):
        table = Table(tmp_path / place, PROMPTED_COLUMNS)
        table.admit([sung(f"{BAD}-r1-k0", BAD), sung("good-1-r1-k0", "good-1")], 2, fewest=1)
        run_here(Pipeline(table, [Flag(Factor(factor=1.0))]), tmp_path / "receipts" / "round-1")
    (tmp_path / "rounds/1/pairs.parquet").write_bytes(b"pairs")
    shards = [
        {"name": path.name, "sha256": sha256_of_file(path), "bytes": path.stat().st_size}
        for path in sorted((tmp_path / "shards").glob("*.tar"))
    ]
    write_json(tmp_path / "shards/index.json", {"shards": shards})
    write_json_lines(tmp_path / "shards/ids.jsonl", [{"id": song.song_id} for song in songs])
    write_json(tmp_path / "reports/benchmark/report.json", {"songs": [BAD]})
    write_json(tmp_path / "reports/benchmark/recipe.json", {"columns": "x"})
    write_json(tmp_path / "reports/other/report.json", {"songs": ["good-1"]})
    hashed = hash_of([entry["sha256"] for entry in shards])
    run_of(tmp_path / "checkpoints/pretrain/a", {"shards": hashed}, "weights-a")
    run_of(
        tmp_path / "checkpoints/sft/b", {"shards": "of songs that are gone", "init": "weights-a"}, "weights-b"
    )
    run_of(tmp_path / "checkpoints/sft/c", {"shards": "of songs that are gone"}, "weights-c")
    run_of(tmp_path / "rounds/1/train/d", {"kind": "preference", "policy": "elsewhere"}, "weights-d")
    write_json(tmp_path / "rounds/1/train/d/pairs/pairs.json", [{"song_id": BAD}])
    run_of(tmp_path / "rounds/2/train/e", {"kind": "preference", "policy": "weights-d"}, "weights-e")
    return tmp_path


def run_of(folder: Path, recipe: dict[str, str], weights: str) -> None:
    write_json(folder / "train.json", recipe)
    write_json(folder / "done.json", {"weights": weights})


def names_in(root: Path) -> list[str]:
    """Files that hold the song's id or its title, and are no list of takedowns."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name != "forgotten.jsonl"]
    return [str(path) for path in files if BAD.encode() in path.read_bytes()]


def test_nothing_holds_the_song_and_the_others_are_made_again(root: Path) -> None:
    kept = {path.name: path.read_bytes() for path in root.glob("table/*/part-00001-*.parquet")}
    gone = forget_song(root, BAD)
    assert names_in(root) == []
    assert gone.song_ids == (BAD, COPY, f"{BAD}-r1-k0") and gone.paths == ("bad copy.wav", "bad.wav")
    assert forgotten_hashes(root) == {"aa"}
    assert (
        not (root / "reports/benchmark/report.json").exists()
        and (root / "reports/other/report.json").exists()
    )
    assert not (root / "rounds/1/pairs.parquet").exists() and not list(root.glob("shards/part-00000-*"))
    assert (
        kept.items() >= {path.name: path.read_bytes() for path in root.glob("table/*/part-00001-*")}.items()
    )
    again = pipeline_of(root)
    run_here(again, root / "receipts" / "prepare")
    assert sorted(row["song_id"] for row in again.rows()) == ["good-1", "good-2"]


def test_checkpoints_that_saw_it_are_named_with_those_that_began_from_them(root: Path) -> None:
    gone = forget_song(root, BAD)
    assert sorted(run.name for run in gone.saw) == ["a", "b", "d", "e"]
    assert [run.name for run in gone.may_have] == ["c"]


def test_unknown_song_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match="id or title is 'nobody' or begins so"):
        forget_song(root, "nobody")


def test_a_title_names_the_song_and_what_fits_several_takes_none_down(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"2 songs are called 'good-' or begin so; .* good-1 \(good\), good-2"
    ):
        forget_song(root, "good-")
    with pytest.raises(ValueError, match=r"near: good-2 \(better\)"):
        forget_song(root, "bettr")
    assert not forgotten_hashes(root)
    assert "good-2" in forget_song(root, "Better").song_ids


def test_takedowns_add_up(root: Path) -> None:
    forget_song(root, BAD)
    forget_song(root, "good-2")
    lines = [json.loads(line) for line in (root / "forgotten.jsonl").read_text().splitlines()]
    assert [line["song_id"] for line in lines] == [BAD, COPY, "good-2"]
    assert [len(part.sources) for part in Table(root / "table", SONG_COLUMNS).partitions()] == [1, 0, 0]
