"""Measures the constants (means, deviations, axes, ridge) shipped with the embedded codec, style encoder and judge, on toy songs that nothing else uses.

    python -m tasks.models.training.constants codec harmonic judge style_encoder likeness drums_and_bass singer

writes tasks/models/embedded/constants/<model>.json, in two minutes on one core; the codec comes first, for the others
listen to it. The songs are the first NUM_SONGS of set SEED, of world one; of world two for the harmonic codec, whose bands
they have; those of likeness, and of drums_and_bass and singer, are their own. Raise the model's revision when its numbers change:
latents, styles and scores made before and after do not mix.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import scipy.ndimage

from tasks.models import codec, judge, style_encoder
from tasks.models.base import CONSTANTS
from tasks.models.embedded import harmonic, song_statistics, vocoder
from tasks.models.training.likeness import measure_likeness
from tasks.models.training.style_two import measure_drums_and_bass, measure_singer
from tasks.toy.composition import GENRES, Score, compose, song_seed
from tasks.toy.performance import perform
from tasks.toy.world_two.composition import compose as compose_two
from tasks.toy.world_two.features import Features
from tasks.toy.world_two.performance import perform as perform_two

SEED = 900_001
NUM_SONGS = 120
LEAST_STD = 1.0  # raw units: a channel that hardly moves is not blown up
DIGITS = 4
LATENT_NOISE = 0.3
NUM_JUDGED = 60
JUDGE_RIDGE = 0.02
RIDGE = 0.05
NUM_DIRECTIONS = 16
ALIKE = 0.2  # the least weight of a direction
WORLD_TWO = Features(
    min_duration_s=12.0,
    max_duration_s=40.0,
    languages=("en",),
    faults=(),
    **dict.fromkeys(
        (
            *(
                "length_causes",
                "pick_ups",
                "syncopation",
                "fast_lines",
                "melisma",
                "tempos",
                "metres",
                "swing",
            ),
            *("microtiming", "part_styles", "minor", "sevenths", "inversions"),
        ),
        True,
    ),
    **dict.fromkeys(
        ("two_languages", "modulation", "second_singer", "spoken", "backing", "ad_libs", "hums"), False
    ),
)


def calibration_songs(num_songs: int = NUM_SONGS) -> Iterator[tuple[Score, np.ndarray]]:
    """(score, mix_CN) of the calibration songs, one at a time."""
    for index in range(num_songs):
        score = compose(song_seed(SEED, index))
        yield score, perform(score).mix_CN.astype(np.float32)


def world_two_songs() -> Iterator[np.ndarray]:
    """mix_CN of as many songs of world two."""
    for index in range(NUM_SONGS):
        yield perform_two(compose_two(song_seed(SEED, index), WORLD_TWO)).mix_CN.astype(np.float32)


def measure_codec() -> dict[str, Any]:
    """Mean and standard deviation of the codec's raw channels; the four short frames of a band share theirs."""
    mean_C, std_C = moments(vocoder.raw_channels(mix_CN) for _, mix_CN in calibration_songs())
    for moment_C in (mean_C, std_C):
        levels_FB = moment_C[: vocoder.PITCH].reshape(vocoder.SHORT_FRAMES, vocoder.MID_BANDS)
        levels_FB[:] = levels_FB.mean(axis=0)
    return {"mean_C": rounded(mean_C), "std_C": rounded(np.maximum(std_C, LEAST_STD))}


def measure_harmonic() -> dict[str, Any]:
    """Mean and standard deviation of the harmonic codec's raw channels."""
    mean_C, std_C = moments(harmonic.raw_channels(mix_CN) for mix_CN in world_two_songs())
    return {"mean_C": rounded(mean_C), "std_C": rounded(np.maximum(std_C, LEAST_STD))}


def moments(songs: Iterable[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation [C] over the frames of all songs [T, C]."""
    raw_TC = np.concatenate(list(songs)).astype(np.float64)
    return raw_TC.mean(axis=0), raw_TC.std(axis=0)


def measure_style() -> dict[str, Any]:
    """The reduction, the prototype of each tag, the style of voices alone, and the scale of the windows.

    Every song counts as it is, after the codec, and after the codec with a little noise on its latents: what
    these do to a song is variation within its genre, which the reduction plays down.
    """
    vocoder_codec = codec.VocoderCodec()
    noise = np.random.default_rng(SEED)
    statistics, genres, voices, windows = [], [], [], []
    for score, mix_CN in calibration_songs():
        latent_TC, _ = vocoder_codec.encode(mix_CN)
        noisy_TC = latent_TC + LATENT_NOISE * noise.standard_normal(latent_TC.shape)
        for audio_CN in (mix_CN, vocoder_codec.decode(latent_TC), vocoder_codec.decode(noisy_TC)):
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
    tags = {
        word: prototypes[name]
        for name, genre in GENRES.items()
        for word in (name, *genre.description.split())
    }
    for singer in {genre.singer: None for genre in GENRES.values()}:
        of_singer = [prototypes[name] for name, genre in GENRES.items() if genre.singer == singer]
        tags[singer] = unit(np.sum(of_singer, axis=0))
    windows_WD = np.concatenate(windows)
    voice_only_R = unit(unit((np.concatenate(voices) - mean_D) @ reduce_DR).mean(axis=0))
    return {
        "mean_D": rounded(mean_D),
        "reduce_DR": rounded(reduce_DR),
        "tags": {tag: rounded(style_R) for tag, style_R in tags.items()},
        "genre_bpm": {
            word: genre.bpm for genre in GENRES.values() for word in (genre.name, *genre.description.split())
        },
        "voice_only": rounded(voice_only_R),
        "window_mean_D": rounded(windows_WD.mean(axis=0)),
        "window_std_D": rounded(np.maximum(windows_WD.std(axis=0), 0.05)),
    }


def discriminant(statistics_MD: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Directions that tell the labels apart, [D, R]: Fisher's linear discriminant, each direction scaled to
    unit variance and weighed by the share of it that lies between labels, plus a little for all that is alike.

    The covariance within the labels gets a ridge of 5 % of the variance.
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
    weight_R = (np.sqrt(share_R / (1 + share_R)) + ALIKE) / np.sqrt(1 + share_R)
    directions_DR = (whiten_DD @ directions_DD[:, order]) * weight_R
    signs_R = np.sign(directions_DR[np.abs(directions_DR).argmax(axis=0), np.arange(len(order))])
    return directions_DR * signs_R / deviation_D[:, None]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to norm 1 along the last axis."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def measure_judge() -> dict[str, Any]:
    """References of true songs, then a ridge regression of each axis from its statistics to graded damage."""
    vocoder_codec = codec.VocoderCodec()
    analyses, quality = [], []
    for index, (_, mix_CN) in enumerate(calibration_songs(NUM_JUDGED)):
        for grade, audio_CN in damaged(mix_CN, vocoder_codec, np.random.default_rng((SEED, index))):
            analyses.append(song_statistics.analyse(audio_CN))
            quality.append(grade)
    quality_M = np.asarray(quality)
    true_songs = [analysis for analysis, grade in zip(analyses, quality, strict=True) if grade == 1]
    levels_MB = np.stack([judge.band_levels(analysis) for analysis in true_songs])
    movement_MB = np.stack([analysis.mid_FB.std(axis=0) for analysis in true_songs])
    level = (levels_MB.mean(axis=0), levels_MB.std(axis=0) + 1)
    movement = (movement_MB.mean(axis=0), movement_MB.std(axis=0) + 0.5)
    statistics_MS = np.stack([judge.statistics(analysis, level, movement) for analysis in analyses])
    mean_S, std_S = statistics_MS.mean(axis=0), statistics_MS.std(axis=0)
    standard_MS = judge.soft_limit((statistics_MS - mean_S) / std_S)
    weight_AS, offset_A = np.zeros((len(judge.AXES), len(mean_S))), np.zeros(len(judge.AXES))
    for axis, names in enumerate(judge.LISTENS_TO.values()):
        heard = [judge.STATISTICS.index(name) for name in names]
        heard_MH = np.column_stack([standard_MS[:, heard], np.ones(len(standard_MS))])
        ridge_HH = np.diag([JUDGE_RIDGE * len(heard_MH)] * len(heard) + [0.0])
        solved_H = np.linalg.solve(heard_MH.T @ heard_MH + ridge_HH, heard_MH.T @ quality_M)
        weight_AS[axis, heard], offset_A[axis] = solved_H[:-1], solved_H[-1]
    return {
        "level_mean_B": rounded(level[0]),
        "level_std_B": rounded(level[1]),
        "movement_mean_B": rounded(movement[0]),
        "movement_std_B": rounded(movement[1]),
        "mean_S": rounded(mean_S),
        "std_S": rounded(std_S),
        "weight_AS": rounded(weight_AS),
        "offset_A": rounded(offset_A),
    }


def damaged(
    mix_CN: np.ndarray, by: codec.Codec, noise: np.random.Generator
) -> Iterator[tuple[float, np.ndarray]]:
    """(quality, audio): the song, with noise, through the codec, with worse and worse latents, pure noise."""
    yield 1.0, mix_CN
    for grade, ratio_db in ((0.9, 30), (0.75, 20), (0.5, 10)):
        yield grade, with_noise(mix_CN, ratio_db, noise)
    latent_TC, _ = by.encode(mix_CN)
    yield 0.7, by.decode(latent_TC)
    for grade, amount in ((0.55, 0.25), (0.4, 0.5), (0.2, 1.0)):
        yield grade, by.decode(latent_TC + amount * noise.standard_normal(latent_TC.shape))
    for grade, frames in ((0.5, 3), (0.35, 7)):
        yield grade, by.decode(scipy.ndimage.uniform_filter1d(latent_TC, frames, axis=0))
    yield 0.0, by.decode(noise.standard_normal(latent_TC.shape))


def with_noise(mix_CN: np.ndarray, ratio_db: float, noise: np.random.Generator) -> np.ndarray:
    """The mix with white noise `ratio_db` below it."""
    loudness = np.sqrt(np.mean(np.square(mix_CN, dtype=np.float64)))
    return (mix_CN + loudness * 10 ** (-ratio_db / 20) * noise.standard_normal(mix_CN.shape)).astype(
        np.float32
    )


def rounded(values: np.ndarray) -> list[Any]:
    """As JSON numbers of four decimals."""
    return np.round(values, DIGITS).tolist()


MEASURES: dict[str, Callable[[], dict[str, Any]]] = {
    "codec": measure_codec,
    "harmonic": measure_harmonic,
    "judge": measure_judge,
    "style_encoder": measure_style,
    "likeness": measure_likeness,
    "drums_and_bass": measure_drums_and_bass,
    "singer": measure_singer,
}


def main() -> None:
    """Measure the constants of the models named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", choices=list(MEASURES))
    for name in parser.parse_args().models:
        constants = {"seed": SEED, "num_songs": NUM_SONGS} | MEASURES[name]()
        (CONSTANTS / f"{name}.json").write_text(json.dumps(constants, indent=1) + "\n")
        print(f"{name}: {name}.json")


if __name__ == "__main__":
    main()
