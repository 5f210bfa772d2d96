"""What a module's values come from: the modules it imports, and the data files beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.benchmark.report_inputs import KNOWN_OTHERWISE
from tasks.engine import source_code
from tasks.engine.source_code import closure, data_beside, hash_of_modules


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three modules in a chain of imports, a data file beside the last one."""
    source_code.imports.cache_clear()
    monkeypatch.setattr(source_code, "ROOT", tmp_path)
    monkeypatch.setattr(source_code, "PACKAGES", ("upper", "middle", "lower"))
    write(tmp_path, "upper", "import numpy\nfrom middle.a import made\n")
    write(tmp_path, "middle", "from lower.a import VALUE\n\nmade = VALUE\n")
    write(tmp_path, "lower", '"""Low."""\n\nVALUE = 1\n')
    (tmp_path / "lower" / "assets").mkdir()
    sheet(tmp_path).write_text("a {}")
    return tmp_path


def write(house: Path, package: str, source: str) -> None:
    """The one module of a package."""
    (house / package).mkdir(exist_ok=True)
    (house / package / "a").with_suffix(".py").write_text(source)


def sheet(house: Path) -> Path:
    return (house / "lower" / "assets" / "page").with_suffix(".css")


def test_a_module_comes_from_all_that_it_imports_however_far_away(house: Path) -> None:
    assert closure(["upper.a"]) == {"upper.a", "middle.a", "lower.a"}
    assert closure(["upper.a"], ["middle"]) == {"upper.a"}


def test_every_number_and_data_file_counts_but_no_docstring(house: Path) -> None:
    def code() -> str:
        modules = closure(["upper.a"])
        return hash_of_modules(modules, data_beside(modules))

    first = code()
    write(house, "lower", '"""Other words."""\n\nVALUE = 1\n')
    assert code() == first
    write(house, "lower", "VALUE = 2\n")
    assert code() != first
    second = code()
    sheet(house).write_text("b {}")
    assert code() != second


@pytest.mark.parametrize("flow", ["flows.benchmark", "flows.benchmark_external"])
def test_a_report_comes_from_all_code_that_measures_and_shows_it(flow: str) -> None:
    source_code.imports.cache_clear()
    modules = closure([flow], KNOWN_OTHERWISE)
    assert {"eval.report.write", "eval.pages.report", "tasks.benchmark.system_metrics"} <= modules
    assert {"tasks.benchmark.external_systems", "flows.pipelines.benchmark_report"} <= modules
    assert flow != "flows.benchmark" or {"tasks.quality.summary", "tasks.quality.limits"} <= modules
    assert "tasks.benchmark.report_inputs" in modules, "the styles of texts"
    assert not [
        name for name in modules if name.startswith(("tasks.engine", "tasks.stages", "flows.console"))
    ]
    assert {"page.css", "page.js", "page.html", "published.json"} <= {p.name for p in data_beside(modules)}
