"""`jam export`, `jam listen`: what leaves the house: shards and weights with their cards (hub, Muse), a blind listening page of two systems."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from eval.pages.listening_test import blind_html
from eval.results.copies import release_refusal
from eval.results.plural import counted
from eval.results.stored import system_named
from flows.console.measured import REPORT_JSON, Reported, benchmark_folders, last_report
from flows.pipelines.external_tables import manifest_tables
from flows.pipelines.runs import checkpoint_with
from flows.pipelines.stages import finished_rows, prepared_pipeline
from flows.run.progress import say
from flows.settings.params import Params
from flows.settings.project import Project, WorkFolder
from tasks.benchmark.listening_test import (
    KEY,
    SystemSongs,
    blind_test,
    songs_of_folder,
    songs_of_tables,
)
from tasks.benchmark.systems import TRUTH
from tasks.models.chosen import KINDS
from tasks.shards.data_card import CARD_JSON
from tasks.shards.hub_export import BaseModel, export_data, export_model
from tasks.shards.muse_export import COLUMNS, PART_CAPTIONS, SECTIONS, export_muse
from tasks.storage.files import write_bytes, write_json

MADE_HERE = "ships with the project"


def export_hub(project: Project, out: Path, system: str) -> None:
    """Write ``dataset/`` and ``model/`` into `out`.

    Raises:
        ValueError: nothing is packed or reported, the system is no checkpoint of the report, `out` is not empty, or the
            system copies more than `copies.max_share` allows.
    """
    work = project.work
    check_new(out, "export")
    record = last_report(work.root, [system]).record
    hashes = record["settings"].get("weights", {})
    system = system_named(record, system)
    if system not in hashes:
        known = ", ".join(hashes) or "none"
        raise ValueError(f"system: the report has no weights by {system!r}; it has {known}")
    checkpoint = checkpoint_with(work, hashes[system])
    bases = base_models(project.params)
    if refusal := release_refusal(record, system, project.params.copies.max_share):
        raise ValueError(f"export: {refusal}")
    num_shards = export_data(work.shards, out, bases)
    card = json.loads((work.shards / CARD_JSON).read_text())
    export_model(checkpoint, out, record, system, card, bases)
    say(
        f"export: {counted(num_shards, 'shard')} in {out / 'dataset'}, {system} in {out / 'model'}; nothing was uploaded"
    )


def export_talks(project: Project, out: Path, has_phonemes: bool) -> None:
    """Write the kept songs into `out` in Muse's chat form.

    Raises:
        ValueError: nothing is prepared or kept, or `out` is not empty.
    """
    check_new(out, "export")
    pipeline = prepared_pipeline(project)
    columns = [*COLUMNS, *(name for name in (SECTIONS, PART_CAPTIONS) if name in pipeline.columns)]
    counts = export_muse(finished_rows(pipeline, columns), out, has_phonemes)
    told = ", ".join(f"{number} {split}" for split, number in sorted(counts.items()))
    say(f"export: {counted(sum(counts.values()), 'song')} as talks in {out} ({told}); nothing was uploaded")


def check_new(out: Path, command: str) -> None:
    """Refuses a folder to write that is there with something in it.

    Raises:
        ValueError: `out` is a file, or not empty.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{command}: {out} is a file; name a new folder")
    if out.is_dir() and any(out.iterdir()):
        raise ValueError(f"{command}: {out} is not empty; name a new folder")


def base_models(params: Params) -> list[BaseModel]:
    """Every model the params choose, with the licence of its weights; who heard parts, where its weights are another's."""
    found = []
    for kind in KINDS:
        choice = getattr(params.models, kind)
        if choice.settings is None:
            found.append(BaseModel(kind, choice.identity(), MADE_HERE, "as the project", MADE_HERE))
        else:
            found += [BaseModel.of(kind, card, choice.settings.place(card)[0]) for card in choice.cards]
    if (segmenter := params.sections.settings) is not None:
        found += [BaseModel.of("sections", card, segmenter.place(card)[0]) for card in params.sections.cards]
    return found


def write_blind_page(project: Project, systems: Sequence[str]) -> Path:
    """The page and its key in ``reports/listen/<page>``; returns the page.

    Raises:
        ValueError: not two systems, one is not there, or they have too few songs in common.
    """
    params, work = project.params, project.work
    if len(systems) != 2:
        raise ValueError(f"system: {len(systems)} are given; name two: --system A --system B, or NAME=DIR")
    reported = _reported(work, systems)
    left, right = (_songs(project, reported, system) for system in systems)
    truth = None
    if reported and TRUTH not in (left.name, right.name):
        truth = songs_of_tables(_tables(reported), TRUTH, project.songs_root)
    trials, key = blind_test(left, right, truth, params.listening_test, params.output)
    folder = work.report("listen") / key.page
    write_json(folder / KEY, key.record())
    write_bytes(folder / "listen.html", blind_html(key.page, trials).encode())
    say(f"listen: {counted(len(trials), 'song')} by {left.name} and {right.name}: {folder / 'listen.html'}")
    say(f"put the CSV files that listeners download into {folder}; the next `jam benchmark` reads them")
    return folder / "listen.html"


def _reported(work: WorkFolder, systems: Sequence[str]) -> Reported | None:
    """The last benchmark that has those of the systems that are no folders; None without a benchmark."""
    if not any((folder / REPORT_JSON).is_file() for folder in benchmark_folders(work.root)):
        return None
    return last_report(work.root, [system for system in systems if not _folder_of(system)])


def _tables(reported: Reported) -> list[Path]:
    own = WorkFolder(reported.folder).benchmark / "table"
    return [path for path in (own, *manifest_tables(reported.folder)) if path.is_dir()]


def _folder_of(system: str) -> str:
    """The folder of ``NAME=DIR``; titles of a report have blanks around a sign of equality."""
    folder = system.partition("=")[2]
    return "" if folder.startswith(" ") else folder


def _songs(project: Project, reported: Reported | None, system: str) -> SystemSongs:
    if folder := _folder_of(system):
        return songs_of_folder(system.partition("=")[0], Path(folder), project.params.audio)
    if reported is None:
        raise ValueError(
            f"system: {system!r} needs a report; run `jam benchmark` first, or give {system}=DIR"
        )
    name = system_named(reported.record, system)
    songs = songs_of_tables(_tables(reported), name, project.songs_root)
    if not songs.mixes:
        raise ValueError(
            f"system: the benchmark's table has no songs by {name!r}; run `jam benchmark` again, or give {name}=DIR"
        )
    return songs
