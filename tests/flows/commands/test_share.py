"""What leaves the house: cards, listening pages, a folder for a hub; each from a report and files made here."""

from __future__ import annotations

import hashlib
import json
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
from tasks.shards.data_card import write_data_card
from tests.eval.conftest import make_report

SONG = {
    "duration_s": 60.0,
    "split": "train",
    "source": None,
    "artist": "Ann",
    "language": "en",
    "drop_reason": None,
}


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
    assert "it has truth, trained" in capfd.readouterr().err
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
    assert "| WER | 0.27 | [0.2, 0.34] | 32 | 0 | lower |" in model and "embedded/vocoder@1" in model


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


def test_listen_writes_a_blind_page_whose_answers_are_read(
    work: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    time = np.arange(30_000) / 44_100
    for name in ("new", "old"):
        (tmp_path / name).mkdir()
        for number in range(3):
            hum_CN = 0.2 * np.sin(2 * np.pi * (200 + 50 * number + 9 * len(name)) * time)[None].repeat(2, 0)
            (tmp_path / name / f"song-{number}.flac").write_bytes(
                flac_bytes(hum_CN.astype(np.float32), 44_100)
            )
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
    assert "run `jam benchmark` first" in capfd.readouterr().err
