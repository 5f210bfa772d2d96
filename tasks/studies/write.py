"""study.json and study.html: all of a study as plain values, and the page of it."""

from __future__ import annotations

from pathlib import Path

from eval.pages.study import study_html
from eval.results.study import StudyResult
from tasks.storage.files import write_bytes, write_json


def write_study(folder: Path, study: StudyResult) -> Path:
    """Both files, the page last; returns the JSON file."""
    write_json(folder / "study.json", study.record())
    write_bytes(folder / "study.html", study_html(study).encode())
    return folder / "study.json"
