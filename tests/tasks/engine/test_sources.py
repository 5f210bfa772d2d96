"""A partition's file says who is in it and what they are made of; its name changes with that and with nothing else."""

from __future__ import annotations

from pathlib import Path

from tasks.engine.sources import Partition, Source, partitions_in, write_partition
from tasks.songs.columns import SONG_COLUMNS


def song(song_id: str, identity: str = "1", group: str = "", **facts: object) -> Source:
    return Source(song_id, identity, {"lyrics_path": f"{song_id}.txt", **facts}, group)


def test_songs_come_back_in_their_order_with_all_that_was_found(tmp_path: Path) -> None:
    given = [song("b", group="left", artist="Ä"), song("a", "2", "left", refused="too_long", artist=None)]
    written = write_partition(tmp_path, 7, given, SONG_COLUMNS)
    (part,) = partitions_in(tmp_path)
    assert (part.number, part.fingerprint, part.path) == (7, written.fingerprint, written.path)
    for found, one in zip(part.sources, given, strict=True):
        assert (found.song_id, found.identity, found.group) == (one.song_id, one.identity, one.group)
        assert {name: value for name, value in found.facts.items() if value is not None} == {
            name: value for name, value in one.facts.items() if value is not None
        }


def test_the_name_follows_members_content_and_refusals_but_not_paths(tmp_path: Path) -> None:
    def name(*songs: Source) -> str:
        return write_partition(tmp_path, 0, songs, SONG_COLUMNS).fingerprint

    first = name(song("a"), song("b"))
    assert name(song("a", lyrics_path="elsewhere/a.txt"), song("b")) == first
    others = [
        name(song("b"), song("a")),
        name(song("a"), song("b", "2")),
        name(song("a"), song("b", refused="source_gone")),
        name(song("a")),
    ]
    assert len({first, *others}) == 5


def test_an_admission_that_was_cut_off_leaves_one_partition_of_a_number(tmp_path: Path) -> None:
    written = [write_partition(tmp_path, 3, [song("a", identity)], SONG_COLUMNS) for identity in ("1", "2")]
    write_partition(tmp_path, 12, [song("b")], SONG_COLUMNS)
    (tmp_path / ".tmp-89abcdef-part-00004-0123456789ab.parquet").write_bytes(b"half")
    (tmp_path / "part-00005.parquet").write_bytes(b"of another form")
    found = partitions_in(tmp_path)
    assert [part.number for part in found] == [3, 12]
    assert found[0].fingerprint in {part.fingerprint for part in written}
    assert partitions_in(tmp_path / "nowhere") == [] and isinstance(found[0], Partition)
