"""What carries a version: every stage and every kind of model, with the source its values come from."""

from __future__ import annotations

import ast
import hashlib
import importlib
from dataclasses import dataclass
from inspect import isabstract
from pathlib import Path

from tasks.engine.stage import Stage

ROOT = Path(__file__).parents[2]
PACKAGES = ("tasks", "jam_model", "eval")
NO_VALUES = ("tasks.engine", "tasks.storage", "tasks.trainer")
SHIPPED = ROOT / "tasks" / "models" / "embedded" / "constants"


@dataclass(frozen=True)
class Unit:
    """A stage or a model: its version (or identity) as the source states it, and a hash of that source."""

    name: str
    version: str
    source: str


def stages() -> dict[str, type[Stage]]:
    """Every stage class of tasks/stages by name."""
    found: dict[str, type[Stage]] = {}
    for path in sorted((ROOT / "tasks" / "stages").glob("*.py")):
        module = importlib.import_module(f"tasks.stages.{path.stem}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Stage) and value.__module__ == module.__name__:
                found |= {} if isabstract(value) else {value.name: value}
    return found


def units() -> list[Unit]:
    """All stages and model kinds, by name."""
    found = [Unit(f"stage {n}", str(s.version), source_hash(s.__module__)) for n, s in stages().items()]
    for module in model_kinds():
        found.append(Unit(f"model {module.split('.')[-1]}", identity(module), source_hash(module)))
    for module in real_models():
        version = str(importlib.import_module(module).VERSION)
        found.append(Unit(f"model {module.split('.')[-1]}", version, source_hash(module)))
    return sorted(found, key=lambda unit: unit.name)


def model_kinds() -> list[str]:
    """Modules of tasks/models that build a model."""
    paths = sorted((ROOT / "tasks" / "models").glob("*.py"))
    return [
        f"tasks.models.{path.stem}" for path in paths if f"def build_{path.stem}(" in path.read_text("utf-8")
    ]


def real_models() -> list[str]:
    """Modules of tasks/models/real with the code around a real model, each with a `VERSION`."""
    paths = sorted((ROOT / "tasks" / "models" / "real").glob("*.py"))
    return [f"tasks.models.real.{path.stem}" for path in paths if "\nVERSION = " in path.read_text("utf-8")]


def identity(module: str) -> str:
    """The `embedded/...` names a module states, with their revisions, as written."""
    nodes = ast.walk(tree_of(module))
    texts = [ast.unparse(n) for n in nodes if isinstance(n, ast.Constant | ast.JoinedStr)]
    return " ".join(sorted({text for text in texts if text.lstrip("f").strip("'\"").startswith("embedded/")}))


def source_hash(module: str) -> str:
    """Hash of the syntax trees of a module and of what it imports of ours, without docstrings.

    The engine, storage and the trainer are left out (they move songs, they make no values), and so are models that are built and other
    stages, which carry a version of their own. Constants shipped for a module count as its source.
    """
    digest = hashlib.sha256()
    for name in sorted(closure(module)):
        digest.update(f"{name} {ast.dump(tree_of(name))}".encode())
        for path in sorted(SHIPPED.glob(f"{name.split('.')[-1]}.*")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def closure(module: str) -> set[str]:
    """The module and our modules it imports, however far away."""
    other_stages = {stage.__module__ for stage in stages().values()} - {module}
    found, waiting = set(), {module}
    while waiting:
        name = waiting.pop()
        found.add(name)
        near = {other for other in imports(name) - other_stages if not other.startswith(NO_VALUES)}
        waiting |= near - found
    return found


def imports(module: str) -> set[str]:
    """Our modules that a module imports, but not those it builds a model from (`build_<kind>`)."""
    names: set[str] = set()
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            taken = {alias.name for alias in node.names}
            if f"build_{node.module.split('.')[-1]}" not in taken:
                names |= {node.module} | {f"{node.module}.{name}" for name in taken}
    return {name for name in names if name.split(".")[0] in PACKAGES and path_of(name).is_file()}


def path_of(module: str) -> Path:
    return ROOT / (module.replace(".", "/") + ".py")


def tree_of(module: str) -> ast.Module:
    """The plain tree of a module."""
    return plain_tree(path_of(module).read_text(encoding="utf-8"))


def plain_tree(source: str) -> ast.Module:
    """A syntax tree without docstrings; comments and layout are not in it anyway."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            texts = [n for n in body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
            node.body = [n for n in body if n not in texts] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree
