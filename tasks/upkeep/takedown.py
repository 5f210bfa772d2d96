"""A takedown (`forget_song`): a song's files and rows go from everything a work folder keeps, and stay out by hash; what was trained on it is named.

Its files among the raw songs are the user's to remove; while they lie there, they are refused as ``forgotten``.
The songs that shared a partition or a report with it are not lost: the next run makes those again without it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jam_model.shards import IDS_NAME, INDEX_NAME, read_index
from tasks.engine.sources import SOURCES, Partition, Source, partitions_in, write_partition
from tasks.jobs.store import forget_jobs
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.listing import Listing
from tasks.storage.files import remove_tree, write_json_lines
from tasks.trainer.run_folder import hash_of
from tasks.upkeep.checksums import kept_files
from tasks.upkeep.find_song import listed, not_found, songs_called
from tasks.upkeep.verify import RUNS

FORGOTTEN, FORGOTTEN_NAME = "forgotten", "forgotten.jsonl"
LISTED = {**SONG_COLUMNS, **PROMPTED_COLUMNS}
MAX_LISTED = 5
VIEWED = "desk"  # what `jam desk` derives to be looked at: its index, sounds
RAN, DONE = "train.json", "done.json"


@dataclass(frozen=True)
class Forgotten:
    """What a takedown did. `saw`: training runs whose data held the song; `may_have`: data that is gone since."""

    song_ids: tuple[str, ...]  # it, its copies, and what was sung from its lyrics
    paths: tuple[str, ...]  # of its audio, below the songs root
    removed: int
    saw: tuple[Path, ...]
    may_have: tuple[Path, ...]


def forget_song(root: Path, name: str) -> Forgotten:
    """Remove a song, its copies and all that was sung from it out of a work folder, but not out of weights.

    Args:
        name: its id or title, or how either begins, where no other song's does.

    Raises:
        ValueError: no given song is called so, or several are.
    """
    tables = sorted({path.parent.parent for path in kept_files(root) if path.parent.name == SOURCES})
    listed = {table: partitions_in(table / SOURCES) for table in tables}
    everyone = [source for parts in listed.values() for part in parts for source in part.sources]
    hashes = _audio_called(name, everyone)
    given = [source for source in everyone if source.facts.get("content_hash") in hashes]
    names = {source.song_id for source in given}
    names |= {source.song_id for source in everyone if source.facts.get("parent") in names}
    saw, may_have = _runs_that_saw(root, names)
    taken_down = [{"song_id": s.song_id, "content_hash": s.facts["content_hash"]} for s in given]
    write_json_lines(root / FORGOTTEN_NAME, _forgotten_rows(root) + taken_down)
    gone = sum(_without(root, table, part, names) for table, parts in listed.items() for part in parts)
    for path in [path for path in kept_files(root) if _names_one(path, names)]:
        if path.parent.name in ("pairs", "held_out"):  # of a preference run: the songs themselves lie beside
            gone += sum(1 for _ in path.parent.iterdir())
            remove_tree(path.parent)
        elif path.exists() and path.name != FORGOTTEN_NAME:
            path.unlink()
            gone += 1
    gone += forget_jobs(root, names)
    if (root / VIEWED).is_dir():
        remove_tree(root / VIEWED)
    paths = tuple(sorted({s.facts["audio"]["path"] for s in given}))
    return Forgotten(tuple(sorted(names)), paths, gone, saw, may_have)


def _audio_called(name: str, everyone: Collection[Source]) -> set[str]:
    """The hash of the audio that a person means.

    Raises:
        ValueError: no given song is called so, or songs of different audio are: what is taken down is one song.
    """
    rows = [
        {"song_id": source.song_id, "title": source.facts.get("title"), "hash": source.facts["content_hash"]}
        for source in everyone
        if source.facts.get("content_hash")
    ]
    found = songs_called(rows, name)
    if not found:
        raise ValueError(not_found(rows, name))
    hashes = {row["hash"] for row in found}
    if len(hashes) > 1:
        shown = ", ".join(listed(found[:MAX_LISTED])) + (", ..." if len(found) > MAX_LISTED else "")
        raise ValueError(
            f"song: {len(found)} songs are called {name!r} or begin so; give the id of one: {shown}"
        )
    return hashes


def without_forgotten(listing: Listing, root: Path) -> Listing:
    """The listing without audio that was taken down, which is refused as ``forgotten``."""
    forgotten = forgotten_hashes(root)
    sources = [source for source in listing.sources if source.facts["content_hash"] not in forgotten]
    kept = {source.facts["audio"]["path"] for source in sources}
    gone = {source.facts["audio"]["path"] for source in listing.sources} - kept
    refused = [{"path": path, "reason": FORGOTTEN} for path in sorted(gone)]
    return replace(listing, sources=sources, refused=[*listing.refused, *refused])


def forgotten_hashes(root: Path) -> set[str]:
    """The sha256 of all audio that was taken down."""
    return {row["content_hash"] for row in _forgotten_rows(root)}


def _forgotten_rows(root: Path) -> list[dict[str, Any]]:
    path = root / FORGOTTEN_NAME
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def _without(root: Path, table: Path, part: Partition, names: Collection[str]) -> int:
    """A partition goes on without these songs; everything made of it is made again. Returns the files removed."""
    stay = tuple(source for source in part.sources if source.song_id not in names)
    if len(stay) == len(part.sources):
        return 0
    made = list(table.glob(f"*/part-{part.number:05d}-*.parquet"))
    made += [
        path for file in made for path in (root / "receipts").glob(f"*/{file.parent.name}/{file.stem}.json")
    ]
    if table == root / "table":
        shards = root / "shards"
        lists = [path for path in (shards / INDEX_NAME, shards / IDS_NAME) if path.exists()]
        made += [*shards.glob(f"part-{part.number:05d}-*.tar"), *lists, *shards.glob("ids.*.jsonl")]
        made += table.glob("*/*.json")  # fits over all songs
    else:
        made += table.parent.glob("*.parquet")  # pairs of a round
    for path in made:
        path.unlink(missing_ok=True)
    if write_partition(table / SOURCES, part.number, stay, LISTED).path != part.path:
        part.path.unlink(missing_ok=True)
    return len(made)


def _names_one(path: Path, names: Collection[str]) -> bool:
    """Whether a text file (a report, a list, the log of a refusal) names one of these songs."""
    if path.suffix not in (".json", ".jsonl", ".html", ".md", ".csv"):
        return any(name in path.name for name in names)
    text = path.read_bytes()
    return any(name.encode() in text for name in names)


def _runs_that_saw(root: Path, names: Collection[str]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Finished and unfinished training runs whose data held one of these songs, directly or in the weights they began from."""
    index = root / "shards" / INDEX_NAME
    current = hash_of([entry["sha256"] for entry in read_index(index.parent)]) if index.is_file() else None
    ids = root / "shards" / IDS_NAME
    packed = ids.is_file() and _names_one(ids, names)
    saw: dict[Path, Any] = {}
    may_have: dict[Path, Any] = {}
    recipes = sorted(path for runs in RUNS for path in root.glob(f"{runs}/{RAN}"))
    runs = {path.parent: json.loads(path.read_bytes()) for path in recipes}
    for run, recipe in runs.items():
        if recipe.get("shards") not in (None, current):
            may_have[run] = _weights(run)
        elif (packed and recipe.get("shards") == current) or any(
            _names_one(path, names) for path in run.glob("*/pairs.json")
        ):
            saw[run] = _weights(run)
    for found in (saw, may_have):
        grown = True
        while grown:
            weights = set(found.values())
            heirs = {
                run: _weights(run)
                for run, recipe in runs.items()
                if run not in saw
                and run not in found
                and any(value in weights for value in recipe.values() if isinstance(value, str))
            }
            grown = bool(heirs)
            found.update(heirs)
    return tuple(sorted(saw)), tuple(sorted(run for run in may_have if run not in saw))


def _weights(run: Path) -> str | None:
    """sha256 of what a run made; None while it is not done."""
    done = run / DONE
    return json.loads(done.read_bytes())["weights"] if done.is_file() else str(run)
