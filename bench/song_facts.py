"""Tempo, metre and key of toy songs of world two as `describe` hears them in the mix, beside librosa's; 100 songs that nothing else uses.

python bench/song_facts.py --songs 100 --seed 240992 [--ours]

The settings were chosen on songs 0 to 49 of the set 240117, the level of the beat on these and 60 of 240118. `--ours`: what needs librosa
is left out (a fifth of the time), and stays in the result as it was measured of the same songs. Tempo: within 4 % (accuracy 1), and with octaves and triples forgiven
(accuracy 2). Key: MIREX weights against the key of the first part; `librosa`: Krumhansl's profiles over the CQT chroma of the harmonic
part of the mix (`bench/floor_measures.py`). Certainty: how often what is said with it is right, by tenths.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import bench.floor_measures as tools
from bench.measuring import RESULTS, machine, options_parser, write_result
from bench.segments import RESAMPLING, TUNED_ON, told
from eval.metrics.controls.tempo import tempo_right
from eval.metrics.key import key_score
from eval.stats.intervals import mean, paired_mean_difference
from flows.settings.params import load_params
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.description.describer import SongFacts
from tasks.models.embedded.chroma import chroma_of
from tasks.models.embedded.keys import key_of_chords
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform

SHARES = (0.0, 0.3, 0.5, 0.7, 0.9, 1.01)


def row_of(seed: int, features: object, with_librosa: bool) -> dict[str, float]:
    """What was right of one song: 1 or 0, a key's weight, and certainties."""
    song = perform(compose(seed, features))  # type: ignore[arg-type]
    truth, mix_CN = song.truth, song.mix_CN
    key = f"{tools.NAMES[truth.keys[0].tonic]} {truth.keys[0].mode}"
    facts = {fact.name: fact for fact in SongFacts().facts(mix_CN, {})}
    tempo, metre, heard = (facts.get(name) for name in ("tempo_bpm", "metre", "key"))
    right = tempo_right(truth.tempo_bpm, tempo and tempo.number)
    by_chords = key_of_chords([(chord.start_s, chord.end_s, chord.name) for chord in truth.chords])
    row = {
        "tempo": right[0],
        "tempo_octaves": right[1],
        "tempo_certainty": tempo.certainty if tempo else 0.0,
        "metre": metre is not None and metre.number == truth.beats_per_bar,
        "metre_always_4": truth.beats_per_bar == 4,
        "metre_certainty": metre.certainty if metre else 0.0,
        "key": key_score(key, heard and heard.text),
        "key_certainty": heard.certainty if heard else 0.0,
        "key_of_true_chords": key_score(key, by_chords and by_chords.name),
    }
    if not with_librosa:
        return row
    low_N = librosa.resample(
        mix_CN.mean(axis=0), orig_sr=SAMPLE_RATE_HZ, target_sr=22_050, res_type="soxr_hq"
    )
    theirs = float(np.atleast_1d(librosa.beat.beat_track(y=low_N, sr=22_050)[0])[0])
    right_theirs = tempo_right(truth.tempo_bpm, theirs or None)
    return {
        **row,
        "tempo_librosa": right_theirs[0],
        "tempo_octaves_librosa": right_theirs[1],
        "key_librosa": tools.key_score(key, tools.chroma_of(mix_CN)),
        "key_krumhansl_on_our_chroma": tools.key_score(key, chroma_of(mix_CN).T),
    }


def by_certainty(rows: list[dict[str, float]], name: str, right: str) -> list[dict[str, float]]:
    """How many songs, and how often they are right, by how certain they are."""
    found = []
    for low, high in pairwise(SHARES):
        of = [row[right] for row in rows if low <= row[f"{name}_certainty"] < high]
        if of:
            found.append({"from": low, "songs": len(of), "right": float(np.mean(of))})
    return found


def run(num_songs: int, seed: int, with_librosa: bool, tell: Callable[[str], None]) -> dict[str, object]:
    """Means with intervals over songs, and our key above librosa's, paired."""
    features = load_params().toy.two
    rows = []
    for number in range(num_songs):
        found = row_of(song_seed(seed, number), features, with_librosa)
        rows.append({name: float(value) for name, value in found.items()})
        tell(f"{number + 1} of {num_songs}")
    names = [name for name in rows[0] if not name.endswith("_certainty")]
    pairs = (("key", "key_librosa"), ("tempo", "tempo_librosa"), ("metre", "metre_always_4"))
    return {
        "songs": num_songs,
        "seed": seed,
        "tuned_on": {"set": TUNED_ON, "songs": 50},
        "scores": {name: told(mean([row[name] for row in rows], RESAMPLING)) for name in names},
        "above": {
            f"{a} - {b}": told(
                paired_mean_difference([row[a] for row in rows], [row[b] for row in rows], RESAMPLING)
            )
            for a, b in pairs
            if b in names
        },
        "by_certainty": {
            "tempo_octaves": by_certainty(rows, "tempo", "tempo_octaves"),
            "key": by_certainty(rows, "key", "key"),
            "metre": by_certainty(rows, "metre", "metre"),
        },
        "machine": machine("librosa"),
    }


if __name__ == "__main__":
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=240992)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--ours", action="store_true")
    given = parser.parse_args()
    result = run(given.songs, given.seed, not given.ours, lambda line: print(line, file=sys.stderr))
    path = given.out / "song_facts.json"
    if given.ours and path.is_file():
        before = json.loads(path.read_text())
        if (before["songs"], before["seed"]) != (given.songs, given.seed):
            sys.exit(f"{path} was measured of other songs; leave out --ours, or give another --out")
        scores: dict[str, object] = result["scores"]  # type: ignore[assignment]
        same = {f"{name} - {name}_librosa" for name in scores if before["scores"].get(name) == scores[name]}
        stays = {pair: told for pair, told in before["above"].items() if pair in same}
        result |= {"scores": before["scores"] | scores, "above": stays | result["above"]}  # type: ignore[operator]
    write_result("song_facts", result, given.out)
