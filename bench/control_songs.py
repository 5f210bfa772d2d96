"""Songs of world two with their chords and their melody as controls, and the song whose controls each is asked for in place of its own (`bench/control_adherence.py`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.controls import sung_midi
from bench.floor_measures import TrueSong
from bench.toy2_songs import Made, Songs, Studio, performed, sample_of
from bench.toy_floors import true_song
from flows.settings.params import Params
from jam_model.shards import Sample
from jam_model.words import Word
from tasks.shards.control_frames import chord_frames, melody_frames

NAMES = ("chords", "melody")


def songs_of(
    params: Params, seed: int, count: int, studio: Studio, scratch: Path
) -> tuple[Songs, list[TrueSong]]:
    """The first songs of a set that can be, with their controls in `extras`, and their truth; from an earlier run where they stand."""
    facts = [params.toy.two.model_dump(mode="json"), studio.codec.identity, seed, count]
    path = scratch / f"controlled-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}.npz"
    if not path.is_file():
        arrays: dict[str, Any] = {}
        for number, (sample_, truth) in zip(range(count), _made(params, seed, studio), strict=False):
            arrays |= {f"{number}/{name}": value for name, value in _arrays(sample_, truth)}
        np.savez(path, **arrays)
    songs, truths = Songs(), []
    with np.load(path) as file:
        for number in range(count):
            one = {key: file[f"{number}/{key}"] for key in ("mean", "std", "style", "sung", *NAMES)}
            meta = json.loads(str(file[f"{number}/meta"]))
            words = tuple(map(Word.from_json, meta["words"]))
            extras = {name: one[name] for name in ("sung", *NAMES)}
            std_TC = np.full_like(one["mean"], one["std"].item())
            songs.append(Sample(f"{seed}-{number}", one["mean"], std_TC, one["style"], words, extras=extras))
            truth = meta["truth"]
            truths.append(TrueSong(**{key: _tuples(value) for key, value in truth.items()}))
    return songs, truths


def _made(params: Params, seed: int, studio: Studio) -> Iterator[tuple[Sample, TrueSong]]:
    for _, song in performed(seed, params):
        words = [Word(word.text, word.start_s, word.end_s) for word in song.truth.words]
        phones = [(phone.ipa, phone.start_s, phone.end_s) for phone in song.truth.phones]
        mix_CN = song.mix_CN.astype(np.float32)
        made, truth = sample_of("", Made(mix_CN, words, phones), studio, False), true_song(song.truth)
        frames = made.num_frames
        rows = [{"start_s": start, "end_s": end, "label": label} for start, end, label in truth.chords]
        midi_T = sung_midi(truth, frames)
        melody_T = melody_frames(np.stack([midi_T, np.ones(frames)], axis=1), frames)
        yield (
            replace(made, extras={**made.extras, "chords": chord_frames(rows, frames), "melody": melody_T}),
            truth,
        )


def _arrays(song: Sample, truth: TrueSong) -> Iterator[tuple[str, Any]]:
    yield from (("mean", song.mean_TC), ("std", song.std_TC[:1, :1]), ("style", song.style_NS))
    yield from song.extras.items()
    yield "meta", json.dumps({"words": [word.to_json() for word in song.words], "truth": vars(truth)})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def others_of(truths: Sequence[TrueSong]) -> list[int]:
    """For each song the one whose controls it is asked for in their place."""

    def apart(one: TrueSong, two: TrueSong) -> tuple[bool, bool, float]:
        tempo = abs(np.log(_bpm(one) / _bpm(two)))
        return one.key != two.key, (one.key or "").split()[-1:] != (two.key or "").split()[-1:], tempo

    return [
        min((j for j in range(len(truths)) if j != i), key=lambda j: apart(truths[i], truths[j]))
        for i in range(len(truths))
    ]


def _bpm(truth: TrueSong) -> float:
    return float(60 / np.median(np.diff(truth.beats_s)))
