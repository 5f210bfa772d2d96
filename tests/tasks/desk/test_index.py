"""The derived index: found, filtered, sorted and spread as the table says, read again only where files changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.desk.index import SongIndex
from tasks.desk.query import Wanted, count_songs, counts_of, histogram, songs_page
from tasks.quality.measures import QUALITY

STAGES = ("sources", "check", "filter", "pack")
DROPS = pa.schema([("song_id", pa.string()), ("drop_reason", pa.string()), ("dropped_by", pa.string())])


def write(table: Path, stage: str, number: int, rows: list[dict[str, Any]], made_of: str = "0" * 12) -> None:
    """A column file of a stage; rows without a drop are kept."""
    columns = {"sources": ("title", pa.string()), "check": ("quality", QUALITY)}
    schema = DROPS.append(pa.field(*columns[stage])) if stage in columns else DROPS
    path = table / stage / f"part-{number:05d}-{made_of}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def fill(table: Path, number: int, titles: list[str], stages: tuple[str, ...] = STAGES) -> None:
    """Every third song is too quiet."""
    for stage in stages:
        rows: list[dict[str, Any]] = []
        for place, title in enumerate(titles):
            quality = {"alignment": place / 10, "loudness_lufs": None}
            reason = "too_quiet" if place % 3 == 2 and stage in ("filter", "pack") else None
            by = "filter" if reason else None
            row = {"song_id": f"{number}-{place}", "title": title, "quality": quality}
            rows.append({**row, "drop_reason": reason, "dropped_by": by})
        write(table, stage, number, rows)


def test_an_index_answers_as_the_table_says_and_reads_again_only_what_changed(tmp_path: Path) -> None:
    table, odd = tmp_path / "table", "100% <b>moon</b>' OR 1=1 --"
    fill(table, 0, ["moon", "sun", odd, "star"])
    fill(table, 1, ["rain", "snow"], stages=("sources",))
    index = SongIndex(table, STAGES, tmp_path / "desk" / "index.sqlite")
    assert (index.refresh(), index.refresh(), index.is_stale()) == (2, 0, False)
    broken = table / "sources" / "part-00002-000000000000.parquet"
    broken.write_bytes(b"no parquet")
    assert (index.refresh(), index.unread) == (1, 1)  # told until the file is put right or gone
    broken.unlink()
    assert (index.refresh(), index.unread) == (0, 0)
    with index.open() as rows:
        assert dict(counts_of(rows, Wanted(), "state")) == {"kept": 3, "waiting": 2, "dropped": 1}
        assert counts_of(rows, Wanted(), "reason") == [(None, 5), ("too_quiet", 1)]
        for search, count in (("OON", 2), ("0%", 1), ("' OR 1=1", 1), ("_", 0), ("!", 0), ("1-1", 1)):
            assert count_songs(rows, Wanted(search)) == count, search
        quiet = Wanted.from_json({"chosen": {"reason": ["too_quiet"]}, "ranges": {"alignment": [0.1, 0.2]}})
        (found,) = songs_page(rows, quiet, "title", False, 0, 10)
        assert (found["title"], found["dropped_by"], found["alignment"]) == (odd, "filter", 0.2)
        ordered = songs_page(rows, Wanted(), "alignment", True, 0, 4)
        assert [row["alignment"] for row in ordered] == [
            0.3,
            0.2,
            0.1,
            0.0,
        ]  # those without a value come last
        spread = histogram(rows, Wanted(), "alignment")
        assert (sum(spread["kept"]), sum(spread["others"]), spread["absent"]) == (3, 1, 2)
        assert (spread["edges"][0], spread["edges"][-1]) == (0.0, pytest.approx(0.3))
        for sort in ("title; DROP TABLE songs", "partition"):
            with pytest.raises(ValueError, match="none of"):
                songs_page(rows, Wanted(), sort, False, 0, 10)
        for where in (
            [],
            {"x": 1},
            {"search": 1},
            {"chosen": {"x": []}},
            {"ranges": {"alignment": [0, "1"]}},
        ):
            with pytest.raises(ValueError):
                Wanted.from_json(where)
    fill(table, 1, ["rain", "snow"])
    assert index.is_stale() and index.refresh() == 1
    with index.open() as rows:
        assert dict(counts_of(rows, Wanted(), "state")) == {"kept": 5, "dropped": 1}
    for stage in STAGES:
        next((table / stage).glob("part-00000-*")).unlink()
    assert index.refresh() == 0
    with index.open() as rows:
        assert count_songs(rows, Wanted()) == 2
    index.path.write_bytes(b"no database")
    assert SongIndex(table, STAGES, index.path).refresh() == 1
