"""How few evaluations sing as well: Euler's method and Adams-Bashforth over numbers of steps, on new toy songs.

python bench/solvers.py --checkpoint FOLDER --scratch FOLDER [--songs 256] [--minutes 30]

FOLDER is a fine-tuned model on toy songs (`make demo` leaves one in data/checkpoints/sft). Songs are composed here, so no
model has seen them; each is generated from one noise by every solver, at the toy's guidance and at the released
one, and measured by the embedded models, which are stand-ins. Songs are taken in blocks, every setting of a block before
the next, so a run may be stopped at any time and goes on where it was.

A setting is held against 49 updates of Euler (the released 50 grid points), paired by song, with 90 % intervals: of acoustic PER
and the judge by resampling songs, of FAD (as a ratio) by the jackknife. `equal`: PER within +-0.01 by its whole interval, FAD
within 5 % and the judge within 0.05 by value; `surely_equal`: all three by their whole intervals.
"""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.measuring import machine, options_parser, write_result
from eval.metrics.error_rates import count_errors, normalise
from eval.metrics.frechet import FrechetReference, WindowStatistics, merged, window_statistics
from eval.stats.intervals import Resampling, drawn_counts_BN
from flows.settings.params import Params, load_params
from jam_model.batches import Crop, conditions_of
from jam_model.checkpoint import load_model
from jam_model.config import Guidance, ODESolver
from jam_model.dit import Jam
from jam_model.sampler import sample, song_noise
from jam_model.shards import Sample
from tasks.models.codec import build_codec
from tasks.models.judge import build_judge
from tasks.models.phonemizer import build_phonemizer
from tasks.models.separator import build_separator
from tasks.models.style_encoder import build_style_encoder
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import compose, song_seed
from tasks.toy.performance import perform

SEED = 515151
REFERENCE = ("euler", 49)
SETTINGS = [REFERENCE, *(("euler", n) for n in (4, 6, 8, 12, 16, 25)), *(("ab2", n) for n in (4, 6, 8, 12))]
RELEASED = Guidance(4.7, 2.6, (0.05, 1.0), "dual")
BLOCK = 8
PER, FAD, JUDGE = 0.01, 0.05, 0.05
TAILS = [0.05, 0.95]


@dataclass(frozen=True)
class Song:
    """A prompt with its true windows."""

    sample: Sample
    phones: list[str]
    windows_WD: np.ndarray


class Studio:
    """The embedded models: what makes prompts, and what measures songs."""

    def __init__(self, params: Params) -> None:
        models = params.models
        self.codec, self.judge = build_codec(models.codec), build_judge(models.judge)
        self.separator, self.phonemizer = (
            build_separator(models.separator),
            build_phonemizer(models.phonemizer),
        )
        self.transcriber = build_transcriber(models.transcriber, 0.0)
        self.style = build_style_encoder(models.style_encoder)

    def song(self, number: int) -> Song:
        """A new toy song: words as performed, style of the true mix."""
        performed = perform(compose(song_seed(SEED, number)))
        mean_TC, std_TC = self.codec.encode(performed.mix_CN)
        said = self.phonemizer.phonemize([word.text for word in performed.words])
        words = tuple(
            replace(word, phonemes=one.phonemes) for word, one in zip(performed.words, said, strict=True)
        )
        style_NS = np.asarray(self.style.embed_audio(performed.mix_CN), np.float32)
        return Song(
            Sample(f"song-{number:04d}", mean_TC, std_TC, style_NS, words),
            self.phonemizer.phones(normalise([word.text for word in words])),
            self.style.windows(performed.mix_CN),
        )

    def measured(self, song: Song, latent_TC: np.ndarray) -> dict[str, Any]:
        """Errors of the hypothesis phones, the judge's mean and the windows of one generated song."""
        mix_CN = self.codec.decode(latent_TC)
        heard = self.transcriber.transcribe(self.separator.separate(mix_CN)).phones
        return {
            "errors": count_errors(song.phones, heard).errors,
            "judge": float(np.mean(self.judge.score(mix_CN))),
            "windows": self.style.windows(mix_CN),
        }


def generate(model: Jam, songs: list[Song], solver: ODESolver, guidance: Guidance, negative_S: Any) -> Any:
    """Latents of a block, [B, T, C]; every song from its own noise."""
    frames = model.config.max_frames
    picked = [(song.sample, Crop(0, song.sample.num_frames, song.sample.num_frames), 0) for song in songs]
    noise_BTC = torch.stack([song_noise(0, song.sample.song_id, 0, frames) for song in songs])
    return sample(model, conditions_of(picked, frames), noise_BTC, solver, guidance, negative_S).numpy()


def fill(block: int, songs: list[Song], studio: Studio, model: Jam, guidances: Any, scratch: Path) -> None:
    """Measures a block in every setting that is not yet there."""
    negative_S = torch.from_numpy(np.asarray(studio.style.negative_style, np.float32))
    for (name, guidance), (solver, steps) in itertools.product(guidances.items(), SETTINGS):
        path = scratch / f"{name}-{solver}-{steps}-{block:03d}.npz"
        if path.exists():
            continue
        latents = generate(model, songs, ODESolver(steps, solver), guidance, negative_S)
        rows = [
            studio.measured(song, latent[: song.sample.num_frames])
            for song, latent in zip(songs, latents, strict=True)
        ]
        save(path, rows, [len(song.phones) for song in songs])


def save(path: Path, rows: list[dict[str, Any]], phones: list[int]) -> None:
    """The rows of one block, whole or not at all."""
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        errors=[row["errors"] for row in rows],
        phones=phones,
        judge=[row["judge"] for row in rows],
        windows=np.concatenate([row["windows"] for row in rows]),
        lengths=[len(row["windows"]) for row in rows],
    )
    part.rename(path)


def load(scratch: Path, name: str, blocks: int) -> dict[str, Any]:
    """What was measured in one setting, over the first blocks."""
    parts = [dict(np.load(scratch / f"{name}-{block:03d}.npz")) for block in range(blocks)]
    whole = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    ends = np.cumsum(whole["lengths"])[:-1]
    return whole | {"windows": [window_statistics(part) for part in np.split(whole["windows"], ends)]}


def compared(one: dict[str, Any], base: dict[str, Any], reference: FrechetReference) -> dict[str, Any]:
    """One setting beside the reference: values, and paired changes with 90 % intervals."""
    counts_BN = drawn_counts_BN(Resampling(2000, 1), len(one["errors"]))
    more_N, phones_N = one["errors"] - base["errors"], one["phones"]
    per = (more_N.sum() / phones_N.sum(), *np.quantile(counts_BN @ more_N / (counts_BN @ phones_N), TAILS))
    judged_N = one["judge"] - base["judge"]
    judge = (judged_N.mean(), *np.quantile(counts_BN @ judged_N / len(judged_N), TAILS))
    fad = fad_change(one["windows"], base["windows"], reference)
    surely = all(
        max(abs(low), abs(high)) <= limit
        for (_, low, high), limit in ((per, PER), (fad, FAD), (judge, JUDGE))
    )
    equal = max(abs(per[1]), abs(per[2])) <= PER and abs(fad[0]) <= FAD and abs(judge[0]) <= JUDGE
    return {
        "acoustic_per": round(one["errors"].sum() / phones_N.sum(), 4),
        "fad": round(reference.distance(merged(one["windows"])), 3),
        "judge": round(one["judge"].mean(), 4),
        "per_change": [round(float(value), 4) for value in per],
        "fad_change": [round(float(value), 4) for value in fad],
        "judge_change": [round(float(value), 4) for value in judge],
        "equal": bool(equal),
        "surely_equal": bool(surely),
    }


def fad_change(
    songs: list[WindowStatistics], others: list[WindowStatistics], reference: FrechetReference
) -> tuple[float, float, float]:
    """FAD over the other's, less 1: value and 90 % jackknife interval."""
    whole, other = merged(songs), merged(others)
    value = reference.distance(whole) / reference.distance(other) - 1
    without_N = np.array(
        [
            reference.distance(whole - a) / reference.distance(other - b) - 1
            for a, b in zip(songs, others, strict=True)
        ]
    )
    number = len(without_N)
    spread = np.sqrt((number - 1) / number * np.square(without_N - without_N.mean()).sum())
    return value, value - 1.645 * spread, value + 1.645 * spread


def main() -> None:
    parser = options_parser(__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="keeps what was measured, block by block")
    parser.add_argument("--songs", type=int, default=256)
    parser.add_argument("--minutes", type=float, help="no block begins later than this")
    parser.add_argument("--name", default="solvers", help="of the result file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    started = time.monotonic()
    given.scratch.mkdir(parents=True, exist_ok=True)
    params = load_params()
    guidances = {"toy": params.sampler.guidance, "released": RELEASED}
    studio, model = Studio(params), load_model(given.checkpoint).eval().requires_grad_(False)
    songs: list[Song] = []
    for block in range(-(-given.songs // BLOCK)):
        if given.minutes is not None and time.monotonic() - started > 60 * given.minutes:
            break
        made = [studio.song(number) for number in range(BLOCK * block, BLOCK * (block + 1))]
        fill(block, made, studio, model, guidances, given.scratch)
        songs += made
        print(f"{len(songs)} songs, {(time.monotonic() - started) / 60:.1f} min", file=sys.stderr, flush=True)
    reference = FrechetReference(merged([window_statistics(song.windows_WD) for song in songs]))
    curves: dict[str, Any] = {}
    for name in guidances:
        found = {
            (solver, steps): load(given.scratch, f"{name}-{solver}-{steps}", len(songs) // BLOCK)
            for solver, steps in SETTINGS
        }
        curves[name] = {
            f"{solver} {steps}": compared(one, found[REFERENCE], reference)
            for (solver, steps), one in found.items()
        }
    write_result(
        given.name,
        {
            "machine": machine(),
            "songs": len(songs),
            "phones": sum(len(song.phones) for song in songs),
            "reference": "euler 49",
            "tolerances": {"acoustic_per": PER, "fad": FAD, "judge": JUDGE},
            "guidance": {
                name: [g.style_guidance_scale, g.lyrics_guidance_scale, *g.interval]
                for name, g in guidances.items()
            },
            "stand_ins": [studio.transcriber.identity, studio.judge.identity, studio.style.identity],
            "curves": curves,
        },
    )


if __name__ == "__main__":
    main()
