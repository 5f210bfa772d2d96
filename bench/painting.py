"""Does a model paint? Weights of world two that learn `painting`, and new songs of which seconds are kept while the rest is made.

python bench/painting.py --scratch FOLDER --base FOLDER [--steps 400] [--new 16]

The base, which has no controls, is one of `bench/control_adherence.py`, and so are the songs (its FOLDER may be this one). All its weights are
tuned with the control added, at the learning rate of sft, dropout of painting as in the settings. New songs are generated from one noise each: as a whole by base
and by the tuned model, with one hole and with two (40 to 90 % kept, evenly over the songs), and with the first half kept, which is outpainting to twice the length. `end only`:
kept frames are put in behind the last step alone, and the sampler goes its own way there until then. Figures:

- `kept`: mean distance in dB of mel bands, in kept frames, of what was made from the codec's round trip; that one's from the song's own sound (`codec`).
- `seams`: the percentile of the jump beside each seam among those at all bounds of frames of the round trips, and that of the latents' step; the share beyond the 95th
  (by chance 0.05). The same places in the round trips and in whole generated songs stand beside it, and seams with a fade of a latent frame.
- `per`: acoustic phone errors of words that lie wholly in holes, heard in these cuts alone; of the same cuts of whole songs and of round trips.

Intervals are over songs; there is one seed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench import painting_sound as sound
from bench.control_adherence import DROPOUT, HELD_OUT_SEED, sung
from bench.control_models import taught
from bench.control_songs import songs_of
from bench.measuring import RESULTS, machine, options_parser
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import Songs, Studio, performed
from bench.toy2_training import conditions_by
from eval.metrics.error_rates import count_errors, normalise
from eval.stats.intervals import mean, paired_rate_difference, rate
from flows.settings.params import Params, load_params
from jam_model import batches, sampler
from jam_model.checkpoint import load_model, save_model
from jam_model.controls.known import PAINTING
from jam_model.controls.painting import packed
from jam_model.dit import Jam
from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word
from tasks.training.added_controls import with_controls

KEPT = (0.4, 0.9)
TAIL_S = 0.05  # heard behind the last word of a cut
END_ONLY = " (end only)"
FADED = " (faded)"


def tuned(
    params: Params, given: argparse.Namespace, songs: Songs, silence_C: np.ndarray
) -> tuple[Jam, float]:
    """The base that has learned painting, and the core minutes it took; from FOLDER where it stands."""
    folder = given.scratch / f"painting-{given.base.name}-{given.steps}"
    if not (folder / "minutes.json").is_file():
        started = time.process_time()
        sft = params.sft.model_copy(update={"steps": given.steps})
        first = with_controls(load_model(given.base), (PAINTING,), sft.seed)
        save_model(folder, taught(first, sft, params, songs, silence_C))
        (folder / "minutes.json").write_text(json.dumps((time.process_time() - started) / 60))
    return load_model(folder).eval().requires_grad_(False), json.loads((folder / "minutes.json").read_text())


def masks_of(songs: Songs) -> dict[str, list[np.ndarray]]:
    """What is kept of every song, a row a way."""
    shares = np.linspace(*KEPT, len(songs))
    masks: dict[str, list[np.ndarray]] = {}
    for name, holes in (("one hole", 1), ("two holes", 2)):
        masks[name] = [
            sound.holes_in(song.num_frames, share, holes, np.random.default_rng([holes, number]))
            for number, (song, share) in enumerate(zip(songs, shares, strict=True))
        ]
    masks["outpainting"] = [np.arange(song.num_frames) < song.num_frames // 2 for song in songs]
    return masks


def own_sounds(params: Params, count: int) -> list[np.ndarray]:
    """The mixes that the new songs were encoded from, [2, N]."""
    songs = islice(performed(HELD_OUT_SEED, params), count)
    return [song.mix_CN.astype(np.float32) for _, song in songs]


class Heard:
    """One way of making all songs: its latents, its spectra, its vocals."""

    def __init__(self, latents: Sequence[np.ndarray], studio: Studio) -> None:
        mixes = [studio.codec.decode(latent_TC) for latent_TC in latents]
        sizes = [len(latent_TC) for latent_TC in latents]
        self.latents, self._studio = latents, studio
        self.spectra = [sound.spectrum(mix_CN, size) for mix_CN, size in zip(mixes, sizes, strict=True)]
        self._mixes = mixes
        self._vocals: dict[int, np.ndarray] = {}

    def errors(self, number: int, words: Sequence[Word]) -> tuple[int, int]:
        """Phone errors and phones of words, heard in their cut of a song."""
        if number not in self._vocals:
            self._vocals[number] = self._studio.separator.separate(self._mixes[number])
        first, end = words[0].start_s, words[-1].end_s + TAIL_S
        cut_N = self._vocals[number][int(first * SAMPLE_RATE_HZ) : int(end * SAMPLE_RATE_HZ)]
        said = self._studio.phonemizer.phones(normalise([word.text for word in words]))
        return count_errors(said, self._studio.transcriber.transcribe(cut_N).phones or []).errors, len(said)


def kept_figures(
    masks: Sequence[np.ndarray], made: Heard, floor: Heard, own: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Distances in kept frames, means over songs."""
    found: dict[str, list[float | None]] = {"kept": [], "kept near seams": [], "codec": []}
    for mask_T, made_MK, floor_MK, own_MK in zip(masks, made.spectra, floor.spectra, own, strict=True):
        found["kept"].append(sound.apart(made_MK, floor_MK, mask_T))
        found["kept near seams"].append(sound.apart(made_MK, floor_MK, sound.near(mask_T)))
        found["codec"].append(sound.apart(floor_MK, own_MK, mask_T))
    return {
        name: _told(mean([one for one in values if one is not None], RESAMPLING))
        for name, values in found.items()
    }


def seam_figures(masks: Sequence[np.ndarray], made: Heard, floor: Heard) -> dict[str, Any]:
    """Where the jumps at seams stand among those of round trips."""
    every = np.sort(np.concatenate([sound.jumps(one_MK) for one_MK in floor.spectra]))
    steps = np.sort(np.concatenate([sound.steps(one_TC) for one_TC in floor.latents]))
    at, of_latents = [], []
    for mask_T, made_MK, made_TC in zip(masks, made.spectra, made.latents, strict=True):
        seams = sound.seams_of(mask_T) - 1
        at += (np.searchsorted(every, sound.jumps(made_MK)[seams]) / len(every)).tolist()
        of_latents += (np.searchsorted(steps, sound.steps(made_TC)[seams]) / len(steps)).tolist()
    return {
        "seams": len(at),
        "of": len(every),
        "median percentile": round(100 * float(np.median(at)), 1),
        "share beyond 95th": round(float(np.mean(np.array(at) > 0.95)), 3),
        "latents: median percentile": round(100 * float(np.median(of_latents)), 1),
        "latents: share beyond 95th": round(float(np.mean(np.array(of_latents) > 0.95)), 3),
    }


def word_figures(
    songs: Songs, masks: Sequence[np.ndarray], made: Heard, other: Heard | None
) -> dict[str, Any]:
    """PER of the words in holes, and its paired difference from `other` a song."""
    counts, others = [], []
    for number, (song, mask_T) in enumerate(zip(songs, masks, strict=True)):
        cuts = sound.words_in_holes(song.words, mask_T)
        if not cuts:
            continue
        counts.append(tuple(np.sum([made.errors(number, words) for words in cuts], axis=0).tolist()))
        if other is not None:
            others.append(sum(other.errors(number, words)[0] for words in cuts))
    errors, phones = zip(*counts, strict=True)
    told: dict[str, Any] = {
        "songs": len(counts),
        "phones": sum(phones),
        "per": _told(rate(errors, phones, RESAMPLING)),
    }
    if others:
        told["less whole"] = _told(paired_rate_difference(errors, phones, others, phones, RESAMPLING))
    return told


def _told(interval: Any) -> list[float]:
    return [round(float(one), 3) for one in (interval.value, interval.low, interval.high)]


def measured(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All rows there are so far, after each way of keeping."""
    dropout = [f"{section}.{one}" for section in ("pretrain", "sft") for one in DROPOUT]
    params = load_params(RECIPE, [*EVENLY, *dropout])
    studio = Studio(params)
    songs, _ = songs_of(params, params.toy.seed, given.songs, studio, given.scratch)
    all_new, _ = songs_of(params, HELD_OUT_SEED, given.held_out, studio, given.scratch)
    new = Songs(all_new[: given.new])
    with patch.object(batches, "conditions_of", conditions_by("held")):
        model, minutes = tuned(params, given, songs, studio.codec.silence_C)
    base = load_model(given.base).eval().requires_grad_(False)
    own = [
        sound.spectrum(mix_CN, song.num_frames)
        for mix_CN, song in zip(own_sounds(params, len(new)), new, strict=True)
    ]
    floor = Heard([song.mean_TC for song in new], studio)
    nothing: list[dict[str, np.ndarray]] = [{} for _ in new]
    whole = Heard(list(sung(model, params, new, nothing, studio)), studio)
    of_base = Heard(list(sung(base, params, new, nothing, studio)), studio)
    result: dict[str, Any] = {"core_minutes": round(minutes, 2), "rows": {}}
    for name, masks in masks_of(new).items():
        asked = [
            {PAINTING: packed(torch.from_numpy(song.mean_TC), torch.from_numpy(mask_T)).numpy()}
            for song, mask_T in zip(new, masks, strict=True)
        ]
        made = Heard(list(sung(model, params, new, asked, studio)), studio)
        with patch.object(sampler, "_on_their_way", lambda velocity_BTC, *_: velocity_BTC):
            end_only = Heard(list(sung(model, params, new, asked, studio)), studio)
        faded = Heard(
            [sound.faded(one, mask_T) for one, mask_T in zip(made.latents, masks, strict=True)], studio
        )
        ways = {
            "": made,
            END_ONLY: end_only,
            FADED: faded,
            " (whole)": whole,
            " (base, whole)": of_base,
            " (codec)": floor,
        }
        for way, heard in ways.items():
            row: dict[str, Any] = {"seams": seam_figures(masks, heard, floor)}
            if way in ("", END_ONLY, FADED):
                row["distance_db"] = kept_figures(masks, heard, floor, own)
            if way != FADED:
                row["words"] = word_figures(new, masks, heard, whole if way in ("", END_ONLY) else None)
            result["rows"][name + way] = row
            print(name + way, json.dumps(row), flush=True)
        yield result | {"machine": machine("torch", "numpy", "librosa")}


def main() -> None:
    """Measure, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=120)
    parser.add_argument("--held-out", type=int, default=64)
    parser.add_argument("--new", type=int, default=16)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--out", type=Path, default=RESULTS / "painting.json")
    given = parser.parse_args()
    torch.set_num_threads(1)
    results = json.loads(given.out.read_text()) if given.out.is_file() else {}
    size = f"{given.base.name}, {given.songs} songs, {given.new} new, {given.steps} steps"
    for results[size] in measured(given):
        given.out.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
