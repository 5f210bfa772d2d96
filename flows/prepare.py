"""prepare: songs in; separated, timed, phonemized, encoded, filtered and packed into shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow

from flows.pipelines.prepare_stages import prepare_chain, prepare_stages, songs_root_of
from flows.run.notify import HOOKS
from flows.run.prefect_tasks import run_stages, step
from flows.run.progress import say
from flows.settings.check_models import check_models, measuring_models
from flows.settings.params import Params, load_params
from flows.settings.work_folder import WorkFolder, writes_work
from tasks.engine.pipeline import Chain
from tasks.engine.table import Table
from tasks.quality.limits import is_calibrated
from tasks.shards.data_card import CARD_COLUMNS, write_data_card
from tasks.shards.write import packed_shard, write_index
from tasks.songs.columns import SONG_COLUMNS
from tasks.songs.hashes import Hashes
from tasks.songs.listing import list_sources
from tasks.stages.filter import Filter
from tasks.stages.group import Group, fit_neighbours
from tasks.stages.pack import Pack
from tasks.storage.files import write_json, write_json_lines
from tasks.storage.object_store import place_of
from tasks.upkeep.takedown import FORGOTTEN, forgotten_hashes

SKETCHED = frozenset({"ingest", "separate", "transcribe", "style", "sketch"})  # what comparing songs needs


def guarded_chain(params: Params, work: WorkFolder) -> Chain | None:
    """The songs of `group.benchmark_manifest` in a table of their own, or None when none is given.

    Raises:
        ValueError: there is no such manifest, or nothing in it is a song.
    """
    if params.group.benchmark_manifest is None:
        return None
    listing = list_sources(place_of(params.group.benchmark_manifest, "group.benchmark_manifest"))
    if not listing.sources or listing.refused:
        reasons = ", ".join(f"{refusal['path']} {refusal['reason']}" for refusal in listing.refused[:3])
        raise ValueError(
            f"group.benchmark_manifest: {params.group.benchmark_manifest} names what is no song "
            f"({reasons or 'it is empty'}); every song of it must be there to be kept out of training"
        )
    table = Table(work.guarded, SONG_COLUMNS, str(listing.root))
    table.admit(listing.sources, params.engine.partition_size)
    stages = [stage for stage in prepare_stages(params) if stage.name in SKETCHED]
    return Chain(table, stages, pythons=params.engine.pythons())


def admit_songs(params: Params, work: WorkFolder) -> int:
    """List the songs and let the table take them in; what is no song goes to ``ingest.jsonl``.

    Raises:
        ValueError: there is no such folder or manifest, or nothing in it can be taken as a song.
    """
    table = Table(work.table, SONG_COLUMNS)
    before = [source for part in table.partitions() for source in part.sources]
    known = [source.facts["audio"]["path"] for source in before if not source.facts.get("refused")]
    hashes = Hashes(work.hashes)
    listing = list_sources(place_of(params.songs.path, "songs"), known, hashes=hashes)
    hashes.write(work.hashes)
    if not listing.sources and not before:
        reasons = ", ".join(sorted({refusal["reason"] for refusal in listing.refused})) or "it is empty"
        raise ValueError(f"songs: nothing in {params.songs.path} can be taken as a song ({reasons})")
    forgotten = forgotten_hashes(work.root)
    sources = [source for source in listing.sources if source.facts["content_hash"] not in forgotten]
    taken_down = {source.facts["audio"]["path"] for source in listing.sources} - {
        source.facts["audio"]["path"] for source in sources
    }
    table.admit(sources, params.engine.partition_size)
    refused = [{"path": path, "reason": FORGOTTEN} for path in sorted(taken_down)]
    write_json_lines(work.refused, [*listing.refused, *refused])
    return len(sources)


@writes_work("prepare")
def run_prepare(params: Params, work: WorkFolder, only: set[str] | None = None) -> Chain:
    """Admit the songs, run the stages, write the shards' index."""
    check_models(params, "prepare")
    count = admit_songs(params, work)
    say(f"prepare: {count} songs in {params.songs.path}")
    chain = prepare_chain(params, work, songs_root_of(params))
    names = list(chain.stages)
    before, wanted = set(names[: names.index(Group.name)]), set(names) if only is None else only
    receipts = work.receipts / "prepare"
    if early := wanted & before:
        run_stages([chain], params.engine, receipts, early)
    if Group.name in wanted:
        find_neighbours(params, work, chain)
        chain = prepare_chain(params, work, songs_root_of(params))
    models = measuring_models(params)
    if Filter.name in wanted and not is_calibrated(params.filter, models):
        say(f"filter: its limits are uncalibrated for {' and '.join(models)}; `jam calibrate` chooses them")
    if late := wanted - before:
        run_stages([chain], params.engine, receipts, late)
    if only is None or "pack" in only:
        write_json(work.report("prepare") / "metrics.json", finish_shards(chain))
    return chain


def find_neighbours(params: Params, work: WorkFolder, chain: Chain) -> None:
    """The fit of `group`; the songs of a given benchmark are sketched first, once."""
    guarded = guarded_chain(params, work)
    if guarded is not None:
        run_stages([guarded], params.engine, work.receipts / "guarded")
        dropped = [
            row["drop_reason"] for row in guarded.rows() if row["drop_reason"] not in (None, "source_gone")
        ]
        if dropped:
            say(
                f"group: {len(dropped)} songs of {params.group.benchmark_manifest} can only be compared by their "
                f"bytes ({', '.join(sorted(set(dropped)))})"
            )
    keeper, cut = chain.stages[Filter.name], params.sketch.max_shingles
    step("neighbours", lambda: fit_neighbours(chain, guarded, params.group, cut, keeper))


def finish_shards(chain: Chain) -> dict[str, Any]:
    """The index, the id lists and the data card, from the songs of the table; returns what DVC compares."""
    rows = chain.rows(CARD_COLUMNS)
    kept = [
        {"id": row["song_id"], "duration": row["duration_s"], "split": row["split"]}
        for row in rows
        if not row["drop_reason"]
    ]
    if chain.shards is not None:
        packed = [
            packed_shard(chain.path(Pack.name, n), f"{chain.name(Pack.name, n)}.tar")
            for n in chain.partitions
        ]
        write_index(chain.shards, packed, kept)
        write_data_card(chain.shards, rows)
    say(f"prepare: {len(kept)} of {len(rows)} songs kept, {len(rows) - len(kept)} dropped")
    reasons = Counter(row["drop_reason"] for row in rows if row["drop_reason"])
    kept_hours = sum(row["duration"] for row in kept) / 3600
    return {
        "songs_in": len(rows),
        "songs_kept": len(kept),
        "kept_hours": kept_hours,
        "dropped": dict(reasons),
    }


@flow(name="prepare", flow_run_name="prepare-{work}", **HOOKS)
def prepare(songs: str, work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> int:
    """Prepare a folder (or manifest) of songs.

    Args:
        songs: folder with audio and lyrics side by side, also in tar shards, or a prefix in a store, or a manifest.
        work: folder for everything this makes; what stands there already is not made again.
        params: YAML file laid over params.yaml, such as params/real.yaml; none for params.yaml alone.
        settings: single values over both, each as section.key=value, such as pretrain.steps=200.
    """
    loaded = load_params(Path(params) if params else None, [*settings, f"songs.path={songs}"])
    chain = run_prepare(loaded, WorkFolder.at(work))
    return sum(len(part.sources) for part in chain.partitions.values())
