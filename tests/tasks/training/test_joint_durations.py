"""A predictor beside the DiT: what each arm teaches the lyric encoder that they share, and what stands at the end of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from flows.durations import joint_training
from flows.settings.params import load_params
from flows.settings.project import Project
from jam_model.checkpoint import fresh_model, save_model, weights_hash
from jam_model.durations.checkpoint import load_durations
from jam_model.durations.draw import draw_times
from tasks.training.duration_params import JOINT, JOINT_ARMS, SEPARATE, STOP_GRADIENT
from tasks.training.duration_songs import timed_songs
from tasks.training.durations import train_durations
from tasks.training.joint_durations import JointTraining
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.training.test_durations import SETTINGS, row

SIZES = ("dim=32", "depth=2", "heads=2", "ff_mult=1", "text_dim=16", "text_layers=1")


def test_arms_share_the_encoder_as_they_say_and_a_stopped_one_goes_on_to_the_same_weights(
    tmp_path: Path,
) -> None:
    settings = [f"durations.{one}" for one in (*SETTINGS, "steps=4", "style=false")]
    params = load_params(None, [*settings, *(f"jam.{size}" for size in SIZES), "sft.max_frames=24"])
    section = params.sft.model_copy(update={"steps": 4, "batch_size": 2})
    model = fresh_model(params.jam.config(section.max_frames), 0)
    save_model(tmp_path / "init", model)
    validation = members_of(9) | {"json": json.dumps({"word": [], "split": "validation"}).encode()}
    shards = write_folder(tmp_path / "s", [{"a": members_of(1), "b": members_of(2), "v": validation}])
    songs = [
        timed_songs([row(number) for number in range(8)], split, False) for split in ("train", "validation")
    ]

    def training(arm: str) -> JointTraining:
        joint = params.joint_durations.model_copy(update={"arm": arm, "weight": 0.5})
        return JointTraining(
            joint, section, params.jam, shards, np.zeros(64, np.float32), "x", tmp_path / "init"
        )

    assert len({str(training(arm).recipe) for arm in JOINT_ARMS}) == 3
    runs, dits = {}, {}
    for arm in JOINT_ARMS:
        out = tmp_path / arm
        runs[arm] = train_durations(*songs, params.durations, out, beside=training(arm).build())
        dits[arm] = weights_hash(out / "jam")
        assert not any(name.startswith("spell") for name in load_durations(out).state_dict())
        assert runs[arm] is not None and runs[arm].figures["dit_seconds"] > 0
    assert dits[STOP_GRADIENT] == dits[SEPARATE] != dits[JOINT]
    assert len({run.weights for run in runs.values() if run}) == 3
    (drawn,) = draw_times(load_durations(tmp_path / JOINT), songs[0][0].sheet, 1, 1.0, 1)
    assert np.isfinite(drawn.starts_s).all()

    parts = tmp_path / "parts"
    assert train_durations(*songs, params.durations, parts, stop_at=2, beside=training(JOINT).build()) is None
    again = train_durations(*songs, params.durations, parts, beside=training(JOINT).build())
    assert again is not None and runs[JOINT] is not None and again.weights == runs[JOINT].weights
    assert weights_hash(parts / "jam") == dits[JOINT] and [path.name for path in parts.glob("dit-*")] == [
        "dit-4"
    ]

    alone = train_durations(*songs, params.durations, tmp_path / "alone")
    assert alone is not None and "text_dim" not in (tmp_path / "alone" / "config.json").read_text()
    config = load_durations(tmp_path / "alone").config
    with pytest.raises(ValueError, match="text_layers is 0"):
        replace(config, text_dim=16)
    with pytest.raises(ValueError, match="arm is joint, but no model was pretrained in"):
        joint_training(Project.at(str(tmp_path), None, ["joint_durations.arm=joint"]))
