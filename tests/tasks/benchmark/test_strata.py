"""Phone error rates by how fast words are sung: they add up to the song's, and nobody sees them unasked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from eval.metrics.error_rates import ErrorCounts, corpus_counts, count_errors
from eval.metrics.strata import counts_by_stratum
from eval.report.write import write_report
from eval.results.report import Report
from eval.results.report_json import report_record
from eval.stats.intervals import Resampling
from flows.settings.params import load_params
from jam_model.words import Word
from tasks.benchmark.report import report_of
from tasks.benchmark.strata import MEASURES
from tasks.benchmark.system_metrics import measure
from tasks.prompts.prompts import System
from tests.tasks.benchmark.test_report import ROOT
from tests.tasks.benchmark.test_system_metrics import TEXTS, Letters, prompt, row

PARAMS = load_params().benchmark.model_copy(update={"player_songs": 0, "published": False})
FAST = [Word(text, n * 0.15, n * 0.15 + 0.15, text) for n, text in enumerate(("ba", "da", "ka", "ta"))]
HELD = [Word("mo", 9.0, 11.0, "mo")]


def test_phone_errors_are_told_by_how_fast_words_are_sung_where_they_are_asked_for(tmp_path: Path) -> None:
    reference, strata = list("badakamo"), [0, 0, 0, 0, 0, 0, 1, 1]
    for heard in ("badakamo", "", "dakamo", "xxbadaka", "badakamoxx", "bxdxkimox", "oooo"):
        found = counts_by_stratum(reference, list(heard), strata)
        assert corpus_counts([*found.values()]) == count_errors(reference, list(heard)), heard
    assert counts_by_stratum(list("ab"), list("xabyz"), [7, 8]) == {
        7: ErrorCounts(1, 0, 0, 1),
        8: ErrorCounts(1, 0, 0, 2),
    }
    assert counts_by_stratum([], ["a"], []) == {}
    with pytest.raises(ValueError, match="1 strata for 2 reference tokens"):
        counts_by_stratum(["a", "b"], [], [1])

    words = tuple([*FAST, *HELD])
    assert MEASURES[1].of(words) == [0, 0, 0, 0, 3]
    assert MEASURES[0].of(FAST) == [3] * 4 and MEASURES[0].of(HELD) == [0]
    asked = [replace(prompt(song_id), words=words) for song_id in ("s1", "s2")] + [
        replace(prompt("s3"), words=tuple(HELD))
    ]
    made = {"recipe": None, "checkpoint": None, "seed": 1, "duration_s": 12.0, "transcript_times": None}
    rows = [
        row("s1", "near", ["ba", "da", "ka", "ta", "mo"], "badakaxxmo", **made),
        row("s2", "near", [], "", "no_audio", **made),
        row("s3", "near", ["mo"], "mi", **made),
    ]
    rows[0]["reference_words"] = rows[1]["reference_words"] = []

    def report(asks: bool) -> Report:
        found = measure(asked, rows, [], Letters(), TEXTS, Resampling(200, 1))  # type: ignore[arg-type]
        systems = [System("near", "Near <by>", {}, asked)]
        params = PARAMS.model_copy(update={"strata": asks})
        return report_of(found, systems, params, "title", "", [], lambda song: np.zeros(0), {}, {})

    several = report(True)
    write_report(several, tmp_path)
    record = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(record, json.loads((ROOT / "docs" / "report_schema.json").read_text()))
    told = {(one["measure"], one["low"], one["high"]): one for one in record["strata"]}
    fast, held = told["s_per_syllable", None, 0.2], told["s_per_syllable", 1.0, None]
    assert (fast["num_words"], held["num_words"]) == (8, 3)
    rates = [one["metrics"][name] for one in (fast, held) for name in ("acoustic_per", "per")]
    assert [(one["value"], one["n"], one["n_failed"]) for one in rates] == [
        *((0.25, 1, 1), (0.0, 1, 1)),
        *((0.25, 2, 1), (0.0, 2, 1)),
    ]
    page = (tmp_path / "report.html").read_text()
    assert '<h3 class="songs-title">By seconds a syllable</h3>' in page and "1 and more" in page
    assert "strata" not in report_record(report(False))
    assert (
        "strata" not in PARAMS.decides()
        and PARAMS.model_copy(update={"strata": True}).decides()["strata"] is True
    )
