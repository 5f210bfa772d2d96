"""The docs as a site: references say what the code has, and it builds from what is here into pages that ask nobody else."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from flows.commands.headings import app
from flows.settings.params_files import base_layers, laid

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("site_pages", ROOT / "docs" / "site" / "pages.py")
assert SPEC and SPEC.loader
pages = sys.modules["site_pages"] = importlib.util.module_from_spec(
    SPEC
)  # docs/ is no package: mkdocs takes it by its path
SPEC.loader.exec_module(pages)
OFFLINE = """
import socket
def refused(*_): raise OSError("a site is built without a network")
socket.socket.connect = socket.getaddrinfo = refused
from mkdocs.__main__ import cli
cli()
"""
FOREIGN = re.compile(
    r"""<(?!a\b)[a-z]+\b[^>]*\b(?:src|href|srcset|action|data)=["']?\s*(?:https?:)?//|@import|url\(["']?(?:https?:)?//"""
)


def settings(values: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted name of every setting that holds a value."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from settings(value, f"{above}{name}.")
        else:
            yield above + name


def check_references() -> None:
    """References name every setting and every option once, and links lead to files (asked by tests/test_readme.py)."""
    page = pages.settings_reference()
    rows = re.findall(r"^\| `([a-z_0-9.]+)` \| `[^`]", page, re.MULTILINE)
    assert sorted(rows) == sorted(settings(laid(base_layers())))
    assert (
        "| `start.licence` | `null` | text or null | of these weights, and the songs they learned from:"
        in page
    )
    text = "a: # one\n  b: [1, 2]   # two,\n                 # and three\n  # of both\n  c: 'x # y'\n"
    (name, comment, found) = next(pages.read_settings(text))
    assert (name, comment) == ("a", "one")
    assert [(each.name, each.value, each.comment) for each in found] == [
        ("a.b", "[1, 2]", "two, and three"),
        ("a.c", "'x # y'", "of both:"),
    ]

    jam, page = get_command(app), pages.commands_reference()
    assert isinstance(jam, TyperGroup)
    for name, command in jam.commands.items():
        said = page.split(f"\n### jam {name}\n")[1].split("\n### ")[0]
        for option in command.params:
            named = option.metavar if option.param_type_name == "argument" else None
            assert all(f"`{way}" in said for way in ([named] if named else option.opts)), (
                f"{name}: {option.opts}"
            )

    assert pages.linked("[rules](../SECURITY.md#rules), [run](../.ci/run)", "docs") == (
        "[rules](security.md#rules), run (`.ci/run`)"
    )
    with pytest.raises(ValueError, match="leads to no file"):
        pages.linked("[gone](gone.md)", "docs")


@pytest.mark.slow
def test_the_site_is_built_without_a_network_and_no_page_asks_another_host(tmp_path: Path) -> None:
    if not all(importlib.util.find_spec(name) for name in ("mkdocs", "material")):
        pytest.skip("mkdocs-material is not here: `pip install --no-deps -r requirements.docs.lock`")
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-c", OFFLINE, "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    listed = re.findall(r": (\w+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    built_pages = {path.name: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    assert built_pages.keys() == {"404.html", *(name.replace(".md", ".html") for name in listed)}
    styles = {path.name: path.read_text(encoding="utf-8") for path in site.rglob("*.css")}
    asked = {name: FOREIGN.findall(text)[:3] for name, text in (built_pages | styles).items()}
    assert styles and not {name: found for name, found in asked.items() if found}
    assert not [
        name for name, text in built_pages.items() if 'class="mermaid"' in text
    ]  # drawn by a script of a CDN
    as_text = re.compile(r"<p>(?:(?!</p>).)*\n(?:- |\||\d\. )", re.DOTALL)
    assert not {name: found[0][:80] for name, text in built_pages.items() if (found := as_text.findall(text))}
    assert not list(site.rglob("*.py"))
