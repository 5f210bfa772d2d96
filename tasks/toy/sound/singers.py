"""espeak processes that stay, one for each thread that asks, requests and answers through pipes (see `tasks.toy.sound.espeak`)."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from tasks.toy.sound import espeak

WordSound = tuple[np.ndarray, list[espeak.Phone]]
"""Samples of a word, int16 at 22,050 Hz, and its phones as (IPA, first sample, end sample)."""


class _Singer:
    """An espeak process and the pipes to it."""

    def __init__(self) -> None:
        program = [sys.executable, "-P", str(Path(espeak.__file__))]
        self._process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.owner = os.getpid()  # a forked copy of this object must not touch the pipes

    def ask(self, request: dict[str, Any]) -> list[WordSound]:
        """Every word of a request as sound. Raises ValueError if espeak cannot sing one."""
        requests, answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        requests.write(json.dumps(request).encode() + b"\n")
        requests.flush()
        size = answers.read(4)
        if len(size) < 4:
            raise RuntimeError("the espeak process ended without an answer; its message is on stderr")
        header = json.loads(answers.read(int.from_bytes(size, "big")))
        if "error" in header:
            raise ValueError(f"voice {request['voice']!r}: {header['error']}")
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
    """Every (word, duration_s, midi) as sound, each on its note."""
    return _ask({"voice": voice, "notes": list(notes)})


def say_words(voice: str, words: Sequence[str], words_per_minute: int, f0_hz: int) -> list[WordSound]:
    """Every word as sound, at one speed and on one pitch.

    The same call gives the same samples, always; a word's samples depend on the words before it.
    """
    return _ask({"voice": voice, "words": list(words), "words_per_minute": words_per_minute, "f0_hz": f0_hz})


def _ask(request: dict[str, Any]) -> list[WordSound]:
    """The answer of an idle process (each thread has its own meanwhile), or of a new one."""
    while _IDLE:
        singer = _IDLE.pop()
        if singer.owner == os.getpid():
            break
    else:
        singer = _Singer()
    try:
        sung = singer.ask(request)
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
