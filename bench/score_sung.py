"""A song asked for by its score, in four forms, beside the same song asked for by its truth: are words as much in time and notes as much in tune?

python bench/score_sung.py --scratch FOLDER --model FOLDER/joint-... [--songs 24] [--minutes 8]

FOLDER and the model are those of `control_adherence.py`. Every new song of world two is written as MusicXML, MIDI (a tempo change, running status), UltraStar and .ds
(`score_forms.py`), read back as `jam generate --score` reads it, and generated from what is read: words with their times, phones even in their word since a score has none, and
the melody; the .ds, which states phones, once more with these. Beside them from the truth, phones even (`truth, even`) and where they are sung (`truth`), as the model learned them. All from one noise, under the guidance over
sets of params/controls.yaml, chords not asked.

Start errors are those of the words that the ears of world two recognise (with the share of them), and of all words where the embedded aligner lays them; against the truth's
starts in every row. Raw pitch and contour are the embedded tracker's against the truth's notes. `floor`: the codec's round trip. Differences are paired over songs. FOLDER keeps
each song's scores: the same command goes on.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from bench.control_adherence import GUIDED, HELD_OUT_SEED, sung
from bench.control_songs import songs_of
from bench.controls import sung_midi
from bench.floor_measures import TrueSong
from bench.measuring import RESULTS, machine, options_parser, rounded
from bench.score_forms import scores_of
from bench.toy2_causes import EVENLY, RECIPE, RESAMPLING
from bench.toy2_songs import Songs, Studio, sung_tokens
from eval.metrics.controls.contour import contour_scores
from eval.metrics.controls.melody import melody_scores
from eval.metrics.error_rates import count_errors, normalise
from eval.metrics.word_timing import (
    TimingErrors,
    timed_words,
    timing_difference,
    timing_errors,
    timing_estimate,
)
from eval.stats.intervals import mean, paired_mean_difference, paired_rate_difference, rate
from flows.settings.params import Params, load_params
from jam_model.batches import Crop, conditions_of
from jam_model.checkpoint import load_model
from jam_model.dit import Jam
from jam_model.frames import seconds_of_frames
from jam_model.lyric_grid import SYMBOLS
from jam_model.shards import Sample
from jam_model.words import PHONES, rows_of
from tasks.lyrics.read import read_lyrics
from tasks.lyrics.tune import melody_of
from tasks.models.melody import VoicePitch
from tasks.models.phonemizer import phonemized
from tasks.prompts.control_prompts import frames_of_tones
from tasks.shards.control_frames import melody_frames
from tasks.times.phones import given_phones
from tasks.toy.composition import song_seed
from tasks.toy.world_two.composition import compose
from tasks.toy.world_two.true_song import truth_of
from tasks.toy.world_two.truth import Truth

FLOOR, TRUTH, EVEN = "floor", "truth", "truth, even"
_told = partial(rounded, digits=4)
FORMS = ("MusicXML", "MIDI", "UltraStar", "DiffSinger")
PHONED = "DiffSinger, its phones"
LESS = {**dict.fromkeys(FORMS, (EVEN, TRUTH)), PHONED: (TRUTH,), EVEN: (TRUTH,)}
"""The rows that each row is compared with."""
DIFFERS = ("melody frames that differ", "slots of words that differ")
"""Of what is asked: where neither differs from the truth's, the song is the same and made once."""
MAX_BYTES, MAX_WORDS = 10_000_000, 10_000
Row = dict[str, Any]


def truths_of(params: Params) -> Iterator[Truth]:
    """Of the songs that can be, in their order."""
    number = -1
    while True:
        number += 1
        try:
            score = compose(song_seed(HELD_OUT_SEED, number), params.toy.two)
        except ValueError:  # no form of the song is so long
            continue
        yield truth_of(score)


def from_score(song: Sample, data: bytes, studio: Studio) -> tuple[Sample, list[str]]:
    """The song with words, melody and phones as they are read from a score, and its words as text."""
    lyrics = read_lyrics(data, MAX_BYTES, MAX_WORDS)
    end_s = seconds_of_frames(song.num_frames)
    times = [word.within(end_s) for word in lyrics.times or () if word is not None]
    words, _ = phonemized(times, studio.phonemizer)
    midi_T = frames_of_tones(melody_of(lyrics), song.num_frames)
    melody_T = melody_frames(np.stack([midi_T, midi_T], axis=1), song.num_frames)
    phones = given_phones(lyrics.phones, lyrics.times, words)
    stated = [(phone.text, phone.start_s, phone.end_s) for its in phones for phone in its]
    tokens_L = sung_tokens(words, stated, song.num_frames)
    extras = {**song.extras, "melody": melody_T, "sung": tokens_L, PHONES: phones}
    return replace(song, words=tuple(words), extras=extras), lyrics.words


def read_alone(params: Params, count: int) -> dict[str, Row]:
    """How many of the first songs read as their truth in each form, and how far times are at most from it: words and notes. No model is asked."""
    told = {
        name: {"songs": count, "same words": 0, "same notes": 0, "times apart at most, s": 0.0}
        for name in FORMS
    }
    for truth in islice(truths_of(params), count):
        words = normalise([word.text for word in truth.words])
        for name, data in scores_of(truth).items():
            lyrics, row = read_lyrics(data, MAX_BYTES, MAX_WORDS), told[name]
            tones = melody_of(lyrics)
            same = [tone.pitch for tone in tones] == [round(note.midi) for note in truth.notes]
            row["same words"] += normalise(lyrics.words) == words
            row["same notes"] += same
            pairs = [
                *zip(lyrics.times or (), truth.words, strict=False),
                *(zip(tones, truth.notes, strict=True) if same else ()),
            ]
            apart_s = [
                max(abs(a.start_s - b.start_s), abs(a.end_s - b.end_s)) for a, b in pairs if a is not None
            ]
            row["times apart at most, s"] = round(max(row["times apart at most, s"], *apart_s), 5)
    return told


def read_facts(song: Sample, one: Sample, words: Sequence[str]) -> Row:
    """How far what is read from a score is the truth's."""
    same_words = normalise(list(words)) == normalise([word.text for word in song.words])
    apart_s = [
        max(abs(a.start_s - b.start_s), abs(a.end_s - b.end_s))
        for a, b in zip(one.words, song.words, strict=same_words)
    ]
    tokens = [
        conditions_of(
            [(each, Crop(0, song.num_frames, song.num_frames), 0)], song.num_frames, SYMBOLS, "average_repeat"
        )
        for each in (song, one)
    ]
    slots = [each.lyric_tokens_BL.numpy() for each in tokens]
    return {
        "same words": same_words,
        "times apart, s": round(max(apart_s), 5),
        DIFFERS[0]: float(np.mean(one.extras["melody"] != song.extras["melody"])),
        DIFFERS[1]: float(np.mean(slots[0] != slots[1])),
        "words with phones": float(np.mean([bool(its) for its in one.phones or ()])),
    }


def heard(latent_TC: np.ndarray, song: Sample, truth: TrueSong, studio: Studio, tracker: VoicePitch) -> Row:
    """What is heard of one song, against its truth."""
    vocals_N = studio.separator.separate(studio.codec.decode(latent_TC))
    found = studio.transcriber.transcribe(vocals_N)
    phones = studio.phonemizer.phones(normalise([word.text for word in song.words]))
    late = timing_errors(timed_words(rows_of(song.words)), timed_words(rows_of(found.words)))
    laid = studio.aligner.align(vocals_N, [(word.text.lower(), word.phonemes or "") for word in song.words])
    melody = tracker.track(vocals_N)
    frames = min(len(melody.midi_T), len(latent_TC))
    true_T, midi_T = sung_midi(truth, frames), melody.midi_T[:frames]
    scores = melody_scores(true_T, midi_T, melody.voiced_T[:frames])
    return {
        "errors": count_errors(phones, found.phones or []).errors,
        "phones": len(phones),
        "start_s": [round(one, 4) for one in late.start_s],
        "words": late.num_reference,
        "laid_s": float(
            np.median([abs(one.start_s - word.start_s) for one, word in zip(laid, song.words, strict=True)])
        ),
        "raw pitch": scores.raw_pitch,
        "contour": contour_scores(true_T, midi_T).correlation,
    }


def measured(model: Jam, params: Params, song: Sample, truth: TrueSong, files: Mapping[str, bytes], studio: Studio, tracker: VoicePitch) -> dict[str, Row]:  # fmt: skip
    """Every row of one song."""
    asked = {EVEN: song}
    facts: dict[str, Row] = {}
    for name in FORMS:
        asked[name], words = from_score(song, files[name], studio)
        facts[name] = read_facts(song, asked[name], words)
    latents = {FLOOR: song.mean_TC}
    facts[PHONED] = facts["DiffSinger"]
    by_name = {**asked, TRUTH: song, PHONED: asked["DiffSinger"]}
    same = {
        name: EVEN for name, fact in facts.items() if name != PHONED and not any(fact[key] for key in DIFFERS)
    }
    for names, grid in (
        ((TRUTH, PHONED), "held"),
        (tuple(name for name in asked if name not in same), "repeat"),
    ):
        some = Songs(by_name[name] for name in names)
        controls = [{"melody": one.extras["melody"]} for one in some]
        latents |= zip(names, sung(model, params, some, controls, studio, grid), strict=True)  # type: ignore[arg-type]
    rows = {name: heard(latent_TC, song, truth, studio, tracker) for name, latent_TC in latents.items()}
    return {name: {**rows[same.get(name, name)], **facts.get(name, {})} for name in (FLOOR, *by_name)}


def figures(songs: Sequence[Mapping[str, Row]]) -> dict[str, Any]:
    """Each row, and each form less both rows of the truth."""
    told: dict[str, Any] = {}
    for name in songs[0]:
        rows = [song[name] for song in songs]
        late = [_late(row) for row in rows]
        columns = [[row[key] for row in rows] for key in ("errors", "phones")]
        told[name] = {
            "per": _told(rate(*columns, RESAMPLING)),
            "start, recognised words, median s": _told(timing_estimate(late, "start", "median", RESAMPLING)),
            "words recognised": round(
                sum(one.num_matched for one in late) / sum(one.num_reference for one in late), 3
            ),
            "start, aligned words, median s": _told(mean([row["laid_s"] for row in rows], RESAMPLING)),
            "raw pitch": _told(mean([row["raw pitch"] for row in rows], RESAMPLING)),
            "contour": _told(mean([row["contour"] for row in rows], RESAMPLING)),
        }
        if name in (*FORMS, PHONED):
            told[name]["as read"] = {
                "songs with the same words": sum(row["same words"] for row in rows),
                "times apart at most, s": max(row["times apart, s"] for row in rows),
                **{key: round(float(np.mean([row[key] for row in rows])), 4) for key in ("melody frames that differ", "slots of words that differ", "words with phones")},
            }  # fmt: skip
        for other in LESS.get(name, ()):
            twos = [song[other] for song in songs]
            others = [[row[key] for row in twos] for key in ("errors", "phones")]
            told[name][f"less {other}"] = {
                "per": _told(paired_rate_difference(*columns, *others, RESAMPLING)),
                "start, recognised words, median s": _told(
                    timing_difference(late, [_late(row) for row in twos], "start", "median", RESAMPLING)
                ),
                **{
                    said: _told(paired_mean_difference([row[key] for row in rows], [row[key] for row in twos], RESAMPLING))
                    for said, key in (("start, aligned words, median s", "laid_s"), ("raw pitch", "raw pitch"), ("contour", "contour"))
                },
            }  # fmt: skip
    return told


def _late(row: Row) -> TimingErrors:
    return TimingErrors(tuple(row["start_s"]), (), row["words"])


def main() -> None:
    """Sing and hear what is not there, write, and show."""
    parser = options_parser(__doc__)
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=24)
    parser.add_argument("--held-out", type=int, default=64, help="how many the file of songs holds")
    parser.add_argument("--read", type=int, default=24, help="songs that are written and read alone")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no song begins later than that")
    parser.add_argument("--out", type=Path, default=RESULTS / "score_sung.json")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    torch.set_num_threads(1)
    params = load_params(RECIPE, [*EVENLY, *GUIDED])
    studio, tracker = Studio(params), VoicePitch()
    new, truths = songs_of(params, HELD_OUT_SEED, given.held_out, studio, given.scratch)
    model = load_model(given.model).eval().requires_grad_(False)
    path = given.scratch / f"score-{given.model.name}.jsonl"
    done = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    files = (scores_of(truth) for truth in islice(truths_of(params), len(done), given.songs))
    for number, forms in enumerate(files, start=len(done)):
        if time.monotonic() > until:
            break
        done.append(measured(model, params, new[number], truths[number], forms, studio, tracker))
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done[-1]) + "\n")
    result = {
        "model": given.model.name,
        "songs": len(done),
        "columns": ["value", "95 % low", "95 % high", "songs"],
        "read, without a model": read_alone(params, given.read),
        "rows": figures(done),
        "machine": machine("torch", "numpy"),
    }
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result["rows"], indent=1))
    if len(done) < given.songs:
        print(f"{len(done)} of {given.songs} songs: the minutes are over; the same command goes on")


if __name__ == "__main__":
    main()
