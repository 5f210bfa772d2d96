"""Windows hold whole words, each once; songs cut short have those of the first alone; drift is to the first window of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.report.catalogue import metric_of
from eval.stats.intervals import Resampling
from jam_model.words import Word
from tasks.audio.read import npy_bytes
from tasks.benchmark.song_metrics import TextStyles
from tasks.benchmark.system_metrics import measure
from tasks.studies.answers import result_of
from tasks.studies.long_form import (
    TO_FIRST,
    cut_short,
    edges_of,
    long_form,
    longest,
    measured_in_windows,
)
from tasks.studies.study import Run, system_of
from tasks.studies.windows import outpainted, pieces
from tests.tasks.benchmark.test_system_metrics import Letters, row
from tests.tasks.studies.test_studies import PARAMS, SUNG, WORDS

STUDY = PARAMS.study.model_copy(update={"window_s": 3.0, "num_songs": 6})


def test_songs_are_heard_in_windows_of_whole_words_and_drift_from_their_own_first_one() -> None:
    long = replace(SUNG[0], words=(*SUNG[0].words[:2], Word("c", 2.0, 3.2, "c"), *SUNG[0].words[4:]))
    assert edges_of(long, 3.0, 3) == [0.0, 3.2, 6.0, 9.0]
    (cut,) = cut_short([long], 3.0, 1)
    assert (cut.texts, cut.duration_s) == (list("abc"), 3.2)
    assert [piece.shape[1] for piece in pieces(np.zeros((2, 70)), [0.0, 3.2, 6.0, 9.0], 10)] == [32, 28, 10]
    kept = outpainted(long, 3.2, npy_bytes(np.ones((70, 64), np.float32))).controls["painting"]
    assert kept[:68, :64].all() and not kept[70:].any() and len(kept) > 190

    study = long_form(SUNG, PARAMS.sampler, STUDY, paints=True)
    whole = [study.base, *(arm for arm in study.arms if arm.series)]
    assert [word for arm in whole for word in arm.prompts[0].texts] == list(WORDS)
    assert [arm.name for arm in study.arms][2:6] == ["cut-0", "painted-1", "painted-2", "true-0"]
    run, ways = Run("c0s0", Path("a"), "w", 0), {"whole-0": [1, 0], "whole-1": [0.6, 0.8], "true-0": [0, 1]}
    rows = [
        row(one.song_id, system_of(arm, run), one.texts, "".join(one.texts)) | {"style_embedding": [way]}
        for arm in study.all_arms
        for one in arm.prompts
        for way in [ways.get(arm.name, [0, 1])]
    ]
    rows[0] |= {"style_embedding": None, "drop_reason": "silent"}
    prompts_2 = [replace(one, style_NS=np.float32([[1, 0]])) for one in SUNG]
    study = long_form(prompts_2, PARAMS.sampler, STUDY, paints=True)
    measured = measured_in_windows(
        study,
        [run],
        rows,
        lambda prompts, of: measure(prompts, of, [], Letters(), TextStyles(), Resampling(100, 1)),
    )
    result = result_of(study, [run], measured, [])
    found = {one.name: one.levels for one in (result.base, *result.rows)}
    drift = {name: levels[TO_FIRST.name].value for name, levels in found.items()}
    expected = {"whole-0": 1, "whole-1": 0.6, "whole-2": 0, "cut-0": 0, "painted-1": 1, "true-1": 1}
    assert {name: drift[name] for name in expected} == pytest.approx(expected)
    assert {levels["acoustic_per"].value for levels in found.values()} == {0.0}
    assert found["whole-1"][TO_FIRST.name].n_failed == found["whole-0"]["style_similarity"].n_failed == 1
    assert found["whole-1"]["fad"].value is None and result.metric("loudness_lufs") == metric_of(
        "loudness_lufs"
    )

    with pytest.raises(ValueError, match=r"study\.window_s: 8 s, and the shortest song lasts 9\.0 s"):
        long_form(SUNG, PARAMS.sampler, STUDY.model_copy(update={"window_s": 8.0}))
    with pytest.raises(ValueError, match="6 songs are asked for, 0 last two windows of 8 s"):
        longest(SUNG, STUDY.model_copy(update={"window_s": 8.0}))
