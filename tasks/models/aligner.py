"""Aligner (`EmbeddedAligner`, `AlignerParams`): given words and lines to times by the phones of them that the net knows, in vocals that a separator took out of a song."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar, runtime_checkable

import numpy as np

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.models.base import ModelChoice, RealModel, WhisperModel
from tasks.models.embedded.forced_alignment import Span, align_phones, phones_within
from tasks.models.embedded.recogniser_facts import FRAMES_A_SECOND, weights_revision
from tasks.models.phonemizer import phones_of

if TYPE_CHECKING:
    from tasks.models.embedded.recogniser import Posteriors, Recogniser

Frames = TypeVar("Frames")

EMBEDDED_LANGUAGE = "en"
"""Of all songs that the shipped recognisers were trained on."""
NEAREST = {
    "aʊ": "ɑ",
    "ɔɪ": "ɔ",
    "tʃ": "ʃ",
    "dʒ": "ʃ",
    "ʒ": "ʃ",
    "z": "s",
    "θ": "f",
    "a": "ɑ",
    "e": "eɪ",
    "o": "oʊ",
    "ɐ": "ə",
    "ɜ": "ɝ",
    "x": "h",
    "r": "ɹ",
    "ʔ": "t",
    "ɾ": "d",
}
"""What stands in for a phone the net never heard: the nearest by place and manner."""


@dataclass(frozen=True, slots=True)
class Line:
    """A timed line of lyrics: the words `first` to `last`, both included, lie in [start_s, end_s]."""

    first: int
    last: int
    start_s: float
    end_s: float


class Aligner(Protocol):
    """Times of given words."""

    identity: str

    def align(
        self,
        vocals_N: np.ndarray,
        words: Sequence[tuple[str, str]],
        lines: Sequence[Line] | None = None,
    ) -> list[Word]:
        """Every word with its times, in order and without overlap; a wrong word gets a low score.

        A score is the geometric mean of the posteriors of the word's phones (or letters) there, in (0, 1]; 0 where
        nothing of the word could be listened for.

        Args:
            vocals_N: mono, 44.1 kHz.
            words: normalised, each with its IPA as the phonemizer gives it.
            lines: times within which the words of a line must stay; words of no line are free.

        Raises:
            Refused: with the reason `no_words`, `no_phones`, `too_many_words` or `line_times`.
        """
        ...

    def phones(self, vocals_N: np.ndarray, words: Sequence[Word]) -> list[list[Word]]:
        """The phones of each word (`phones_of` its phonemes) with their times, which fill the word's own; a score is the
        posterior of the phone there, None where it was not listened for but given its share of what lies beside it.

        Args:
            vocals_N: mono, 44.1 kHz.
            words: with times and phonemes; one without phonemes has no phones.
        """
        ...


@runtime_checkable
class ManyLanguagesAligner(Protocol):
    """An aligner that has to be told, or has to hear, which language the words are of."""

    def in_language(self, language: str | None) -> Aligner:
        """The same aligner for words of this language; null: it finds the language of each song."""
        ...


def for_song(aligner: Aligner, language: str | None) -> Aligner:
    """The aligner for the words of one song, of this language, if that is anything to it."""
    return aligner.in_language(language) if isinstance(aligner, ManyLanguagesAligner) else aligner


class LastHeard(Generic[Frames]):
    """What a net heard in the vocals it was given last: a song aligned again, in other lines, is heard once."""

    def __init__(self) -> None:
        self._last: tuple[weakref.ref[np.ndarray], Frames] | None = None

    def __call__(self, vocals_N: np.ndarray, listen: Callable[[np.ndarray], Frames]) -> Frames:
        """`listen` of an array that nobody changes: called once while it is the last one."""
        if self._last is None or self._last[0]() is not vocals_N:
            self._last = weakref.ref(vocals_N), listen(vocals_N)
        return self._last[1]

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(self), ()  # a copy in another process has heard nothing


class Wav2Vec2Model(RealModel):
    """`language`: the one that these weights write."""

    language: str

    def decides(self) -> dict[str, Any]:
        """Without the language, which the weights have whatever is said of them."""
        return {key: value for key, value in super().decides().items() if key != "language"}


class AlignerParams(ModelChoice):
    """`weights` (a shipped recogniser or a .safetensors path) and `filler_penalty` (nats a frame of sound outside
    any word costs) are the embedded model's. `line_tolerance_s`: how far a word may leave its line's times.
    `whisperx.weights`: a folder of a Wav2Vec2ForCTC, or a hub id of one, that writes the language sung. `whisper`: as
    `models.transcriber.whisper`, by whose transcript words without times of lines are dealt to windows.
    """

    section: ClassVar = "models.aligner"
    real: ClassVar = {
        "whisperx": "tasks.models.real.whisperx",
        "whisper": "tasks.models.real.whisper_words.aligner",
    }

    weights: str
    filler_penalty: float
    line_tolerance_s: float
    whisperx: Wav2Vec2Model
    whisper: WhisperModel

    def shipped_identity(self) -> str:
        """With the revision of the weights."""
        return _identity(self.weights)

    @property
    def hears_letters(self) -> bool:
        """Whether the chosen model hears letters, which phones in time are then made from, not phones."""
        return self.settings is not None

    @property
    def languages(self) -> str:
        """The one that the chosen model can lay words of, as a code, or ``many``."""
        if isinstance(self.settings, WhisperModel):
            return self.settings.languages
        return EMBEDDED_LANGUAGE if self.settings is None else self.whisperx.language

    def hears(self, language: str) -> bool:
        """Whether the chosen model can lay words of a language."""
        if isinstance(self.settings, WhisperModel):
            return self.settings.hears(language)
        return language == self.languages


class EmbeddedAligner:
    """Forced alignment on the frame head of the shipped recogniser."""

    def __init__(self, weights: str, filler_penalty: float, line_tolerance_s: float) -> None:
        from tasks.models.embedded.recogniser import load_recogniser

        self.identity = _identity(weights)
        self.filler_penalty = filler_penalty
        self.line_tolerance_s = line_tolerance_s
        self._recogniser = load_recogniser(weights)
        self._last_heard: LastHeard[Posteriors] = LastHeard()

    def align(
        self,
        vocals_N: np.ndarray,
        words: Sequence[tuple[str, str]],
        lines: Sequence[Line] | None = None,
    ) -> list[Word]:
        """Times to 10 ms; see `Aligner.align`."""
        if not words:
            raise Refused("no_words", "there are no words to align")
        phones = [known_phones(self._recogniser, word, phonemes) for word, phonemes in words]
        frames_TV = self._last_heard(vocals_N, self._recogniser.listen).frames_TV
        windows = None if lines is None else self._windows(lines, len(words), len(frames_TV))
        spans = align_phones(frames_TV, phones, self.filler_penalty, windows)
        return timed_words([word for word, _ in words], spans)

    def phones(self, vocals_N: np.ndarray, words: Sequence[Word]) -> list[list[Word]]:
        """Times to 10 ms within a word; see `Aligner.phones`. A phone that the net does not know is any sound."""
        frames_TV = self._last_heard(vocals_N, self._recogniser.listen).frames_TV
        return [self._phones_of(frames_TV, word) for word in words]

    def _phones_of(self, frames_TV: np.ndarray, word: Word) -> list[Word]:
        names = phones_of(word.phonemes or "")
        numbers = [self._number(name) for name in names]
        first, end = frames_of(word, 1 / FRAMES_A_SECOND)
        spans = phones_within(frames_TV[first:end], numbers) if names else None
        if spans is None:
            return spread(word, names)
        heard_s = [(first + span.end) / FRAMES_A_SECOND for span in spans[:-1]]
        bounds_s = pairwise([word.start_s, *heard_s, word.end_s])
        scores = [
            None if number is None else min(span.score, 1.0)
            for number, span in zip(numbers, spans, strict=True)
        ]
        return [
            Word(name, *times, score=score)
            for name, times, score in zip(names, bounds_s, scores, strict=True)
        ]

    def _number(self, phone: str) -> int | None:
        known = nearest_known(self._recogniser, phone)
        return None if known is None else self._recogniser.config.ids([known])[0]

    def _windows(self, lines: Sequence[Line], num_words: int, num_frames: int) -> list[tuple[int, int]]:
        windows = [(0, num_frames)] * num_words
        for number, line in enumerate(lines):
            if not 0 <= line.first <= line.last < num_words:
                raise Refused(
                    "line_times", f"line {number} holds words {line.first}-{line.last} of {num_words}"
                )
            first = math.floor((line.start_s - self.line_tolerance_s) * FRAMES_A_SECOND)
            end = math.ceil((line.end_s + self.line_tolerance_s) * FRAMES_A_SECOND)
            windows[line.first : line.last + 1] = [(first, end)] * (line.last + 1 - line.first)
        return windows


def known_phones(recogniser: Recogniser, word: str, phonemes: str) -> list[int]:
    """The numbers of a word's phones; those the net does not know become the nearest, or are passed over."""
    found = (nearest_known(recogniser, phone) for phone in phones_of(phonemes))
    known = [phone for phone in found if phone is not None]
    if not known:
        raise Refused("no_phones", f"{word!r} ({phonemes!r}) has no phone that the recogniser knows")
    return recogniser.config.ids(known)


def nearest_known(recogniser: Recogniser, phone: str) -> str | None:
    """The phone, or the nearest one that the net knows; None: it knows none."""
    while phone not in recogniser.config.phones and phone in NEAREST:
        phone = NEAREST[phone]
    return phone if phone in recogniser.config.phones else None


def frames_of(word: Word, frame_s: float) -> tuple[int, int]:
    """Frames [first, end) that hold a word; a time that lies on a frame's edge but for its last bit lies on it."""
    return math.floor(word.start_s / frame_s + 1e-6), math.ceil(word.end_s / frame_s - 1e-6)


def spread(word: Word, phones: Sequence[str]) -> list[Word]:
    """The phones at equal lengths within a word, unheard."""
    bounds_s = np.linspace(
        word.start_s, word.end_s, len(phones) + 1
    ).tolist()  # one bound where there is no phone
    return [Word(phone, *times) for phone, times in zip(phones, pairwise(bounds_s), strict=True)]


def timed_words(words: Sequence[str], spans: Sequence[Span]) -> list[Word]:
    """Spans of frames as times."""
    return [
        Word(word, span.first / FRAMES_A_SECOND, span.end / FRAMES_A_SECOND, score=span.score)
        for word, span in zip(words, spans, strict=True)
    ]


def mean_score(words: Sequence[Word]) -> float:
    """The mean of the words' scores; a word without one counts as 0."""
    return sum(word.score or 0.0 for word in words) / len(words)


def _identity(weights: str) -> str:
    return f"embedded/ctc-aligner@1-{weights_revision(weights)}"


def build_aligner(params: AlignerParams) -> Aligner:
    """The aligner that `params.model` names."""
    if params.settings is not None:
        return params.build_real(line_tolerance_s=params.line_tolerance_s)
    return EmbeddedAligner(params.weights, params.filler_penalty, params.line_tolerance_s)
