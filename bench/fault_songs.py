"""Songs for bench/quality_faults.py: of world two with one fault each, through the stages that measure them; in process, kept in a file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from flows.settings.params import Params
from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word, rows_of
from tasks.engine.song import Song, SongError
from tasks.engine.stage import Stage
from tasks.songs.columns import SONG_COLUMNS
from tasks.stages.align import Align
from tasks.stages.check import Check
from tasks.stages.graded.detect import Detect
from tasks.stages.phonemize import Phonemize
from tasks.stages.separate import Separate
from tasks.stages.transcribe import Transcribe
from tasks.toy.composition import song_seed
from tasks.toy.faults.kinds import KINDS, compose_with, publish
from tasks.toy.faults.lyrics import other_song
from tasks.toy.faults.published import Published
from tasks.toy.world_two.features import stream

CLEAN = "clean"
SOME_LINES, ADVERT, HEARD_LOOP, INVENTION = "some_lines", "advert", "heard_loop", "invention"
PLANTED = (SOME_LINES, ADVERT, HEARD_LOOP, INVENTION)
"""Faults that the toy world does not know, made here."""
ALL = (*KINDS, *PLANTED)
SAID = ["for", "more", "songs", "visit", "www", "dot", "toysongs", "dot", "com"]
MADE_UP = ["you", "know", "we", "are", "so", "glad"]
KEPT = (
    *("quality", "detected", "line_fits", "unwritten_stretches", "sound_loops", "unheard_runs"),
    *("hurried_words", "words", "transcript", "duration_s", "claim_offset_s", "claim_remark"),
)


@dataclass(frozen=True)
class Measured:
    """A song's columns as far as `KEPT`, the words that are truly sung as (text, start, end), and why it was dropped before
    anything was measured.
    """

    kind: str
    song_id: str
    columns: Mapping[str, Any]
    sung: Sequence[tuple[str, float, float]]
    dropped: str | None


def measured_songs(kind: str, seed: int, count: int, params: Params, scratch: Path) -> list[Measured]:
    """The first `count` songs of a seed with this fault; those of an earlier run are read from `scratch`."""
    path = scratch / f"{kind}-{seed}.jsonl"
    lines = path.read_text().splitlines() if path.is_file() else []
    made = [Measured(**json.loads(line)) for line in lines]
    if len(made) < count:
        stages = [*gate_stages(params), Detect(params.check)]
        with path.open("a") as file:
            for number in range(len(made), count):
                song = _measured(kind, seed, number, params, stages)
                file.write(json.dumps(vars(song)) + "\n")
                file.flush()
                made.append(song)
    return made[:count]


def gate_stages(params: Params) -> list[Stage]:
    """From a mix with its lyrics to the measures that limits are on."""
    return [
        Separate(params.separate, params.models.separator),
        Transcribe(params.transcribe, params.models.transcriber),
        Align(params.align, params.models.aligner, params.models.phonemizer),
        Phonemize(params.phonemize, params.models.phonemizer),
        Check(params.check),
    ]


def _measured(kind: str, seed: int, number: int, params: Params, stages: Sequence[Stage]) -> Measured:
    song = _published(kind, seed, number, params)
    said = [word for line in song.truth.lines if line.in_lyrics for word in _words_of(song, line)]
    song_id = f"{kind}-{seed}-{number:03d}"
    row, dropped = _song(song_id, song), None
    try:
        for stage in stages:
            row = stage.one(row)
            if stage.name == Transcribe.name:
                row = _misheard(kind, row, stream(seed + number, "misheard"))
    except SongError as error:
        dropped = error.reason
    columns = {name: row.columns.get(name) for name in KEPT}
    return Measured(kind, song_id, columns, said, dropped)


def _published(kind: str, seed: int, number: int, params: Params) -> Published:
    """The song with its fault."""
    of_seed, features = song_seed(seed, number), params.toy.two
    song = publish(compose_with(of_seed, features, kind if kind in KINDS else None), _if_known(kind))
    rng = stream(of_seed, "planted")
    if kind == SOME_LINES:
        wrong = other_song(song, rng).lines
        count = int(rng.integers(1, len(song.lines) // 2 + 1))
        places = {*rng.choice(len(song.lines), count, replace=False).tolist()}
        lines = tuple(wrong[n] if n in places else line for n, line in enumerate(song.lines))
        return replace(song, lines=lines)
    if kind == ADVERT:
        end_s = song.truth.duration_s
        start_s = max(song.lines[-1][-1].end_s, end_s - 4.0)
        bounds_s = np.linspace(start_s, end_s, len(SAID) + 1).tolist()
        advert = tuple(Word(text, bounds_s[n], bounds_s[n + 1]) for n, text in enumerate(SAID))
        return replace(song, lines=(*song.lines, advert))
    return song


def _if_known(kind: str) -> str | None:
    return kind if kind in KINDS else None


def _words_of(song: Published, line: Any) -> Iterator[tuple[str, float, float]]:
    for word in song.truth.words[line.first_word : line.end_word]:
        yield word.text, word.start_s, word.end_s


def _song(song_id: str, song: Published) -> Song:
    """The song as `ingest` would leave it: 16 bits, words with the times that they are said to have."""
    mix_CN = song.vocals_N + song.band_CN
    file = io.BytesIO()
    soundfile.write(file, np.clip(mix_CN, -1, 1).T, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    end_s = mix_CN.shape[1] / SAMPLE_RATE_HZ
    words = [word.within(end_s) for line in song.lines for word in line]
    facts: dict[str, Any] = {
        **dict.fromkeys(SONG_COLUMNS),
        "audio": {"path": None, "bytes": file.getvalue()},
        "duration_s": end_s,
        "lyrics": [word.text for word in words],
        "lyrics_times": rows_of(words),
        **{"lyrics_lines": None, "num_lines": None, "lyrics_language": None},
    }
    return Song(song_id, facts)


def _misheard(kind: str, song: Song, rng: np.random.Generator) -> Song:
    """What a recogniser that loops or invents would have written in place of what was heard."""
    heard, times = song["transcript"], song["transcript_times"]
    if kind not in (HEARD_LOOP, INVENTION) or len(heard) < 8:
        return song
    place = int(rng.integers(0, len(heard) - 4))
    if kind == HEARD_LOOP:
        size, again = int(rng.integers(2, 5)), int(rng.integers(3, 9))
        more, rows = heard[place : place + size] * again, times[place : place + size] * again
        place += size
    else:
        start_s = max(0.0, times[0]["start_s"] - 2.0)
        bounds_s = np.linspace(start_s, times[0]["start_s"] - 0.2, len(MADE_UP) + 1).clip(min=0).tolist()
        more, place = MADE_UP, 0
        rows = [
            {**times[0], "text": text, "start_s": bounds_s[n], "end_s": bounds_s[n + 1]}
            for n, text in enumerate(MADE_UP)
        ]
    columns = {
        "transcript": [*heard[:place], *more, *heard[place:]],
        "transcript_times": [*times[:place], *rows, *times[place:]],
    }
    return song.with_columns(**columns)
