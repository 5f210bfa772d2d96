"""What onsets, beats and tempo of asked drums can tell at best: of songs of world two against themselves, and against the next song's.

python bench/drum_floors.py --scratch FOLDER [--songs 12]

Asked onsets are those that the stage `drums` writes (`flux_onsets` of what is struck in the mix less its separated vocals); heard are librosa's, as `adherence` hears them, in the same song and in
its round trip through the `harmonic` codec. Beats are the truth's against librosa's. FOLDER keeps each song's times; songs that stand are not heard again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import performed
from bench.toy_floors import true_song
from eval.metrics.controls.beats import beat_f1
from eval.metrics.controls.tempo import tempo_right
from eval.metrics.lyrics_alignment import onset_scores
from eval.stats.intervals import mean
from flows.settings.params import Params, load_params
from tasks.models.beats import Beats, LibrosaTracker
from tasks.models.coarse_latents import percussive
from tasks.models.codec import build_codec
from tasks.models.embedded.onsets import flux_onsets, librosa_onsets
from tasks.models.separator import build_separator

SEED = 717171  # of bench/control_adherence.py: nobody learned these songs
Times = dict[str, Any]


def heard_in(mix_CN: np.ndarray, beats_s: list[float], params: Params) -> Times:
    """Times of one song: asked and true, heard in it, heard in its round trip."""
    separator, codec, tracker = (
        build_separator(params.models.separator),
        build_codec(params.models.codec),
        LibrosaTracker(),
    )
    band_CN = mix_CN - separator.separate(mix_CN)
    back_CN = codec.decode(codec.encode(mix_CN)[0])[:, : mix_CN.shape[1]]
    return {
        "asked": flux_onsets(percussive(band_CN)),
        "true beats": beats_s,
        "true song": librosa_onsets(band_CN),
        "round trip": librosa_onsets(back_CN - separator.separate(back_CN)),
        "beats of true song": tracker.track(mix_CN).times_s,
        "beats of round trip": tracker.track(back_CN).times_s,
    }


def songs_of(count: int, params: Params, path: Path) -> list[Times]:
    """The first songs that can be, from an earlier run as far as they stand."""
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    first = found[-1]["index"] + 1 if found else 0
    for index, song in islice(performed(SEED, params, first), max(0, count - len(found))):
        beats_s = [float(time_s) for time_s in true_song(song.truth).beats_s]
        times = heard_in(song.mix_CN.astype(np.float32), beats_s, params) | {"index": index}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(times) + "\n")
        found.append(times)
    return found[:count]


def figures(songs: list[Times]) -> dict[str, list[Any]]:
    """Each score with its interval over songs; `next`: the round trip of the next song."""

    def bpm(times_s: list[float]) -> float | None:
        return Beats(tuple(times_s), None).tempo_bpm

    def tempo(which: int) -> Callable[[list[float], list[float]], float]:
        return lambda true_s, found_s: float(tempo_right(bpm(true_s) or 1.0, bpm(found_s))[which])

    scores = {
        "drum onset F1": ("asked", "", lambda asked_s, found_s: onset_scores(asked_s, found_s)[0]),
        "beat F1": ("true beats", "beats of ", beat_f1),
        "tempo, accuracy 1": ("true beats", "beats of ", tempo(0)),
        "tempo, accuracy 2": ("true beats", "beats of ", tempo(1)),
    }
    told = {}
    for name, (asked, before, score) in scores.items():
        for said, sound, shift in (
            ("true song", "true song", 0),
            ("round trip", "round trip", 0),
            ("next", "round trip", 1),
        ):
            others = [songs[(i + shift) % len(songs)] for i in range(len(songs))]
            values = [
                score(one[asked], two[f"{before}{sound}"]) for one, two in zip(songs, others, strict=True)
            ]
            estimate = mean(values, RESAMPLING)
            assert estimate.value is not None and estimate.low is not None and estimate.high is not None
            told[f"{name}: {said}"] = [round(v, 3) for v in (estimate.value, estimate.low, estimate.high)] + [
                estimate.n
            ]
    return told


def main() -> None:
    """Hear, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--out", type=Path, default=RESULTS / "drum_floors.json")
    given = parser.parse_args()
    given.scratch.mkdir(parents=True, exist_ok=True)
    songs = songs_of(given.songs, load_params(RECIPE, [*EVENLY]), given.scratch / "drums.jsonl")
    result = {"songs": len(songs), "scores": figures(songs), "machine": machine("librosa", "numpy")}
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["scores"], indent=1))


if __name__ == "__main__":
    main()
