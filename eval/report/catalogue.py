"""Every metric of a report by chapter, in the order in which tables and docs/metrics.md show them.

``python -m eval.report.catalogue > docs/metrics.md`` writes the page anew; a test holds it to the records.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics import (
    aesthetics,
    diversity,
    error_rates,
    fad,
    fad_inf,
    levels,
    lyrics_alignment,
    phrasing,
    style_similarity,
    word_timing,
)
from eval.metrics.controls import adherence
from eval.metrics.metric import Measurable


@dataclass(frozen=True)
class Chapter:
    """Metrics that answer one question."""

    title: str
    metrics: tuple[Measurable, ...]


CHAPTERS = (
    Chapter(
        "Are the words right?",
        (
            error_rates.WER,
            error_rates.PER,
            error_rates.ACOUSTIC_PER,
            error_rates.ABOVE_ONE,
        ),
    ),
    Chapter(
        "Are they sung when they were asked for?",
        (
            word_timing.WORD_START_MEDIAN,
            word_timing.WORD_START_P90,
            word_timing.WORD_END_MEDIAN,
            word_timing.WORD_END_P90,
            word_timing.MATCHED_SHARE,
            lyrics_alignment.ONSET_F1,
            lyrics_alignment.AAE_MEAN,
            lyrics_alignment.AAE_MEDIAN,
            lyrics_alignment.PCO,
            lyrics_alignment.PCS,
        ),
    ),
    Chapter(
        "Is it in the style that was asked for?",
        (
            style_similarity.STYLE_SIMILARITY,
            style_similarity.CANDIDATE_DIVERSITY,
            style_similarity.TEXT_SIMILARITY,
            style_similarity.GENRE_ACCURACY,
        ),
    ),
    Chapter(
        "Does it sound like real songs, and not always like the same one?",
        (
            fad.FAD,
            fad_inf.FAD_INF,
            fad.FAD_SONG,
            diversity.SONG_DIVERSITY,
        ),
    ),
    Chapter(
        "Would people like it?",
        (
            aesthetics.JUDGE_MEAN,
            *aesthetics.JUDGE_AXES,
            *aesthetics.SECOND_JUDGE,
        ),
    ),
    Chapter(
        "Does the voice move as people's do?",
        (
            phrasing.PITCH_SPREAD,
            phrasing.LENGTH_SPREAD,
            phrasing.BEAT_HOLD,
            phrasing.REPEATED_SHARE,
        ),
    ),
    Chapter("Does it follow what it was asked for, frame by frame?", adherence.METRICS),
    Chapter(
        "Is the sound itself sound?",
        (
            levels.ENERGY_AFTER_END,
            levels.LOUDNESS,
            levels.CLIPPING,
            levels.SILENCE,
        ),
    ),
)
HEADLINE = tuple(
    metric.name
    for metric in (
        error_rates.WER,
        error_rates.ACOUSTIC_PER,
        style_similarity.STYLE_SIMILARITY,
        fad.FAD,
        aesthetics.JUDGE_MEAN,
        word_timing.WORD_START_MEDIAN,
        levels.ENERGY_AFTER_END,
    )
)
"""What a narrow table leads with."""


def chapter_of(name: str) -> Chapter:
    """The chapter of a metric.

    Raises:
        ValueError: no metric is called that.
    """
    found = next((c for c in CHAPTERS if any(metric.name == name for metric in c.metrics)), None)
    if found is None:
        raise ValueError(f"metric {name!r} is in no chapter of eval.report.catalogue; add it there")
    return found


def metric_of(name: str) -> Measurable:
    """The metric of this name; raises as `chapter_of`."""
    return next(metric for metric in chapter_of(name).metrics if metric.name == name)


def measured_metrics() -> list[Measurable]:
    """All of them, as the catalogue orders them."""
    return [metric for chapter in CHAPTERS for metric in chapter.metrics]


def page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Made from the records beside the code (`python -m eval.report.catalogue > docs/metrics.md`). A value is a fraction",
        "or in the unit given; only a page shows percent. A missing value is a null with its reason, never a 0.",
    ]
    for chapter in CHAPTERS:
        lines += ["", f"## {chapter.title}", "", "| metric | range | better | unit | source |"]
        lines += ["|---|---|---|---|---|"]
        lines += [
            f"| {m.title} (`{m.name}`) | {m.range} | {m.direction} | {m.unit or '-'} | {m.source} |"
            for m in chapter.metrics
        ]
        lines += [""] + [f"- **{m.title}**: {m.protocol}" for m in chapter.metrics]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
