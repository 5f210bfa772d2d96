"""What became of the songs that went in (`DataSet`): fates, histograms with round bins, kept and dropped, of what was measured on them, rates of the stages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

NUM_BINS = 30


@dataclass(frozen=True)
class Histogram:
    """Songs by one measure. `edges` has one more entry than the counts; the outer bins take what lies beyond.

    `limits` are the thresholds a song is dropped by; `missing` counts songs the measure does not exist for.
    """

    name: str
    title: str
    unit: str
    edges: Sequence[float]
    kept: Sequence[int]
    dropped: Sequence[int]
    missing: int = 0
    limits: Sequence[float] = ()


@dataclass(frozen=True)
class StageRate:
    """What a stage took, on so many `workers`. None: not recorded, never 0."""

    stage: str
    songs: int
    worker_s: float
    audio_s: float
    device: str = ""
    peak_memory_mb: float | None = None
    waiting_share: float | None = None  # of the workers' seconds, in which the model waited for its input
    peak_gpu_memory_mb: float | None = None
    workers: int | None = None
    decodes: int | None = None  # of mixes, in its workers
    reads: int | None = None  # of audio files of songs

    @property
    def speed(self) -> float | None:
        """Seconds of audio a worker's second, or None where no time or no audio was recorded."""
        return self.audio_s / self.worker_s if self.worker_s > 0 and self.audio_s > 0 else None

    def hours_for(self, audio_h: float) -> float | None:
        """Hours that this much audio takes on as many workers as ran the stage."""
        return audio_h / self.speed / self.workers if self.speed and self.workers else None


@dataclass(frozen=True)
class LanguageFate:
    """What became of the songs of one language; `hours` are those of the kept ones."""

    language: str
    songs_in: int
    kept: int
    hours: float
    drops: Mapping[str, int]  # drop_reason -> songs


@dataclass(frozen=True)
class DataSet:
    """Every song that went in: kept + dropped = in."""

    songs_in: int
    kept: int
    drops: Mapping[str, int]  # drop_reason -> songs
    splits: Mapping[str, int] = field(default_factory=dict)  # split -> kept songs
    flags: Mapping[str, int] = field(default_factory=dict)  # reason -> benchmark songs kept in spite of it
    histograms: Sequence[Histogram] = ()
    rates: Sequence[StageRate] = ()
    languages: Sequence[LanguageFate] = ()  # of a table with songs of several

    def __post_init__(self) -> None:
        dropped = sum(self.drops.values())
        if self.kept + dropped != self.songs_in:
            raise ValueError(
                f"kept {self.kept} + dropped {dropped} is not songs_in {self.songs_in}: "
                "a song was lost or counted twice"
            )


def histogram(
    name: str,
    title: str,
    unit: str,
    kept: Sequence[float | None],
    dropped: Sequence[float | None],
    limits: Sequence[float] = (),
) -> Histogram:
    """Counts over round bins that hold 98 % of the values and every limit; None and NaN count as missing."""
    known = sorted(v for v in [*kept, *dropped] if v is not None and math.isfinite(v))
    missing = len(kept) + len(dropped) - len(known)
    if not known:
        return Histogram(name, title, unit, (0.0, 1.0), (0,), (0,), missing, tuple(limits))
    inner = known[len(known) // 100 : len(known) - len(known) // 100]
    low, high = min([inner[0], *limits]), max([inner[-1], *limits])
    step = _round_step((high - low) / NUM_BINS)
    first = math.floor(low / step)
    num_bins = max(1, math.floor(high / step) - first + 1)
    edges = [round((first + i) * step, 10) for i in range(num_bins + 1)]
    return Histogram(
        name,
        title,
        unit,
        edges,
        _counts(kept, first, step, num_bins),
        _counts(dropped, first, step, num_bins),
        missing,
        tuple(limits),
    )


def data_set_record(data: DataSet) -> dict[str, Any]:
    """Its part of report.json; seconds, devices and memory of the stages belong to the run, not here."""
    return {
        "songs_in": data.songs_in,
        "kept": data.kept,
        "dropped": sum(data.drops.values()),
        "drops": dict(data.drops),
        "splits": dict(data.splits),
        "flags": dict(data.flags),
        "histograms": [
            {
                "name": one.name,
                "title": one.title,
                "unit": one.unit,
                "edges": list(one.edges),
                "kept": list(one.kept),
                "dropped": list(one.dropped),
                "missing": one.missing,
                "limits": list(one.limits),
            }
            for one in data.histograms
        ],
        **({"languages": [asdict(one) for one in data.languages]} if data.languages else {}),
    }


def _counts(values: Sequence[float | None], first: int, step: float, num_bins: int) -> list[int]:
    counts = [0] * num_bins
    for value in values:
        if value is not None and math.isfinite(value):
            place = math.floor(round(value / step, 9)) - first
            counts[min(max(place, 0), num_bins - 1)] += 1
    return counts


def _round_step(rough: float) -> float:
    """The next 1, 2 or 5 times a power of ten; 1 where all values are equal."""
    if rough <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))
