"""Are styles of parts obeyed? Small models of world two, with and without them, asked for each song's own parts and for swapped ones.

python bench/part_styles.py --scratch FOLDER [--songs 120] [--held-out 24] [--pretrain 800] [--sft 250] [--seeds 5] [--out FILE]

Three trainings a seed, alike but for styles: `parts` learns the style of each part (true borders, a fifth of reads their mean),
`plain` one style a song, `dealt` the parts' borders with styles of parts of other songs, dealt at random. Each then generates held-out songs from
one noise, asked four ways: own parts, parts with the styles of one another (`swapped`), their mean, one style; of `plain` this says what untrained use
does. A part obeys where a reader that is no style encoder (`part_sound.py`) reads the value it was asked for; told is how much oftener
under own styles than under swapped ones, of parts whose value the swap changes, with an interval over songs, seeds pooled within a
song, and each seed's number. `floor`: the same reader on the codec's round trip of the true songs. Similarity by the style encoder, which
made the condition, stands beside and decides nothing; so does PER, by the ears of the songs' world.

A seed's model that stands in the result file is not trained again; FOLDER keeps songs and weights. Tokens lie where phones are
sung, held (toy2_causes.py), or no word would be learned in so few steps.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import RESULTS, machine, options_parser
from bench.part_songs import Song, songs_of, style_of_span, to_ask, to_learn
from bench.part_sound import ATTRIBUTES, Reader, part_features
from bench.toy2_causes import EVENLY, HELD_OUT_SEED, RECIPE, RESAMPLING, read
from bench.toy2_songs import Songs, Studio
from bench.toy2_training import Grid, sung, trained
from eval.stats.intervals import paired_rate_difference, rate
from flows.settings.params import load_params
from jam_model import batches
from jam_model.checkpoint import load_model, save_model

GRID: Grid = "held"
DROPOUT, LEAST_S = 0.2, 3.0
MODELS = ("parts", "plain", "dealt")
ASKED = ("own", "swapped", "mean", "one")


def features_of(songs: Sequence[Song], mixes: Iterator[np.ndarray]) -> list[list[np.ndarray | None]]:
    """What is read of each part of each song; None of parts that are too short."""
    return [
        [
            part_features(mix_CN, part, song.truth) if part.end_s - part.start_s >= LEAST_S else None
            for part in song.truth.parts
        ]
        for song, mix_CN in zip(songs, mixes, strict=True)
    ]


def readers_of(songs: Sequence[Song], studio: Studio) -> dict[str, Reader]:
    """A reader of each attribute, learned from the round trip of these songs."""
    found = features_of(songs, (studio.codec.decode(song.sample.mean_TC) for song in songs))
    rows = [
        (features, part.style)
        for song, of_song in zip(songs, found, strict=True)
        for part, features in zip(song.truth.parts, of_song, strict=True)
        if features is not None
    ]
    features_PD = np.stack([features for features, _ in rows])
    return {
        name: Reader.of(features_PD, [value_of(style) for _, style in rows])
        for name, value_of in ATTRIBUTES.items()
    }


def right_of(
    songs: Sequence[Song], found: Sequence[Sequence[np.ndarray | None]], reader: Reader, name: str
) -> list[list[int]]:
    """[read as asked by the own style, parts] of each song, over parts whose value a swap changes."""
    value_of, counts = ATTRIBUTES[name], []
    for song, of_song in zip(songs, found, strict=True):
        values = [value_of(part.style) for part in song.truth.parts]
        judged = [
            number
            for number, features in enumerate(of_song)
            if features is not None and values[song.swaps[number]] != values[number]
        ]
        read_as = reader.read(np.stack([of_song[n] for n in judged])) if judged else []  # type: ignore[arg-type]
        counts.append([sum(bool(r == values[n]) for r, n in zip(read_as, judged, strict=True)), len(judged)])
    return counts


def measured(
    model_name: str, seed: int, given: argparse.Namespace, songs: Sequence[Song], new: Sequence[Song],
    studio: Studio, readers: Mapping[str, Reader],
) -> dict[str, Any]:  # fmt: skip
    """The row of a model of a seed."""
    steps = [f"pretrain.steps={given.pretrain}", f"sft.steps={given.sft}"]
    params = load_params(RECIPE, [*EVENLY, *steps, f"pretrain.seed={seed}", f"sft.seed={seed + 1000}"])
    facts = [
        model_name,
        seed,
        len(songs),
        params.jam.model_dump(),
        params.pretrain.model_dump(),
        params.sft.model_dump(),
    ]
    folder = (
        given.scratch / f"model-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]}"
    )
    if not (folder / "took.json").is_file():
        with patch.object(batches, "Batches", partial(batches.Batches, part_style_dropout=DROPOUT)):
            learned = to_learn(model_name, songs, seed)
            model, took = trained(params, GRID, learned, studio.codec.silence_C)
        save_model(folder, model)
        (folder / "took.json").write_text(json.dumps(took))
    model = load_model(folder).eval()
    row: dict[str, Any] = json.loads((folder / "took.json").read_text())
    for how in ASKED:
        latents = list(sung(model, params, GRID, to_ask(how, new), studio))
        mixes = [studio.codec.decode(latent_TC) for latent_TC in latents]
        found = features_of(new, iter(mixes))
        row[how] = {
            "right": {name: right_of(new, found, reader, name) for name, reader in readers.items()},
            "phones": [list(counts) for counts in read(Songs(s.sample for s in new), iter(latents), studio)],
            "similarity": [
                _similarity(song, mix_CN, studio) for song, mix_CN in zip(new, mixes, strict=True)
            ],
        }
    return row


def _similarity(song: Song, mix_CN: np.ndarray, studio: Studio) -> float:
    """The mean cosine of each part's sound to the style of the true part."""
    long = [n for n, part in enumerate(song.truth.parts) if part.end_s - part.start_s >= LEAST_S]
    heard = [
        style_of_span(mix_CN, song.truth.parts[n].start_s, song.truth.parts[n].end_s, studio) for n in long
    ]
    return float(np.mean([one_S @ song.parts.styles_KS[n] for one_S, n in zip(heard, long, strict=True)]))


def summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """Of each model: own less swapped by attribute, over seeds pooled within a song and seed by seed; PER and similarity by what was asked."""
    told: dict[str, Any] = {}
    for model in MODELS:
        rows = [row for name, row in sorted(result["rows"].items()) if name.startswith(f"{model}/")]
        if not rows:
            continue
        told[model] = {"seeds": len(rows), "own less swapped": {}}
        for name in ATTRIBUTES:
            pooled = [np.sum([row[how]["right"][name] for row in rows], axis=0) for how in ("own", "swapped")]
            told[model]["own less swapped"][name] = {
                "over songs": _difference(*pooled),
                "seed by seed": [
                    _difference(*(np.array(row[how]["right"][name]) for how in ("own", "swapped")))[0]
                    for row in rows
                ],
                "parts": int(pooled[0][:, 1].sum()),
            }
        for how in ASKED:
            phones = np.sum([row[how]["phones"] for row in rows], axis=0)
            per = rate(phones[:, 0].tolist(), phones[:, 1].tolist(), RESAMPLING)
            told[model][f"PER, {how}"] = [_rounded(value) for value in (per.value, per.low, per.high)]
            told[model][f"similarity, {how}"] = _rounded(
                float(np.mean([row[how]["similarity"] for row in rows]))
            )
    return told


def _difference(own: np.ndarray, swapped: np.ndarray) -> list[float | None]:
    columns = [counts[:, place].tolist() for counts in (own, swapped) for place in (0, 1)]
    found = paired_rate_difference(*columns, RESAMPLING)
    return [_rounded(value) for value in (found.value, found.low, found.high)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def main() -> None:
    """Measure what does not stand, and write after each."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=24)
    parser.add_argument("--pretrain", type=int, default=800)
    parser.add_argument("--sft", type=int, default=250)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--out", type=Path, default=RESULTS / "part_styles.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    asked = {name: getattr(given, name) for name in ("songs", "held_out", "pretrain", "sft")}
    result: dict[str, Any] = (
        json.loads(given.out.read_text()) if given.out.is_file() else {"asked": asked, "rows": {}}
    )
    if result["asked"] != asked:
        raise SystemExit(f"{given.out} was measured with {result['asked']}; give the same, or another --out")
    params = load_params(RECIPE, EVENLY)
    studio = Studio(params)
    songs = songs_of(params, params.toy.seed, given.songs, studio, given.scratch)
    new = songs_of(params, HELD_OUT_SEED, given.held_out, studio, given.scratch)
    readers = readers_of(songs, studio)
    truth = features_of(new, (studio.codec.decode(song.sample.mean_TC) for song in new))
    result["floor"] = {}
    for name, reader in readers.items():
        counts = np.array(right_of(new, truth, reader, name))
        right = rate(counts[:, 0].tolist(), counts[:, 1].tolist(), RESAMPLING)
        result["floor"][name] = [_rounded(value) for value in (right.value, right.low, right.high)]
    for seed in range(given.seeds):
        for name in given.only:
            if f"{name}/{seed}" not in result["rows"]:
                result["rows"][f"{name}/{seed}"] = measured(name, seed, given, songs, new, studio, readers)
                result["summary"], result["machine"] = summary(result), machine("numpy", "torch")
                given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
            print(f"{name}/{seed} stands", flush=True)
    print(json.dumps({"floor": result["floor"], **summary(result)}, indent=1))


if __name__ == "__main__":
    main()
