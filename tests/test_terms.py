"""docs/terms.md is the law of words: what it says a thing is not called stands nowhere."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
TERMS = ROOT / "docs" / "terms.md"
OLD = ROOT / "docs" / "renamed.yaml"
LOOKED_AT = (".py", ".md", ".yaml", ".yml", ".js", ".html", ".toml", ".sh")
FREE = ("docs/terms.md", "docs/renamed.yaml", "CHANGELOG.md", "docs/decisions.md", "tests/test_terms.py")
SINGING = ("tasks/toy/", "tests/tasks/toy/", "tasks/models/training/")  # where somebody really sings
OF_SINGING = {"sings", "sang"}


def not_called() -> set[str]:
    """The phrases in code marks in the last column of the tables of docs/terms.md."""
    rows = [line for line in TERMS.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return {phrase for row in rows for phrase in re.findall(r"`([^`]+)`", row.split(" | ")[-1])}


def old_names() -> set[str]:
    """Names that docs/renamed.yaml says are gone and that mean nothing else: with a dot or an underscore."""
    kinds = yaml.safe_load(OLD.read_text(encoding="utf-8")) or {}
    old = {str(name) for kind in kinds.values() for name in kind or {}}
    new = {str(name) for kind in kinds.values() for name in (kind or {}).values()}
    kept = {name.rpartition(".")[2] for name in new}  # a setting that only moved keeps its last word
    return {name for name in old - new if re.search(r"[._]", name) and name.rpartition(".")[2] not in kept}


@cache
def texts() -> dict[str, str]:
    """Every tracked text of the project by its path, results of measurements left out."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.splitlines() if name.endswith(LOOKED_AT) and name not in FREE]
    names = [name for name in names if not name.startswith("bench/results/") and (ROOT / name).is_file()]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names}


def places(phrase: str) -> list[str]:
    """Where a phrase stands as whole words."""
    pattern = re.compile(rf"(?<![\w.]){re.escape(phrase)}(?!\w)".replace(r"\ ", r"\s+"))
    free, first = SINGING if phrase in OF_SINGING else (), phrase.split()[0]
    return [
        f"{name}:{text[: match.start()].count(chr(10)) + 1}: {phrase}"
        for name, text in texts().items()
        if first in text and not name.startswith(free)
        for match in pattern.finditer(text)
    ]


def test_what_a_thing_is_not_called_stands_nowhere() -> None:
    found = [place for phrase in sorted(not_called()) for place in places(phrase)]
    assert not found, "\n" + "\n".join(found)


def test_old_names_of_settings_columns_stages_and_metrics_stand_nowhere() -> None:
    found = [place for name in sorted(old_names()) for place in places(name)]
    assert not found, "\n" + "\n".join(found)


def test_the_tables_can_be_read_and_a_phrase_that_stands_somewhere_is_found() -> None:
    assert {"cure", "a take", "patiently"} <= not_called()
    assert "sampler.num_points" in old_names() and "engine.num_workers" not in old_names()
    assert places("law of songs and words") == [] and places("The shape of the house")[0].startswith(
        "tests/test_house.py:1"
    )
