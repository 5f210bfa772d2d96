"""A small report with every part in it, and names that try to break out of the page."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from eval.metrics.aesthetics import JUDGE_MEAN
from eval.metrics.error_rates import WER, ErrorCounts
from eval.metrics.levels import ENERGY_AFTER_END
from eval.metrics.metric import Corpus, Measurable
from eval.pages.players import waveform_peaks
from eval.results.comparisons import PairTable, pair_table
from eval.results.copies import Copies, CopyRow
from eval.results.data_set import DataSet, StageRate, histogram
from eval.results.published import PublishedRow
from eval.results.report import Comparison, HeardSong, LossCurve, Report, System
from eval.results.songs import SongRow, genre_rows
from eval.stats.intervals import Estimate, Resampling

HOSTILE = "</script><script>window.broken=1</script><img src=x onerror=alert(1)> & \"quotes\" 'and' \u2028"


DRAWS = Corpus(Resampling(num_resamples=100, seed=1))


def table_of(metric: Measurable, rows: list[SongRow], systems: list[str]) -> PairTable | None:
    """Every two of the systems by a metric; a song that one of them never made is missing there."""
    songs = list(dict.fromkeys(row.song_id for row in rows))
    by_place = {(row.system, row.song_id): row.value(metric.name) for row in rows}
    columns = {system: [by_place.get((system, song)) for song in songs] for system in systems}
    return pair_table(metric, columns, DRAWS)


def tone(seconds: float = 1.2) -> tuple[np.ndarray, bytes]:
    """A short stereo tone and its mp3 bytes."""
    time = np.arange(int(44100 * seconds)) / 44100
    mix_CN = np.stack([np.sin(2 * np.pi * 220 * time)] * 2) * np.linspace(1, 0.2, len(time)) * 0.2
    file = io.BytesIO()
    soundfile.write(file, mix_CN.T, 44100, format="MP3")
    return mix_CN, file.getvalue()


def make_report(hostile: str = HOSTILE) -> Report:
    mix_CN, audio = tone()
    scored = {
        "wer": Estimate(0.27, 0.2, 0.34, 32, 0, method="bootstrap"),
        "judge_mean": Estimate(3.1, 3.0, 3.2, 31, 1, method="bootstrap"),
        "energy_after_end": Estimate(float("nan"), float("nan"), float("nan"), 32, 0),
    }
    systems = [
        System("truth", "Ground truth", ["jam-real@1"], {"wer": Estimate(0.0, 0.0, 0.0, 32, 0)}),
        System("trained", f"Trained {hostile}", ["generate-v1 embedded/codec@1"], scored, note=hostile),
    ]
    songs = [
        SongRow(
            song_id=f"song-{number}",
            title=f"Song {number} {hostile}",
            system=system,
            duration_s=1.2,
            scores={"wer": None if number else 0.5, "judge_mean": 3.0},
            reasons={"wer": "timed_out"} if number else {},
            reference=[("we", 0.0, 0.4), ("sing", 0.5, 0.9)],
            hypothesis=[("we", 0.0, 0.4), ("fall", 0.5, 0.9), (f"now{hostile[:9]}", 0.9, 1.1)],
            audio=audio,
            peaks=waveform_peaks(mix_CN, 50),
            note=hostile,
            genre=f"pop {hostile}" if number else "rock",
            counts={"wer": ErrorCounts(1, 1, 0, 0) if system == "trained" else ErrorCounts(2, 0, 0, 0)},
            facts=[("generate", f"generate-v1 {hostile}"), ("seed", "7")],
        )
        for number in range(2)
        for system in ("truth", "trained")
    ]
    return Report(
        title=f"Title {hostile}",
        systems=systems,
        metrics=[WER, JUDGE_MEAN, ENERGY_AFTER_END],
        comparisons=[
            Comparison(
                "worse",
                f"Is it worse? {hostile}",
                "wer",
                "trained",
                "truth",
                Estimate(0.27, 0.2, 0.34, 32, 0),
                "above",
            ),
            Comparison(
                "ranks",
                "Ranked?",
                "judge_mean",
                "in words",
                "",
                Estimate(31.0, None, None, 32, 0, "songs"),
                "at_least",
                30,
            ),
            Comparison("open", "Equal?", "judge_mean", "trained", "truth", Estimate(0.1, -0.1, 0.3, 30, 2)),
        ],
        pairs=[t for m in (WER, JUDGE_MEAN) if (t := table_of(m, songs, ["truth", "trained"]))],
        songs=songs,
        genres=genre_rows(songs, [WER, JUDGE_MEAN], DRAWS),
        published=[PublishedRow(hostile, hostile, 0.151, hostile, hostile)],
        headings={"wer": hostile},
        remarks={"wer": hostile},
        losses=[LossCurve(hostile, [(step, 1 / (1 + step)) for step in range(50)] + [(50, float("nan"))])],
        heard=[HeardSong(hostile, step, hostile, {"wer": None}, None) for step in (50, 100)],
        data_set=DataSet(
            40,
            36,
            {"no_transcript": 3, hostile: 1},
            {"train": 36},
            {hostile: 2},
            [histogram("score", hostile, hostile, [0.9, 0.8, None], [0.1, 0.35], [0.6])],
            [StageRate(hostile, 40, 20.0, 400.0, hostile, 512.0, 0.2), StageRate("filter", 40, 0.1, 0.0)],
        ),
        copies=Copies(
            640,
            40,
            0.1,
            [
                CopyRow(
                    "trained",
                    Estimate(0.0625, 0.02, 0.2, 32, 0, method="Wilson"),
                    Estimate(0.03125, 0.01, 0.16, 32, 0, method="Wilson"),
                    Estimate(0.0, 0.0, 0.11, 32, 0, method="Wilson"),
                    Estimate(0.03125, 0.0, 0.09, 32, 0, method="bootstrap"),
                    [("song-0", f"learned {hostile}")],
                )
            ],
        ),
        settings={"train": {"steps": 100, "note": hostile}, "limit": float("inf")},
        stand_ins=["embedded/judge@1"],
        notes=[hostile],
        run={"started": "2026-01-01"},
    )


@pytest.fixture
def report() -> Report:
    return make_report()
