"""The shape of the house: import directions, one owner of ray and prefect, no toy outside its room."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("flows", "tasks", "jam_model", "eval")
MAY_IMPORT = {
    "flows": {"flows", "tasks", "jam_model", "eval"},
    "tasks": {"tasks", "jam_model", "eval"},
    "jam_model": {"jam_model"},
    "eval": {"eval"},
}
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names a module imports, anywhere in it, with the full dotted name beside."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return names


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_flow_one_way(path: Path) -> None:
    folder = path.relative_to(ROOT).parts[0]
    ours = {name.split(".")[0] for name in imported(path)} & set(FOLDERS)
    assert ours <= MAY_IMPORT[folder], f"{name_of(path)} imports {sorted(ours - MAY_IMPORT[folder])}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_ray_and_prefect_have_one_owner_each(path: Path) -> None:
    tops = {name.split(".")[0] for name in imported(path)}
    place = name_of(path)
    if "ray" in tops:
        assert place.startswith("tasks/engine/"), f"{place} imports ray"
    if "prefect" in tops:
        assert place.startswith("flows/"), f"{place} imports prefect"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_knows_that_songs_can_be_toys(path: Path) -> None:
    place = name_of(path)
    if place.startswith("tasks/toy/") or place in {"flows/commands/lifecycle.py", "flows/params.py"}:
        return
    toys = {name for name in imported(path) if name.startswith("tasks.toy")}
    trainers = {"tasks/models/calibrate.py"} | {
        f"tasks/models/recogniser_{name}.py" for name in ("songs", "training", "report")
    }
    assert not toys or place in trainers, f"{place} imports {sorted(toys)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_outgrows_one_idea(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= 320, f"{name_of(path)} has {lines} lines"


def test_data_holds_no_python() -> None:
    assert not list((ROOT / "data").glob("*.py"))
