"""jam doctor says what is here and what gets the rest; a flow whose model is missing ends before it begins."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from flows.commands.main import run
from flows.console import doctor
from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.models import released_weights as weights
from tasks.models.base import ModelChoice
from tasks.models.chosen import KINDS, ModelsParams
from tests.every import every
from tests.tasks.models.checkpoints.deep_phonemizer import write_deep_phonemizer
from tests.tasks.tiny import write_song

DEEP = "models.phonemizer.model=deep_phonemizer"


@pytest.fixture(autouse=True)
def quiet_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def at(path: Path | str) -> str:
    return f"models.phonemizer.deep_phonemizer.weights={path}"


def told(capfd: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What ``jam doctor --json`` says, by kind.name, with its exit code as `code`."""
    code = run(["doctor", "--json", *arguments])
    shown = json.loads(capfd.readouterr().out)
    return {"code": code, **shown, **{f"{m['kind']}.{m['name']}": m for m in shown["models"]}}


def test_every_kind_of_the_params_is_known() -> None:
    kinds = ModelsParams.model_fields
    assert all(issubclass(field.annotation, ModelChoice) for field in kinds.values())
    assert set(kinds) == set(KINDS)


def test_every_real_model_names_its_settings_licence_and_source() -> None:
    models = load_params().models
    for kind in KINDS:
        choice = getattr(models, kind)
        for name in choice.real:
            for card in choice.cards_of(name):
                assert card.section == f"models.{kind}.{name}" and card.licence and card.released_at
                assert hasattr(getattr(choice, name), card.field)


def test_all_models_are_told_and_missing_ones_that_are_not_chosen_do_no_harm(
    capfd: pytest.CaptureFixture[str],
) -> None:
    found = told(capfd)
    assert found["code"] == 0 and found["fit"]
    assert {
        f"{kind}.{next(iter(getattr(load_params().models, kind).embedded))}" for kind in KINDS
    } <= found.keys()
    deep = found["phonemizer.deep_phonemizer"]
    assert not deep["chosen"] and "does not exist" in deep["trouble"]
    assert deep["weights"][0]["revision"] is None and deep["weights"][0]["hint"].startswith("curl -L")
    assert {model["minutes_a_minute"] for model in found["models"]} == {None}
    languages = {kind: found[f"{kind}.embedded"]["languages"] for kind in ("aligner", "phonemizer", "judge")}
    assert languages == {"aligner": "en", "phonemizer": "en-us", "judge": ""}
    assert found["transcriber.whisper"]["languages"] == "many"
    parts = [weights["licence"] for weights in found["sections.songformer"]["weights"]]
    assert parts == ["CC-BY-4.0", "MIT", "CC-BY-NC-4.0"] and found["sections.none"]["chosen"]
    assert found["machine"]["ray"] and found["machine"]["memory_gb"] > 0 and found["machine"]["wds_secure"]


def test_a_chosen_model_that_is_missing_is_exit_code_1(capfd: pytest.CaptureFixture[str]) -> None:
    found = told(capfd, "--set", DEEP)
    assert found["code"] == 1 and found["phonemizer.deep_phonemizer"]["chosen"]
    assert told(capfd, "separator", "--set", DEEP)["code"] == 0
    Path("empty").mkdir()
    fields = ("weights", "musicfm_weights", "muq_weights")
    parts = [f"sections.songformer.{field}" for field in fields]
    settings = [part for name in parts[1:] for part in ("--set", f"{name}=empty")]
    found = told(
        capfd, "sections", "--set", "sections.model=songformer", "--set", f"{parts[0]}=gone", *settings
    )
    trouble = found["sections.songformer"]["trouble"]
    assert found["code"] == 1 and f"{parts[0]}: gone does not exist" in trouble
    assert f"{parts[1]}: empty holds no pretrained_msd.pt, no msd_stats.json; give" in trouble
    assert (
        f"{parts[2]}: empty holds no config.json, no model.safetensors or pytorch_model.bin; give" in trouble
    )
    assert told(capfd, "--set", "models.judge.model=magic")["judge.magic"]["trouble"].startswith(
        "models.judge.model is 'magic'"
    )


def test_weights_that_are_here_are_told_with_their_revision(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_deep_phonemizer(tmp_path / "p.pt")
    found = told(capfd, "phonemizer", "--set", DEEP, "--set", at(path))
    deep = found["phonemizer.deep_phonemizer"]
    assert found["code"] == 0 and deep["trouble"] is None
    assert deep["identity"].endswith(deep["weights"][0]["revision"])
    assert deep["packages"]["inflect"] and deep["device"]


def test_a_missing_package_is_named_with_the_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str) -> str | None:
        return None if name == "inflect" else "1"

    monkeypatch.setattr(weights, "installed", without)
    monkeypatch.setattr(doctor, "installed", without)
    assert run(["doctor", "--set", DEEP]) == 1
    shown = capfd.readouterr().out
    assert "to install inflect: pip install 'jam-lifecycle[real]'" in shown
    assert "chosen, but cannot be used: models.phonemizer.deep_phonemizer: package inflect" in shown


def check_measured(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Models that are here are measured on half a minute of a song, and no others."""
    song = write_song(tmp_path / "song.wav", 30.5)
    found = told(capfd, "transcriber", "aligner", "judge", "voice_activity.silero", "--measure", str(song))
    speeds = {
        model["name"]: model["minutes_a_minute"] for model in found["models"] if model["kind"] == "aligner"
    }
    assert speeds["embedded"] > 0 and speeds["whisperx"] is None
    assert (
        found["transcriber.embedded"]["minutes_a_minute"] > 0
        and found["judge.songeval"]["minutes_a_minute"] is None
    )
    assert run(["doctor", "judge", "--measure", str(song)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert any("min / min" in line for line in lines) and all(len(line) <= 120 for line in lines)
    for path, why in (
        (write_song(tmp_path / "short.wav", 2.0), "lasts 2.0 s; give a song of 30 s"),
        ("gone", "no file"),
    ):
        assert run(["doctor", "judge", "--measure", str(path)]) == 2
        assert why in capfd.readouterr().err


def test_the_table_fits_its_width_and_commands_are_whole_and_speeds_stand_in_it_on_request(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    check_measured(capfd, tmp_path)
    assert run(["doctor", "--set", DEEP]) == 1
    lines = capfd.readouterr().out.splitlines()
    table = [line for line in lines if "embedded" in line or "deep_phonemizer " in line]
    assert len(table) >= len(KINDS) and all(len(line) <= 120 for line in table)
    assert any(
        line.startswith("for phonemizer.deep_phonemizer: curl") and line.endswith(".pt") for line in lines
    )


def test_nothing_is_downloaded_unless_asked_for(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetched(card: weights.Card, place: str, revision: str | None) -> Path:
        asked.append((card.setting, place, revision))
        return Path("/hub/models--people--p/snapshots/0123456789abcdef")

    monkeypatch.setattr(doctor, "download", fetched)
    hub = at("people/p")
    assert run(["doctor", "--set", hub]) == 0 and asked == []
    assert run(["doctor", "--download", "--set", hub]) == 0 and asked == []  # embedded is chosen
    assert "nothing to download" in capfd.readouterr().out
    one = ("models.phonemizer.deep_phonemizer.weights", "people/p", None)
    assert run(["doctor", "--download", "--set", hub, "--set", DEEP]) == 0 and asked == [one]
    assert "--set models.phonemizer.deep_phonemizer.revision=0123456789abcdef" in capfd.readouterr().out
    pinned = ["--set", "models.phonemizer.deep_phonemizer.revision=abc"]
    assert run(["doctor", "phonemizer.deep_phonemizer", "--download", "--set", hub, *pinned]) == 0
    assert asked[1:] == [("models.phonemizer.deep_phonemizer.weights", "people/p", "abc")]


def test_a_download_that_fails_is_one_line_a_model_and_exit_code_2(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(card: weights.Card, place: str, revision: str | None) -> Path:
        raise BadModel("people/p cannot be downloaded")

    assert run(["doctor", "phonemizer", "--download"]) == 2
    assert "is no hub id; get the file from https://" in capfd.readouterr().err
    monkeypatch.setattr(doctor, "download", offline)
    assert run(["doctor", "phonemizer", "--download"]) == 2
    assert capfd.readouterr().err == "jam: people/p cannot be downloaded\n"
    monkeypatch.setattr(doctor, "download", weights.download)
    said = "No place " * 30 + "is left\x1b[2J\n\nfor it."
    for error, why in (
        (OSError(said), "No place " * 30 + "is left[2J for it"),
        (
            caused(LocalEntryNotFoundError("Not here."), OSError("refused")),
            "Not here; it began with OSError: refused",
        ),
    ):
        monkeypatch.setattr("huggingface_hub.snapshot_download", raising(error))
        assert run(["doctor", "phonemizer", "--download", "--set", at("people/p")]) == 2
        setting = "models.phonemizer.deep_phonemizer.weights"
        assert capfd.readouterr().err == (
            f"jam: {setting}: people/p cannot be downloaded ({why}); mend that and run this again, or get the files "
            f"elsewhere and give their folder: --set {setting}=FOLDER\n"
        )


def caused(error: Exception, cause: Exception) -> Exception:
    """An error that another was the cause of."""
    error.__cause__ = cause
    return error


def raising(error: Exception) -> Callable[..., Any]:
    def raises(*given: object, **options: object) -> None:
        raise error

    return raises


@every("kind", ["speaker", "phonemizer.magic"])
def test_a_kind_there_is_not_is_refused(capfd: pytest.CaptureFixture[str], kind: str) -> None:
    assert run(["doctor", kind]) == 2
    assert kind.split(".")[-1] in capfd.readouterr().err


MISSING = [
    (["prepare", "--songs", "songs"], [DEEP], "en_us_cmudict_ipa_forward.pt does not exist"),
    (["prepare", "--songs", "songs"], [DEEP, at("people/p")], "people/p is not on this machine"),
    (["prepare", "--songs", "songs"], [DEEP, at("songs")], "songs is a folder; give the file"),
    (["run", "--songs", "songs"], ["models.judge.model=magic"], "models.judge.model is 'magic'"),
    (["train"], ["models.codec.model=magic"], "models.codec.model is 'magic'"),
    (["dpo"], ["models.judge.model=magic"], "models.judge.model is 'magic'"),
    (["benchmark"], ["models.judge.model=magic"], "models.judge.model is 'magic'"),
    (["benchmark"], [DEEP], "does not exist"),
    (["stage", "align"], [DEEP], "does not exist"),
    (["generate", "--manifest", "m", "--checkpoint", "c", "--out", "o"], [DEEP], "does not exist"),
]


@pytest.mark.parametrize(("command", "settings", "words"), MISSING, ids=lambda value: str(value))
def test_a_missing_model_ends_a_flow_in_one_line_before_it_begins(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
    settings: list[str],
    words: str,
) -> None:
    monkeypatch.setattr("ray.init", lambda *given, **options: pytest.fail("Ray was started"))
    Path("songs").mkdir()
    assert run([*command, *(part for setting in settings for part in ("--set", setting))]) == 2
    shown = capfd.readouterr().err.strip()
    assert words in shown and shown.startswith("jam: ") and "\n" not in shown
    assert not Path("data").exists()


def test_a_missing_model_is_told_before_prefect_is_even_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from flows.commands.main import run; "
        f"assert run(['prepare', '--set', '{DEEP}', '--set', '{at('/nowhere.pt')}']) == 2;"
        "assert 'prefect' not in sys.modules;"
        "assert 'ray' not in sys.modules or not sys.modules['ray'].is_initialized()"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
