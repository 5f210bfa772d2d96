"""Controls are added to a trained checkpoint, learned alone, and refused where they cannot be."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tasks.trainer.ray_train as fitting
from flows.settings.params import load_params
from jam_model.checkpoint import load_model
from jam_model.config import JAM_0_5
from jam_model.controls.known import KNOWN
from jam_model.shards import Shards
from jam_model.training_facts import read_facts
from tasks.audio.read import npy_bytes
from tasks.trainer.loop import run_steps
from tasks.training.added_controls import PREFIX
from tasks.training.control_params import ControlParams, control_lines
from tasks.training.memory import parameters
from tasks.training.start import fitting as fitting_jam
from tasks.training.train import train
from tests.jam_model.test_shards import members_of, write_folder
from tests.tasks.training.test_train import ALONE, ENCODER, JAM, SILENCE, changed

ALONE_LEARNED = ControlParams(learn="controls", dropout_all=0.2, dropout_each=0.5, dropout_painting=0.7)


@pytest.mark.slow
def test_controls_learned_alone_start_at_the_bit_leave_all_else_and_are_a_small_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        fitting, "_run_on_ray", lambda objective, params, out: run_steps(objective, params, out, ALONE)
    )
    songs = {f"s{n}": members_of(n, 12 + 3 * n) for n in range(8)}
    for n in range(0, 8, 2):
        songs[f"s{n}"]["chords.npy"] = npy_bytes(np.full(12 + 3 * n, 1 + n, np.float32))
    shards = write_folder(
        tmp_path / "shards", [songs], {f"s{n}": "train" if n < 6 else "validation" for n in range(8)}
    )
    assert [*control_lines(("chords",), shards, 0)] == [
        "3 of 6 songs have chords; of the others it is not given"
    ]
    with pytest.raises(ValueError, match=r"jam\.controls has drums, but .* none of 6 songs has drums\.npy"):
        [*control_lines(("drums",), shards, 0)]
    assert [name for name in Shards(shards, extras=("chords",))[1].extras] == []
    silence_C = np.array(SILENCE, np.float32)
    base = train(changed(steps=2), JAM, shards, silence_C, ENCODER, None, tmp_path / "base").checkpoint
    jam = fitting_jam(load_model(base).config, JAM.model_copy(update={"controls": ("chords",)}))
    given = (shards, silence_C, ENCODER, base)
    still = changed(steps=1, learning_rate=0.0)
    begun = train(still, jam, *given, tmp_path / "still", controls=ALONE_LEARNED)
    before = json.loads((base / "done.json").read_text())["figures"]
    assert begun.figures["validation_loss"] == before["validation_loss"]
    tuned = train(changed(steps=4), jam, *given, tmp_path / "tuned", controls=ALONE_LEARNED).checkpoint
    then, now = load_model(base).state_dict(), load_model(tuned).state_dict()
    assert all(np.array_equal(tensor, now[name]) for name, tensor in then.items())
    assert now[f"{PREFIX}chords.wide.weight"].abs().sum() > 0
    assert load_model(tuned).config.controls == ("chords",)
    assert "controls" in (read_facts(tuned).dropped or ())
    whole = replace(load_params().jam.config(288), controls=tuple(KNOWN))
    for config in (whole, replace(JAM_0_5, controls=tuple(KNOWN))):
        assert sum(KNOWN[name].num_parameters(config.dim) for name in KNOWN) < 0.05 * parameters(config)
    for names, stored, rank, fault in (
        ((), (), 0, "jam.controls is"),
        (("chords",), ("chords",), 4, "adapter.rank is 4 and controls.learn"),
    ):
        with pytest.raises(ValueError, match=fault):
            ALONE_LEARNED.check(names, stored, rank)
