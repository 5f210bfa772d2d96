"""Words that were heard in a row and that nobody wrote: a recogniser's inventions, and lines that are sung and not written.

The other side of `tasks.quality.unheard`, by the same alignment and the same weights. The share of all that is heard
(`unwritten_share`) hides six made-up words among two hundred, and is counted in phones where the recogniser gives some, which it
does not make up with the words.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.metrics.error_rates import normalise
from tasks.quality.heard_marks import heard_marks
from tasks.quality.unheard import unheard_runs


def invented_words(heard: Sequence[str], written: Sequence[str] | None) -> float | None:
    """The weight in words of the heaviest run that was heard and not written: a word counts from 1 (none of its letters is written
    there) to -1 (all are), since a misheard word keeps some. None without lyrics, and where both are too long to be compared.
    """
    heard, written = normalise(heard), normalise(written or ())
    marks = heard_marks(list("".join(heard)), list("".join(written))) if written else None
    if marks is None:
        return None
    left = iter(marks)
    missed_W = np.array([1 - np.mean([next(left) for _ in word]) for word in heard])
    return max((run.weight for run in unheard_runs(missed_W)), default=0.0)
