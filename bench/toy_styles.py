"""What the embedded style encoder hears of a part's style: attributes of the truth, read from part-long crops of world two.

python bench/toy_styles.py --songs 48 --out bench/results/toy_styles.json

Every part of at least 3 s is a crop of its own, as it is and after the harmonic codec. A ridge regression on the parts of
one half of the songs reads each attribute on those of the other half, and the reverse: from the style that the encoder gives,
and from the statistics that it is made of, before they are reduced to what tells the genres of world one apart. Beside them
stands the share of the most usual value, which needs no hearing.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, options_parser
from eval.stats.intervals import Resampling, rate
from flows.settings.params import load_params
from tasks.models.codec import HarmonicCodec
from tasks.models.style_encoder import SpectralStyleEncoder, crop_statistics
from tasks.toy.composition import song_seed
from tasks.toy.sound.synthesis import SAMPLE_RATE_HZ
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.truth import PartStyle

SEED, LEAST_S, RIDGE = 717171, 3.0, 10.0
RESAMPLING = Resampling(10_000, 0)
ATTRIBUTES: dict[str, Callable[[PartStyle], Any]] = {
    "snare on": lambda style: style.snare >= 0,
    "hat on": lambda style: style.hat,
    "chords a bar": lambda style: style.strikes_per_bar,
    "lowest chord note": lambda style: style.register_midi,
    "partials": lambda style: style.brightness,
    "side share": lambda style: style.side_share,
    "tremolo": lambda style: style.tremolo_hz > 0,
}
HEARD = ("statistics", "style")


def parts_of(num_songs: int) -> Iterator[tuple[int, PartStyle, dict[str, dict[str, np.ndarray]]]]:
    """(song, true style, what is heard of it by sound and kind) of every part that is long enough."""
    features = load_params().toy.two
    encoder, codec = SpectralStyleEncoder(), HarmonicCodec()
    for number in range(num_songs):
        song = perform(compose(song_seed(SEED, number), features))
        mix_CN = song.mix_CN.astype(np.float32)
        sounds = {"true": mix_CN, "harmonic round trip": codec.decode(codec.encode(mix_CN)[0])}
        for part in song.truth.parts:
            if part.end_s - part.start_s < LEAST_S:
                continue
            span = slice(*(int(bound_s * SAMPLE_RATE_HZ) for bound_s in (part.start_s, part.end_s)))
            heard = {
                name: {
                    "statistics": crop_statistics(sound_CN[:, span]).mean(axis=0),
                    "style": encoder.embed_audio(sound_CN[:, span]).mean(axis=0),
                }
                for name, sound_CN in sounds.items()
            }
            yield number, part.style, heard


def read(features_PD: np.ndarray, values: np.ndarray, halves: np.ndarray) -> np.ndarray:
    """Which parts' value was read rightly by a regression that never saw their songs, [P]."""
    classes, labels = np.unique(values, return_inverse=True)
    right = np.zeros(len(values), bool)
    for half in (False, True):
        known = halves == half
        mean_D, std_D = features_PD[known].mean(axis=0), features_PD[known].std(axis=0) + 1e-6
        inputs_PD = np.concatenate([(features_PD - mean_D) / std_D, np.ones((len(labels), 1))], axis=1)
        one_hot = np.eye(len(classes))[labels[known]]
        gram_DD = inputs_PD[known].T @ inputs_PD[known] + RIDGE * np.eye(inputs_PD.shape[1])
        weights = np.linalg.solve(gram_DD, inputs_PD[known].T @ one_hot)
        right[~known] = (inputs_PD[~known] @ weights).argmax(axis=1) == labels[~known]
    return right


def measure(num_songs: int) -> dict[str, Any]:
    """The share of parts whose attribute is read rightly, with its interval over songs."""
    parts = list(parts_of(num_songs))
    songs = np.array([number for number, *_ in parts])
    told: dict[str, Any] = defaultdict(dict)
    for name, value_of in ATTRIBUTES.items():
        values = np.array([value_of(style) for _, style, _ in parts])
        told[name]["most usual"] = round(
            float(np.unique(values, return_counts=True)[1].max() / len(values)), 3
        )
        for sound in parts[0][2]:
            for kind in HEARD:
                heard_PD = np.stack([heard[sound][kind] for *_, heard in parts]).astype(np.float64)
                right = read(heard_PD, values, songs % 2 == 1)
                by_song = [(right[songs == song].sum(), (songs == song).sum()) for song in np.unique(songs)]
                found = rate(*map(list, zip(*by_song, strict=True)), RESAMPLING)
                figures = (found.value, found.low, found.high)
                told[name][f"{kind}, {sound}"] = [round(float(one), 3) for one in figures if one is not None]
    return {"songs": num_songs, "parts": len(parts), "read_rightly": told}


def main() -> None:
    """Measure, print, write."""
    parser = options_parser(__doc__)
    parser.add_argument("--songs", type=int, default=48)
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    torch.set_num_threads(1)
    text = json.dumps({**measure(given.songs), "machine": machine("numpy", "scipy")}, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
