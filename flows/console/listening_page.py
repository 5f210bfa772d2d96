"""``jam listen``: a listening page for two systems; its answers, read by the benchmark's report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.pages.listening_test import blind_html
from flows.pipelines.listening_answers import KEY, LISTEN
from flows.pipelines.prepare_stages import songs_root_of
from flows.run.progress import say
from flows.settings.project import Project
from tasks.benchmark.listening_test import SystemSongs, blind_test, songs_of_folder, songs_of_table
from tasks.benchmark.systems import TRUTH
from tasks.storage.files import write_bytes, write_json


def write_blind_page(project: Project, systems: Sequence[str]) -> Path:
    """The page and its key in ``reports/listen/<page>``; returns the page.

    Raises:
        ValueError: not two systems, one is not there, or they have too few songs in common.
    """
    params, work = project.params, project.work
    if len(systems) != 2:
        raise ValueError(f"system: {len(systems)} are given; name two: --system A --system B, or NAME=DIR")
    left, right = (_songs(project, system) for system in systems)
    truth = None
    if TRUTH not in (left.name, right.name):
        truth = songs_of_table(work.benchmark / "table", TRUTH, songs_root_of(params.songs))
    trials, key = blind_test(left, right, truth, params.listening_test, params.output)
    folder = work.report(LISTEN) / key.page
    write_json(folder / KEY, key.record())
    write_bytes(folder / "listen.html", blind_html(key.page, trials).encode())
    say(f"listen: {len(trials)} songs by {left.name} and {right.name}: {folder / 'listen.html'}")
    say(f"put the CSV files that listeners download into {folder}; the next `jam benchmark` reads them")
    return folder / "listen.html"


def _songs(project: Project, system: str) -> SystemSongs:
    params, work = project.params, project.work
    name, _, folder = system.partition("=")
    if folder:
        return songs_of_folder(name, Path(folder), params.audio)
    songs = songs_of_table(work.benchmark / "table", name, songs_root_of(params.songs))
    if not songs.mixes:
        raise ValueError(
            f"system: the benchmark's table has no songs by {name!r}; run `jam benchmark` first, or give {name}=DIR"
        )
    return songs
