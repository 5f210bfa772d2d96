"""Writes a report: report.json, its tables as CSV, one self-contained report.html, and sound that did not fit."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from eval.pages.heard import heard_files
from eval.pages.players import EMBED_BUDGET_BYTES, build_players
from eval.pages.report import report_html
from eval.report.tables import csv_bytes, report_frames
from eval.results.report import Report
from eval.results.report_json import report_json


def write_report(report: Report, folder: Path, embed_budget_bytes: int = EMBED_BUDGET_BYTES) -> None:
    """Write the report into `folder`, each file whole or not at all; equal reports give equal bytes.

    Sound that lay there for an earlier report and is no part of this one goes.
    """
    players = build_players(report, embed_budget_bytes)
    sounds = {**players.files, **heard_files(report)}
    for path in (folder / "audio").glob("*"):
        if f"audio/{path.name}" not in sounds:
            path.unlink()
    files = {
        **sounds,
        "report.json": report_json(report).encode(),
        "report.html": report_html(report, players).encode(),
        **{f"{name}.csv": csv_bytes(frame) for name, frame in report_frames(report).items()},
    }
    for name, data in files.items():
        _write(folder / name, data)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".tmp-{uuid.uuid4().hex[:8]}-{path.name}")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)
