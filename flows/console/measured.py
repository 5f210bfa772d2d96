"""`jam report`, `jam card`, `jam study`: a finished report.json or study.json found and read (`report_at`), as tables and as a paper would say it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.report.card import system_card
from eval.results.stored import SCHEMA, Answer
from flows.run.progress import say, say_table
from jam_model.shard_index import read_json

REPORT_JSON = Path("reports/benchmark/report.json")
SHOWN = ("wer", "acoustic_per", "style_similarity", "judge_mean", "energy_after_end")


@dataclass(frozen=True)
class Reported:
    """A benchmark's report, of the work folder's own checkpoints or of a manifest; `folder` is where its tables lie, `file` its
    JSON.
    """

    folder: Path
    record: dict[str, Any]
    file: Path

    @property
    def page(self) -> Path:
        """The report for people; the JSON where it was copied without."""
        page = self.file.with_suffix(".html")
        return page if page.is_file() else self.file


def report_in(folder: Path) -> Reported:
    """The report of this folder.

    Raises:
        ValueError: there is none, or one that is damaged or of another schema.
    """
    path = folder / REPORT_JSON
    if not path.is_file():
        raise ValueError(f"work: no report in {folder}; run `jam benchmark --work {folder}` first")
    return Reported(folder, _known(path), path)


def report_at(path: Path) -> Reported:
    """The report of which this is the page, the JSON or the folder, wherever it was copied: that of a benchmark, or
    ``reports/benchmark`` in it.

    Raises:
        ValueError: there is none, or one that is damaged or of another schema.
    """
    named = [path / REPORT_JSON, path / REPORT_JSON.name] if path.is_dir() else [path.with_suffix(".json")]
    for found in map(Path.absolute, named):
        if found.is_file():
            own = found.parts[-3:] == REPORT_JSON.parts
            return Reported(found.parents[2] if own else found.parent, _known(found), found)
    raise ValueError(f"report: no report at {path}; give its {REPORT_JSON.name}, or the folder that holds it")


def benchmark_folders(root: Path) -> list[Path]:
    """Where the benchmarks of a work folder lie: its own in itself, those of manifests each in a folder."""
    return [root, *sorted((root / "benchmarks").glob("*"))]


def last_report(root: Path, systems: Collection[str] = ()) -> Reported:
    """The last report of a work folder, its own or that of a manifest; of several, the last that has these systems,
    which is told.

    Raises:
        ValueError: there is none, or one of another schema.
    """
    folders = [folder for folder in benchmark_folders(root) if (folder / REPORT_JSON).is_file()]
    folders.sort(key=lambda folder: (folder / REPORT_JSON).stat().st_mtime_ns, reverse=True)
    fitting = next((folder for folder in folders if _has(folder, systems)), folders[0] if folders else root)
    if len(folders) > 1:
        others = ", ".join(
            str((folder / REPORT_JSON).with_suffix(".html")) for folder in folders if folder != fitting
        )
        say(f"the last report{' of these systems' if systems else ''} of {len(folders)}; also: {others}")
    return report_in(fitting)


def _has(folder: Path, systems: Collection[str]) -> bool:
    """Whether a report has these systems, by name or title."""
    known = _record(folder / REPORT_JSON).get("systems", {})
    return set(systems) <= {*known, *(system.get("title") for system in known.values())}


def _record(path: Path) -> dict[str, Any]:
    """The fields of a report's JSON.

    Raises:
        ValueError: it is damaged, or no report.
    """
    record = read_json(path.read_bytes(), f"report: {path}")
    if not isinstance(record, dict) or "schema" not in record:
        raise ValueError(f"report: {path} is no report of `jam benchmark`: it names no schema; give another")
    return record


def _known(path: Path) -> dict[str, Any]:
    """The same of one that can be shown.

    Raises:
        ValueError: it cannot: of another schema, or without its systems.
    """
    record = _record(path)
    if record["schema"] != SCHEMA:
        raise ValueError(
            f"report: {path} has schema {record['schema']}, not {SCHEMA}; run `jam benchmark` again"
        )
    if lacking := [name for name in ("systems", "system_order", "stamp") if name not in record]:
        raise ValueError(f"report: {path} lacks {lacking[0]}; copy it again, or run `jam benchmark` again")
    return record


def print_card(system: str, root: Path) -> None:
    """Shows the card of a system."""
    say(system_card(last_report(root, [system]).record, system).rstrip())


def print_report(found: Reported) -> None:
    """A report in a few lines."""
    record = found.record
    lines = []
    for name in record["system_order"]:
        metrics = record["systems"][name]["metrics"]
        values = [_figure(metrics.get(metric)) for metric in SHOWN]
        first = metrics[SHOWN[0]]
        lines.append([record["systems"][name]["title"], *values, str(first["n"]), str(first["n_failed"])])
    say_table(("system", *SHOWN, "n", "failed"), lines, 160)
    for answer in record.get("answers", []):
        say(Answer(**answer).line)
    if record.get("caution"):
        say(record["caution"])
    if record["stamp"]:
        say(f"{record['stamp']}: made or scored by {', '.join(record['stand_ins'])}")
    say(f"report: {found.page}")


def print_study(path: Path) -> None:
    """Shows a ``study.json``: a row an arm, a column a metric, and the answer."""
    record = json.loads(path.read_text())
    names = [metric["name"] for metric in record["metrics"]]
    lines = [
        (row["title"], *(_with_interval(row["levels"][name]) for name in names))
        for row in [record["base"], *record["rows"]]
    ]
    say_table(("arm", *(metric["title"] for metric in record["metrics"])), lines, 240)
    for line in record["answer"]:
        say(line)
    if record["stamp"]:
        say(record["stamp"])


def _figure(estimate: Mapping[str, Any] | None) -> str:
    return "-" if not estimate or estimate["value"] is None else f"{estimate['value']:.3f}"


def _with_interval(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return "-"
    failed = f", {estimate['n_failed']} failed" if estimate["n_failed"] else ""
    interval = "" if estimate["low"] is None else f" [{estimate['low']:.3f}, {estimate['high']:.3f}]"
    return f"{_figure(estimate)}{interval} (n = {estimate['n']}{failed})"
