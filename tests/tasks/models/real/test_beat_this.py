"""Beat This! loads a checkpoint of its trainer strictly, hears as its own package does, and says what is no such file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.models.beats import RATE_HZ, BeatsParams, build_beats
from tasks.models.real.common import mono_at
from tasks.models.real.import_masks import import_foreign
from tests.tasks.models.checkpoints.beat_this import write_beat_this
from tests.tasks.models.sung import songs
from tests.tasks.models.voices import choosing


def beat_this(weights: Path | str) -> BeatsParams:
    return choosing(load_params().models.beats, "beat_this", weights)


@pytest.mark.slow
def test_a_checkpoint_of_the_trainer_hears_what_its_own_package_hears_and_another_file_is_refused(
    tmp_path: Path,
) -> None:
    path = write_beat_this(tmp_path / "tiny.ckpt")
    params = beat_this(path)
    mix_CN = np.tile(songs()[0].mix_CN, 4)[:, : 35 * 44_100]  # more than one chunk
    tracker = build_beats(params)
    assert tracker.identity == params.identity()
    beats = tracker.track(mix_CN)
    package = import_foreign("beat_this.inference")
    own_beats, own_downbeats = package.Audio2Beats(str(path), "cpu")(mono_at(mix_CN, RATE_HZ), RATE_HZ)
    assert beats.times_s == tuple(sorted({*own_beats, *own_downbeats})) and len(beats.times_s) > 2
    assert beats.downbeats_s == tuple(own_downbeats)
    held = torch.load(path, weights_only=True)
    del held["state_dict"]["model.frontend.linear.weight"]
    torch.save(held, tmp_path / "lacking.ckpt")
    torch.save({"a": torch.ones(1)}, tmp_path / "other.ckpt")
    for name, said in (("lacking", "lacks frontend.linear.weight"), ("other", "no checkpoint of beat_this")):
        with pytest.raises(BadModel, match=said):
            build_beats(beat_this(tmp_path / f"{name}.ckpt"))
    with pytest.raises(BadModel, match="/nowhere does not exist"):
        beat_this("/nowhere").identity()
