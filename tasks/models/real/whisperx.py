"""WhisperX's alignment as an aligner: given words, letter by letter, on the likeliest path through a trellis of what `wav2vec2` hears.

Source: Bain et al., WhisperX: Time-Accurate Speech Transcription of Long-Form Audio, Interspeech 2023, whose
trellis and way back through it are called here. Around them this differs from `whisperx.align`: lines, or the
whole song, come from the caller and need no sentence splitter; the path runs to the end of what is given; and a
word's score is that of its letters where they begin, without the blanks behind them, which are as sure for a
wrong word as for a right one.

Shapes: N samples at 44.1 kHz, T frames, V letters of the net.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice, pairwise

import numpy as np
import torch

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.languages.phones import phones_of
from tasks.models.aligner import LastHeard, Line, frames_of, spread
from tasks.models.base import RealModel
from tasks.models.embedded.forced_alignment import Span
from tasks.models.real.common import device_of
from tasks.models.real.import_masks import import_foreign
from tasks.models.real.wav2vec2 import LetterNet
from tasks.models.released_weights import Card

VERSION = 1
CARD = Card(
    name="wav2vec 2.0 with letters (Wav2Vec2ForCTC)",
    section="models.aligner.whisperx",
    packages=("whisperx", "transformers", "torch", "soxr"),
    files=("config.json", "preprocessor_config.json", "vocab.json", "*.safetensors"),
    released_at="hub facebook/wav2vec2-base-960h",
    licence="Apache-2.0",
)
CARDS = (CARD,)
MAX_CELLS = 500_000_000  # of a trellis, 4 bytes each: 15 minutes of song with 10,000 letters
BEHIND_WORD = "|"
LEAST_SCORE = 1e-4
NEVER = -1e9  # nats


class WhisperXAligner:
    """Forced alignment of letters. Pronunciations play no part."""

    def __init__(self, net: LetterNet, identity: str, line_tolerance_s: float) -> None:
        self.identity = identity
        self.line_tolerance_s = line_tolerance_s
        self._net = net
        self._last_heard: LastHeard[torch.Tensor] = LastHeard()
        self._behind = [net.letters[BEHIND_WORD]] if BEHIND_WORD in net.letters else []

    def align(
        self,
        vocals_N: np.ndarray,
        words: Sequence[tuple[str, str]],
        lines: Sequence[Line] | None = None,
    ) -> list[Word]:
        """Times to a frame, 20 ms; see `Aligner.align`. Letters the net does not know (digits, other scripts)
        match whatever it hears best; a word of such letters alone has the score 0.
        """
        if not words:
            raise Refused("no_words", "there are no words to align")
        spelled = [[self._net.letters.get(letter) for letter in word.lower()] for word, _ in words]
        if not all(spelled) or all(number is None for numbers in spelled for number in numbers):
            raise Refused("no_phones", f"an empty word, or none with a letter of the net, as {words[0][0]!r}")
        frames_TV = self._last_heard(vocals_N, self._net.listen)
        timed: list[Word] = []
        latest = 0
        for first, end, window in self._stretches(lines, len(words), len(frames_TV)):
            start, stop = max(window[0], latest), min(window[1], len(frames_TV))
            signs = [sign for numbers in spelled[first:end] for sign in (*numbers, *self._behind)]
            if len(signs) > stop - start or len(signs) * (stop - start) > MAX_CELLS:
                raise Refused(
                    "too_many_words" if lines is None else "line_times",
                    f"words {first}-{end - 1} have {len(signs)} letters, for {max(0, stop - start)} frames",
                )
            spans = lay(frames_TV[start:stop], signs, self._net.blank)
            laid = iter(spans)
            for (word, _), numbers in zip(words[first:end], spelled[first:end], strict=True):
                letters = list(islice(laid, len(numbers) + len(self._behind)))[: len(numbers)]
                timed.append(self._timed(word, numbers, letters, start))
            latest = start + spans[-1].end
        return timed

    def phones(self, vocals_N: np.ndarray, words: Sequence[Word]) -> list[list[Word]]:
        """Letters are what the net hears: each phone gets its even share of the word's letters, and no score. See
        `Aligner.phones`.
        """
        frames_TV = self._last_heard(vocals_N, self._net.listen)
        return [self._phones_of(frames_TV, word) for word in words]

    def _phones_of(self, frames_TV: torch.Tensor, word: Word) -> list[Word]:
        names = phones_of(word.phonemes or "")
        signs = [self._net.letters.get(letter) for letter in word.text.lower()]
        start, end = frames_of(word, self._net.frame_s)
        frames_TV = frames_TV[start:end]
        if not names or len(signs) + 1 > len(frames_TV) or all(sign is None for sign in signs):
            return spread(word, names)
        spans = lay(frames_TV, [*signs, None], self._net.blank)[: len(signs)]
        heard_s = [(start + span.first) * self._net.frame_s for span in spans[1:]]
        letters_s = [word.start_s, *heard_s, word.end_s]
        bounds_s = np.interp(
            np.linspace(0, len(signs), len(names) + 1), np.arange(len(signs) + 1), letters_s
        ).tolist()
        return [Word(name, *times) for name, times in zip(names, pairwise(bounds_s), strict=True)]

    def _stretches(
        self, lines: Sequence[Line] | None, num_words: int, num_frames: int
    ) -> Iterator[tuple[int, int, tuple[int, int]]]:
        """Words [first, end) that are laid together, and the frames [start, stop) they must keep within."""
        latest = 0
        for number, line in enumerate(lines or ()):
            if not latest <= line.first <= line.last < num_words:
                raise Refused(
                    "line_times", f"line {number} holds words {line.first}-{line.last} of {num_words}"
                )
            start = math.floor((line.start_s - self.line_tolerance_s) / self._net.frame_s)
            stop = math.ceil((line.end_s + self.line_tolerance_s) / self._net.frame_s)
            if latest < line.first:
                yield latest, line.first, (0, start)
            yield line.first, line.last + 1, (start, stop)
            latest = line.last + 1
        if latest < num_words:
            yield latest, num_words, (0, num_frames)

    def _timed(self, word: str, numbers: Sequence[int | None], letters: Sequence[Span], start: int) -> Word:
        known = [
            max(letter.score, LEAST_SCORE)
            for letter, number in zip(letters, numbers, strict=True)
            if number is not None
        ]
        score = math.exp(sum(map(math.log, known)) / len(known)) if known else 0.0
        first, end = start + letters[0].first, start + letters[-1].end
        return Word(word, first * self._net.frame_s, end * self._net.frame_s, score=min(score, 1.0))


def lay(frames_TV: torch.Tensor, signs: Sequence[int | None], blank: int) -> list[Span]:
    """Where these signs lie on the likeliest path through all the frames; None stands for any letter. Each is heard
    at its first frame, of which its score is the posterior, and lasts until the next.

    Left to itself WhisperX's path ends where it is likeliest, and as every frame costs something that is too
    soon wherever much is heard that nobody wrote down. Here a frame is added which alone hears a last sign. The
    last of `signs` is given one frame. There must be as many frames as signs.
    """
    whisperx = import_foreign("whisperx.alignment")
    num_frames, any_letter = frames_TV.shape
    last_sign = any_letter + 1
    heard_TV = torch.full((num_frames + 1, last_sign + 1), NEVER)
    heard_TV[:-1, :any_letter] = frames_TV
    heard_TV[:-1, any_letter] = frames_TV[:, torch.arange(any_letter) != blank].amax(1)
    heard_TV[-1, last_sign] = 0.0
    tokens = torch.tensor([any_letter if sign is None else sign for sign in signs] + [last_sign])
    trellis = whisperx.get_trellis(heard_TV, tokens, blank)
    path = whisperx.backtrack(trellis, heard_TV, tokens, blank)
    if path is None:
        raise Refused("too_many_words", f"{len(signs)} letters find no path in {num_frames} frames")
    *laid, last, _ = [
        Span(points[0].time_index, points[-1].time_index + 1, points[0].score)
        for points in (list(group) for _, group in groupby(path, key=lambda point: point.token_index))
    ]
    return [*laid, replace(last, end=last.first + 1)]


def build(settings: RealModel, identity: str, line_tolerance_s: float) -> WhisperXAligner:
    """The aligner that `models.aligner.whisperx` sets up."""
    device = device_of(CARD.section, settings.device)
    with settings.loading(CARD) as folder:
        net = LetterNet(folder, device, settings.precision, settings.batch_size)
    return WhisperXAligner(net, identity, line_tolerance_s)
