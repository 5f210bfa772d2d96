"""Sings a score: espeak words on its notes, with the exact times of every word and phone.

The words come from espeak processes (see `tasks.toy.espeak`), started when first needed and kept; what one
sings depends on the score alone, so `sing` may be called in any order, thread and process.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple, cast

import numpy as np

from jam_model.words import Word
from tasks.toy import espeak
from tasks.toy.composition import SAMPLE_RATE_HZ, Score

VOCALS_RMS = 0.085
_FADE_SAMPLES = 64  # at espeak's rate, 3 ms


class TimedPhone(NamedTuple):
    """A phone as espeak emits it, IPA with stress marks, its start and end in seconds, and the index of its word."""

    ipa: str
    start_s: float
    end_s: float
    word: int


class Take(NamedTuple):
    """A sung score: the voice alone and what it sings when.

    vocals_N: mono float32 at 44.1 kHz, as long as the score, RMS 0.085 over the whole song.
    words: one a note, in order, not overlapping.
    phones: in order. The l of "will", "until" and "silver" has no length: espeak sings it inside the vowel before.
    """

    vocals_N: np.ndarray
    words: list[Word]
    phones: list[TimedPhone]


WordSound = tuple[np.ndarray, list[espeak.Phone]]
"""Samples of a word, int16 at 22,050 Hz, and its phones as (IPA, first sample, end sample)."""


class _Singer:
    """An espeak process and the pipes to it."""

    def __init__(self) -> None:
        program = [sys.executable, "-P", str(Path(espeak.__file__))]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.owner = os.getpid()  # a forked copy of this object must not touch the pipes

    def sing(self, voice: str, notes: Sequence[tuple[str, float, int]]) -> list[WordSound]:
        """Every (word, duration_s, midi) as sound. Raises ValueError if espeak cannot sing one."""
        requests, answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        requests.write(json.dumps({"voice": voice, "notes": list(notes)}).encode() + b"\n")
        requests.flush()
        size = answers.read(4)
        if len(size) < 4:
            raise RuntimeError("the espeak process ended without an answer; its message is on stderr")
        header = json.loads(answers.read(int.from_bytes(size, "big")))
        if "error" in header:
            raise ValueError(f"voice {voice!r}: {header['error']}")
        sung = []
        for word in header["words"]:
            samples = np.frombuffer(answers.read(2 * word["num_samples"]), np.int16)
            sung.append((samples, [(phone, first, end) for phone, first, end in word["phones"]]))
        return sung

    def close(self) -> None:
        """Let the process end: its input ends."""
        self._process.communicate()

    def stop(self) -> None:
        """End the process at once."""
        self._process.kill()
        self.close()


_IDLE: list[_Singer] = []


def sing_notes(voice: str, notes: Sequence[tuple[str, float, int]]) -> list[WordSound]:
    """Every (word, duration_s, midi) as sound, by an idle singer (each thread has its own while it sings) or a new one."""
    while _IDLE:
        singer = _IDLE.pop()
        if singer.owner == os.getpid():
            break
    else:
        singer = _Singer()
    try:
        sung = singer.sing(voice, notes)
    except BaseException:  # its pipe may stand in the middle of an answer: this one is not used again
        singer.stop()
        raise
    _IDLE.append(singer)
    return sung


@atexit.register
def _close_idle() -> None:
    for singer in _IDLE:
        if singer.owner == os.getpid():
            singer.close()
    _IDLE.clear()


def sing(score: Score) -> Take:
    """The score's voice. The same score gives the same samples, always."""
    import soxr

    rate_hz = espeak.RATE_HZ
    sung = sing_notes(score.voice, [(note.word, note.duration_s, note.midi) for note in score.notes])
    voice_N = np.zeros(int(score.duration_s * rate_hz) + 1, np.float32)
    words, phones = [], []
    for index, (note, (sound_N, of_word)) in enumerate(zip(score.notes, sung, strict=True)):
        start = round(note.start_s * rate_hz)
        samples_N = sound_N.astype(np.float32) / 32768
        fade_N = np.linspace(0, 1, min(_FADE_SAMPLES, len(samples_N)), dtype=np.float32)
        samples_N[-len(fade_N) :] *= fade_N[::-1]
        voice_N[start : start + len(samples_N)] += samples_N[: len(voice_N) - start]
        words.append(Word(note.word, start / rate_hz, (start + len(samples_N)) / rate_hz))
        for phone, first, end in of_word:
            phones.append(TimedPhone(phone, (start + first) / rate_hz, (start + end) / rate_hz, index))
    vocals_N = soxr.resample(voice_N, rate_hz, SAMPLE_RATE_HZ)
    vocals_N = np.pad(vocals_N, (0, score.num_samples))[: score.num_samples]
    loudness = np.sqrt(np.square(vocals_N).mean(dtype=np.float64))
    return Take(vocals_N * np.float32(VOCALS_RMS / loudness), words, phones)
