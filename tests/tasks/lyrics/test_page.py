"""docs/lyrics.md names every form that is read, and every kind of remark that a reader can make."""

from __future__ import annotations

import re
from pathlib import Path

from tasks.lyrics.read import FORMS

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/lyrics.md").read_text()


def test_every_form_stands_on_the_page() -> None:
    assert [form.name for form in FORMS if form.name not in PAGE] == []


def test_every_kind_of_remark_is_explained() -> None:
    sources = [path.read_text() for path in (ROOT / "tasks/lyrics").rglob("*.py")]
    kinds = {
        kind for source in sources for kind in re.findall(r"(?:Remark|_tell|tell)\(\s*\"([a-z_]+)\"", source)
    }
    assert len(kinds) > 20
    assert sorted(kind for kind in kinds if f"`{kind}`" not in PAGE) == []
