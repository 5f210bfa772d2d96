"""WhisperX's alignment: given words laid over the letters that a wav2vec 2.0 net hears.

Source: Bain et al., WhisperX: Time-Accurate Speech Transcription of Long-Form Audio, Interspeech 2023, whose
trellis and way back through it are called here. Around them this differs from `whisperx.align`: lines, or the
whole song, come from the caller and need no sentence splitter; the net listens in windows that overlap, so that
memory does not grow with the song; the path runs to the end of what is given; and a word's score is that of its
letters where they begin, without the blanks behind them, as sure for a wrong word as for a right one.

Shapes: N samples at 16 kHz, T frames, V letters of the net.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from jam_model.frames import SAMPLE_RATE_HZ
from tasks.models.aligner import Line, TimedWord, Unalignable
from tasks.models.choice import RealModel
from tasks.models.device import device_of, in_precision
from tasks.models.foreign import import_foreign
from tasks.models.weights import Card, find_weights, loading

VERSION = 1
CARD = Card(
    name="wav2vec 2.0 with letters (Wav2Vec2ForCTC)",
    section="aligner.whisperx",
    packages=("whisperx", "transformers", "torch", "soxr"),
    files=("config.json", "preprocessor_config.json", "vocab.json", "*.safetensors"),
    released_at="hub facebook/wav2vec2-base-960h",
    licence="Apache-2.0",
)
CARDS = (CARD,)
RATE_HZ = 16_000
WINDOW, CONTEXT = 1500, 100  # frames the net hears at once, and of them on each side those it only hears
MAX_CELLS = 500_000_000  # of a trellis, 4 bytes each: 15 minutes of song with 10,000 letters
BEHIND_WORD = "|"
NEVER_SAVED = {"wav2vec2.masked_spec_embed"}  # only training reads it
LEAST_SCORE = 1e-4
NEVER = -1e9  # nats


@dataclass(frozen=True, slots=True)
class Letter:
    """Frames [first, end) of a letter, which is heard at `first` and lasts until the next, and its posterior."""

    first: int
    end: int
    posterior: float


class WhisperXAligner:
    """Forced alignment of letters. Pronunciations play no part."""

    def __init__(self, settings: RealModel, identity: str, line_tolerance_s: float) -> None:
        self.identity = identity
        self.line_tolerance_s = line_tolerance_s
        self._settings = settings
        self._device = device_of(CARD.section, settings.device)
        folder = find_weights(CARD, *settings.place(CARD))
        with loading(CARD, folder):
            self._net = load_net(folder).to(self._device).eval()
            self._letters = load_letters(folder, self._net.config.vocab_size)
            self._normalised = _is_normalised(folder)
        self._blank = self._net.config.pad_token_id
        self._stride = math.prod(self._net.config.conv_stride)
        self._field = _receptive_field(self._net.config)

    def align(
        self,
        vocals_N: np.ndarray,
        words: Sequence[str],
        pronunciations: Sequence[str],
        lines: Sequence[Line] | None = None,
    ) -> list[TimedWord]:
        """Times to 20 ms; see `Aligner.align`. Letters the net does not know (digits, other scripts) match
        whatever it hears best; a word of such letters alone has the score 0.
        """
        if not words:
            raise Unalignable("no_words", "there are no words to align")
        if not any(letter in self._letters for word in words for letter in word.lower()):
            raise Unalignable(
                "no_phones", f"no letter of {words[0]!r} and the other words is known to the net"
            )
        frames_TV = self.listen(vocals_N)
        timed: list[TimedWord] = []
        latest = 0
        for first, end, window in self._stretches(lines, len(words), len(frames_TV)):
            start, stop = max(window[0], latest), min(window[1], len(frames_TV))
            spelled = self._spelled(words[first:end])
            if len(spelled) > stop - start or len(spelled) * (stop - start) > MAX_CELLS:
                raise Unalignable(
                    "too_many_words" if lines is None else "line_times",
                    f"words {first}-{end - 1} have {len(spelled)} letters, for {max(0, stop - start)} frames of 20 ms",
                )
            letters = lay(frames_TV[start:stop], spelled, self._blank)
            timed += self._timed(words[first:end], spelled, letters, start)
            latest = start + letters[-1].end
        return timed

    @torch.inference_mode()
    def listen(self, vocals_N: np.ndarray) -> torch.Tensor:
        """Log-probabilities of the net's letters, [T, V], of mono vocals at 44.1 kHz."""
        if vocals_N.ndim != 1 or not len(vocals_N):
            raise ValueError(f"vocals: shape {vocals_N.shape}; needed is [N] mono, not empty")
        audio_N = soxr.resample(vocals_N.astype(np.float32), SAMPLE_RATE_HZ, RATE_HZ, quality="HQ")
        if self._normalised:
            audio_N = (audio_N - audio_N.mean()) / np.sqrt(audio_N.var() + 1e-7)
        audio_N = np.pad(audio_N, (0, max(0, self._field - len(audio_N))))
        windows = list(windows_of((len(audio_N) - self._field) // self._stride + 1))
        heard = []
        for place in range(0, len(windows), self._settings.batch_size):
            batch = windows[place : place + self._settings.batch_size]
            sound = np.stack([self._sound(audio_N, window) for window in batch])
            with in_precision(self._device, self._settings.precision):
                logits_BTV = self._net(torch.from_numpy(sound).to(self._device)).logits
            frames_BTV = logits_BTV.float().log_softmax(-1).cpu()
            heard += [
                frames_TV[window.keep_first - window.first : window.keep_end - window.first]
                for window, frames_TV in zip(batch, frames_BTV, strict=True)
            ]
        return torch.cat(heard)

    def _sound(self, audio_N: np.ndarray, window: Window) -> np.ndarray:
        last = window.end - 1
        return audio_N[window.first * self._stride : last * self._stride + self._field]

    def _stretches(
        self, lines: Sequence[Line] | None, num_words: int, num_frames: int
    ) -> Iterator[tuple[int, int, tuple[int, int]]]:
        """Words [first, end) that are laid together, and the frames [start, stop) they must keep within."""
        frames_a_second = RATE_HZ / self._stride
        latest = 0
        for number, line in enumerate(lines or ()):
            if not latest <= line.first <= line.last < num_words:
                raise Unalignable(
                    "line_times", f"line {number} holds words {line.first}-{line.last} of {num_words}"
                )
            start = math.floor((line.start_s - self.line_tolerance_s) * frames_a_second)
            if latest < line.first:
                yield latest, line.first, (0, start)
            yield (
                line.first,
                line.last + 1,
                (start, math.ceil((line.end_s + self.line_tolerance_s) * frames_a_second)),
            )
            latest = line.last + 1
        if latest < num_words:
            yield latest, num_words, (0, num_frames)

    def _spelled(self, words: Sequence[str]) -> list[int | None]:
        """Numbers of the words' letters and the net's sign behind each word; None for a letter it does not know."""
        behind = [self._letters[BEHIND_WORD]] if BEHIND_WORD in self._letters else []
        return [number for word in words for number in [*map(self._letters.get, word.lower()), *behind]]

    def _timed(
        self, words: Sequence[str], spelled: Sequence[int | None], letters: Sequence[Letter], start: int
    ) -> list[TimedWord]:
        gap = int(BEHIND_WORD in self._letters)
        second = self._stride / RATE_HZ
        timed, place = [], 0
        for word in words:
            here = slice(place, place + len(word.lower()))
            known = [
                max(letter.posterior, LEAST_SCORE)
                for letter, number in zip(letters[here], spelled[here], strict=True)
                if number is not None
            ]
            score = math.exp(sum(map(math.log, known)) / len(known)) if known else 0.0
            first, end = letters[here][0].first, letters[here][-1].end
            timed.append(TimedWord(word, (start + first) * second, (start + end) * second, score))
            place = here.stop + gap
        return timed


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [first, end) that the net hears at once, of which [keep_first, keep_end) are kept."""

    first: int
    end: int
    keep_first: int
    keep_end: int


def windows_of(num_frames: int) -> Iterator[Window]:
    """Windows of one length that keep every frame once; the last one ends with the song."""
    keep_first = 0
    for start in range(0, num_frames, WINDOW - 2 * CONTEXT):
        first = max(0, min(start, num_frames - WINDOW))
        end = min(first + WINDOW, num_frames)
        keep_end = num_frames if end == num_frames else end - CONTEXT
        yield Window(first, end, keep_first, keep_end)
        keep_first = keep_end
        if end == num_frames:
            return


def lay(frames_TV: torch.Tensor, spelled: Sequence[int | None], blank: int) -> list[Letter]:
    """Where the letters lie on the likeliest path through all the frames; None stands for any letter.

    Left to itself WhisperX's path ends where it is likeliest, and as every frame costs something that is too
    soon wherever much is heard that nobody wrote down. Here a frame is added which alone hears a last sign. The
    last letter is given one frame. No more letters than frames.
    """
    whisperx = import_foreign("whisperx.alignment")
    num_frames, wildcard = frames_TV.shape
    heard_TV = torch.full((num_frames + 1, wildcard + 2), NEVER)
    heard_TV[:-1, :wildcard] = frames_TV
    heard_TV[:-1, wildcard] = frames_TV[:, torch.arange(wildcard) != blank].amax(1)
    heard_TV[-1, -1] = 0.0
    tokens = torch.tensor([wildcard if number is None else number for number in spelled] + [wildcard + 1])
    trellis = whisperx.get_trellis(heard_TV, tokens, blank)
    path = whisperx.backtrack(trellis, heard_TV, tokens, blank)
    if path is None:
        raise Unalignable("too_many_words", f"{len(spelled)} letters find no path in {num_frames} frames")
    *laid, last, _ = [
        Letter(points[0].time_index, points[-1].time_index + 1, points[0].score)
        for points in (list(group) for _, group in groupby(path, key=lambda point: point.token_index))
    ]
    return [*laid, replace(last, end=last.first + 1)]


def build(settings: RealModel, identity: str, line_tolerance_s: float) -> WhisperXAligner:
    """The aligner that `aligner.whisperx` sets up."""
    return WhisperXAligner(settings, identity, line_tolerance_s)


def load_net(folder: Path) -> Any:
    """The Wav2Vec2ForCTC of a folder, every weight of it from the file."""
    import_foreign("whisperx.alignment")
    from transformers import Wav2Vec2ForCTC

    config = json.loads((folder / "config.json").read_bytes())
    if config.get("model_type") != "wav2vec2":
        raise ValueError(f"config.json is of a {config.get('model_type')}, not a wav2vec2")
    net, found = Wav2Vec2ForCTC.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True
    )
    missing = sorted(set(found["missing_keys"]) - NEVER_SAVED)
    if missing:
        raise ValueError(f"{len(missing)} weights are not in the file, first {missing[0]}")
    return net


def load_letters(folder: Path, num_letters: int) -> dict[str, int]:
    """Number of each letter, in lower case."""
    numbers = json.loads((folder / "vocab.json").read_bytes())
    if not all(isinstance(number, int) and 0 <= number < num_letters for number in numbers.values()):
        raise ValueError(f"vocab.json does not number letters from 0 to {num_letters - 1}")
    return {letter.lower(): number for letter, number in numbers.items()}


def _is_normalised(folder: Path) -> bool:
    """Whether the net was trained on sound of mean 0 and variance 1."""
    settings = json.loads((folder / "preprocessor_config.json").read_bytes())
    if settings.get("sampling_rate", RATE_HZ) != RATE_HZ:
        raise ValueError(f"it listens at {settings['sampling_rate']} Hz, not {RATE_HZ} Hz")
    return bool(settings.get("do_normalize", True))


def _receptive_field(config: Any) -> int:
    """Samples one frame is made of."""
    field, step = 1, 1
    for kernel, stride in zip(config.conv_kernel, config.conv_stride, strict=True):
        field += (kernel - 1) * step
        step *= stride
    return field
