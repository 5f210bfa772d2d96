"""README = tree = commands, and dvc.yaml = stages = params."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import yaml
from typer.core import TyperGroup
from typer.main import get_command

from flows.commands.headings import app
from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from tests.columns_page import PAGE, page
from tests.every import every
from tests.house_tree import DECISIONS, index, index_in, tree, tree_in
from tests.test_site import check_references

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def commands() -> set[str]:
    return {info.name or info.callback.__name__ for info in app.registered_commands if info.callback}


def test_every_command_stands_in_the_readme_and_no_other() -> None:
    listed = set(re.findall(r"^\| `jam ([a-z]+)` \|", section("The commands"), re.MULTILINE))
    assert listed == commands()
    assert set(re.findall(r"\bjam ([a-z]+)\b(?= |`)", README)) - {"and"} <= commands()


def test_tree_of_the_readme_is_the_tree() -> None:
    assert tree_in(README) == tree(), "run `python -m tests.house_tree`"


def test_every_measurement_stands_in_the_readme_of_the_bench() -> None:
    told = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    missing = [path.name for path in (ROOT / "bench").glob("*.py") if f"`{path.name}`" not in told]
    gone = [name for name in re.findall(r"`(\w+\.py)`", told) if not (ROOT / "bench" / name).is_file()]
    assert not missing + gone


def test_index_of_the_decisions_is_that_of_its_entries() -> None:
    decisions = DECISIONS.read_text(encoding="utf-8")
    assert index_in(decisions) == index(decisions), "run `python -m tests.house_tree`"


def test_every_stage_stands_in_the_readme_table() -> None:
    rows = section("Stages and models")
    for stage in prepare_stages(load_params()):
        assert f"| {stage.name} |" in rows


BLOCK = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def command_lines() -> list[tuple[str, bool]]:
    """Every `jam` command of the README and of all pages, without what is said of it, and whether it stands in a block, where a reader
    copies it; in a sentence it may leave out what it must be given.
    """
    found: dict[tuple[str, bool], None] = {}
    for told in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench" / "README.md"):
        text = told.read_text(encoding="utf-8")
        for block in BLOCK.findall(text):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.split(r" # | && ", line)[0].strip().removeprefix(".venv/bin/")
                if command.startswith("jam "):
                    found[re.sub(r"\[(--[^]]*)\]", r"\1", command), True] = None
        for command in re.findall(r"`(jam [a-z][^`]*)`", BLOCK.sub("", text)):
            found[" ".join(command.split()), False] = None
    return list(found)


@every("line, whole", command_lines())
def test_every_command_of_the_readme_and_of_all_pages_has_options_that_jam_takes(
    line: str, whole: bool
) -> None:
    jam = get_command(app)
    assert isinstance(jam, TyperGroup)
    name, *arguments = shlex.split(line)[1:]
    try:
        jam.commands[name].make_context(name, arguments)
    except Exception as error:  # of the click that typer carries
        if whole or type(error).__name__ not in ("MissingParameter", "BadOptionUsage"):
            raise


def test_the_readme_and_the_demo_say_how_a_new_shell_finds_jam() -> None:
    assert "\n. .venv/bin/activate\n" in section("Your own songs")
    assert "/activate && jam run" in (ROOT / "Makefile").read_text()


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", README, re.MULTILINE)) <= targets


def test_pictures_and_links_of_the_readme_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).is_file(), target


def test_dvc_stages_are_the_stages() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    names = [stage.name for stage in prepare_stages(load_params())]
    assert list(stages) == ["toy", *names, "pretrain", "sft", "dpo", "benchmark"]
    for name, stage in stages.items():
        assert stage["cmd"] == ("jam toy" if name == "toy" else f"jam stage {name}")
        for dep in stage["deps"]:
            assert dep.startswith("data/") or (ROOT / dep).exists(), f"{name}: {dep}"


def test_lock_pins_every_dependency_by_version_alone() -> None:
    lines = [
        line for line in (ROOT / "requirements.lock").read_text().splitlines() if not line.startswith("#")
    ]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)


def test_the_pages_of_columns_commands_and_settings_are_what_the_code_declares() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.columns_page`"
    check_references()
