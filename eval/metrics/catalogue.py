"""Every metric of the project, in the order in which tables and docs/metrics.md show them.

``python -m eval.metrics.catalogue > docs/metrics.md`` writes the page anew; a test holds it to the records.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.metrics.aesthetics import METRICS as JUDGE
from eval.metrics.aesthetics import SECOND_METRICS as SECOND_JUDGE
from eval.metrics.diversity import METRICS as DIVERSITY
from eval.metrics.error_rates import ABOVE_ONE
from eval.metrics.error_rates import METRICS as WORDS
from eval.metrics.fad import METRICS as FRECHET
from eval.metrics.genre_accuracy import METRICS as GENRE
from eval.metrics.levels import METRICS as SOUND
from eval.metrics.metric import Metric
from eval.metrics.onsets import METRICS as ONSETS
from eval.metrics.si_sdr import METRICS as SEPARATION
from eval.metrics.style_similarity import METRICS as SIMILARITY
from eval.metrics.tail_energy import METRICS as ENERGY
from eval.metrics.word_timing import METRICS as TIMING


@dataclass(frozen=True)
class Chapter:
    """Metrics that answer one question."""

    title: str
    metrics: tuple[Metric, ...]


CHAPTERS = (
    Chapter("Are the words right?", (*WORDS, ABOVE_ONE)),
    Chapter("Are they sung when they were asked for?", (*TIMING, *ONSETS)),
    Chapter("Is it in the style that was asked for?", (*SIMILARITY, *GENRE)),
    Chapter("Does it sound like real songs, and not always like the same one?", (*FRECHET, *DIVERSITY)),
    Chapter("Would people like it?", (*JUDGE, *SECOND_JUDGE)),
    Chapter("Is the sound itself sound?", (*ENERGY, *SOUND)),
    Chapter("Is the voice taken out of the mix well?", SEPARATION),
)
HEADLINE = (
    *("wer", "acoustic_per", "style_similarity", "frechet", "judge_mean"),
    *("word_start_median", "energy_after_end"),
)
"""What a narrow table leads with."""


def chapter_of(name: str) -> Chapter:
    """The chapter of a metric.

    Raises:
        ValueError: no metric is called that.
    """
    found = next((c for c in CHAPTERS if any(metric.name == name for metric in c.metrics)), None)
    if found is None:
        raise ValueError(f"metric {name!r} is in no chapter of eval.metrics.catalogue; add it there")
    return found


def metric_of(name: str) -> Metric:
    """The metric of this name; raises as `chapter_of`."""
    return next(metric for metric in chapter_of(name).metrics if metric.name == name)


def in_order(names: set[str]) -> tuple[Metric, ...]:
    """The metrics of these names as the catalogue orders them."""
    return tuple(metric for chapter in CHAPTERS for metric in chapter.metrics if metric.name in names)


def page() -> str:
    """docs/metrics.md."""
    lines = [
        "# Metrics",
        "",
        "Made from the records beside the code (`python -m eval.metrics.catalogue > docs/metrics.md`). A value is a fraction",
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
