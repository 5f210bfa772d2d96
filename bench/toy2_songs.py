"""Songs for bench/toy2_causes.py: latents, styles, words, and tokens where phones are sung; made in process, kept in one file a set."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import numpy as np

from flows.settings.params import Params
from jam_model.frames import SAMPLE_RATE_HZ, seconds_of_frames
from jam_model.lyric_grid import SLOT_SAMPLES, SONG_FILLER, SYMBOLS, VOCAL_FILLER, WORD_BOUNDARY, lyric_grid
from jam_model.shards import Sample
from jam_model.words import Word
from tasks.models.aligner import build_aligner
from tasks.models.codec import build_codec
from tasks.models.phonemizer import build_phonemizer, phonemized, to_symbols
from tasks.models.separator import build_separator
from tasks.models.style_encoder import build_style_encoder
from tasks.models.transcriber import build_transcriber
from tasks.toy.composition import compose as compose_one
from tasks.toy.composition import song_seed
from tasks.toy.performance import perform as perform_one
from tasks.toy.world_two import true_song
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import Song, perform
from tasks.toy.world_two.phones import Said, draw_shares

Shares = Literal["drawn", "natural", "even"]


@dataclass(frozen=True)
class Making:
    """How songs differ from those of the settings.

    shares: of a word among its phones, as world two draws them, by what each phone is alone, or even. band_db: gain of the
    band. voice, genres: of all songs; others are passed over.
    """

    shares: Shares = "drawn"
    band_db: float = 0.0
    voice: str | None = None
    genres: tuple[str, ...] = ()


class Made(NamedTuple):
    """A song before it is encoded: [2, N], its words, and its phones as (IPA, start, end)."""

    mix_CN: np.ndarray
    words: list[Word]
    phones: list[tuple[str, float, float]]


class Studio:
    """The models that make samples of songs and read what is sung."""

    def __init__(self, params: Params) -> None:
        models = params.models
        self.codec, self.style = build_codec(models.codec), build_style_encoder(models.style_encoder)
        self.separator = build_separator(models.separator)
        self.phonemizer = build_phonemizer(models.phonemizer)
        self.aligner = build_aligner(models.aligner)
        self.transcriber = build_transcriber(models.transcriber, params.benchmark.min_confidence)


class Songs(list[Sample]):
    """Samples as `Batches` takes them: one shard in memory."""

    def shard_sizes(self) -> list[int]:
        """All in one."""
        return [len(self)]


def songs_of(
    params: Params,
    making: Making,
    seed: int,
    count: int,
    studio: Studio,
    scratch: Path,
    aligned: bool = False,
) -> Songs:
    """The first `count` songs of a set; from the file of an earlier run where one stands. aligned: their phones lie where the
    aligner hears them in the separated vocals, not where the truth has them.
    """
    toy = params.toy.model_dump(mode="json", include={"world", "two"})
    said = {name: value for name, value in asdict(making).items() if value != ()}
    facts = [toy, studio.codec.identity, studio.style.identity, said, seed, count]
    what = json.dumps([*facts, studio.aligner.identity] if aligned else facts, sort_keys=True)
    path = scratch / f"songs-{hashlib.sha256(what.encode()).hexdigest()[:12]}.npz"
    if not path.is_file():
        made = made_songs(params, making, seed)
        songs = [sample_of(f"{seed}-{number}", next(made), studio, aligned) for number in range(count)]
        np.savez(path, **{name: array for song in songs for name, array in _arrays(song)})
    return _kept(path)


def made_songs(params: Params, making: Making, seed: int) -> Iterator[Made]:
    """Songs of the set in their order, without those that cannot be or have another voice."""
    index = 0
    while True:
        number = song_seed(seed, index)
        made = _world_one(number, making) if params.toy.world == "one" else _world_two(number, params, making)
        index += 1
        if made is not None:
            yield made


def sample_of(song_id: str, made: Made, studio: Studio, aligned: bool) -> Sample:
    """The song as a model learns it; `extras` has its tokens where phones are sung."""
    mean_TC, std_TC = studio.codec.encode(made.mix_CN)
    style_NS = np.asarray(studio.style.embed_audio(made.mix_CN), np.float32)
    end_s = seconds_of_frames(len(mean_TC))
    words, _ = phonemized([word.within(end_s) for word in made.words], studio.phonemizer)
    phones = made.phones
    if aligned:
        heard = studio.aligner.phones(studio.separator.separate(made.mix_CN), words)
        phones = [(phone.text, phone.start_s, phone.end_s) for of_word in heard for phone in of_word]
    extras = {"sung": sung_tokens(words, phones, len(mean_TC))}
    return Sample(song_id, mean_TC, std_TC, style_NS, tuple(words), extras=extras)


def sung_tokens(
    words: Sequence[Word], phones: Sequence[tuple[str, float, float]], num_frames: int
) -> np.ndarray:
    """The lyric grid of a song with each phone's symbols from where it is sung on, and a boundary at the end of each word."""
    tokens_L = lyric_grid(words, num_frames)
    tokens_L[tokens_L != SONG_FILLER] = VOCAL_FILLER
    for word in words:
        tokens_L[min(max(_slot(word.end_s) - 1, _slot(word.start_s)), len(tokens_L) - 1)] = SYMBOLS[
            WORD_BOUNDARY
        ]
    for ipa, start_s, end_s in phones:
        first = _slot(start_s)
        said = [SYMBOLS[letter] for letter in to_symbols(ipa).phonemes if letter not in "ˈˌ"]
        room = min(max(1, _slot(end_s) - first), len(tokens_L) - first)
        for place, token in enumerate(said[: max(room, 0)]):
            tokens_L[first + place] = token
    return tokens_L


def _slot(seconds: float) -> int:
    return int(seconds * SAMPLE_RATE_HZ / SLOT_SAMPLES)


def _world_one(seed: int, making: Making) -> Made:
    song = perform_one(compose_one(seed))
    phones = [(phone.ipa, phone.start_s, phone.end_s) for phone in song.phones]
    return Made(_mixed(song.vocals_N, song.band_CN, making), song.words, phones)


def performed(seed: int, params: Params, first: int = 0) -> Iterator[tuple[int, Song]]:
    """Songs of world two that can be, each with its number, from the number `first` on."""
    for index in count(first):
        try:
            score = compose(song_seed(seed, index), params.toy.two)
        except ValueError:  # no form of the song is so long
            continue
        yield index, perform(score)


def _world_two(seed: int, params: Params, making: Making) -> Made | None:
    try:
        score = compose(seed, params.toy.two)
    except ValueError:  # no form of the song is so long
        return None
    if making.voice and score.lines[0].voice.name != making.voice:
        return None
    if making.genres and score.genre not in making.genres:
        return None
    with patch.object(true_song, "draw_shares", SHARES[making.shares]):
        song = perform(score)
    truth = song.truth
    words = [Word(word.text, word.start_s, word.end_s) for word in truth.words]
    phones = [(phone.ipa, phone.start_s, phone.end_s) for phone in truth.phones]
    return Made(_mixed(song.vocals_N, song.band_CN, making), words, phones)


def _mixed(vocals_N: np.ndarray, band_CN: np.ndarray, making: Making) -> np.ndarray:
    return (vocals_N + np.float32(10 ** (making.band_db / 20)) * band_CN).astype(np.float32)


def _natural(rng: np.random.Generator, said: Said, length_s: float) -> np.ndarray:
    lengths = np.array([end - first for _, first, end in said.phones], float) ** 0.4
    return np.asarray(lengths / lengths.sum())


def _even(rng: np.random.Generator, said: Said, length_s: float) -> np.ndarray:
    return np.full(len(said.phones), 1 / len(said.phones))


SHARES: dict[Shares, Callable[[np.random.Generator, Said, float], np.ndarray]] = {
    "drawn": draw_shares,
    "natural": _natural,
    "even": _even,
}


def _arrays(song: Sample) -> Iterator[tuple[str, Any]]:
    yield f"{song.song_id}/mean", song.mean_TC
    yield f"{song.song_id}/style", song.style_NS
    yield f"{song.song_id}/sung", song.extras["sung"]
    yield f"{song.song_id}/words", json.dumps([word.to_json() for word in song.words])
    yield f"{song.song_id}/std", song.std_TC[:1, :1]


def _kept(path: Path) -> Songs:
    songs = Songs()
    with np.load(path) as file:
        for name in dict.fromkeys(key.partition("/")[0] for key in file.files):
            mean_TC = file[f"{name}/mean"]
            words = tuple(map(Word.from_json, json.loads(str(file[f"{name}/words"]))))
            std_TC = np.full_like(mean_TC, file[f"{name}/std"].item())
            extras = {"sung": file[f"{name}/sung"]}
            songs.append(Sample(name, mean_TC, std_TC, file[f"{name}/style"], words, extras=extras))
    return songs
