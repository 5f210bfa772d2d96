"""A stage or model whose source changed must say so by its version, or people would keep stale tables.

After a change that leaves every value as it was (a rename, a clearer loop), or after raising a version:
``python tests/tasks/test_versions.py --accept`` writes the present state to tests/versions.json.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tasks.engine.source_code import plain_tree  # noqa: E402
from tests.tasks.units import closure_of, identity, name_of, real_models, units  # noqa: E402

RECORD = ROOT / "tests" / "versions.json"
ACCEPT = "python tests/tasks/test_versions.py --accept"


def present() -> dict[str, dict[str, str]]:
    return {unit.name: {"version": unit.version, "source": unit.source} for unit in units()}


def complaints(before: dict[str, dict[str, str]], now: dict[str, dict[str, str]]) -> list[str]:
    """What is wrong between the record and the present source, one line a stage or model."""
    lines = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if old == new:
            continue
        if old and new and old["version"] == new["version"]:
            lines.append(
                f"{name}: its source changed, its version {new['version']} did not. Raise it; or {ACCEPT}"
            )
        else:
            lines.append(
                f"{name}: {old and old['version']} became {new and new['version']}; write it down: {ACCEPT}"
            )
    return lines


def test_no_source_changed_without_its_version() -> None:
    found = complaints(json.loads(RECORD.read_text(encoding="utf-8")), present())
    assert not found, "\n" + "\n".join(found)


def test_a_changed_tree_with_the_old_version_is_told_apart_from_a_raised_one() -> None:
    before = {"stage align": {"version": "1", "source": "a"}}
    assert "Raise it" in complaints(before, {"stage align": {"version": "1", "source": "b"}})[0]
    assert "write it down" in complaints(before, {"stage align": {"version": "2", "source": "b"}})[0]
    assert "write it down" in complaints(before, {})[0]
    assert complaints(before, before) == []


def test_the_source_of_a_stage_reaches_what_it_computes_with_but_no_other_stage_or_model() -> None:
    assert {"tasks.lyrics.read", "tasks.audio.read", "jam_model.frames"} <= closure_of("tasks.stages.ingest")
    assert "jam_model.dit" in closure_of("tasks.stages.generated.generate")
    assert not {"tasks.models.codec", "tasks.stages.ingest"} & closure_of("tasks.stages.encode")
    assert "tasks.models.phonemizer" in closure_of(
        "tasks.lyrics.read"
    )  # takes a function of it, builds no model
    assert "tasks.models.embedded.spectra" in closure_of("tasks.models.codec")


def test_every_model_states_its_revision_and_every_embedded_one_its_name() -> None:
    real = {f"model {name_of(module)}" for module in real_models()}
    assert len(real) >= 8
    for unit in units():
        if unit.name in real:
            assert int(unit.version) >= 1, unit.name
        elif unit.name.startswith("model "):
            assert "/" in unit.version and "@" in unit.version, unit.name
    assert identity("tasks.models.codec") == "'embedded/harmonic@1' 'embedded/vocoder@1'"


def test_docstrings_comments_and_layout_are_no_source_but_every_number_is() -> None:
    def dump(source: str) -> str:
        return ast.dump(plain_tree(source))

    plain = dump("def f(x):\n    return x * 2\n")
    assert dump('"""Module."""\n\ndef f(x):  # why\n    """What."""\n    return (\n        x * 2)\n') == plain
    assert dump("def f(x):\n    return x * 3\n") != plain


if __name__ == "__main__":
    if sys.argv[1:] != ["--accept"]:
        sys.exit(f"usage: {ACCEPT}")
    RECORD.write_text(
        json.dumps(present(), indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )
