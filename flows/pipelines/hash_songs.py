"""Which process hashes the songs' files: this one where they are few, else the workers of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.results.plural import counted
from flows.run.prefect_tasks import run_stages
from flows.run.progress import say
from flows.settings.project import Project
from tasks.songs.hash_files import FILES_AT_ONCE, hash_pipeline, hashes_made
from tasks.songs.hashes import Stamped, read_here

ENDED_WORKERS = frozenset({"worker_died", "out_of_memory", "timed_out"})


def hash_songs(project: Project, root: Path, files: Sequence[Stamped]) -> Sequence[str | None]:
    """The sha256 of files below the songs root, None of one that cannot be read: the `Reader` of `prepare`.

    Files that fill no partition are read here, sooner than a worker starts.
    """
    if len(files) < FILES_AT_ONCE:
        return read_here(root, files)
    folder = project.work.listing
    pipeline = hash_pipeline(folder, root, files)
    run_stages([pipeline], project.params.engine, folder / "receipts")
    ended = [row["file"] for row in pipeline.rows(["file"]) if row["drop_reason"] in ENDED_WORKERS]
    if ended:
        say(
            f"hash: {counted(len(ended), 'file')} ended the workers that read them, and cannot be read: {ended[0]}"
        )
    return hashes_made(pipeline, files)
