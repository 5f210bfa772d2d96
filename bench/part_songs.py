"""Songs for bench/part_styles.py: of world two, with the style of each part's seconds; what models learn of them and are asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.toy2_songs import Made, Songs, Studio, sample_of
from flows.settings.params import Params
from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.part_styles.parts import PART_STYLES, Part, PartStyles, tiled
from jam_model.shards import Sample
from jam_model.words import Word
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.performance import perform
from tasks.toy.world_two.truth import Truth, from_json, to_json


@dataclass(frozen=True)
class Song:
    """A song to learn or to ask for, and what is true of it."""

    sample: Sample
    truth: Truth

    @property
    def parts(self) -> PartStyles:
        """Its parts with the style of their seconds."""
        found: PartStyles = self.sample.extras[PART_STYLES]
        return found

    def asked(self, parts: PartStyles | None) -> Sample:
        """The sample with these styles of parts, or with one style."""
        extras = {name: value for name, value in self.sample.extras.items() if name != PART_STYLES}
        return replace(self.sample, extras=extras if parts is None else {**extras, PART_STYLES: parts})

    @property
    def swaps(self) -> list[int]:
        """Of each part the one whose style it gets when they are swapped: the next that was asked to sound otherwise; itself where none was."""
        styles, count = [part.style for part in self.truth.parts], len(self.truth.parts)
        orders = [[(number + step) % count for step in range(1, count)] for number in range(count)]
        return [
            next((other for other in order if styles[other] != styles[number]), number)
            for number, order in enumerate(orders)
        ]


def songs_of(params: Params, seed: int, count: int, studio: Studio, scratch: Path) -> list[Song]:
    """The first `count` songs of a set that can be; from the files of an earlier run where they stand."""
    facts = [
        params.toy.model_dump(mode="json", include={"two"}),
        studio.codec.identity,
        studio.style.identity,
        seed,
    ]
    folder = scratch / f"parts-{hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    songs: list[Song] = []
    index = 0
    while len(songs) < count:
        path = folder / f"{index}.npz"
        if not path.is_file():
            _make(path, params, song_seed(seed, index), studio)
        song = _kept(path, f"{seed}-{index}")
        songs += [] if song is None else [song]
        index += 1
    return songs


def _make(path: Path, params: Params, number: int, studio: Studio) -> None:
    """Writes a song; an empty file where it has no form of the wanted length."""
    try:
        song = perform(compose(number, params.toy.two))
    except ValueError:
        np.savez(path)
        return
    truth, mix_CN = song.truth, song.mix_CN.astype(np.float32)
    words = [Word(word.text, word.start_s, word.end_s) for word in truth.words]
    phones = [(phone.ipa, phone.start_s, phone.end_s) for phone in truth.phones]
    sample = sample_of("", Made(mix_CN, words, phones), studio, aligned=False)
    styles_KS = np.stack([style_of_span(mix_CN, part.start_s, part.end_s, studio) for part in truth.parts])
    told = json.dumps([word.to_json() for word in sample.words])
    arrays = {
        "mean": sample.mean_TC,
        "std": sample.std_TC[:1, :1],
        "style": sample.style_NS,
        "parts": styles_KS,
    }
    np.savez(path, **arrays, sung=sample.extras["sung"], words=told, truth=to_json(truth))


def _kept(path: Path, song_id: str) -> Song | None:
    with np.load(path) as file:
        if not file.files:
            return None
        truth = from_json(str(file["truth"]))
        named = [Part(part.label, part.start_s, part.end_s, n) for n, part in enumerate(truth.parts)]
        parts = PartStyles(file["parts"], tiled(named, truth.duration_s))
        words = tuple(map(Word.from_json, json.loads(str(file["words"]))))
        mean_TC = file["mean"]
        std_TC = np.full_like(mean_TC, file["std"].item())
        extras = {"sung": file["sung"], PART_STYLES: parts}
        return Song(Sample(song_id, mean_TC, std_TC, file["style"], words, extras=extras), truth)


def style_of_span(mix_CN: np.ndarray, start_s: float, end_s: float, studio: Studio) -> np.ndarray:
    """The mean style of these seconds, of norm 1."""
    span = slice(round(start_s * SAMPLE_RATE_HZ), round(end_s * SAMPLE_RATE_HZ))
    mean_S = np.asarray(studio.style.embed_audio(mix_CN[:, span]), np.float32).mean(axis=0)
    return mean_S / max(float(np.linalg.norm(mean_S)), 1e-9)


def to_learn(name: str, songs: Sequence[Song], seed: int) -> Songs:
    """The samples that a model learns from."""
    if name != "dealt":
        return Songs(song.asked(song.parts if name == "parts" else None) for song in songs)
    pool_PS = np.concatenate([song.parts.styles_KS for song in songs])
    order = iter(np.random.default_rng([seed, 5]).permutation(len(pool_PS)))
    dealt = [[next(order) for _ in song.parts.styles_KS] for song in songs]
    return Songs(
        song.asked(replace(song.parts, styles_KS=pool_PS[rows]))
        for song, rows in zip(songs, dealt, strict=True)
    )


def to_ask(how: str, songs: Sequence[Song]) -> Songs:
    """The samples that are asked for."""
    forms = {
        "own": lambda song: song.parts,
        "swapped": lambda song: replace(song.parts, styles_KS=song.parts.styles_KS[song.swaps]),
        "mean": lambda song: song.parts.averaged,
        "one": lambda song: None,
    }
    return Songs(song.asked(forms[how](song)) for song in songs)
