"""Did it forget? The songs that a model knew before it was tuned here, generated before and after, compared within songs.

What fine-tuning did to the songs it was tuned on says nothing of those it knew before, so they are a manifest of their own
(`start.old_songs`). Where nobody names them the question stands in the report, unanswered.
"""

from __future__ import annotations

from collections.abc import Sequence

from eval.metrics.error_rates import ACOUSTIC_PER, PER
from eval.metrics.style_similarity import STYLE_SIMILARITY
from eval.results.plural import counted
from eval.results.report import Comparison
from eval.stats.intervals import Estimate
from tasks.benchmark.system_metrics import Measured
from tasks.benchmark.systems import DPO, TRAINED

ASKED = "Did it forget?"
WORDS = "Does it sing the words of songs it knew before no worse than it did?"
STYLE = "Does it keep the styles of songs it knew before?"
AFTER = {TRAINED: "", DPO: "-dpo"}
"""What a model may have become, and what its comparisons' names end with."""


def unasked(before: str, after: Sequence[str], max_per: float) -> list[Comparison]:
    """The question where no old songs are named."""
    unknown = Estimate(None, None, None, 0, 0, reason="start.old_songs names no songs that it knew before")
    return [_words(before, name, PER.name, unknown, max_per, "") for name in _checkpoints_told(after)]


def forgetting(
    old: Measured, before: str, after: Sequence[str], max_per: float, source: str
) -> list[Comparison]:
    """Words and style of the old songs, after minus before. `max_per`: how much worse the phone error rate may be;
    `source`: what the songs are called.
    """
    per = (PER if old.unmeasured(ACOUSTIC_PER, before) else ACOUSTIC_PER).name
    style = STYLE_SIMILARITY.name
    note = f"on {counted(len(old.prompts), 'song')} of {source}, none of them trained on here"
    asked = []
    for name in _checkpoints_told(after):
        asked.append(_words(before, name, per, old.difference(name, before, per), max_per, note))
        kept = old.difference(name, before, style)
        asked.append(Comparison(f"forgot-style{AFTER[name]}", STYLE, style, name, before, kept, note=note))
    return asked


def _checkpoints_told(after: Sequence[str]) -> list[str]:
    return [name for name in AFTER if name in after]


def _words(before: str, after: str, metric: str, found: Estimate, max_per: float, note: str) -> Comparison:
    return Comparison(
        f"forgot{AFTER[after]}",
        WORDS,
        metric,
        after,
        before,
        found,
        expect="below",
        limit=max_per,
        note=note,
        headline=ASKED if after == TRAINED else "Did the DPO rounds forget?",
        gain=before,
    )
