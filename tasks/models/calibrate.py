"""Measures the constants shipped with the embedded models, on toy songs that nothing else uses.

    python -m tasks.models.calibrate codec

writes tasks/models/constants/codec.json. The songs are the first NUM_SONGS of set SEED. Raise the model's
revision when the numbers change: latents made before and after do not mix.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tasks.models import codec, style_encoder
from tasks.toy.performance import perform
from tasks.toy.score import GENRES, Score, compose, song_seed

SEED = 900_001
NUM_SONGS = 240
LEAST_STD = 1.0  # raw units: a channel that hardly moves is not blown up
DIGITS = 4
LATENT_NOISE = 0.3
RIDGE = 0.05
NUM_DIRECTIONS = 16
ALIKE = 0.05  # the least weight of a direction


def calibration_songs(num_songs: int = NUM_SONGS) -> Iterator[tuple[Score, np.ndarray]]:
    """(score, mix_CN) of the calibration songs, one at a time."""
    for index in range(num_songs):
        score = compose(song_seed(SEED, index))
        yield score, perform(score).mix_CN.astype(np.float32)


def measure_codec() -> dict[str, Any]:
    """Mean and standard deviation of the codec's raw channels; the four short frames of a band share theirs."""
    raw_TC = np.concatenate([codec.raw_channels(mix_CN) for _, mix_CN in calibration_songs()]).astype(
        np.float64
    )
    mean_C, std_C = raw_TC.mean(axis=0), raw_TC.std(axis=0)
    for moment_C in (mean_C, std_C):
        levels_FB = moment_C[: codec.PITCH].reshape(codec.SHORT_FRAMES, codec.MID_BANDS)
        levels_FB[:] = levels_FB.mean(axis=0)
    return {"mean_C": rounded(mean_C), "std_C": rounded(np.maximum(std_C, LEAST_STD))}


def measure_style() -> dict[str, Any]:
    """The reduction, the prototype of each tag, the style of voices alone, and the scale of the windows.

    Every song counts as it is, after the codec, and after the codec with a little noise on its latents: what
    these do to a song is variation within its genre, which the reduction plays down.
    """
    vocoder = codec.VocoderCodec()
    noise = np.random.default_rng(SEED)
    statistics, genres, voices, windows = [], [], [], []
    for score, mix_CN in calibration_songs():
        latent_TC, _ = vocoder.encode(mix_CN)
        noisy_TC = latent_TC + LATENT_NOISE * noise.standard_normal(latent_TC.shape)
        for audio_CN in (mix_CN, vocoder.decode(latent_TC), vocoder.decode(noisy_TC)):
            crops_nD = style_encoder.crop_statistics(audio_CN)
            statistics.append(crops_nD)
            genres += [score.genre] * len(crops_nD)
        windows.append(style_encoder.window_statistics(mix_CN))
        vocals_N = perform(score).vocals_N.astype(np.float32)
        voices.append(style_encoder.crop_statistics(np.stack([vocals_N, vocals_N])))
    statistics_MD, labels = np.concatenate(statistics), np.asarray(genres)
    mean_D = np.stack([statistics_MD[labels == genre].mean(axis=0) for genre in GENRES]).mean(axis=0)
    reduce_DR = discriminant(statistics_MD, labels)
    reduced_MR = (statistics_MD - mean_D) @ reduce_DR
    prototypes = {genre: unit(unit(reduced_MR[labels == genre]).mean(axis=0)) for genre in GENRES}
    tags = {word: prototypes[name] for name, genre in GENRES.items() for word in (name, *genre.description.split())}
    for singer in {genre.singer: None for genre in GENRES.values()}:
        tags[singer] = unit(sum(prototypes[name] for name, genre in GENRES.items() if genre.singer == singer))
    windows_WD = np.concatenate(windows)
    voice_only_R = unit(unit((np.concatenate(voices) - mean_D) @ reduce_DR).mean(axis=0))
    return {
        "mean_D": rounded(mean_D),
        "reduce_DR": rounded(reduce_DR),
        "tags": {tag: rounded(style_R) for tag, style_R in tags.items()},
        "genre_bpm": {word: genre.bpm for genre in GENRES.values() for word in (genre.name, *genre.description.split())},
        "voice_only": rounded(voice_only_R),
        "window_mean_D": rounded(windows_WD.mean(axis=0)),
        "window_std_D": rounded(np.maximum(windows_WD.std(axis=0), 0.05)),
    }


def discriminant(statistics_MD: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Directions that tell the labels apart, [D, R]: of unit variance within them, weighed by the share of
    their variance that lies between labels, sqrt(l / (1 + l)) plus a little for all that is alike.

    Fisher's linear discriminant with a ridge of 5 % of the variance on the within-label covariance.
    """
    deviation_D = statistics_MD.std(axis=0) + 1e-3
    scaled_MD = statistics_MD / deviation_D
    names = sorted(set(labels))
    means_GD = np.stack([scaled_MD[labels == name].mean(axis=0) for name in names])
    residual_MD = scaled_MD - means_GD[np.searchsorted(names, labels)]
    within_DD = residual_MD.T @ residual_MD / len(scaled_MD) + RIDGE * np.eye(scaled_MD.shape[1])
    values_D, vectors_DD = np.linalg.eigh(within_DD)
    whiten_DD = vectors_DD / np.sqrt(values_D)
    centred_GD = (means_GD - means_GD.mean(axis=0)) @ whiten_DD
    between_D, directions_DD = np.linalg.eigh(centred_GD.T @ centred_GD / len(names))
    order = np.argsort(between_D)[::-1][:NUM_DIRECTIONS]
    share_R = np.maximum(between_D[order], 0)
    weight_R = np.sqrt(share_R / (1 + share_R)) + ALIKE
    directions_DR = (whiten_DD @ directions_DD[:, order]) * weight_R
    signs_R = np.sign(directions_DR[np.abs(directions_DR).argmax(axis=0), np.arange(len(order))])
    return directions_DR * signs_R / deviation_D[:, None]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to norm 1 along the last axis."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def rounded(values: np.ndarray) -> list[Any]:
    """As JSON numbers of four decimals."""
    return np.round(values, DIGITS).tolist()


MEASURES: dict[str, tuple[Path, Callable[[], dict[str, Any]]]] = {
    "codec": (codec.CONSTANTS, measure_codec),
    "style_encoder": (style_encoder.CONSTANTS, measure_style),
}


def main() -> None:
    """Measure the constants of the models named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", choices=list(MEASURES))
    for name in parser.parse_args().models:
        path, measure = MEASURES[name]
        constants = {"seed": SEED, "num_songs": NUM_SONGS, **measure()}
        path.write_text(json.dumps(constants, indent=1) + "\n")
        print(f"{name}: {path.name}")


if __name__ == "__main__":
    main()
