"""Songs to train and test the recogniser on: toy songs of random words, as features of every variant.

A variant is what the recogniser may be given one day: the clean vocals, the vocals a separator takes out
of the mix, the raw mix, the codec's round trip of the mix, the same with noise on the latents (near what
a model sings), and the band alone (which holds no words).

Shape suffixes: N samples, C channels, T frames (10 ms; of latents: codec frames), M mel bands.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.models.codec import CodecParams, build_codec
from tasks.models.phonemizer import phones_of, to_symbols
from tasks.models.recogniser import FRAMES_A_SECOND, SILENCE, log_power
from tasks.models.separator import SeparatorParams, build_separator
from tasks.toy.performance import Performance, perform
from tasks.toy.score import compose

VARIANTS = ("clean", "separated", "mix", "codec", "codec_noisy", "band")
SONGS_A_BATCH = 20  # rendered by one fresh process: the singer's bytes depend on the order of its calls
LATENT_NOISE = (0.1, 0.45)  # range of the standard deviation, in units of the unit-scale latents


@dataclass(frozen=True)
class SungPhone:
    """A phone with the frames [first, end) it was sung in, and the number of its word."""

    phone: str
    first: int
    end: int
    word: int


@dataclass(frozen=True)
class SungSong:
    """Log power [T, M] of every variant (float16), the words with true times, and every phone's frames."""

    seed: int
    voice: str
    power: dict[str, np.ndarray]
    words: tuple[tuple[str, float, float], ...]
    phones: tuple[SungPhone, ...]

    def labels(self, number: dict[str, int], num_frames: int) -> np.ndarray:
        """The true phone number of every frame, `SILENCE` between words, [T]."""
        labels_T = np.full(num_frames, SILENCE, np.int64)
        for sung in self.phones:
            labels_T[sung.first : sung.end] = number[sung.phone]
        return labels_T


def sung_songs(seeds: Sequence[int], uniform: bool, cache: Path, num_workers: int) -> list[SungSong]:
    """Songs of these seeds, from `cache` where it holds them, else rendered by `num_workers` processes.

    `uniform` draws every word with equal chance (for training: no grammar to learn by heart).
    """
    cache.mkdir(parents=True, exist_ok=True)
    batches = [tuple(seeds[i : i + SONGS_A_BATCH]) for i in range(0, len(seeds), SONGS_A_BATCH)]
    tasks = [(batch, uniform, cache / _name(batch, uniform)) for batch in batches]
    missing = [task for task in tasks if not task[2].exists()]
    if missing:
        with multiprocessing.get_context("spawn").Pool(num_workers, maxtasksperchild=1) as pool:
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
        [song.seed, song.voice, song.words, [[p.phone, p.first, p.end, p.word] for p in song.phones]]
        for song in songs
    ]
    partial = path.with_suffix(".partial.npz")
    arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def _read_batch(path: Path) -> list[SungSong]:
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(file["facts"].tobytes())
        return [
            SungSong(
                seed,
                voice,
                {variant: file[f"{i}/{variant}"] for variant in VARIANTS},
                tuple((word, start_s, end_s) for word, start_s, end_s in words),
                tuple(SungPhone(*phone) for phone in phones),
            )
            for i, (seed, voice, words, phones) in enumerate(facts)
        ]


def render(seed: int, uniform: bool) -> SungSong:
    """One song sung, played and passed through every variant."""
    score = compose(seed, uniform)
    song = perform(score)
    separator = build_separator(SeparatorParams(model="embedded"))
    codec = build_codec(CodecParams(model="embedded"))
    noise = np.random.default_rng((seed, len(VARIANTS)))
    latent_TC = codec.encode(song.mix_CN)[0]
    noisy_TC = latent_TC + noise.uniform(*LATENT_NOISE) * noise.standard_normal(latent_TC.shape)
    sound = {
        "clean": song.vocals_N,
        "separated": separator.separate(song.mix_CN),
        "mix": song.mix_CN.mean(0),
        "codec": separator.separate(codec.decode(latent_TC)),
        "codec_noisy": separator.separate(codec.decode(noisy_TC.astype(np.float32))),
        "band": separator.separate(song.band_CN),
    }
    powers = {name: log_power(sound_N) for name, sound_N in sound.items()}
    num_frames = min(len(power_TM) for power_TM in powers.values())  # the codec's are cut to whole frames
    return SungSong(
        seed,
        score.voice,
        {name: power[:num_frames].astype(np.float16) for name, power in powers.items()},
        tuple((word.text, word.start_s, word.end_s) for word in song.words),
        tuple(_phones(song)),
    )


def _phones(song: Performance) -> list[SungPhone]:
    """The singer's phones in our symbols. One of its events may hold two phones, which then share its time."""
    found = []
    for sung, word in zip(song.phones, song.phone_words, strict=True):
        phones = phones_of(to_symbols(sung.text).phonemes)
        bounds = np.linspace(sung.start_s, sung.end_s, len(phones) + 1) * FRAMES_A_SECOND
        edges = [round(float(bound)) for bound in bounds]
        found += [SungPhone(phone, edges[i], edges[i + 1], word) for i, phone in enumerate(phones)]
    return found
