"""Songs of world one to train and test the recogniser on: toy songs of random words, as features of every variant (noisy, separated).

A variant is what the recogniser may be given one day: the clean vocals, the vocals a separator takes out
of the mix, the raw mix, the codec's round trip of the mix, the same with noise on the latents (near what
a model sings), and the band alone (which holds no words). In every fourth training song half of the words
are other English ones, so that the net learns phones rather than the words of its lexicon by heart.

Shape suffixes: N samples, C channels, T frames (10 ms; of latents: codec frames), M mel bands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from jam_model.words import Word
from tasks.models.codec import VocoderCodec
from tasks.models.embedded.recogniser import SILENCE, log_power
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.phonemizer import phones_of, to_symbols
from tasks.models.separator import MidSidePitchSeparator
from tasks.toy.composition import compose
from tasks.toy.languages.english_drawn import OTHER
from tasks.toy.performance import Performance, perform

VARIANTS = ("clean", "separated", "mix", "codec", "codec_noisy", "band")
LATENT_NOISE = (0.1, 0.7)  # range of the standard deviation, in units of the unit-scale latents
SMOOTHING_FRAMES = 8  # the noise is averaged over 1 to so many frames
SHRINK = (0.7, 1.0)  # a model's latents lie nearer to the mean than true ones
OTHER_WORDS = tuple(word.text for word in OTHER)
"""Words of no toy song, made of the phones of the toy vocabulary."""


@dataclass(frozen=True)
class TrainingPhone:
    """A phone with the frames [first, end) it was sung in, the number of its word, and its exact start."""

    phone: str
    first: int
    end: int
    word: int
    start_s: float


@dataclass(frozen=True)
class TrainingSong:
    """Log power [T, M] of every variant (float16), the words with true times, and every phone's frames.

    `strata`: what is told apart of every word in a report (``pace fast``); empty for songs of the first world.
    """

    seed: int
    voice: str
    power: dict[str, np.ndarray]
    words: tuple[Word, ...]
    phones: tuple[TrainingPhone, ...]
    strata: tuple[tuple[str, ...], ...]

    def labels(self, number: dict[str, int], num_frames: int) -> np.ndarray:
        """The true phone number of every frame, `SILENCE` between words, [T]."""
        labels_T = np.full(num_frames, SILENCE, np.int64)
        for sung in self.phones:
            labels_T[sung.first : sung.end] = number[sung.phone]
        return labels_T


def render(seed: int, uniform: bool) -> TrainingSong:
    """One song sung, played and passed through every variant."""
    rng = np.random.default_rng((seed, len(VARIANTS)))
    score = compose(seed, uniform)
    if uniform and seed % 4 == 3:
        notes = [
            replace(note, word=str(rng.choice(OTHER_WORDS))) if rng.random() < 0.5 else note
            for note in score.notes
        ]
        score = replace(score, notes=tuple(notes))
    song = perform(score)
    return TrainingSong(
        seed,
        score.voice,
        heard_as(song.vocals_N, song.band_CN, song.mix_CN, rng),
        tuple(song.words),
        tuple(_phones(song)),
        (),
    )


def heard_as(
    vocals_N: np.ndarray, band_CN: np.ndarray, mix_CN: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Log power [T, M] of every variant, all equally long."""
    separator = MidSidePitchSeparator()
    codec = VocoderCodec()
    latent_TC = codec.encode(mix_CN)[0]
    sound: Mapping[str, np.ndarray] = {
        "clean": vocals_N,
        "separated": separator.separate(mix_CN),
        "mix": mix_CN.mean(0),
        "codec": separator.separate(codec.decode(latent_TC)),
        "codec_noisy": separator.separate(codec.decode(_noisy(latent_TC, rng))),
        "band": separator.separate(band_CN),
    }
    powers = {name: log_power(sound_N) for name, sound_N in sound.items()}
    num_frames = min(len(power_TM) for power_TM in powers.values())  # the codec's are cut to whole frames
    return {name: power[:num_frames].astype(np.float16) for name, power in powers.items()}


def _noisy(latent_TC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Latents shrunk towards the mean, with noise that drifts over frames."""
    width = int(rng.integers(1, SMOOTHING_FRAMES + 1))
    sums_TC = np.cumsum(rng.standard_normal((len(latent_TC) + width, latent_TC.shape[1])), axis=0)
    noise_TC = (sums_TC[width:] - sums_TC[:-width]) / np.sqrt(width)
    noisy_TC = rng.uniform(*SHRINK) * latent_TC + rng.uniform(*LATENT_NOISE) * noise_TC
    return noisy_TC.astype(np.float32)


def phones_of_event(ipa: str, start_s: float, end_s: float, word: int) -> list[TrainingPhone]:
    """A singer's event in our symbols. It may hold two phones, which then share its time."""
    phones = phones_of(to_symbols(ipa).phonemes)
    bounds_s = [float(bound_s) for bound_s in np.linspace(start_s, end_s, len(phones) + 1)]
    edges = [round(bound_s * FRAMES_A_SECOND) for bound_s in bounds_s]
    return [TrainingPhone(phone, edges[i], edges[i + 1], word, bounds_s[i]) for i, phone in enumerate(phones)]


def _phones(song: Performance) -> list[TrainingPhone]:
    return [phone for event in song.phones for phone in phones_of_event(*event)]
