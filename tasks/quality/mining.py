"""Line mining: a song with some bad lines keeps its good ones, and no training crop holds the seconds of the bad.

As in DeepSinger (Ren et al., KDD 2020), lines are judged by how well their alignment fits; here also by what a recogniser did
not hear of them. What is loud between the lines and nobody wrote, and sound that repeats itself, is masked too. The song
is then held to the limits of `filter` by what is left of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from jam_model.frames import frames_of_seconds, free_stretches, seconds_of_frames
from tasks.engine.stage import Section
from tasks.quality.detectors.sound_loops import joined

TOO_LITTLE, MINED = "too_little_left", "mined"
"""The reason of a drop, and the flag of a song that is kept for its good lines alone."""
COLUMNS = frozenset({"line_fits", "unwritten_stretches", "sound_loops"})
"""What mining reads of a song, beside its quality."""
Row = Mapping[str, Any]


class MineParams(Section):
    """`min_line_alignment`: the least mean score of a line's words; `max_line_missed`: the largest share of it that the recogniser
    did not hear; a line beyond either is bad. `min_left_share`: of the words, in good lines; `min_left_s`: seconds without a mask.
    """

    when: Literal["never", "always"]
    min_line_alignment: float = Field(ge=0, le=1)
    max_line_missed: float = Field(ge=0, le=1)
    min_left_share: float = Field(ge=0, le=1)
    min_left_s: float = Field(ge=0)

    def decides(self) -> dict[str, Any]:
        """Nothing where nothing is mined."""
        return super().decides() if self.when == "always" else {}

    def is_bad(self, line: Row) -> bool:
        """Whether a row of `line_fits` is beyond a limit; what nobody measured is not."""
        alignment, missed = line["alignment"], line["missed"]
        too_low = alignment is not None and alignment < self.min_line_alignment
        return too_low or (missed is not None and missed > self.max_line_missed)


@dataclass(frozen=True)
class Mined:
    """What is left of a song: `masked` spans in order without overlaps, the good lines, the share of the words in them, and the
    seconds between masks that are long enough for a crop.
    """

    masked: list[tuple[float, float]]
    good: list[Row]
    num_lines: int
    left_share: float
    left_s: float
    unwritten_share: float

    def told(self) -> str:
        """How much is left, for the sentence of a drop."""
        lines = f"{len(self.good)} of {self.num_lines} lines are good"
        return f"{lines} ({self.left_share:.0%} of the words), {self.left_s:.1f} s lie between masks"


def mined(song: Mapping[str, Any], more: Sequence[Row], params: MineParams) -> Mined:
    """What is left of a song with the columns `COLUMNS`; `more`: rows with seconds that are masked anyway.

    Seconds of a bad line that a good line reaches into stay masked: the good line's words there are cut, not trained on.
    """
    lines, stretches = song["line_fits"], song["unwritten_stretches"]
    good = [line for line in lines if not params.is_bad(line)]
    bad = [line for line in lines if params.is_bad(line)]
    rows = [*bad, *stretches, *song["sound_loops"], *more]
    masked = joined([(row["start_s"], row["end_s"]) for row in rows])
    whole = [line for line in good if not _cut(line, masked)]
    free = free_stretches(masked, frames_of_seconds(song["duration_s"]))
    return Mined(
        masked,
        whole,
        len(lines),
        sum(line["num_words"] for line in whole) / max(1, sum(line["num_words"] for line in lines)),
        seconds_of_frames(sum(end - first for first, end in free)),
        sum(stretch["share"] for stretch in stretches),
    )


def _cut(line: Row, masked: Sequence[tuple[float, float]]) -> bool:
    """Whether masks take more than half of a line."""
    held_s = sum(max(0.0, min(end, line["end_s"]) - max(start, line["start_s"])) for start, end in masked)
    return held_s > 0.5 * (line["end_s"] - line["start_s"])


def quality_left(quality: Mapping[str, float | None], left: Mined) -> dict[str, float | None]:
    """The measures of a song as they are of its good lines: of those that masks leave nothing to say about, null."""
    outside = quality["outside_share"]
    left_outside = None if outside is None else max(0.0, outside - left.unwritten_share)
    means = {name: _mean(left.good, name) for name in ("alignment", "coverage", "missed")}
    measured = {name: None if quality[name] is None else means[name] for name in ("alignment", "coverage")}
    agreement = None if quality["agreement"] is None or means["missed"] is None else 1 - means["missed"]
    unheard = {"unheard_run": None, "unwritten_share": None}
    return {
        **quality,
        **measured,
        **(unheard if left.masked else {}),
        "agreement": agreement,
        "outside_share": left_outside,
    }


def _mean(lines: Sequence[Row], name: str) -> float | None:
    """Over the words of these lines; None where one has no number."""
    values = [line[name] for line in lines]
    if not values or any(value is None for value in values):
        return None
    weights = [line["num_words"] for line in lines]
    return float(sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights))


def without_masks(masked_rows: Sequence[Row] | None, duration_s: float) -> float:
    """Seconds of a song that no mask holds and that are long enough for a crop."""
    spans = [(row["start_s"], row["end_s"]) for row in masked_rows or ()]
    stretches = free_stretches(spans, frames_of_seconds(duration_s))
    return seconds_of_frames(sum(end - first for first, end in stretches))
