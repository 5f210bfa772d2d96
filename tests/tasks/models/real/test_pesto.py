"""PESTO loads a checkpoint of its trainer without building its objects, hears frame by frame, and says what is no such file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from flows.settings.params import load_params
from jam_model.frames import HOP_SAMPLES
from tasks.engine.stage import BadModel
from tasks.models.melody import MelodyParams, build_melody
from tasks.models.real.pesto_net import kernels
from tests.tasks.models.checkpoints.pesto import checkpoint, write_pesto
from tests.tasks.models.sung import songs
from tests.tasks.models.voices import choosing

DEFAULT = load_params().models.melody


def pesto(weights: Path | str, **settings: object) -> MelodyParams:
    return choosing(DEFAULT, "pesto", weights, **settings)


@pytest.mark.slow
def test_a_pitch_and_a_confidence_for_each_latent_frame_whatever_the_size_of_a_pass(tmp_path: Path) -> None:
    path = write_pesto(tmp_path / "tiny.ckpt")
    tracker, small = (build_melody(pesto(path, batch_size=size)) for size in (256, 7))
    assert tracker.identity == pesto(path).identity()
    vocals_N = songs()[0].vocals_N[: 3 * 44_100].astype(np.float32)
    heard, again = tracker.track(vocals_N), small.track(vocals_N)
    assert len(heard.midi_T) == len(vocals_N) // HOP_SAMPLES
    np.testing.assert_allclose(heard.midi_T, again.midi_T, atol=1e-3)
    assert ((heard.midi_T >= 0) & (heard.midi_T < 128)).all() and np.isfinite(heard.certainty_T).all()
    assert heard.voiced_T.tolist() == (heard.certainty_T >= 0.5).tolist()
    assert len(tracker.track(vocals_N[: HOP_SAMPLES - 1]).midi_T) == 0
    held = checkpoint()
    for name, broken, said in (
        ("a", {**held, "hcqt_params": {}}, "hcqt_params are not those"),
        ("b", {"a": torch.ones(1)}, "no checkpoint of PESTO"),
        ("c", {**held, "state_dict": {"shift": torch.ones(())}}, "lacks confidence"),
    ):
        torch.save(broken, tmp_path / name)
        with pytest.raises(BadModel, match=said):
            build_melody(pesto(tmp_path / name))
    with pytest.raises(BadModel, match="/nowhere does not exist"):
        pesto("/nowhere").identity()
    with pytest.raises(ValueError, match="follows no melody; choose embedded or pesto"):
        build_melody(DEFAULT)


@pytest.mark.slow
def test_the_released_net_follows_a_singer_as_the_embedded_tracker_does() -> None:
    net = build_melody(pesto(DEFAULT.pesto.weights))
    assert net.identity == "pesto-v1@16c32e06ddd9"
    vocals_N = songs()[0].vocals_N.astype(np.float32)
    heard, embedded = (
        net.track(vocals_N),
        build_melody(DEFAULT.model_copy(update={"model": "embedded"})).track(vocals_N),
    )
    both_T = heard.voiced_T & embedded.voiced_T
    assert both_T.sum() > 0.5 * embedded.voiced_T.sum()
    assert np.mean(np.abs(heard.midi_T - embedded.midi_T)[both_T] < 0.5) > 0.8


@pytest.mark.slow
def test_a_kernel_answers_its_own_tone_loudest() -> None:
    kernels_BL = kernels(44_100, 27.5, 3, 251, 7)
    semitone = 3 * 36 + 1  # the middle bin of three semitones over the octave of A3
    place_N = np.arange(kernels_BL.shape[1]) / 44_100
    tone_N = np.cos(2 * np.pi * 27.5 * 2 ** (36 / 12) * place_N)
    assert abs(int(np.abs(kernels_BL @ tone_N).argmax()) - semitone) <= 1
