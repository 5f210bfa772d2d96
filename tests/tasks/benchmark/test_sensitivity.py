"""What a probe changes, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.stats.intervals import Estimate
from flows.console.measured import print_sensitivity
from flows.settings.params import load_params
from tasks.benchmark.sensitivity import KINDS, guidance_test, timing_test, with_times_moved, write_curves
from tests.tasks.prompts.test_prompts import prompt

PARAMS = load_params()


def test_words_move_by_at_most_the_reach_in_order_and_inside_the_song() -> None:
    reference = [prompt(number, tuple("abcdefgh")) for number in range(20)]
    for before, after in zip(reference, with_times_moved(reference, 0.3, seed=1), strict=True):
        starts = np.array([[a.start_s, b.start_s] for a, b in zip(before.words, after.words, strict=True)])
        assert np.abs(starts[:, 0] - starts[:, 1]).max() <= 0.3 + 1e-9
        assert (np.diff(starts[:, 1]) >= 0).all() and starts.min() >= 0
        assert after.texts == before.texts and after.words[-1].end_s <= 9.0


def test_draws_are_the_same_for_every_reach() -> None:
    reference = [prompt(0, ("a", "b", "c"))]
    small, large = (with_times_moved(reference, reach_s, 1)[0].words[1].start_s for reach_s in (0.1, 0.2))
    assert np.isclose(large - 1.0, 2 * (small - 1.0))
    assert with_times_moved(reference, 0.0, 1)[0].words == reference[0].words


def test_probes_have_a_system_a_step() -> None:
    timing = timing_test([prompt(0)], "w", PARAMS.sampler, PARAMS.sensitivity)
    assert [step.value for step in timing.steps] == PARAMS.sensitivity.disturb_s
    assert len({step.system.name for step in timing.steps}) == len(timing.steps)
    guidance = guidance_test([prompt(0)], "w", PARAMS.sampler, PARAMS.sensitivity)
    scales = [step.system.recipe["sampler"]["lyrics_guidance_scale"] for step in guidance.steps]
    assert scales == PARAMS.sensitivity.lyrics_guidance_scales
    assert {step.system.recipe["sampler"]["style_guidance_scale"] for step in guidance.steps} == {
        PARAMS.sampler.style_guidance_scale
    }


def test_curves_are_written_as_numbers_and_figures_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = KINDS["timing"]([prompt(0)], "w", PARAMS.sampler, PARAMS.sensitivity)
    known = Estimate(0.25, 0.2, 0.3, 8, 1)
    unknown = Estimate(None, None, None, 0, 9, reason="no song has words")
    points = [(0.0, dict.fromkeys(test.curves, known)), (0.3, dict.fromkeys(test.curves, unknown))]
    path = write_curves(tmp_path, test, points, "w", 9, ["embedded/a@1"])
    found = json.loads(path.read_text())
    assert found["points"][1]["metrics"][test.curves[0]]["reason"] == "no song has words"
    assert {file.stem for file in tmp_path.glob("*.svg")} == set(test.curves)
    print_sensitivity(path)
    said = capsys.readouterr().out
    assert "0.250 [0.200, 0.300] (n = 8, 1 failed)" in said and "stand-in, not a result" in said
