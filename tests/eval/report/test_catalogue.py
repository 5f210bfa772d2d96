"""One record a metric, and the page that is made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.report.catalogue import CHAPTERS, HEADLINE, chapter_of, measured_metrics, page

ROOT = Path(__file__).resolve().parents[3]
METRICS: dict[str, Any] = {metric.name: metric for chapter in CHAPTERS for metric in chapter.metrics}


def test_every_metric_states_its_facts_once() -> None:
    assert sum(len(chapter.metrics) for chapter in CHAPTERS) == len(METRICS)
    for metric in METRICS.values():
        assert all((metric.title, metric.source, metric.range, metric.protocol))
        assert metric.protocol.endswith(".")
        assert metric.direction in ("higher", "lower", "neither")
    assert METRICS["wer"].better(-0.1) and not METRICS["wer"].better(0.1)
    assert not METRICS["loudness_lufs"].better(1.0) and not METRICS["loudness_lufs"].better(-1.0)


def test_every_list_of_metrics_in_eval_is_in_the_catalogue() -> None:
    for path in sorted((ROOT / "eval" / "metrics").rglob("*.py")):
        names = {
            line.split('"')[1] for line in path.read_text().splitlines() if line.startswith('        name="')
        }
        assert names <= set(METRICS), path.name


def test_docs_are_made_from_the_records() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), (
        "run `python -m eval.report.catalogue > docs/metrics.md`"
    )


def test_tables_keep_the_order_of_the_catalogue() -> None:
    names = [metric.name for metric in measured_metrics()]
    assert names == [name for name in METRICS if name in names] and names.index("wer") < names.index("fad")
    assert set(HEADLINE) <= set(METRICS)
    assert METRICS["wer"] in chapter_of("wer").metrics
    with pytest.raises(ValueError, match="in no chapter"):
        chapter_of("beauty")


def test_a_distance_of_embeddings_names_what_embedded_the_songs() -> None:
    made_by = ["score-v2 embedded/signal-judge@1", "style-v1 embedded/spectral-style@1"]
    assert METRICS["fad"].of_embedding(made_by).title == "FAD (embedded spectral style)"
    assert METRICS["fad_song"].of_embedding([]).title == "FAD a song"
    assert METRICS["wer"].of_embedding(made_by) is METRICS["wer"]
