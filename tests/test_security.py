"""The rules of SECURITY.md, held against every line of the source."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for folder in ("flows", "tasks", "jam_model", "eval") for path in (ROOT / folder).rglob("*.py")
)
OWN_PICKLES = {"tasks/engine/interpreter.py"}  # a stage that our own process hands to its own child
FORBIDDEN = {
    "eval": "code from text",
    "exec": "code from text",
    "os.system": "a shell",
    "os.popen": "a shell",
    "pickle.loads": "a pickle",
    "pickle.Unpickler": "a pickle",
    "marshal.loads": "a pickle",
    "shelve.open": "a pickle",
    "joblib.load": "a pickle",
    "yaml.load": "YAML with tags",
    "yaml.unsafe_load": "YAML with tags",
    "yaml.full_load": "YAML with tags",
    "tempfile.mktemp": "a name that another may take first",
}


@cache
def calls() -> list[tuple[str, str, ast.Call]]:
    """Every call of the source: its file, the dotted name that is called (``torch.load``), and the call."""
    return [
        (path.relative_to(ROOT).as_posix(), ast.unparse(node.func), node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]


def keyword(node: ast.Call, name: str) -> object:
    found = [k.value for k in node.keywords if k.arg == name]
    return ast.literal_eval(found[0]) if found and isinstance(found[0], ast.Constant) else None


def test_nothing_runs_text_as_code_or_reads_a_strangers_pickle() -> None:
    found = [
        f"{place}:{node.lineno} {called}: {FORBIDDEN[called]}"
        for place, called, node in calls()
        if called in FORBIDDEN
    ]
    assert not found


def test_pickle_is_read_in_one_place_from_our_own_process() -> None:
    assert {place for place, called, _ in calls() if called == "pickle.load"} <= OWN_PICKLES


def test_every_torch_load_is_weights_only_and_every_numpy_load_refuses_pickles() -> None:
    loads = [call for call in calls() if call[1] in ("torch.load", "np.load", "numpy.load")]
    assert len(loads) >= 5
    for place, called, node in loads:
        if called == "torch.load":
            assert keyword(node, "weights_only") is True, f"{place}:{node.lineno}"
        else:
            assert keyword(node, "allow_pickle") is False, f"{place}:{node.lineno}"


def test_no_archive_is_unpacked_to_files() -> None:
    found = [
        f"{place}:{node.lineno}"
        for place, called, node in calls()
        if called.rpartition(".")[2] in ("extractall", "unpack_archive")
    ]
    assert not found


def test_no_shell_reads_a_command() -> None:
    found = [f"{place}:{node.lineno}" for place, _, node in calls() if keyword(node, "shell")]
    assert not found


def test_webdataset_is_told_to_run_no_pickles_before_it_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        place: (ROOT / place).read_text(encoding="utf-8") for place in {place for place, _, _ in calls()}
    }
    users = {place for place, text in texts.items() if "webdataset" in text and "import webdataset" in text}
    assert users
    for place in users:
        before = texts[place].partition("import webdataset")[0]
        assert 'os.environ["WDS_SECURE"] = "1"' in before, place


def test_servers_bind_to_loopback() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES]
    assert not [text for text in texts if "0.0.0.0" in text]


def test_torch_is_a_version_whose_weights_only_is_whole() -> None:
    pins = dict(
        line.split("==") for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line
    )
    assert tuple(map(int, pins["torch"].split(".")[:2])) >= (2, 10)  # CVE-2025-32434, CVE-2026-24747
    assert tuple(map(int, pins["ray"].split(".")[:2])) >= (2, 55)  # GHSA-mw35-8rx3-xf9r
