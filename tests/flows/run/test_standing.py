"""What finds nothing to do starts nothing, and a look that comes to work leaves no word and no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

import flows.prepare
from flows.commands.main import run
from flows.run.prefect_tasks import run_stages
from flows.run.standing import before_work, names_a_server, stands
from tests.tasks.engine.probes import ENGINE, Factor, Measure, pipeline_of_titles

PROFILES = """
active = "ours"
[profiles.ours]
PREFECT_API_URL = "http://127.0.0.1:4200/api"
[profiles.ephemeral]
PREFECT_SERVER_ALLOW_EPHEMERAL_MODE = "true"
"""


@pytest.fixture(autouse=True)
def nothing_may_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setattr("tasks.engine.pool.connect", lambda params: pytest.fail("Ray was asked for"))
    monkeypatch.setattr("flows.run.ray_ahead.start_ahead", lambda params: None)


@pytest.mark.parametrize(("titles", "standing"), [([], True), (["one", "two"], False)])
def test_stages_stand_where_nothing_is_missing_and_work_ends_the_look_before_ray(
    titles: list[str], standing: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = pipeline_of_titles(tmp_path, titles, Measure(Factor(factor=1.0)))
    assert stands(lambda: run_stages([pipeline], ENGINE, tmp_path / "receipts")) == standing
    assert capsys.readouterr().out == ("measure: up to date (0 partitions)\n" if standing else "")
    assert not list(tmp_path.rglob("measure/part-*"))


def test_work_is_allowed_again_after_a_look_and_other_failures_come_through() -> None:
    assert not stands(before_work)
    before_work()
    with pytest.raises(ValueError, match="no songs"):
        stands(lambda: (_ for _ in ()).throw(ValueError("no songs")))
    before_work()


def test_a_folder_taken_over_from_a_killed_run_is_told_though_the_look_comes_to_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def look() -> None:
        print("work: took W over from host:1, which ended without giving it back")
        print("prepare: 8 songs")
        before_work()

    assert not stands(look)
    assert capsys.readouterr().out == "work: took W over from host:1, which ended without giving it back\n"


def test_where_a_server_is_configured_every_run_is_a_flow_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "prefect"
    given = {"PREFECT_HOME": str(home)}
    assert not names_a_server(given)
    home.mkdir()
    (home / "profiles.toml").write_text(PROFILES)
    assert names_a_server(given) and not names_a_server({**given, "PREFECT_PROFILE": "ephemeral"})
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert not stands(lambda: pytest.fail("looked all the same"))


def test_prepare_that_finds_all_it_makes_is_no_flow_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[str] = []
    (tmp_path / "song.wav").touch()
    monkeypatch.setattr(flows.prepare, "is_prepared", lambda project: True)
    monkeypatch.setattr(flows.prepare, "run_prepare", lambda project: print("prepare: 8 songs"))
    monkeypatch.setattr(flows.prepare, "prepare", lambda *given: started.append("flow"))
    monkeypatch.setattr("flows.commands.app.start_prefect", lambda project: started.append("server"))
    command = ["prepare", "--songs", str(tmp_path), "--work", str(tmp_path / "W")]
    assert run(command) == 0 and not started
    assert capsys.readouterr().out.splitlines()[1:] == ["prepare: 8 songs"]
    monkeypatch.setattr(flows.prepare, "run_prepare", lambda project: before_work())
    assert run(command) == 0 and started == ["server", "flow"]
