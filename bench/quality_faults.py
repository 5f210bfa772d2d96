"""What the quality filter, its detectors and line mining find and win in songs of world two with one planted fault each.

OMP_NUM_THREADS=1 python bench/quality_faults.py --scratch FOLDER [--clean 100] [--songs 20]

Clean songs of two seeds and half of the songs of each kind choose; clean songs of a third seed and the other half are told of. Two ways of
choosing: *with room*, from the clean songs alone, beyond the farthest by half as much as it is beyond their median; and as `jam
calibrate` does, 1 % of the clean songs beyond each limit, and from there the same room, or half the way to the nearest bad song where that is more. `before`: the measures of
`check`; `all`: with those of `detect`. Shares have Wilson intervals (95 %). `across`: clean songs of one of the two seeds, by limits with room from the other.

Line mining is told of songs that the filter drops by limits with room: how many are kept for their good lines, the seconds between
masks, and the word error of what is written there against what is truly sung, beside that of the same songs unmasked and of clean
songs. Words belong to the seconds that their middle lies in. Intervals draw songs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.fault_songs import ALL, CLEAN, Measured, measured_songs
from bench.measuring import machine, write_result
from eval.metrics.error_rates import count_errors, normalise
from eval.stats.intervals import proportion
from flows.settings.params import Params, load_params
from jam_model.frames import frames_of_seconds, free_stretches, seconds_of_frames
from tasks.engine.song import Song, SongError
from tasks.quality.calibrate import Labelled, choose_limits
from tasks.quality.detected import DETECTED, LIMITS
from tasks.quality.limits import FilterParams
from tasks.quality.measures import MEASURES, Measure
from tasks.stages.filter import Filter

SEED, FALSE_DROPS, ROOM, LEAST_ROOM = 71_001, 0.01, 0.5, 0.05
ALSO_CHOOSES, TOLD = 92_001, 93_001
"""Seeds of clean songs beside the first; of the last nobody looked at a song before the rules stood."""
LEAST = {"max_flat_share": 1e-4}
"""Room in the limit's own unit, where clean songs have none of a thing."""
LINE_LIMITS = ((0.1, 0.7), (0.2, 0.6), (0.3, 0.5), (0.4, 0.4))
SEEN = tuple(kind for kind in ALL if kind not in ("wrong_tempo", "swapped_caption"))
"""The captions of the others are wrong, and nothing here reads captions: their songs are clean ones."""
CALIBRATED = tuple(measure for measure in (*MEASURES, *DETECTED) if measure.calibrated)
BEFORE = tuple(measure for measure in CALIBRATED if measure in MEASURES)
DRAWS = 2_000

Limits = dict[str, float]


def values_of(song: Measured) -> dict[str, float | None]:
    """All that was measured of a song."""
    return {**(song.columns["quality"] or {}), **(song.columns["detected"] or {})}


def roomy_limits(clean: Sequence[Measured], measures: Sequence[Measure]) -> Limits:
    """Limits from clean songs alone: beyond the farthest of them by half as much as that one is beyond their median, and by 5 % of
    its own value at the least, or by `LEAST`: songs that are all at the end of a scale say nothing of its width.
    """
    limits: Limits = {}
    for measure in measures:
        found = [value for song in clean if (value := values_of(song)[measure.name]) is not None]
        for setting in measure.limits if found else ():
            sign = -1.0 if setting.startswith("min_") else 1.0
            values = sign * (np.abs(found) if measure.by_size else np.array(found))
            edge, middle = float(values.max()), float(np.median(values))
            room = max(ROOM * (edge - middle), LEAST_ROOM * abs(edge), LEAST.get(setting, 0.0))
            limits[setting] = sign * (edge + room)
    return limits


def calibrated_limits(songs: Sequence[Measured], measures: Sequence[Measure]) -> Limits:
    """As `jam calibrate` chooses them."""
    labelled = [
        Labelled(song.song_id, song.kind == CLEAN, song.kind, None if song.dropped else values_of(song))
        for song in songs
    ]
    return choose_limits(labelled, FALSE_DROPS, measures, ROOM)


def filter_of(params: Params, limits: Limits, mines: bool) -> Filter:
    """The stage with these limits alone."""
    none = dict.fromkeys(FilterParams.model_fields)
    held = {setting: limit for setting, limit in limits.items() if setting not in LIMITS}
    own = FilterParams(**{**none, "calibrated_for": (), "uncalibrated": "apply", "mask": False, **held})
    update = {setting: limits.get(setting) for setting in LIMITS}
    detect = params.detect.model_copy(update={"when": "always", **update})
    mine = params.mine.model_copy(update={"when": "always"}) if mines else None
    return Filter(own, detect=detect, mine=mine)


def judged(song: Measured, stage: Filter) -> tuple[str | None, Mapping[str, Any]]:
    """The reason of the drop, or what the filter writes of a song that it keeps."""
    if song.dropped:
        return song.dropped, {}
    facts = {"language": None, "split": "train", "duplicate_of": None, "near_benchmark": None}
    try:
        return None, stage.one(Song(song.song_id, {**song.columns, **facts})).columns
    except SongError as error:
        return error.reason, {}


def shares(songs: Mapping[str, Sequence[Measured]], params: Params, limits: Limits) -> dict[str, Any]:
    """Dropped songs by kind, with interval and reasons; `mended`: times that were found and shifted, songs that stay."""
    stage = filter_of(params, limits, False)
    rows = {}
    for kind, of_kind in songs.items():
        reasons = [judged(song, stage)[0] for song in of_kind]
        found = [reason for reason in reasons if reason]
        share = proportion(len(found), len(of_kind))
        shifted = sum(
            reason is None and bool(song.columns["claim_remark"] or song.columns["claim_offset_s"])
            for reason, song in zip(reasons, of_kind, strict=True)
        )
        rows[kind] = {
            **{"found": len(found), "n": share.n, "share": share.value, "low": share.low, "high": share.high},
            **{"mended": shifted, "reasons": dict(Counter(found).most_common())},
        }
    return rows


def errors_in(song: Measured, spans: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """Word errors and words truly sung, in these seconds."""

    def within(rows: Sequence[Any]) -> list[str]:
        texts = [
            text
            for text, start_s, end_s in rows
            if any(first <= (start_s + end_s) / 2 < last for first, last in spans)
        ]
        return normalise(texts)

    written = [(word["text"], word["start_s"], word["end_s"]) for word in song.columns["words"]]
    counts = count_errors(within(song.sung), within(written))
    return counts.substitutions + counts.deletions + counts.insertions, counts.num_reference


def mining(songs: Mapping[str, Sequence[Measured]], params: Params, limits: Limits) -> dict[str, Any]:
    """What mining wins of the songs of each kind that are dropped without it, and what it costs clean ones."""
    without, with_mining = filter_of(params, limits, False), filter_of(params, limits, True)
    rows = {}
    for kind, of_kind in songs.items():
        dropped = [song for song in of_kind if not song.dropped and judged(song, without)[0]]
        tried = of_kind if kind == CLEAN else dropped
        won, whole, won_s, whole_s = [], [], 0.0, 0.0
        for song in tried:
            reason, kept = judged(song, with_mining)
            if reason:
                continue
            duration_s = song.columns["duration_s"]
            masked = [(row["start_s"], row["end_s"]) for row in kept["masked"]]
            free = free_stretches(masked, frames_of_seconds(duration_s))
            spans = [(seconds_of_frames(first), seconds_of_frames(end)) for first, end in free]
            won_s += sum(end - first for first, end in spans)
            whole_s += duration_s
            won.append(errors_in(song, spans))
            whole.append(errors_in(song, [(0.0, duration_s + 1.0)]))
        rows[kind] = {
            **{"tried": len(tried), "kept": len(won), "tried_s": sum(s.columns["duration_s"] for s in tried)},
            **{"won_s": won_s, "of_s": whole_s, "wer": rate(won), "wer_whole": rate(whole)},
            "counts": np.sum(won, axis=0).tolist() if won else None,
        }
    return rows


def changed(params: Params, lowest: float, most: float) -> Params:
    """With these limits of a line: its least alignment, and the most that may be missed of it."""
    update = {"min_line_alignment": lowest, "max_line_missed": most}
    return params.model_copy(update={"mine": params.mine.model_copy(update=update)})


def pooled(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Over all kinds of faults: songs tried and kept, seconds won, their word error."""
    bad = [row for kind, row in rows.items() if kind != CLEAN]
    errors, words = (sum(row["counts"][number] for row in bad if row["counts"]) for number in (0, 1))
    sums = {name: sum(row[name] for row in bad) for name in ("tried", "kept", "won_s", "of_s")}
    return {**sums, "words": words, "wer": errors / words if words else None, "clean_s": rows[CLEAN]["won_s"]}


def rate(counts: Sequence[tuple[int, int]]) -> dict[str, Any] | None:
    """Word error with its interval over songs; None where nothing is sung."""
    if not sum(words for _, words in counts):
        return None
    table = np.array(counts)
    drawn = np.random.default_rng(0).integers(len(table), size=(DRAWS, len(table)))
    sums = table[drawn].sum(axis=1)
    rates = sums[:, 0] / np.maximum(sums[:, 1], 1)
    low, high = np.quantile(rates, (0.025, 0.975))
    value = table[:, 0].sum() / table[:, 1].sum()
    return {"value": float(value), "low": float(low), "high": float(high), "words": int(table[:, 1].sum())}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--clean", type=int, default=100)
    parser.add_argument("--songs", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=list(SEEN))
    args = parser.parse_args()
    torch.set_num_threads(1)
    args.scratch.mkdir(parents=True, exist_ok=True)
    params = load_params(Path(__file__).resolve().parents[1] / "params" / "toy2.yaml")
    begun = time.process_time()
    counts = {CLEAN: args.clean, **dict.fromkeys(args.kinds, args.songs)}
    songs = {
        kind: measured_songs(kind, SEED + (CLEAN, *ALL).index(kind), count, params, args.scratch)
        for kind, count in counts.items()
    }
    others, new = (
        measured_songs(CLEAN, seed, args.clean, params, args.scratch) for seed in (ALSO_CHOOSES, TOLD)
    )
    choosing = {kind: of_kind[::2] for kind, of_kind in songs.items()} | {CLEAN: [*songs[CLEAN], *others]}
    told = {kind: of_kind[1::2] for kind, of_kind in songs.items()} | {CLEAN: new}
    everyone = [song for of_kind in choosing.values() for song in of_kind]
    chosen = {
        "with room, before": roomy_limits(choosing[CLEAN], BEFORE),
        "with room, all": roomy_limits(choosing[CLEAN], CALIBRATED),
        "as calibrate, before": calibrated_limits(everyone, BEFORE),
        "as calibrate, all": calibrated_limits(everyone, CALIBRATED),
    }
    result = {
        "songs": counts,
        "limits": chosen,
        "found": {name: shares(told, params, limits) for name, limits in chosen.items()},
        "across": {
            name: [
                shares({CLEAN: asked}, params, roomy_limits(given, measures))[CLEAN]
                for given, asked in ((songs[CLEAN], others), (others, songs[CLEAN]))
            ]
            for name, measures in (("before", BEFORE), ("all", CALIBRATED))
        },
        "mining": mining(told, params, chosen["with room, all"]),
        "mining_by_limits": {
            f"{lowest:g}, {most:g}": pooled(
                mining(told, changed(params, lowest, most), chosen["with room, all"])
            )
            for lowest, most in LINE_LIMITS
        },
        "mine": params.mine.model_dump(mode="json"),
        "core_s_of_this_call": round(time.process_time() - begun, 1),
        "machine": machine(),
    }
    for name, rows in result["found"].items():
        print(name)
        for kind, row in rows.items():
            of = f"{row['found']} of {row['n']} ({row['low']:.2f} to {row['high']:.2f}), mended {row['mended']}"
            print(f"  {kind:<18} {of}  {row['reasons']}")
    for kind, row in result["mining"].items():
        print(f"  {kind:<18} {row}")
    write_result("quality_faults", result)


if __name__ == "__main__":
    main()
