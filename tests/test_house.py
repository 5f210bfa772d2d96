"""The shape of the house: rooms on floors, imports that only go down, one owner of ray and prefect."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("flows", "tasks", "jam_model", "eval")
FLOORS = (  # from the top; a module imports its own room and rooms on floors below it
    {"flows.commands"},
    {"flows", "flows.console", "flows.desk"},
    {"flows.pipelines"},
    {"flows.settings"},
    {"flows.run", "tasks.preference", "tasks.studies"},
    {"tasks.benchmark", "tasks.desk"},
    {"tasks.upkeep"},
    {"tasks.prompts", "tasks.training"},
    {"tasks.stages.graded"},
    {"tasks.stages.generated", "tasks.stages.description"},
    {"tasks.stages"},
    {"tasks.shards"},
    {"tasks.dedup", "tasks.quality"},
    {"tasks.quality.detectors"},
    {"tasks.audio"},
    {"tasks.models.real.whisper_words", "tasks.models.real.hama", "tasks.models.real.songformer"},
    {"tasks.songs", "tasks.models.real", "tasks.models.description", "tasks.models.training", "tasks.times"},
    {"tasks.lyrics"},
    {"tasks.models", "tasks.toy"},
    {"tasks.models.embedded", "tasks.trainer", "tasks.toy.faults"},
    {"tasks.lyrics.forms", "tasks.toy.world_two"},
    {"tasks.lyrics.parts", "tasks.languages", "tasks.jobs", "tasks.choices"},
    {"tasks.engine", "tasks.edits", "tasks.toy.sound", "tasks.toy.languages", "eval.report"},
    {"tasks.storage", "eval.pages"},
    {"eval.results"},
    {"eval.metrics.controls"},
    {"eval.metrics", "jam_model.durations"},
    {"eval.stats", "jam_model"},
    {"jam_model.sung", "jam_model.solvers", "jam_model.controls", "jam_model.part_styles"},
)
NOT_BELOW = {"eval": ("tasks", "flows", "jam_model"), "jam_model": ("tasks", "flows", "eval")}
MAY_IMPORT_RAY = ("tasks.engine", "tasks.trainer")
MAY_IMPORT_TOY = ("tasks.toy", "tasks.models.training", "flows.commands.lifecycle", "flows.settings.params")
MAX_MODULES, MAX_LINES = 20, 300
MAX_QUICK_CASES = 2200


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name; a package by that of its folder."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in paths
    }


def room_of(module: str) -> str:
    """The folder a module lies in, as a dotted name."""
    return ".".join(modules()[module].relative_to(ROOT).parent.parts)


@cache
def imported(module: str) -> frozenset[str]:
    """Dotted names that a module imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{module}: relative import"
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & modules().keys()
            names |= submodules or {node.module}
    return frozenset(names)


def arrows() -> Iterator[tuple[str, str]]:
    """Every import of one of our modules by another."""
    for module in modules():
        yield from ((module, name) for name in sorted(imported(module)) if name in modules())


def test_every_room_stands_on_one_floor_and_no_floor_holds_what_is_not_there() -> None:
    rooms = {room_of(module) for module, path in modules().items() if path.name != "__init__.py"}
    listed = [room for floor in FLOORS for room in floor]
    assert sorted(listed) == sorted(rooms)


def test_imports_go_down_alone() -> None:
    height = {room: -number for number, floor in enumerate(FLOORS) for room in floor}
    up = [
        f"{module} imports {name}"
        for module, name in arrows()
        if room_of(module) != room_of(name) and height[room_of(name)] >= height[room_of(module)]
    ]
    sideways = [
        f"{module} imports {name}"
        for module, name in arrows()
        if name.split(".")[0] in NOT_BELOW.get(module.split(".")[0], ())
    ]
    assert not up + sideways, up + sideways


def test_no_module_imports_itself_through_others() -> None:
    below: dict[str, set[str]] = defaultdict(set)
    for module, name in arrows():
        below[module].add(name)
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        assert module not in path, f"a circle: {' -> '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for name in below[module]:
                walk(name, [*path, module])
            done.add(module)

    for module in modules():
        walk(module, [])


def test_ray_and_prefect_have_one_owner_each() -> None:
    tops = {module: {name.split(".")[0] for name in imported(module)} for module in modules()}
    ray = [m for m in tops if "ray" in tops[m] and not m.startswith(MAY_IMPORT_RAY)]
    prefect = [m for m in tops if "prefect" in tops[m] and not m.startswith("flows.")]
    assert not ray + prefect


def test_flows_order_and_show_and_leave_computing_to_rooms_below() -> None:
    computing = {"numpy", "pandas", "torch", "pyarrow", "hashlib", "soundfile"}
    told = [
        m for m in modules() if m.startswith("flows") and {n.split(".")[0] for n in imported(m)} & computing
    ]
    assert not told


def test_only_the_command_and_the_embedded_models_training_know_that_songs_can_be_toys() -> None:
    told = [m for m, name in arrows() if name.startswith("tasks.toy") and not m.startswith(MAY_IMPORT_TOY)]
    assert not told


def test_no_module_outgrows_one_idea_and_no_folder_ten_seconds() -> None:
    long = {m: n for m, path in modules().items() if (n := len(path.read_text().splitlines())) > MAX_LINES}
    counts = {room: [room_of(m) for m in modules()].count(room) for room in {room_of(m) for m in modules()}}
    full = {room: count for room, count in counts.items() if count > MAX_MODULES + 1}  # and its __init__
    assert not long | full


def test_parquet_files_are_opened_as_files_so_that_no_thread_of_arrow_outlives_the_reading() -> None:
    named = {module for module, path in modules().items() if "pq.read_table(" in path.read_text()}
    assert not named  # a thread left behind may abort a process that ends


def test_every_folder_says_in_one_line_what_it_is() -> None:
    for module, path in modules().items():
        if path.name == "__init__.py":
            tree = ast.parse(path.read_text())
            said = ast.get_docstring(tree) or ""
            assert said and "\n" not in said and len(tree.body) == 1, f"{module}: one line, and no code"


def test_rows_that_differ_in_values_are_no_cases_of_their_own(request: pytest.FixtureRequest) -> None:
    """Of all quick tests, where all are collected; tests/every.py has a table in one case."""
    quick = [case for case in request.session.items if not case.get_closest_marker("slow")]
    counts = Counter(case.nodeid.partition("[")[0] for case in quick)
    assert len(quick) <= MAX_QUICK_CASES, counts.most_common(10)


def test_data_holds_no_python() -> None:
    assert not list((ROOT / "data").glob("*.py"))
