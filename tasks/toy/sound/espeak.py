"""Sings words with espeak-ng through ctypes (events, phones, pitch, words a minute): the program behind `tasks.toy.sound.singers`.

espeak keeps state between calls (its wave phase among others), so the same call gives other samples the
second time, and nothing in its interface resets it. This file therefore runs as a process of its own: it
loads the library once and sings each request in a forked child, so every request meets the same fresh state
and its answer depends on nothing sung before. It imports neither numpy nor anything of the project.

A request is one JSON line ``{"voice": str, "notes": [[word, duration_s, midi], ...]}``, or, for words as they are
said, ``{"voice": str, "words": [word, ...], "words_per_minute": int, "f0_hz": int}``. The answer is a
4-byte big-endian length, a JSON header of that length and the samples of all words (int16, 22,050 Hz, mono):
``{"words": [{"num_samples": int, "phones": [[ipa, first_sample, end_sample], ...]}, ...]}`` or
``{"error": str}``. The program ends when its input does.

Source: speak_lib.h of espeak-ng 1.52 (constants and struct layout).
"""

from __future__ import annotations

import ctypes
import json
import os
import sys

import espeakng_loader

RATE_HZ = 22050
_SYNCHRONOUS = 2
_PHONEME_EVENTS_IN_IPA = 0x1 | 0x2
_DONT_EXIT = 0x8000
_UTF8 = 1
_SPEED_WPM = 1  # espeak_PARAMETER numbers
_EVENT_END_OF_LIST, _EVENT_PHONEME = 0, 7
_NATURAL_WPM, _MIN_WPM, _MAX_WPM = 160, 80, 450
_NOTE_FILL = 0.94  # the part of a note that its word aims to fill
_MAX_TRIES = 4


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)
Phone = tuple[str, int, int]  # IPA as espeak emits it (stress marks stay), first sample, end sample


class Espeak:
    """The library, loaded once a process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        rate_hz = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _PHONEME_EVENTS_IN_IPA | _DONT_EXIT
        )
        if rate_hz != RATE_HZ:
            raise RuntimeError(
                f"espeak_Initialize gave {rate_hz}, expected {RATE_HZ} Hz; reinstall espeakng-loader"
            )
        self._samples: list[bytes] = []
        self._events: list[tuple[str, int]] = []
        self._callback = _Callback(self._collect)  # kept: the library holds only a pointer to it
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, wave: object, num_samples: int, events: object) -> int:
        if num_samples > 0:
            self._samples.append(ctypes.string_at(wave, 2 * num_samples))  # type: ignore[arg-type]
        index = 0
        while (event := events[index]).type != _EVENT_END_OF_LIST:  # type: ignore[index]
            if event.type == _EVENT_PHONEME:
                phone = event.id.string.decode("utf-8", "replace").rstrip("\0")
                self._events.append((phone, event.sample))
            index += 1
        return 0

    def set_voice(self, voice: str) -> None:
        """Choose a voice by name, with its variant (``en-us+f4``)."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"voice {voice!r} is unknown to espeak-ng")

    def say(self, word: str, words_per_minute: int, f0_hz: int) -> tuple[bytes, list[Phone]]:
        """One word on one pitch, cut from its first phone's start to its last phone's end (int16 bytes)."""
        self._samples, self._events = [], []
        self._library.espeak_SetParameter(_SPEED_WPM, words_per_minute, 0)
        self._library.espeak_ng_SetConstF0(ctypes.c_int(f0_hz))
        text = word.encode() + b"\0"
        if self._library.espeak_Synth(text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8, None, None) != 0:
            raise RuntimeError(f"espeak_Synth failed on {word!r}")
        self._library.espeak_Synchronize()
        samples = b"".join(self._samples)
        bounds = [first for _, first in self._events] + [len(samples) // 2]
        phones = [
            (phone, first, end)
            for (phone, first), end in zip(self._events, bounds[1:], strict=True)
            if phone  # an empty name is a pause
        ]
        if not phones:
            raise ValueError(f"word {word!r} has no sound in espeak-ng")
        start, end = phones[0][1], phones[-1][2]
        return samples[2 * start : 2 * end], [
            (phone, first - start, last - start) for phone, first, last in phones
        ]

    def sing(self, word: str, duration_s: float, midi: int) -> tuple[bytes, list[Phone]]:
        """One word on a note: said at a speed that fills the note, cut where the note ends."""
        f0_hz = round(440 * 2 ** ((midi - 69) / 12))
        limit = int(duration_s * RATE_HZ)
        words_per_minute = _NATURAL_WPM
        for attempt in range(_MAX_TRIES):
            samples, phones = self.say(word, words_per_minute, f0_hz)
            length = len(samples) // 2
            if attempt > 0 and length <= limit:
                break
            faster = round(words_per_minute * length / (limit * _NOTE_FILL))
            words_per_minute = min(max(faster, _MIN_WPM), _MAX_WPM)
        cut = [(phone, first, min(end, limit)) for phone, first, end in phones if first < limit]
        return samples[: 2 * limit], cut


def _answer(espeak: Espeak, request: dict) -> bytes:
    espeak.set_voice(request["voice"])
    if "words" in request:
        sung = [espeak.say(word, request["words_per_minute"], request["f0_hz"]) for word in request["words"]]
    else:
        sung = [espeak.sing(word, duration_s, midi) for word, duration_s, midi in request["notes"]]
    header = {"words": [{"num_samples": len(samples) // 2, "phones": phones} for samples, phones in sung]}
    return _framed(header) + b"".join(samples for samples, _ in sung)


def _framed(header: dict) -> bytes:
    body = json.dumps(header).encode()
    return len(body).to_bytes(4, "big") + body


def serve() -> None:
    """Answer requests from standard input until it ends."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints must not mix with the answers
    espeak = Espeak()
    for line in sys.stdin.buffer:
        child = os.fork()
        if child == 0:
            try:
                answer = _answer(espeak, json.loads(line))
            except (ValueError, RuntimeError) as error:
                answer = _framed({"error": str(error)})
            output.write(answer)
            output.flush()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != 0:
            output.write(_framed({"error": f"espeak-ng ended with status {status}"}))
            output.flush()


if __name__ == "__main__":
    serve()
