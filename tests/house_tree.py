"""The README's tree, every file with the first line of its docstring, and the index of docs/decisions.md.

``python -m tests.house_tree`` writes both; tests hold them to what is there.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
DECISIONS = ROOT / "docs" / "decisions.md"
FOLDERS = ("flows", "tasks", "jam_model", "eval")
OTHERS = """\
data/         files only: what runs make
tests/        a folder of tests for each room above; makes its own tiny data
params/       base/: settings beside params.yaml; overlays: all real models, JAM's published recipes
bench/        measurements that are not tests
findings/     what libraries of this field do that nobody would guess, each a script that shows it
cluster/      examples: Kubernetes, a cloud, Slurm
docs/         the pages of the site (`mkdocs.yml`), decisions and why among them; site/: what makes the others
dvc.yaml  params.yaml  prefect.yaml  mkdocs.yml  pyproject.toml  requirements.lock  Makefile"""
INDEX_START, INDEX_END = "<!-- the index is written by `python -m tests.house_tree` -->\n", "\n\n## "
START, END = "<!-- the tree is written by `python -m tests.house_tree` -->\n```\n", "\n```\n"


def tree() -> str:
    """The tree as the README prints it."""
    return "\n".join([*(line for folder in FOLDERS for line in _lines(ROOT / folder, 0)), OTHERS])


def _lines(folder: Path, depth: int) -> list[str]:
    lines = [_line(f"{folder.name}/", folder / "__init__.py", depth)]
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            lines.append(_line(path.name, path, depth + 1))
    for path in sorted(folder.iterdir()):
        if (path / "__init__.py").is_file():
            lines += _lines(path, depth + 1)
    return lines


def _line(name: str, path: Path, depth: int) -> str:
    said = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]
    return f"{'  ' * depth + name:<30} {said.rstrip('.').replace('``', '`')}"


def tree_in(readme: str) -> str:
    """The tree that a README holds."""
    return readme.split(START)[1].split(END)[0]


def index(decisions: str) -> str:
    """The index of the decisions: every heading, with the first words of each entry below it."""
    lines = []
    for section in decisions.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        entries = [" ".join(entry.split()) for entry in re.findall(r"^\*\*(.+?)\*\*", body, re.M | re.S)]
        said = " · ".join(entry.rstrip(".,") for entry in entries) or "one line each"
        lines.append(f"- [{title}](#{title.lower().replace(' ', '-')}): {said}")
    return "\n".join(lines)


def index_in(decisions: str) -> str:
    """The index that the decisions hold."""
    return decisions.split(INDEX_START)[1].split(INDEX_END)[0]


def main() -> None:
    text = README.read_text(encoding="utf-8")
    README.write_text(text.replace(START + tree_in(text) + END, START + tree() + END), encoding="utf-8")
    text = DECISIONS.read_text(encoding="utf-8")
    old, new = (INDEX_START + lines + INDEX_END for lines in (index_in(text), index(text)))
    DECISIONS.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    main()
