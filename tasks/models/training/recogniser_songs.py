"""Songs to train and test the recogniser on: toy songs of random words, as features of every variant.

A variant is what the recogniser may be given one day: the clean vocals, the vocals a separator takes out
of the mix, the raw mix, the codec's round trip of the mix, the same with noise on the latents (near what
a model sings), and the band alone (which holds no words). In every fourth training song half of the words
are other English ones, so that the net learns phones rather than the words of its lexicon by heart.

Shape suffixes: N samples, C channels, T frames (10 ms; of latents: codec frames), M mel bands.
"""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jam_model.words import Word, rows_of, words_of
from tasks.models.codec import VocoderCodec
from tasks.models.embedded.recogniser import SILENCE, log_power
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND
from tasks.models.phonemizer import phones_of, to_symbols
from tasks.models.separator import MidSidePitchSeparator
from tasks.toy.composition import compose
from tasks.toy.performance import Performance, perform

VARIANTS = ("clean", "separated", "mix", "codec", "codec_noisy", "band")
SONGS_A_BATCH = 20  # in one file of the cache
LATENT_NOISE = (0.1, 0.7)  # range of the standard deviation, in units of the unit-scale latents
SMOOTHING_FRAMES = 8  # the noise is averaged over 1 to so many frames
SHRINK = (0.7, 1.0)  # a model's latents lie nearer to the mean than true ones
_OTHER_WORDS = """
after mother letter believe feel mind low better day light baby people water money listen winter valley
hotel paper table lady body gold rain snow blue sky hand stand land dance alone someone moment minute little
middle travel feather weather pillow hello goodbye diamond island silent violin piano radio melon coffee
butter bottle finger singer glimmer dinner corner border daughter doctor sister brother another either
animal metal battle vital needle trouble double apple purple famous service promise office police piece
wonder blunder narrow tomorrow sorrow limit spirit profit rabbit market pocket rocket ticket blanket candle
handle spindle party pretty nobody lullaby butterfly deny supply shelter velvet element telephone bring king
wing keep sleep ship shape sheet short shoulder shy room moon soon school food put look good wood hood hat
map lamp plan pen men bed said felt got lot cut fun sun sea me key go soap goat high night kite side may say
late plate train brain
"""
OTHER_WORDS = tuple(_OTHER_WORDS.split())
"""Words of no toy song, made of the phones of the toy vocabulary."""


@dataclass(frozen=True)
class TrainingPhone:
    """A phone with the frames [first, end) it was sung in, and the number of its word."""

    phone: str
    first: int
    end: int
    word: int


@dataclass(frozen=True)
class TrainingSong:
    """Log power [T, M] of every variant (float16), the words with true times, and every phone's frames."""

    seed: int
    voice: str
    power: dict[str, np.ndarray]
    words: tuple[Word, ...]
    phones: tuple[TrainingPhone, ...]

    def labels(self, number: dict[str, int], num_frames: int) -> np.ndarray:
        """The true phone number of every frame, `SILENCE` between words, [T]."""
        labels_T = np.full(num_frames, SILENCE, np.int64)
        for sung in self.phones:
            labels_T[sung.first : sung.end] = number[sung.phone]
        return labels_T


def training_songs(seeds: Sequence[int], uniform: bool, cache: Path, num_workers: int) -> list[TrainingSong]:
    """Songs of these seeds, from `cache` where it holds them, else rendered by `num_workers` processes.

    `uniform` draws every word with equal chance (for training: no grammar to learn by heart).
    """
    cache.mkdir(parents=True, exist_ok=True)
    batches = [tuple(seeds[i : i + SONGS_A_BATCH]) for i in range(0, len(seeds), SONGS_A_BATCH)]
    tasks = [(batch, uniform, cache / _name(batch, uniform)) for batch in batches]
    missing = [task for task in tasks if not task[2].exists()]
    if missing:
        os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the workers: they are the parallel ones
        with multiprocessing.get_context("spawn").Pool(num_workers) as pool:
            for _ in pool.imap(_render_batch, missing, chunksize=1):
                pass
    return [song for _, _, path in tasks for song in _read_batch(path)]


def _name(batch: Sequence[int], uniform: bool) -> str:
    return f"{'uniform' if uniform else 'grammar'}-{batch[0]}-{batch[-1]}-{len(batch)}.npz"


def _render_batch(task: tuple[Sequence[int], bool, Path]) -> None:
    seeds, uniform, path = task
    songs = [render(seed, uniform) for seed in seeds]
    arrays = {f"{i}/{name}": power for i, song in enumerate(songs) for name, power in song.power.items()}
    facts = [
        [song.seed, song.voice, rows_of(song.words), [[p.phone, p.first, p.end, p.word] for p in song.phones]]
        for song in songs
    ]
    partial = path.with_suffix(".partial.npz")
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def _read_batch(path: Path) -> list[TrainingSong]:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        return [
            TrainingSong(
                seed,
                voice,
                {variant: file[f"{i}/{variant}"] for variant in VARIANTS},
                tuple(words_of(words)),
                tuple(TrainingPhone(*phone) for phone in phones),
            )
            for i, (seed, voice, words, phones) in enumerate(facts)
        ]


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
    separator = MidSidePitchSeparator()
    codec = VocoderCodec()
    latent_TC = codec.encode(song.mix_CN)[0]
    sound = {
        "clean": song.vocals_N,
        "separated": separator.separate(song.mix_CN),
        "mix": song.mix_CN.mean(0),
        "codec": separator.separate(codec.decode(latent_TC)),
        "codec_noisy": separator.separate(codec.decode(_noisy(latent_TC, rng))),
        "band": separator.separate(song.band_CN),
    }
    powers = {name: log_power(sound_N) for name, sound_N in sound.items()}
    num_frames = min(len(power_TM) for power_TM in powers.values())  # the codec's are cut to whole frames
    return TrainingSong(
        seed,
        score.voice,
        {name: power[:num_frames].astype(np.float16) for name, power in powers.items()},
        tuple(song.words),
        tuple(_phones(song)),
    )


def _noisy(latent_TC: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Latents shrunk towards the mean, with noise that drifts over frames."""
    width = int(rng.integers(1, SMOOTHING_FRAMES + 1))
    sums_TC = np.cumsum(rng.standard_normal((len(latent_TC) + width, latent_TC.shape[1])), axis=0)
    noise_TC = (sums_TC[width:] - sums_TC[:-width]) / np.sqrt(width)
    noisy_TC = rng.uniform(*SHRINK) * latent_TC + rng.uniform(*LATENT_NOISE) * noise_TC
    return noisy_TC.astype(np.float32)


def _phones(song: Performance) -> list[TrainingPhone]:
    """The singer's phones in our symbols. One of its events may hold two phones, which then share its time."""
    found = []
    for ipa, start_s, end_s, word in song.phones:
        phones = phones_of(to_symbols(ipa).phonemes)
        bounds = np.linspace(start_s, end_s, len(phones) + 1) * FRAMES_A_SECOND
        edges = [round(float(bound)) for bound in bounds]
        found += [TrainingPhone(phone, edges[i], edges[i + 1], word) for i, phone in enumerate(phones)]
    return found
