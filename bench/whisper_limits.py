"""Limits for Whisper's ears: chosen as `jam calibrate` does on toy songs of world two, good and bad, and what they drop of others.

python bench/whisper_limits.py --params params/whisper_tiny_words.yaml --scratch FOLDER --name whisper_limits_tiny [--minutes 9]

Whisper lays the words and hears them; the songs are English, 10 to 15 s, their lyrics without times. Bad ones have the lyrics of another
song. Limits are chosen on songs of one seed and told of songs of another. Songs go through the stages in process; those of an earlier
call are read from the scratch folder.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import soundfile

from bench.fault_songs import gate_stages
from bench.measuring import RESULTS, machine, options_parser, write_result
from eval.metrics.error_rates import NO_COUNTS, count_errors, normalise
from eval.stats.intervals import proportion
from flows.settings.params import Params, load_params
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.quality.calibrate import GOOD, Labelled, choose_limits, reason_of
from tasks.songs.columns import SONG_COLUMNS
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.score import Score
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

SEEDS = {"chosen on": 4106, "told of": 4207}
SWAPPED = "another song's lyrics"
LENGTH_S = (10.0, 15.0)
UNTIMED = ("max_times_offset_s", "max_times_drift", "max_times_spread_s")
"""Limits on times that came with lyrics, which these songs do not have."""


def scores(seed: int) -> Iterator[Score]:
    """Songs of these lengths; a slow one that has no form so short is passed over."""
    lengths = dict(zip(("min_duration_s", "max_duration_s"), LENGTH_S, strict=True))
    features = load_params().toy.two.model_copy(update=lengths)
    for number in count():
        with suppress(ValueError):
            yield compose(song_seed(seed, number), features)


def written(truth: Truth) -> list[list[str]]:
    """The words of each line of its lyrics."""
    return [
        [word.text for word in truth.words[line.first_word : line.end_word]]
        for line in truth.lines
        if line.in_lyrics
    ]


def measured(score: Score, lines: list[list[str]], steps: list[Stage]) -> dict[str, Any]:
    """What the stages make of a song with these lyrics."""
    song = perform(score)
    file = io.BytesIO()
    soundfile.write(file, song.mix_CN.T, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    facts = {
        **dict.fromkeys(SONG_COLUMNS),
        "audio": {"path": None, "bytes": file.getvalue()},
        "duration_s": song.mix_CN.shape[1] / SAMPLE_RATE_HZ,
        "lyrics": [word for line in lines for word in line],
        **{"lyrics_times": None, "lyrics_lines": None, "lyrics_language": None, "num_lines": len(lines)},
    }
    row, dropped = Song("song", facts), None
    try:
        for stage in steps:
            row = stage.one(row)
    except SongError as error:
        dropped = error.reason
    kept = {name: row.columns.get(name) for name in ("quality", "transcript", "duration_s")}
    return {**kept, "dropped": dropped, "sung": [word for line in written(song.truth) for word in line]}


def songs_of(
    name: str, counts: dict[str, int], params: Params, path: Path, until: float
) -> list[dict[str, Any]]:
    """The songs of every kind, in turn."""
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    kinds = [
        kind
        for _, kind in sorted(
            ((place + 0.5) / songs, kind) for kind, songs in counts.items() for place in range(songs)
        )
    ]
    numbers, others = scores(SEEDS[name]), scores(SEEDS[name] + 1)
    steps = gate_stages(params)
    with path.open("a") as file:
        for place, kind in enumerate(kinds):
            score, other = next(numbers), next(others)
            if place < len(found):
                continue
            if time.time() > until:
                sys.exit(f"{len(found)} of {len(kinds)} songs that limits are {name}; call again to go on")
            lines = written(truth_of(score if kind == GOOD else other))
            found.append({"kind": kind, **measured(score, lines, steps)})
            file.write(json.dumps(found[-1]) + "\n")
            file.flush()
    return found


def labelled(songs: list[dict[str, Any]]) -> list[Labelled]:
    """As a manifest's labels would have them."""
    return [
        Labelled(f"{place:03d}", song["kind"] == GOOD, song["kind"], song["quality"], song["dropped"])
        for place, song in enumerate(songs)
    ]


def told(songs: list[dict[str, Any]], params: Params, limits: dict[str, Any]) -> dict[str, Any]:
    """What the limits drop of each kind, and word errors of what was heard."""
    held = params.filter.model_copy(update=limits)
    by_kind: dict[str, Any] = {}
    for kind in dict.fromkeys(song["kind"] for song in songs):
        reasons = [reason_of(song, held) for song in labelled(songs) if song.kind == kind]
        share = proportion(len(reasons) - reasons.count(None), len(reasons))
        by_kind[kind] = {
            "dropped": len(reasons) - reasons.count(None),
            "n": len(reasons),
            "interval": [share.low, share.high],
            "reasons": dict(Counter(reason for reason in reasons if reason)),
        }
    counts = NO_COUNTS
    for song in songs:
        counts += count_errors(normalise(song["sung"]), normalise(song["transcript"] or []))
    minutes = sum(song["duration_s"] for song in songs) / 60
    heard = {"word_error_rate": counts.rate, "words": counts.num_reference, "minutes": minutes}
    return {"kinds": by_kind, **heard}


def main() -> None:
    """Choose, then tell."""
    parser = options_parser(__doc__)
    parser.add_argument("--params", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--chosen-on", type=int, nargs=2, default=(30, 10), help="good, swapped")
    parser.add_argument("--told-of", type=int, nargs=2, default=(30, 10))
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--name", required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    until = time.time() + 60 * options.minutes
    options.scratch.mkdir(parents=True, exist_ok=True)
    params = load_params(options.params)
    sets = {}
    for name, asked in (("chosen on", options.chosen_on), ("told of", options.told_of)):
        counts = dict(zip((GOOD, SWAPPED), asked, strict=True))
        path = options.scratch / f"{options.name}-{name.replace(' ', '-')}.jsonl"
        sets[name] = songs_of(name, counts, params, path, until)
    chosen = choose_limits(labelled(sets["chosen on"]), params.calibrate.false_drop_share)
    limits = {**chosen, **dict.fromkeys(UNTIMED)}
    result = {
        "machine": machine("faster-whisper"),
        "seeds": SEEDS,
        "length_s": LENGTH_S,
        "false_drop_share": params.calibrate.false_drop_share,
        "filter": {"calibrated_for": sorted(set(params.models.measuring())), **limits},
        **{name: told(songs, params, limits) for name, songs in sets.items()},
    }
    write_result(options.name, result, options.out)


if __name__ == "__main__":
    main()
