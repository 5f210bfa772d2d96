"""What carries a version: every stage and every kind of model, with the source its values come from."""

from __future__ import annotations

import ast
import importlib
from dataclasses import dataclass
from functools import cache

from tasks.engine.source_code import NO_VALUES, ROOT, closure, hash_of_modules, tree_of
from tasks.engine.stage import stages_in

STAGES = "tasks.stages"
SHIPPED = ROOT / "tasks" / "models" / "embedded" / "constants"


@dataclass(frozen=True)
class Unit:
    """A stage or a model: its version (or identity) as the source states it, and a hash of that source."""

    name: str
    version: str
    source: str


@cache
def units() -> tuple[Unit, ...]:
    """All stages and model kinds, by name."""
    found = [
        Unit(f"stage {n}", str(s.version), source_hash(s.__module__)) for n, s in stages_in(STAGES).items()
    ]
    for module in model_kinds():
        found.append(Unit(f"model {module.split('.')[-1]}", identity(module), source_hash(module)))
    for module in real_models():
        version = str(importlib.import_module(module).VERSION)
        found.append(Unit(f"model {name_of(module)}", version, source_hash(module)))
    return tuple(sorted(found, key=lambda unit: unit.name))


def model_kinds() -> list[str]:
    """Modules of tasks/models that build a model."""
    paths = sorted((ROOT / "tasks" / "models").glob("*.py"))
    return [
        f"tasks.models.{path.stem}" for path in paths if f"def build_{path.stem}(" in path.read_text("utf-8")
    ]


def real_models() -> list[str]:
    """Modules of tasks/models/real with the code around a real model, each with a `VERSION`."""
    paths = sorted((ROOT / "tasks" / "models" / "real").rglob("*.py"))
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in paths
        if "\nVERSION = " in path.read_text("utf-8")
    ]


def name_of(module: str) -> str:
    """What a real model is called: its module, or the folder it has to itself."""
    return module.removeprefix("tasks.models.real.").split(".")[0]


def identity(module: str) -> str:
    """The `embedded/...` names a module states (or `librosa/...`, a tracker without weights), with their revisions, as written."""
    nodes = ast.walk(tree_of(module))
    texts = [ast.unparse(n) for n in nodes if isinstance(n, ast.Constant | ast.JoinedStr)]
    ours = ("embedded/", "librosa/")
    return " ".join(sorted({text for text in texts if text.lstrip("f").strip("'\"").startswith(ours)}))


def source_hash(module: str) -> str:
    """Hash of a module and of what it imports of ours; constants shipped for a module count as its source.

    Left out are what makes no values, models that are built and other stages, which carry a version of their own.
    """
    found = closure_of(module)
    shipped = (path for name in found for path in SHIPPED.glob(f"{name.split('.')[-1]}.*"))
    return hash_of_modules(found, shipped)


def closure_of(module: str) -> set[str]:
    """The module and our modules that its values come from."""
    other_stages = {stage.__module__ for stage in stages_in(STAGES).values()} - {module}
    return closure([module], {*NO_VALUES, *other_stages})
