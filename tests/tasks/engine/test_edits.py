"""What people say by hand enters the cache key of the stage it concerns, in the song's own partition alone."""

from __future__ import annotations

from pathlib import Path

from tasks.engine.inputs import Inputs
from tasks.engine.pipeline import Pipeline
from tasks.engine.table import Source, Table
from tasks.songs.columns import SONG_COLUMNS
from tests.tasks.engine.probes import ENGINE, Factor, Flag, Measure


def test_only_the_partition_of_an_edited_song_has_other_names_and_only_from_the_stage_it_concerns(
    tmp_path: Path,
) -> None:
    facts = {f"song-{n}": {"title": f"song {n}", "content_hash": f"{n}" * 64} for n in range(8)}
    facts["song-7"] |= {"content_hash": "0" * 64, "refused": "duplicate"}
    table = Table(tmp_path / "table", SONG_COLUMNS)
    table.admit([Source(name, name, one) for name, one in facts.items()], ENGINE.partition_size, fewest=1)
    stages = [Measure(Factor(factor=1.0)), Flag(Factor(factor=1.0))]
    plain = Pipeline(table, stages)
    edited = Pipeline(table, stages, edits={"measure": {"0" * 64: {"again": 1}}, "flag": {"9" * 64: {}}})
    numbers = [n for n in plain.partitions if plain.name("measure", n) != edited.name("measure", n)]
    assert len(plain.partitions) == 2 and len(numbers) == 1
    (number,) = numbers
    assert edited.cache_key("measure", number)["edits"] == {"song-0": {"again": 1}}
    assert all(plain.name("flag", n) == edited.name("flag", n) for n in plain.partitions)  # reads no length
    sources = {"sources": (plain.partitions[number].path, ["title"])}
    with Inputs(sources, edited=edited.cache_key("measure", number)["edits"]) as inputs:
        said = {row.song.song_id: row.song.edited for row in inputs}
    assert said["song-0"] == {"again": 1} and [one for one in said.values() if one] == [{"again": 1}]
