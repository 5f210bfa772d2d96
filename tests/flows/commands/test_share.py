"""What leaves the house: cards, listening pages, a folder for a hub; each from a report and files made here."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from eval.report.write import write_report
from eval.results.listening_test import COLUMNS
from eval.stats.intervals import Resampling
from flows.commands.main import run
from tasks.audio.read import flac_bytes
from tasks.benchmark.listening_test import standing_preferences
from tasks.engine.pipeline import Pipeline
from tasks.engine.song import Song
from tasks.engine.stage import Section, Stage
from tasks.engine.table import Source, Table
from tasks.prompts.prompts import PROMPTED_COLUMNS
from tasks.shards.data_card import CARD_JSON, write_data_card
from tasks.shards.hub_export import model_readme
from tasks.songs.columns import AUDIO
from tests.eval.conftest import make_report
from tests.tasks.engine.probes import run_here

SONG = {
    "duration_s": 60.0,
    "split": "train",
    "source": None,
    "artist": "Ann",
    "language": "en",
    "drop_reason": None,
}


def hum_CN(pitch: int) -> np.ndarray:
    """Two channels of 0.7 s of a sine `pitch` Hz above 200."""
    time_N = np.arange(30_000) / 44_100
    return (0.2 * np.sin(2 * np.pi * (200 + pitch) * time_N))[None].repeat(2, 0).astype(np.float32)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work folder with a report, one shard and one checkpoint."""
    root = tmp_path / "W"
    checkpoint, shards = root / "checkpoints/sft/abc", root / "shards"
    checkpoint.mkdir(parents=True)
    shards.mkdir()
    (checkpoint / "model.safetensors").write_bytes(b"weights")
    (checkpoint / "config.json").write_text("{}\n")
    weights = hashlib.sha256(b"weights").hexdigest()
    report = replace(make_report("plain"), settings={"weights": {"trained": weights}})
    write_report(report, root / "reports/benchmark")
    (shards / "part-0.tar").write_bytes(b"shard")
    index = {"shards": [{"name": "part-0.tar", "sha256": hashlib.sha256(b"shard").hexdigest()}]}
    (shards / "index.json").write_text(json.dumps(index))
    rows = [{**SONG, "license": license, "made_by": ["pack-v1"]} for license in ("CC-BY-4.0", None)]
    write_data_card(shards, rows)
    return root


def test_card_prints_a_paragraph_and_a_row(work: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["card", "trained", "--work", str(work)]) == 0
    said = capfd.readouterr().out
    assert "STAND-IN, NOT A RESULT" in said and "0.270" in said
    assert run(["card", "muse", "--work", str(work)]) == 2
    assert "it has truth (Ground truth), trained (Trained plain)" in capfd.readouterr().err
    assert run(["card", "trained", "--work", str(work / "none")]) == 2


def test_a_report_of_another_schema_is_refused(work: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = work / "reports/benchmark/report.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 1}))
    assert run(["card", "trained", "--work", str(work)]) == 2
    assert "run `jam benchmark` again" in capfd.readouterr().err


def test_hub_folder_holds_shards_weights_cards_and_terms(work: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    assert run(["export", "hub", str(hub), "--work", str(work)]) == 0
    assert (hub / "dataset/part-0.tar").read_bytes() == b"shard"
    assert (hub / "model/model.safetensors").read_bytes() == b"weights"
    data, model = ((hub / name / "README.md").read_text() for name in ("dataset", "model"))
    front = yaml.safe_load(data.split("---\n")[1])
    assert front["license"] == "other" and front["configs"][0]["data_files"] == "*.tar"
    assert "1 of 2 songs name no licence" in data and "| CC-BY-4.0 | 1 |" in data
    front = yaml.safe_load(model.split("---\n")[1])
    metrics = front["model-index"][0]["results"][0]["metrics"]
    assert {"type": "wer", "name": "WER (stand-in, not a result)", "value": 0.27} in metrics
    assert "base_model" not in front  # embedded models are none of a hub's
    assert "near one of the training songs: 0.0625; near one of 40 of them 0.0312" in model
    assert "| WER | 0.27 | [0.2, 0.34] | 32 | 0 | lower |" in model and "embedded/vocoder@1" in model
    record = json.loads((work / "reports/benchmark/report.json").read_text())
    record["systems"]["dpo"] = record["systems"]["trained"]
    chosen = {
        "num_pairs": 10,
        "num_by_people": 9,
        "raters": {"Ann | <b>": {"answers": 12, "twice": 2, "alike": 1}},
    }
    record["rounds"] = {"kept": 1, "rows": [{"number": 0}, {"number": 1, **chosen}, {"number": 2, **chosen}]}
    card = json.loads((work / "shards" / CARD_JSON).read_text())
    told = model_readme(record, "dpo", card, [])
    assert "- round 1: 9 of 10 pairs by people, chosen by Ann" in told and "Ann | <b>" not in told
    assert "12 answers, 1 of 2 heard twice alike" in told and "round 2" not in told
    assert "Preferred by" not in model_readme(record, "trained", card, [])


def test_hub_folder_names_real_base_models_with_their_licences(work: Path, tmp_path: Path) -> None:
    hub = tmp_path / "hub"
    assert (
        run(["export", "hub", str(hub), "--work", str(work), "--set", "models.style_encoder.model=muq_mulan"])
        == 0
    )
    model = (hub / "model/README.md").read_text()
    assert "OpenMuQ/MuQ-MuLan-large" in yaml.safe_load(model.split("---\n")[1])["base_model"]
    assert "CC-BY-NC" in model


def test_export_refuses_what_it_cannot_stand_for(
    work: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    hub = tmp_path / "hub"
    copies = ["export", "hub", str(hub), "--work", str(work), "--set", "copies.max_share=0.05"]
    assert run(copies) == 2 and not hub.exists()
    assert "2 of 32 songs by trained are near a training song" in capfd.readouterr().err
    page = work / "reports/benchmark/report.json"
    whole = page.read_text()
    page.write_text(json.dumps({key: value for key, value in json.loads(whole).items() if key != "copies"}))
    assert run(copies) == 2 and "does not say whether trained copies" in capfd.readouterr().err
    page.write_text(whole)
    assert run(["export", "hub", str(hub), "--work", str(work), "--system", "truth"]) == 2
    assert "no weights by 'truth'" in capfd.readouterr().err
    (work / "shards/part-0.tar").write_bytes(b"other")
    assert run(["export", "hub", str(hub), "--work", str(work)]) == 2
    assert "not what its index says" in capfd.readouterr().err
    (work / "checkpoints/sft/abc/model.safetensors").write_bytes(b"newer")
    assert run(["export", "hub", str(tmp_path / "other"), "--work", str(work)]) == 2
    assert "has the weights" in capfd.readouterr().err
    (hub / "x").mkdir(parents=True)
    assert run(["export", "hub", str(hub), "--work", str(work)]) == 2
    assert "is not empty" in capfd.readouterr().err
    for what in ("hub", "muse"):
        assert run(["export", what, str(page), "--work", str(work)]) == 2
        assert f"{page} is a file; name a new folder" in capfd.readouterr().err


def test_listen_writes_a_blind_page_whose_answers_are_read(
    work: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        for number in range(3):
            sound = flac_bytes(hum_CN(50 * number + 9 * len(name)), 44_100)
            (tmp_path / name / f"song-{number}.flac").write_bytes(sound)
    systems = [word for name in ("new", "old") for word in ("--system", f"{name}={tmp_path / name}")]
    assert run(["listen", *systems, "--work", str(work), "--set", "listening_test.num_songs=3"]) == 0
    key = json.loads(next((work / "reports/listen").glob("*/key.json")).read_text())
    folder = work / "reports/listen" / key["page"]
    assert str(folder / "listen.html") in capfd.readouterr().out
    draws = Resampling(100, 1)
    assert standing_preferences(work / "reports/listen", draws) == []
    answers = [
        f"{key['page']},ann,{trial},{'A' if one['A'] == 'new' else 'B'},same"
        for trial, one in key["trials"].items()
    ]
    (folder / "ann.csv").write_text("\n".join([",".join(COLUMNS), *answers, ""]))
    enjoyed, styled = standing_preferences(work / "reports/listen", draws)
    assert (enjoyed.estimate.value, enjoyed.estimate.n, styled.estimate.value) == (1.0, 3, 0.5)
    (folder / "bob.csv").write_text("nonsense")
    with pytest.raises(ValueError, match=r"bob.csv: columns are"):
        standing_preferences(work / "reports/listen", draws)


def test_listen_needs_two_systems_that_are_there(work: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["listen", "--system", "trained", "--work", str(work)]) == 2
    assert "name two" in capfd.readouterr().err
    assert run(["listen", "--system", "trained", "--system", "dpo", "--work", str(work)]) == 2
    assert "no songs by 'trained'; run `jam benchmark` again, or give trained=DIR" in capfd.readouterr().err


class Loaded(Stage):
    """Writes a hum as the mix of every song."""

    name, version = "load_external", 1
    reads = frozenset({"system"})
    writes = {"audio": AUDIO}

    def one(self, song: Song) -> Song:
        return song.with_columns(
            audio={"path": None, "bytes": flac_bytes(hum_CN(len(song["system"])), 44_100)}
        )


@pytest.fixture
def with_manifest(work: Path) -> Path:
    """The same with a later benchmark on a manifest's songs, by two systems' folders."""
    folder = work / "benchmarks" / "set"
    systems = {"truth": "truth", "ours": "folders", "theirs": "folders"}
    for name in ("truth", "folders"):
        table = Table(folder / name / "table", PROMPTED_COLUMNS)
        rows = [
            Source(
                f"{system}-{n}",
                f"{system}{n}",
                {"system": system, "parent": f"song-{n}", "title": f"Song {n}"},
            )
            for system, place in systems.items()
            if place == name
            for n in range(2)
        ]
        table.admit(rows, 4, fewest=1)
        run_here(Pipeline(table, [Loaded(Section())]), folder / "receipts")
    write_report(make_report("plain"), folder / "reports/benchmark")
    path = folder / "reports/benchmark/report.json"
    record = json.loads(path.read_text())
    record["systems"] = dict(zip(systems, [*record["systems"].values()] * 3, strict=False))
    path.write_text(json.dumps({**record, "system_order": list(systems)}))
    os.utime(path, ns=(2**62, 2**62))
    return work


def test_the_report_of_a_manifest_is_found_and_of_several_the_last_is_told(
    with_manifest: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = ["--work", str(with_manifest)]
    assert run(["report", *work]) == 0
    said = capfd.readouterr().out
    own, manifests = (
        with_manifest / place / "reports/benchmark/report.html" for place in ("", "benchmarks/set")
    )
    assert said.startswith(f"the last report of 2; also: {own}\n") and said.endswith(f"report: {manifests}\n")
    assert run(["card", "ours", *work]) == 0 and run(["card", "trained", *work]) == 0
    assert capfd.readouterr().out.count("the last report of these systems of 2") == 2
    for older in (own, own.with_suffix(".json"), own.parent, with_manifest):
        assert run(["report", "--report", str(older)]) == 0
        assert capfd.readouterr().out.endswith(f"report: {own}\n")
    assert run(["report", "--report", str(with_manifest / "reports")]) == 2
    assert "no report at" in capfd.readouterr().err
    copied = with_manifest.parent / "copied"
    copied.mkdir(exist_ok=True)
    shutil.copy(own.with_suffix(".json"), copied)
    for name, shown in (("report.json", "report.json"), ("report.html", "report.html"), ("", "report.html")):
        assert run(["report", "--report", str(copied / name)]) == 0
        assert capfd.readouterr().out.endswith(f"report: {copied / shown}\n")
        shutil.copy(own, copied)
    for text, word in (
        ('{"schema', "is not JSON"),
        ("{}", "names no schema"),
        ('{"schema": 0}', "has schema 0"),
    ):
        (copied / "report.json").write_text(text)
        assert run(["report", "--report", str(copied)]) == 2
        err = capfd.readouterr().err
        assert word in err and str(copied) in err and err.count("\n") == 1
    (with_manifest / "reports/benchmark/report.json").unlink()
    assert run(["report", *work]) == 0
    assert "the last" not in capfd.readouterr().out


def test_listen_finds_systems_of_a_manifest(with_manifest: Path, capfd: pytest.CaptureFixture[str]) -> None:
    systems = ["--system", "ours", "--system", "theirs", "--set", "listening_test.num_songs=2"]
    assert run(["listen", *systems, "--work", str(with_manifest)]) == 0
    assert "2 songs by ours and theirs" in capfd.readouterr().out
    key = json.loads(next((with_manifest / "reports/listen").glob("*/key.json")).read_text())
    assert key["made_by"] == ["load_external-v1", "load_external-v1"]
