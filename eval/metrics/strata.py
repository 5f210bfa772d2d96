"""Error counts of a song by strata of its reference tokens, from the chunks of jiwer's alignment: which were wrong among those that are alike in something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from eval.metrics.error_rates import ErrorCounts


def counts_by_stratum(
    reference: Sequence[str], hypothesis: Sequence[str], strata: Sequence[int]
) -> dict[int, ErrorCounts]:
    """The counts of `count_errors` dealt to the stratum of each reference token; an insertion is of the token before it, at the start
    of the first one's. They add up to the song's.

    Raises:
        ValueError: there is not one stratum a reference token, or a token is empty or holds white space.
    """
    import jiwer

    if len(strata) != len(reference):
        raise ValueError(f"{len(strata)} strata for {len(reference)} reference tokens; give one each")
    if any(not token or token.split() != [token] for token in (*reference, *hypothesis)):
        raise ValueError("a token is empty or holds white space; give one non-empty word each")
    found: dict[int, Counter[str]] = {stratum: Counter() for stratum in strata}
    if not reference:
        return {}
    (chunks,) = jiwer.process_words(" ".join(reference), " ".join(hypothesis)).alignments
    for chunk in chunks:
        if chunk.type == "insert":
            inserted = chunk.hyp_end_idx - chunk.hyp_start_idx
            found[strata[max(chunk.ref_start_idx - 1, 0)]]["insert"] += inserted
            continue
        for token in range(chunk.ref_start_idx, chunk.ref_end_idx):
            found[strata[token]][chunk.type] += 1
    return {
        stratum: ErrorCounts(*(counts[kind] for kind in ("equal", "substitute", "delete", "insert")))
        for stratum, counts in found.items()
    }
