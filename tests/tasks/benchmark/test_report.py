"""The tables of a report: every two systems are tested on every metric, also on what one song alone does not have."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from eval.metrics.metric import SongMetric
from eval.report import catalogue
from eval.report.write import write_report
from eval.results.report import Report
from eval.results.report_json import report_record
from eval.stats.intervals import Resampling
from flows.settings.params import load_params
from tasks.audio.read import npy_bytes
from tasks.benchmark.report import report_of
from tasks.benchmark.system_metrics import Measured, measure, windows_of
from tasks.prompts.prompts import System
from tests.every import every
from tests.tasks.benchmark.test_system_metrics import TEXTS, Letters, prompt, row, windows
from tests.tasks.tiny import timed

ROOT = Path(__file__).resolve().parents[3]
SONGS = [f"song{number}" for number in range(16)]


def measured(systems: Sequence[str]) -> Measured:
    """Each system's words start later, further from the true songs and more alike than the one before."""
    random = np.random.default_rng(0)
    rows = []
    for place, system in enumerate(systems):
        for song_id in SONGS:
            late_s = 0.02 * (1 + place) + 0.005 * random.random()
            placed = timed(*((word, n + late_s, n + 0.5 + late_s) for n, word in enumerate(("ab", "cd"))))
            sound = (2 * place + random.standard_normal((30, 4))).astype(np.float32)
            changes = {
                **{
                    "recipe": None,
                    "checkpoint": None,
                    "seed": 1,
                    "duration_s": 3.0,
                    "transcript_times": None,
                },
                "aligned_transcript": placed,
                "made_by": ["style-v1 embedded/spectral-style@1"],
                "window_embedding": npy_bytes(sound),
                "style_embedding": [[1.0 + place, random.standard_normal()]],
            }
            rows.append(row(song_id, system, ["ab", "cd"], "abcd", **changes))
    reference = windows_of([{"window_embedding": windows(9, 400)}])
    prompts = [prompt(song_id) for song_id in SONGS]
    return measure(prompts, rows, reference, Letters(), TEXTS, Resampling(200, 1))  # type: ignore[arg-type]


def test_a_large_family_can_be_told_apart_by_what_one_song_alone_does_not_have() -> None:
    names = [f"s{number}" for number in range(8)]
    found = measured(names).pair_tables(names)
    tables = {table.metric: table for table in found if "Besag" in table.method}
    assert set(tables) == {
        *("fad", "song_diversity", "matched_share"),
        *("word_start_median", "word_start_p90", "word_end_median", "word_end_p90"),
    }
    for table in tables.values():
        assert table.num_tests == 28 and all(pair.detectable is not None for pair in table.pairs)
    for metric in ("fad", "word_start_median", "word_end_p90"):
        assert all(pair.significant for pair in tables[metric].pairs), metric
    first_and_last = next(p for p in tables["song_diversity"].pairs if (p.left, p.right) == ("s0", "s7"))
    assert first_and_last.significant and first_and_last.estimate.above_zero
    assert not any(pair.significant for pair in tables["matched_share"].pairs)


def test_the_worst_takes_have_their_sound_also_of_songs_beyond_the_first() -> None:
    names = ["near", "far"]
    found = measured(names)
    systems = [System(name, name, {}, found.prompts) for name in names]
    params = load_params().benchmark.model_copy(update={"player_songs": 1, "published": False})
    played: list[str] = []

    def mix(song_id: str) -> np.ndarray:
        played.append(song_id)
        return np.zeros((2, 4410), np.float32)

    found.systems["far"][0].row.update(audio_remarks=["joined: 2 files"], unstated_delay_s=0.025)  # type: ignore[attr-defined]
    report = report_of(found, systems, params, "title", "", [], mix, {}, {})
    assert report.notes[0] == (
        "far: flaws of its audio files, by songs: joined 1, encoder delay not stated, and left in, 1."
    )
    assert [fact for row in report.songs for fact in row.facts if fact[0] == "audio"] == [
        ("audio", "joined: 2 files")
    ]
    hypothesis = {(row.system, row.song_id) for row in report.songs if row.audio}
    assert len(played) == len(hypothesis) < len(report.songs)
    assert {(name, SONGS[0]) for name in names} <= hypothesis
    ranked = sorted(report.songs, key=lambda row: row.scores["style_similarity"] or 0.0)
    assert {(row.system, row.song_id) for row in ranked[:10]} <= hypothesis
    assert "Floor" in report.remarks["fad"]
    assert report.metric("fad").title == "FAD (embedded spectral style)"


@every("songs", [0, 1, 2])
@every("lost", [True, False])
def test_the_page_of_few_songs_or_failed_ones_stands_with_reasons_for_numbers(
    songs: int, lost: bool, tmp_path: Path
) -> None:
    made = {"recipe": None, "checkpoint": None, "seed": 1, "duration_s": 3.0, "transcript_times": None}
    rows = [
        row(song_id, system, ["ab", "cd"], "abcd", "missing" if lost and system == "far" else None, **made)
        for system in ("near", "far")
        for song_id in SONGS[:songs]
    ]
    prompts = [prompt(song_id) for song_id in SONGS[:songs]]
    found = measure(prompts, rows, [], Letters(), TEXTS, Resampling(200, 1))  # type: ignore[arg-type]
    systems = [System(name, name, {}, prompts) for name in found.systems]
    params = load_params().benchmark.model_copy(update={"player_songs": 0, "published": False})
    report = report_of(found, systems, params, "title", "", [], lambda song: np.zeros(0), {}, {})
    write_report(report, tmp_path)
    record = json.loads((tmp_path / "report.json").read_text(), parse_constant=pytest.fail)
    for name, system in record["systems"].items():
        for metric, estimate in system["metrics"].items():
            assert estimate["value"] is not None or estimate["reason"], (name, metric)
            assert estimate["low"] is None or songs > 1, (name, metric)
        assert all(one["value"] is None for one in system["metrics"].values()) or not (lost and name == "far")


def test_error_rates_are_told_by_language_where_songs_have_several(tmp_path: Path) -> None:
    made = {"recipe": None, "checkpoint": None, "seed": 1, "duration_s": 3.0, "transcript_times": None}
    spoken = {"song0": "en", "song1": "zh", "song2": "zh", "song3": "ko"}
    heard = {**{key: ["ab", "cd"] for key in spoken}, "song1": ["ab", "xx"]}
    rows = [row(song_id, "near", heard[song_id], "abcd", **made) for song_id in spoken]
    rows[2] |= row("song2", "near", [], "", "no_audio", **made)
    rows[3] |= {"transcript": None, "transcript_phones": None}  # nobody here hears Korean
    params = load_params().benchmark.model_copy(update={"player_songs": 0, "published": False})

    def report(languages: dict[str, str]) -> Report:
        prompts = [replace(prompt(song_id), language=languages.get(song_id)) for song_id in spoken]
        found = measure(prompts, rows, [], Letters(), TEXTS, Resampling(200, 1))  # type: ignore[arg-type]
        systems = [System("near", "Near <by>", {}, prompts)]
        return report_of(found, systems, params, "title", "", [], lambda song: np.zeros(0), {}, {})

    several = report(spoken)
    write_report(several, tmp_path)
    record = json.loads((tmp_path / "report.json").read_text())
    jsonschema.validate(record, json.loads((ROOT / "docs" / "report_schema.json").read_text()))
    told = {one["language"]: one for one in record["languages"]}
    assert {code: one["unit"] for code, one in told.items()} == {
        "en": "words",
        "zh": "characters",
        "ko": "words",
    }
    rates = {code: one["metrics"]["wer"] for code, one in told.items()}
    assert [
        (rates[code]["value"], rates[code]["n"], rates[code]["n_failed"]) for code in spoken.values()
    ] == [*((0.0, 1, 0), (0.5, 1, 1), (0.5, 1, 1), (None, 0, 1))]
    assert rates["ko"]["reason"] and set(told["en"]["metrics"]) == {"wer", "per", "acoustic_per"}
    assert [song["language"] for song in record["songs"]] == [*spoken.values()]
    page = (tmp_path / "report.html").read_text()
    assert '<h3 class="songs-title">By language</h3>' in page and "Near &lt;by&gt;" in page
    assert '<span class="n">1 · <b class="failed">1</b></span>' in page
    one = report_record(report({}))
    assert "languages" not in one and "language" not in one["songs"][0]
    assert one == report_record(report(dict.fromkeys(spoken, "en")))


def test_a_metric_that_is_in_the_catalogue_comes_out_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    words = SongMetric(
        "words_written",
        "Words written",
        "ours",
        "[0, inf)",
        "neither",
        "words",
        "Words of the transcript.",
        measure=lambda song: float(len(song.row["transcript"])),
    )
    added = catalogue.Chapter("How much is sung?", (words,))
    monkeypatch.setattr(catalogue, "CHAPTERS", (*catalogue.CHAPTERS, added))
    names = ["near", "far"]
    found = measured(names)
    systems = [System(name, name, {}, found.prompts) for name in names]
    params = load_params().benchmark.model_copy(update={"player_songs": 0, "published": False})
    report = report_of(found, systems, params, "title", "", [], lambda song: np.zeros(0), {}, {})
    record = report_record(report)
    assert record["metrics"]["words_written"]["unit"] == "words"
    assert record["systems"]["far"]["metrics"]["words_written"]["value"] == 2.0
    assert record["pairs"]["words_written"]["pairs"][0]["difference"]["value"] == 0.0
    assert record["songs"][0]["scores"]["words_written"] == 2.0
    assert record["genres"][0]["metrics"]["words_written"]["n"] == len(SONGS)
    assert "(`words_written`)" in catalogue.page() and report.headings["words_written"] == added.title
