"""Our own source (by ast): which modules a module imports, however far away, and one hash of what they say."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks", "jam_model", "eval")
NO_VALUES = ("tasks.engine", "tasks.storage", "tasks.trainer")
"""Packages that move songs and make no values."""
DATA = (".json", ".css", ".js", ".html")  # beside a module, and read by it


def closure(modules: Iterable[str], passed_over: Collection[str] = NO_VALUES) -> set[str]:
    """The modules, and those of ours that they import; not those `passed_over` (or inside them), nor a model's
    that they only build (``from tasks.models.codec import build_codec``), which has a version of its own.
    """
    found: set[str] = set()
    waiting = set(modules)
    while waiting:
        name = waiting.pop()
        found.add(name)
        near = {other for other in imports(name) if not _is_inside(other, passed_over)}
        waiting |= near - found
    return found


@cache
def imports(module: str) -> frozenset[str]:
    """Our modules that a module imports, but not those it builds a model from (`build_<kind>`)."""
    names: set[str] = set()
    for node in _statements(tree_of(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            taken = {alias.name for alias in node.names}
            if f"build_{node.module.split('.')[-1]}" not in taken:
                names |= {node.module} | {f"{node.module}.{name}" for name in taken}
    return frozenset(name for name in names if name.split(".")[0] in PACKAGES and path_of(name).is_file())


def hash_of_modules(modules: Iterable[str], data: Iterable[Path] = ()) -> str:
    """One hash of the syntax trees of these modules, without docstrings, and of the bytes of these files."""
    digest = hashlib.sha256()
    for name in sorted(modules):
        digest.update(f"{name} {_syntax_of(path_of(name).read_text(encoding='utf-8'))}".encode())
    for path in sorted(data):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def data_beside(modules: Iterable[str]) -> set[Path]:
    """The data files in the modules' folders and in the folders below that hold no module."""
    folders = {path_of(name).parent for name in modules}
    below = {path for folder in folders for path in folder.iterdir() if path.is_dir()}
    folders |= {folder for folder in below if not (folder / "__init__.py").is_file()}
    return {path for folder in folders for path in folder.iterdir() if path.suffix in DATA}


def path_of(module: str) -> Path:
    """The file of a module."""
    return ROOT / (module.replace(".", "/") + ".py")


def tree_of(module: str) -> ast.Module:
    """The plain tree of a module."""
    return plain_tree(path_of(module).read_text(encoding="utf-8"))


@cache
def plain_tree(source: str) -> ast.Module:
    """A syntax tree without docstrings; comments and layout are not in it anyway. Many stages ask for the same ones."""
    tree = ast.parse(source)
    for node in _statements(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            texts = [n for n in body if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)]
            node.body = [n for n in body if n not in texts] or [ast.Pass()]  # type: ignore[attr-defined]
    return tree


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """A node and all statements below it, with what holds some (handlers, cases), and no expression, which most nodes are."""
    yield tree
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(tree, field, None)
        for node in below if isinstance(below, list) else ():
            yield from _statements(node)


@cache
def _syntax_of(source: str) -> str:
    """The plain tree as text."""
    return ast.dump(plain_tree(source))


def _is_inside(module: str, packages: Collection[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
