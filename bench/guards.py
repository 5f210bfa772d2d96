"""What guards of preference pairs hear: phone errors of each on toy songs, and whether they notice a line that is not sung.

python bench/guards.py --songs 24 --out bench/results

Each guard that hears phones (`models.guard_transcriber`: the embedded wide net, which was trained on such songs, and hama, which was trained on
people) hears the true singer, the vocals separated from the mix, and those separated from what the codec makes of the mix. Then pairs
as `pair.max_phone_loss` has them, separated from what the codec makes: the song against itself with the band 3 dB louder, whose words are
the same, and with one line of the singer silenced, which is worse by the phones of that line.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from bench.measuring import RESULTS, machine, options_parser, write_result
from eval.metrics.error_rates import NO_COUNTS, ErrorCounts, count_errors
from flows.settings.params import load_params
from tasks.models.codec import build_codec
from tasks.models.phonemizer import build_phonemizer
from tasks.models.separator import build_separator
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import SAMPLE_RATE_HZ, compose, song_seed
from tasks.toy.performance import perform

SEED = 905
LIMITS = (0.05, 0.1, 0.15, 0.2)
LOUDER_DB = 3.0


def main() -> None:
    """Hear all songs by all guards."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    models = load_params().models
    separator, codec = build_separator(models.separator), build_codec(models.codec)
    phonemizer = build_phonemizer(models.phonemizer)
    guards = {
        name: build_transcriber(models.guard_transcriber.model_copy(update={"model": name}))
        for name in ("embedded", "hama")
    }
    counts: dict[str, dict[str, ErrorCounts]] = {name: defaultdict(lambda: NO_COUNTS) for name in guards}
    risen: dict[str, dict[str, list[float]]] = {name: defaultdict(list) for name in guards}
    for number in range(options.songs):
        score = compose(song_seed(SEED, number))
        song = perform(score)
        asked = phonemizer.phones([word.text for word in song.words])
        coded = [separator.separate(codec.decode(codec.encode(mix_CN)[0])) for mix_CN in mixes(score, song)]
        sounds = {
            "true vocals": song.vocals_N,
            "separated": separator.separate(song.mix_CN),
            "coded": coded[0],
        }
        for name, guard in guards.items():
            for sound, vocals_N in sounds.items():
                heard = guard.transcribe(np.asarray(vocals_N, np.float32)).phones or []
                counts[name][sound] += count_errors(asked, heard)
            rates = [count_errors(asked, guard.transcribe(one).phones or []).rate for one in coded]
            risen[name]["band 3 dB louder"].append(rates[1] - rates[0])
            risen[name]["a line silenced"].append(rates[2] - rates[0])
    result: dict[str, Any] = {"machine": machine("hama"), "songs": options.songs, "seed": SEED, "guards": {}}
    for name, guard in guards.items():
        result["guards"][name] = {
            "identity": guard.identity,
            "phones": counts[name]["coded"].num_reference,
            "phone_error_rate": {sound: of_sound.rate for sound, of_sound in counts[name].items()},
            "rise": {kind: told(values) for kind, values in risen[name].items()},
        }
    write_result("guards", result, options.out)


def mixes(score: Any, song: Any) -> list[np.ndarray]:
    """The song, the song with a louder band, and without the middle line of the singer."""
    first, last = score.lines[len(score.lines) // 2]
    silenced_N = song.vocals_N.copy()
    start_s, end_s = song.words[first].start_s, song.words[last - 1].end_s
    silenced_N[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)] = 0
    louder_CN = song.vocals_N + song.band_CN * 10 ** (LOUDER_DB / 20)
    return [song.mix_CN, louder_CN.astype(np.float32), (silenced_N + song.band_CN).astype(np.float32)]


def told(values: list[float]) -> dict[str, Any]:
    """The median rise, and the share of songs in which it is above each limit."""
    above = {f"above {limit:g}": float(np.mean(np.array(values) > limit)) for limit in LIMITS}
    return {"median": float(np.median(values)), **above}


if __name__ == "__main__":
    main()
