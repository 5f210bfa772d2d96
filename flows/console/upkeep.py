"""`jam verify`, `jam forget`, `jam prune`, `jam retry`: damage, a takedown, superseded and large files, what is gone and what is left, said in lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from eval.results.plural import counted
from flows.pipelines.rounds import RUNS
from flows.pipelines.stages import prepared_pipeline
from flows.run.progress import say
from flows.settings.project import Project
from tasks.edits.store import EDITS
from tasks.preference.params import control_of
from tasks.preference.round_tables import CONTROL, POLICY
from tasks.storage.files import remove_tree
from tasks.storage.lease import hold
from tasks.upkeep.checksums import files_below, place_in, recording
from tasks.upkeep.prune import evict, large_files, superseded, superseded_runs
from tasks.upkeep.repair import repair
from tasks.upkeep.status import forget_drops
from tasks.upkeep.takedown import FORGOTTEN_NAME, forget_song
from tasks.upkeep.verify import MISSING, verify_folder

MAX_LISTED = 20
LOG_LEFT = "a record of training, which cannot be made again; to train anew, remove its folder"
EDITS_LEFT = "what somebody changed by hand, which cannot be made again; bring a copy back, or remove the song's folder"
TAKEDOWNS_LEFT = (
    "the list of takedowns, which cannot be made again; forget those songs again, or bring a copy back"
)


def print_verify(root: Path, mend: bool) -> int:
    """``jam verify``: 0 when every file is as it was written, else 1; with `mend` the damaged files go, and 1 says
    that some had to stay.

    Raises:
        ValueError: there is no such work folder.
    """
    if not root.is_dir():
        raise ValueError(f"work: there is no folder {root}; give the --work of a run")
    found = verify_folder(root)
    for damage in found.damages:
        say(str(damage))
    if found.unrecorded:
        say(
            f"verify: {counted(len(found.unrecorded), 'file')} without a record; the next run of a flow records them"
        )
    if not found.damages:
        say(f"verify: {counted(found.num_files, 'file')}, {found.num_bytes / 1e6:.0f} MB, all as written")
        return 0
    missing = sum(damage.fault == MISSING for damage in found.damages)
    say(
        f"verify: {len(found.damages)} of {counted(found.num_files + missing, 'file')} damaged, {missing} of them missing"
    )
    if not mend:
        say(
            "verify: `jam verify --repair` removes what is damaged; then the commands that made it make it again"
        )
        return 1
    with hold(root, "verify", say):
        gone, left = repair(root, found.damages)
    for place in gone:
        say(f"removed {place}")
    for place in left:
        by_hand = EDITS_LEFT if place.startswith(f"{EDITS}/") else LOG_LEFT
        say(f"left {place}: {TAKEDOWNS_LEFT if place == FORGOTTEN_NAME else by_hand}")
    if len(left) < len(found.damages):
        say("verify: the commands that made what is gone make it again")
    return 1 if left else 0


def print_forget(song: str, root: Path) -> None:
    """``jam forget SONG``: a takedown.

    Raises:
        ValueError: there is no such song.
    """
    with recording(root, "forget", say):
        gone = forget_song(root, song)
    say(f"forget: {', '.join(gone.song_ids)}")
    files = "1 file that held it is" if gone.removed == 1 else f"{gone.removed} files that held it are"
    say(f"forget: {files} gone; the next `jam prepare` makes the others' again")
    for path in gone.paths:
        say(f"forget: {path} in the songs folder is yours to remove; it is refused as long as it lies there")
    for run in gone.saw:
        say(f"forget: {place_in(run, root)} was trained on it")
    for run in gone.may_have:
        say(f"forget: {place_in(run, root)} may have been: the shards it was trained on are gone")
    if not gone.saw and not gone.may_have:
        say("forget: no checkpoint here saw it")


def print_prune(project: Project, yes: bool) -> None:
    """``jam prune``: what no current setting needs, and with `yes` without it.

    Raises:
        ValueError: nothing has been prepared there, or `engine.evict` names a stage without large columns.
    """
    root = project.work.root
    with recording(root, "prune", say):
        pipeline = prepared_pipeline(project)
        old = [*superseded(pipeline, project.work.receipts / "prepare"), *_superseded_runs(project)]
        large = large_files(pipeline, project.params.engine.evict)
        sizes = [_num_bytes(path) for path in (*old, *large)]
        lines = [place_in(path, root) for path in old]
        lines += [f"{place_in(path, root)}: its large columns" for path in large]
        for line in lines[:MAX_LISTED]:
            say(line)
        if len(lines) > MAX_LISTED:
            say(f"... and {len(lines) - MAX_LISTED} more")
        if yes:
            for path in old:
                remove_tree(path) if path.is_dir() else path.unlink()
            for path in large:
                evict(path, pipeline.columns)
    total = f"prune: {len(lines)} in all, {sum(sizes) / 1e6:.1f} MB"
    say(f"{total} freed" if yes else f"{total} that nothing needs; `jam prune --yes` frees them")


def _superseded_runs(project: Project) -> Iterator[Path]:
    params, work = project.params, project.work
    yield from superseded_runs(work.checkpoint("pretrain"), params.pretrain)
    yield from superseded_runs(work.checkpoint("sft"), params.sft)
    for name, section in ((POLICY, params.dpo), (CONTROL, control_of(params.dpo))):
        for runs in sorted(work.rounds.glob(f"*/{RUNS[name]}")):
            yield from superseded_runs(runs, section)


def _num_bytes(path: Path) -> int:
    """Of a file, or of all in a folder."""
    return sum(file.stat().st_size for file in (files_below(path) if path.is_dir() else [path]))


def forget(project: Project, reason: str) -> None:
    """``jam retry --reason R``."""
    with recording(project.work.root, "retry", say):
        gone = forget_drops(prepared_pipeline(project), reason)
    say(f"retry: removed {counted(len(gone), 'column file')}; the next `jam prepare` makes what went again")
