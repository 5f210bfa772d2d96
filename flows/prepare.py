"""prepare: songs in; separated, timed, phonemized, encoded, filtered and packed into shards."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from prefect import flow

from flows.models import check_models
from flows.params import Params, load_params
from flows.stages import run_stages
from flows.view import say
from flows.workfolder import WorkFolder
from tasks.align import Align
from tasks.encode import Encode
from tasks.engine.files import write_json_lines
from tasks.engine.stage import Stage
from tasks.engine.table import Chain, Table
from tasks.filter import Filter
from tasks.ingest import Ingest
from tasks.pack import Pack, write_index
from tasks.phonemize import Phonemize
from tasks.separate import Separate
from tasks.sources import list_sources
from tasks.style import Style
from tasks.transcribe import Transcribe


def prepare_stages(params: Params, songs_root: str) -> list[Stage]:
    """The stages of `prepare`, in order."""
    return [
        Ingest(params.ingest, params.audio, songs_root),
        Separate(params.separate, songs_root),
        Transcribe(params.transcribe, params.transcriber),
        Align(params.align, params.aligner, params.phonemizer),
        Phonemize(params.phonemize, params.phonemizer),
        Style(params.style, songs_root),
        Encode(params.codec, songs_root),
        Filter(params.filter),
        Pack(params.pack),
    ]


def prepare_chain(params: Params, work: WorkFolder, songs_root: str = "") -> Chain:
    """The chain of `prepare` over the table of a work folder."""
    return Chain(Table(work.table), prepare_stages(params, songs_root), work.shards)


def songs_root_of(params: Params) -> str:
    """Where relative audio paths start: the folder itself, or the manifest's."""
    path = Path(params.songs.path)
    return os.path.realpath(path if path.is_dir() else path.parent)


def admit_songs(params: Params, work: WorkFolder) -> int:
    """List the songs and let the table take them in; what is no song goes to ``ingest.jsonl``.

    Raises:
        ValueError: there is no such folder or manifest, or nothing in it can be taken as a song.
    """
    table = Table(work.table)
    before = [source for part in table.partitions() for source in part.sources]
    known = [source.facts["audio"]["path"] for source in before if not source.facts.get("refused")]
    listing = list_sources(Path(params.songs.path), known)
    if not listing.sources and not before:
        reasons = ", ".join(sorted({refusal["reason"] for refusal in listing.refused})) or "it is empty"
        raise ValueError(f"songs: nothing in {params.songs.path} can be taken as a song ({reasons})")
    table.admit(listing.sources, params.engine.partition_size)
    write_json_lines(work.refused, listing.refused)
    return len(listing.sources)


def run_prepare(params: Params, work: WorkFolder, only: set[str] | None = None) -> Chain:
    """Admit the songs, run the stages, write the shards' index."""
    check_models(params, "prepare")
    count = admit_songs(params, work)
    say(f"prepare: {count} songs in {params.songs.path}")
    chain = prepare_chain(params, work, songs_root_of(params))
    run_stages([chain], params.engine, work.receipts / "prepare", only)
    if only is None or "pack" in only:
        finish_shards(chain)
    return chain


def finish_shards(chain: Chain) -> None:
    """The index and the id lists, from the kept songs of the table."""
    rows = chain.rows(["duration_s", "split"])
    kept = [
        {"id": row["song_id"], "duration": row["duration_s"], "split": row["split"]}
        for row in rows
        if not row["drop_reason"]
    ]
    if chain.shards is not None:
        write_index(chain.shards, kept)
    say(f"prepare: {len(kept)} of {len(rows)} songs kept, {len(rows) - len(kept)} dropped")


@flow(name="prepare", flow_run_name="prepare-{work}")
def prepare(songs: str, work: str = "data", params: str | None = None, settings: Sequence[str] = ()) -> int:
    """Prepare a folder (or manifest) of songs.

    Args:
        songs: folder or manifest.
        work: folder for everything this makes.
        params: overlay over params.yaml.
        settings: ``section.key=value``, each over the overlay.
    """
    loaded = load_params(Path(params) if params else None, [*settings, f"songs.path={songs}"])
    chain = run_prepare(loaded, WorkFolder(Path(work)))
    return sum(len(part.sources) for part in chain.partitions.values())
