"""The tail of every benchmark (`BenchmarkSongs`): measure what was transcribed, compare, write the report and its recipe; or find that exactly this one stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval.report.tables import leading_values, summary_tables
from eval.report.write import write_report
from eval.results.listening_test import Preference
from eval.results.report import Report
from flows.run.prefect_tasks import inside_flow, show_table
from flows.run.progress import say
from flows.run.standing import before_work
from flows.settings.project import Project
from tasks.benchmark.report import report_of
from tasks.benchmark.report_inputs import (
    Mixes,
    generation_rtf,
    measured_rows,
    report_recipe,
    run_facts,
    text_styles,
)
from tasks.benchmark.system_metrics import Measured, measure, windows_of
from tasks.engine.fingerprint import fingerprint
from tasks.engine.pipeline import Pipeline
from tasks.models.phonemizer import build_phonemizer
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.prompts import Prompt, System
from tasks.storage.files import write_json
from tasks.storage.object_store import local_folder

REPORT = "benchmark"
RECIPE = "recipe.json"


@dataclass(frozen=True)
class BenchmarkSongs:
    """The songs of all systems, and what their report is made of beside them.

    `title`, `subtitle`, `notes`: what stands above its tables, and what only the flow knows.
    `weights`: hashes by system, of those that are checkpoints. `reference`: rows of the songs that distances are to.
    `key`: what else decides the report. `flow`: the module of the flow that makes it.
    """

    title: str
    subtitle: str
    notes: Sequence[str]
    prompts: Sequence[Prompt]
    systems: Sequence[System]
    pipelines: Sequence[Pipeline]
    weights: Mapping[str, str | None]
    reference: Sequence[Mapping[str, Any]]
    listening: Sequence[Preference]
    key: Mapping[str, Any]
    flow: str


def write_benchmark(
    project: Project,
    songs: BenchmarkSongs,
    started: float,
    complete: Callable[[Report, Measured], Report] = lambda report, _: report,
) -> Path:
    """Measure the songs and write ``reports/benchmark``, unless exactly this report stands; returns its page.

    `started`: when the flow began, in seconds since 1970; `complete`: adds what only the flow knows.
    """
    params, folder = project.params, project.work.report(REPORT)
    page, recipe_file = folder / "report.html", folder / RECIPE
    settings = {**params.decides(), "weights": dict(songs.weights)}
    decides = {**songs.key, "listening": [asdict(one) for one in songs.listening]}
    hashes = {name: fingerprint(value) for name, value in decides.items()}
    recipe = report_recipe(songs.pipelines, settings, songs.flow, **hashes)
    if page.is_file() and recipe_file.is_file() and json.loads(recipe_file.read_text()) == recipe:
        say(f"report: up to date, {page}")
        return page
    before_work()
    measured = measure(
        songs.prompts,
        measured_rows(songs.pipelines),
        windows_of(songs.reference),
        build_phonemizer(params.models.phonemizer),
        text_styles(songs.prompts, build_style_encoder(params.models.style_encoder), params.benchmark.genres),
        params.benchmark.resampling,
    )
    rtf = generation_rtf(songs.pipelines[-1], project.work.receipts / REPORT) if songs.weights else {}
    report = report_of(
        measured,
        songs.systems,
        params.benchmark,
        songs.title,
        songs.subtitle,
        songs.notes,
        Mixes(songs.pipelines),
        settings,
        run_facts(started, rtf),
    )
    report = complete(replace(report, listening=songs.listening), measured)
    recipe_file.unlink(missing_ok=True)  # a kill from here on leaves a report that does not stand
    with local_folder(folder) as here:
        write_report(report, here)
    write_json(folder / "metrics.json", leading_values(report))
    write_json(recipe_file, recipe)
    say(f"report: {page}")
    for key, table in summary_tables(report).items():
        show_table(key, table, report.title)
    if inside_flow():
        from prefect.artifacts import create_link_artifact

        create_link_artifact(key="report", link=page.resolve().as_uri(), link_text="report.html")
    return page
