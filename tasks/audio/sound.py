"""What a reader gives of a file (`Sound`): samples, remarks worth telling (truncated, unstated), and how a length is held against its claim.

A remark is ``word: sentence``. The word counts in tables, the sentence has the numbers. Remarks refuse nothing: the
samples are all there is in the file. Shapes: C channels, N samples.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.engine.song import Refused

CUT_TOLERANCE_S = 0.5
"""How much less than a container states may be in it: more than padding, less than what anyone would miss."""
FRAMES_TOLERANCE_S = 0.1  # where frames are counted, and counts may be off by a few
EXACT_TOLERANCE_S = 0.01  # where samples are
SHORT_S = 1.0
MP3_DELAY = 1105  # samples before the first where MP3 states no delay: 576 of LAME, 529 of the decoder


@dataclass(frozen=True)
class Sound:
    """Samples float32 [C, N] as a file holds them.

    `unstated_delay_s`: the silence that its encoder put before the first sample and did not state, so that nothing
    skips it; None where the delay is stated or there is none.
    """

    audio_CN: np.ndarray
    rate: int
    remarks: tuple[str, ...] = ()
    unstated_delay_s: float | None = None


def remark(word: str, sentence: str) -> str:
    """One remark."""
    return f"{word}: {sentence}"


def remark_counts(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Songs by the words of the remarks in their column `audio_remarks`."""
    words = ({text.partition(":")[0] for text in row.get("audio_remarks") or ()} for row in rows)
    return dict(sorted(Counter(word for song in words for word in song).items()))


def held_against(stated: int, found: int, rate: int, tolerance_s: float) -> list[str]:
    """What to say of a file that states a number of samples a channel and holds another.

    Raises:
        Refused: ``truncated``: it lacks more than `tolerance_s`.
    """
    if found + tolerance_s * rate < stated:
        raise Refused(
            "truncated",
            f"{found} of {stated} samples could be decoded ({found / rate:.2f} of {stated / rate:.2f} s); "
            "get the whole file",
        )
    if found == stated:
        return []
    word = "samples_missing" if found < stated else "samples_unstated"
    return [remark(word, f"{stated} samples are stated, {found} are there")]


def shorter_than(what: str, stated_s: float | None, duration_s: float) -> list[str]:
    """What to say of a song that ends more than `SHORT_S` before its manifest, prompt or lyrics say."""
    if stated_s is None or duration_s + SHORT_S >= stated_s:
        return []
    return [remark(f"shorter_than_{what}", f"{duration_s:.2f} s of sound, {stated_s:.2f} s by the {what}")]


def bytes_behind(count: int) -> list[str]:
    """What to say of bytes behind the last frame that are no tag."""
    return [remark("bytes_behind", f"{count} bytes behind the last frame are no sound")] if count > 0 else []
