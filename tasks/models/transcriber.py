"""Transcriber (`TranscriberParams`, `Transcript`): vocals to words with times and confidence, and, where it can, to phones; the guard of rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.engine.stage import BadModel
from tasks.models.aligner import mean_score, timed_words
from tasks.models.base import ModelChoice, RealModel
from tasks.models.base import WhisperModel as WhisperModel
from tasks.models.embedded.ctc_decode import WordLoop, edits, greedy_phones
from tasks.models.embedded.forced_alignment import align_phones
from tasks.models.embedded.recogniser_facts import weights_revision

LANGUAGE = "en"  # of every word in a shipped lexicon
FILLER_PENALTY = 6.0  # nats a frame, when words just decoded are laid over the same posteriors


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard. `words` is empty when the song could not be read; `phones` are never held back.

    `phones` is None where the transcriber hears no phones, `words` where it writes no words: that is nothing measured, not nothing heard.
    `language`: the code (``en``) of the language it heard; None where it cannot tell.
    """

    words: list[Word] | None
    phones: list[str] | None
    language: str | None


class Transcriber(Protocol):
    """Words of vocals."""

    identity: str

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        """Words with times and scores in (0, 1], and phones, of mono vocals at 44.1 kHz."""


class TranscriberParams(ModelChoice):
    """`weights` (a shipped recogniser or a .safetensors path) and `word_penalty` (nats each word costs) are the
    embedded model's.
    """

    section: ClassVar = "models.transcriber"
    real: ClassVar = {"whisper": "tasks.models.real.whisper"}

    weights: str
    word_penalty: float
    whisper: WhisperModel

    def shipped_identity(self) -> str:
        """With the revision of the weights."""
        return _identity(self.weights)

    @property
    def languages(self) -> str:
        """The one that the chosen model writes, as a code, or ``many``."""
        if self.settings is None:
            return LANGUAGE
        return self.whisper.languages

    def hears(self, language: str) -> bool:
        """Whether the chosen model can write the words of a language; Whisper's weights for English alone end so."""
        if self.settings is None:
            return language == LANGUAGE
        return self.whisper.hears(language)


class HamaModel(RealModel):
    """`batch_size`: windows of 20 s in one pass."""


class GuardTranscriberParams(TranscriberParams):
    """The transcriber that guards pairs against words or phones lost; never the one that measures. `hama` hears phones of English alone."""

    section: ClassVar = "models.guard_transcriber"
    real: ClassVar = {"whisper": "tasks.models.real.whisper", "hama": "tasks.models.real.hama.recogniser"}

    hama: HamaModel

    @property
    def writes_words(self) -> bool:
        """Whether the chosen model writes words, not phones alone."""
        return self.model != "hama"

    @property
    def hears_phones(self) -> bool:
        """Whether the chosen model hears phones, not words alone."""
        return self.model != "whisper"

    @property
    def languages(self) -> str:
        """See `TranscriberParams.languages`; hama was tried on English alone."""
        return super().languages if self.writes_words else LANGUAGE

    def hears(self, language: str) -> bool:
        """See `TranscriberParams.hears`."""
        return super().hears(language) if self.writes_words else language == LANGUAGE


class EmbeddedTranscriber:
    """The shipped recogniser with a closed lexicon and no language model: every word may follow every
    other. It can write only the words of its lexicon, so it says nothing when they explain the phones it
    heard too poorly: a song of other words gets no transcript, never a wrong one of known words.
    """

    def __init__(self, weights: str, word_penalty: float, min_confidence: float) -> None:
        from tasks.models.embedded.recogniser import load_recogniser

        self.identity = _identity(weights)
        self.min_confidence = min_confidence
        self._recogniser = load_recogniser(weights)
        config = self._recogniser.config
        self._pronunciation = {word: config.ids(phones) for word, phones in config.lexicon.items()}
        self._word_loop = WordLoop(self._pronunciation, word_penalty)

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        """See `Transcriber.transcribe`; times to 10 ms."""
        heard = self._recogniser.listen(vocals_N)
        phone_ids = greedy_phones(heard.ctc_UV)
        phones = [self._recogniser.config.phones[number - 1] for number in phone_ids]
        words = self._word_loop.decode(heard.ctc_UV)
        said = [self._pronunciation[word] for word in words]
        explained = agreement(phone_ids, [phone for word in said for phone in word])
        if not words or explained < self.min_confidence:  # scores are at most 1: it can only get worse
            return Transcript([], phones, None)
        try:
            timed = timed_words(words, align_phones(heard.frames_TV, said, FILLER_PENALTY))
        except Refused:  # more phones than frames: no reading of this sound
            return Transcript([], phones, None)
        confidence = explained * mean_score(timed)
        if confidence < self.min_confidence:
            return Transcript([], phones, None)
        return Transcript(timed, phones, LANGUAGE)


def agreement(heard: Sequence[int], said: Sequence[int]) -> float:
    """1 - edit distance / the longer length: 1 when the words explain every phone heard, 0 when none."""
    longest = max(len(heard), len(said))
    return 1.0 - edits(said, heard) / longest if longest else 0.0


def _identity(weights: str) -> str:
    return f"embedded/ctc-recogniser@2-{weights_revision(weights)}"


def check_apart(guard: GuardTranscriberParams, measuring: TranscriberParams) -> None:
    """Raises a BadModel where one recogniser would guard the pairs and measure what came of them."""
    if guard.identity() == measuring.identity():
        raise BadModel(
            f"models.guard_transcriber and models.transcriber are both {guard.identity()}: what chooses "
            "pairs must not measure their effect; choose another model or weights for models.guard_transcriber"
        )


def build_transcriber(params: TranscriberParams, min_confidence: float = 0.0) -> Transcriber:
    """The transcriber that `params.model` names; it gives no words of which it is less sure than `min_confidence`.

    The embedded model's confidence is the share of the transcribed phones that the words explain, times the mean score of
    the words: 0.77 and more for toy songs, at most 0.15 for songs of other words, in English or not, and 0.35 where
    half of the words are others. A real model's is the mean score of the words.
    """
    if params.settings is not None:
        return params.build_real(min_confidence=min_confidence)
    return EmbeddedTranscriber(params.weights, params.word_penalty, min_confidence)
