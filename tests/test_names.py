"""What the project calls by name is there: files, modules, commands and settings that any of its texts mention."""

from __future__ import annotations

import ast
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from flows.commands.headings import app
from flows.settings.params import load_params

ROOT = Path(__file__).resolve().parents[1]
TEXTS = (".py", ".md", ".yaml", ".yml", ".toml", ".sh")
A_FILE = re.compile(
    r"(?<![\w/.:<>{}*-])"
    r"((?:\w[\w.-]*/)*\w[\w.-]*\.py\b|(?:bench|cluster|docs|eval|flows|jam_model|params|tasks|tests)/[\w./-]*\w)"
)
A_MODULE = re.compile(r"(?<![\w./-])(?:eval|flows|jam_model|tasks|tests)(?:\.[A-Za-z_]\w*)+")
A_COMMAND = re.compile(r"(?:^|`)jam ([a-z]+)", re.MULTILINE)
A_SETTING = re.compile(r"(?:`|--set |-S |settings='\[\")([a-z_]+(?:\.[a-z_]+)+)\b(?!\()")
NOT_OURS = {  # files of the sources that a text cites
    "dataset.py": "jamify",
    "dpo_cfm.py": "jamify",
    "fillers/average.py": "jamify",
    "infer.py": "jamify",
    "infer/infer.py": "SongFormer",
    "src/jam/model/dit.py": "jamify",
    "vae.py": "jamify",
    "eval.py": "SongEval",
    "model.py": "SongEval",
    "model/musicfm_25hz.py": "MusicFM",
    "models/SongFormer.py": "SongFormer",
    "tools/export_hf.py": "demucs",
}
MADE_BY_A_TEST = {"evil.py", "file.py", "kernels.py", "tests.tasks.models.toy_net"}


@cache
def files() -> frozenset[str]:
    """Every file of the project, from its root; those not yet under version control, too."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return frozenset(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


@cache
def known_files() -> frozenset[str]:
    """Files and folders from the root, and the ends of their paths: a text may say ``engine/stage.py``."""
    paths = [Path(name) for name in files()]
    ends = {"/".join(path.parts[first:]) for path in paths for first in range(len(path.parts))}
    return frozenset(ends | {parent.as_posix() for path in paths for parent in path.parents})


@cache
def lines(*endings: str) -> tuple[tuple[str, str], ...]:
    """Where a line of text is, and the line."""
    return tuple(
        (f"{name}:{number}", line)
        for name in sorted(files())
        if name.endswith(endings) and name != "tests/test_names.py"
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
    )


@cache
def defined(module: str) -> frozenset[str]:
    """Names that a module defines or imports at its top."""
    names: set[str] = set()
    for node in ast.parse((ROOT / module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return frozenset(names)


def is_module_or_name(dotted: str) -> bool:
    """Whether ``tasks.engine.stage`` or ``tasks.engine.stage.Stage.one`` leads somewhere."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        if f"{path}.py" in files():
            return end == len(parts) or parts[end] in defined(f"{path}.py")
    return f"{'/'.join(parts)}/__init__.py" in files()


def test_every_file_that_a_text_names_is_there() -> None:
    known = known_files() | NOT_OURS.keys() | MADE_BY_A_TEST
    gone = [
        f"{place}: {name}"
        for place, line in lines(*TEXTS)
        for name in A_FILE.findall(line)
        if name not in known
    ]
    assert not gone, "\n".join(gone)


def test_every_dotted_name_of_ours_leads_to_a_module_or_what_it_defines() -> None:
    known = NOT_OURS.keys() | MADE_BY_A_TEST
    gone = [
        f"{place}: {name}"
        for place, line in lines(*TEXTS)
        for name in A_MODULE.findall(line)
        if name not in known and not is_module_or_name(name)
    ]
    assert not gone, "\n".join(gone)


def test_every_command_that_a_document_names_is_one() -> None:
    commands = {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}
    gone = [
        f"{place}: jam {name}"
        for place, line in lines(".md", ".yaml", ".sh")
        for name in A_COMMAND.findall(line)
        if name not in commands
    ]
    assert not gone, "\n".join(gone)


def test_every_setting_that_a_document_names_is_one() -> None:
    params = load_params()
    tree = type(params).model_fields

    def leads(dotted: str) -> bool:
        here: Any = params
        for part in dotted.split("."):
            inner = {name: getattr(here, name) for name in getattr(type(here), "model_fields", ())} or here
            if not isinstance(inner, dict) or part not in inner:
                return inner in ({}, None)  # a table that users fill
            here = inner[part]
        return True

    gone = [
        f"{place}: {name}"
        for place, line in lines(".md")
        for name in A_SETTING.findall(line)
        if name.split(".")[0] in tree
        and not name.endswith((*TEXTS, ".json", ".jsonl", ".safetensors"))
        and not leads(name)
    ]
    assert not gone, "\n".join(gone)


def test_an_exception_that_no_text_needs_is_gone() -> None:
    text = "\n".join(line for _, line in lines(*TEXTS))
    assert not [name for name in NOT_OURS.keys() | MADE_BY_A_TEST if name not in text]


def test_a_name_that_leads_nowhere_is_seen() -> None:
    assert A_FILE.findall("see `tasks/filter.py`, docs/gone.md and ../shared/design.md") == [
        "tasks/filter.py",
        "docs/gone.md",
    ]
    assert A_MODULE.findall("``tasks.filter.Filter``") == ["tasks.filter.Filter"]
    assert not is_module_or_name("tasks.filter.Filter") and "tasks/filter.py" not in known_files()
    assert is_module_or_name("tasks.engine.stage.Stage.one") and not is_module_or_name(
        "tasks.engine.stage.Gone"
    )
