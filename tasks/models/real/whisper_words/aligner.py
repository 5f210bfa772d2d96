"""Whisper as an aligner: given words are read to its decoder, and its attention says when each is sung.

In a window of up to 30 s the words are forced: dynamic time warping over the cross-attention of a few heads gives times, and
the mean probability of a word's tokens, with the words before it given, its score. Longer songs are cut into windows
first: by the times of lines, or by what the same net transcribes, of which the words that are alike are anchors. A transcript that
has little of a verse deals its words anywhere, so a score is multiplied by how far what was heard bears out the words around.

Source: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022, and its word times; Louradour,
whisper-timestamped, 2023. The warping is CTranslate2's `Whisper.align`.

Shapes: N samples, W words of a song, K of a window, T its tokens and the end, B bounds between words.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word
from tasks.engine.song import Refused
from tasks.languages.phones import phones_of
from tasks.models.aligner import LastHeard, Line, spread
from tasks.models.real.common import batches, vocals_at
from tasks.models.real.whisper import CARD as WHISPER
from tasks.models.real.whisper import LEAST_SCORE, RATE_HZ, Whisper
from tasks.models.real.whisper_words.anchors import borne_out, likely_times
from tasks.models.real.whisper_words.windows import Window, bounds, in_order, windows
from tasks.models.transcriber import WhisperModel

VERSION = 3
NAME = "whisper-words"
CARD = replace(WHISPER, section="models.aligner.whisper")
CARDS = (CARD,)
FRAMES_A_SECOND = 50
MEDIAN_FRAMES = 7  # Whisper's own smoothing of its attention
UNSPACED = ("zh", "ja", "yue", "th", "lo", "my")  # no blank between words
LONGEST = 2.0  # of a word's first token, in medians of its window's tokens: one that lasts longer has a pause before it
LEAST_TOKEN_S = 0.06


class WhisperAligner:
    """Forced alignment by attention. Pronunciations play no part."""

    def __init__(self, transcriber: Whisper, settings: WhisperModel, line_tolerance_s: float) -> None:
        self.identity = transcriber.identity
        self.line_tolerance_s = line_tolerance_s
        self._transcriber, self._settings = transcriber, settings
        self._language = settings.language
        self._last_audio: LastHeard[np.ndarray] = LastHeard()
        self._last_words: dict[str | None, LastHeard[tuple[list[Word], str]]] = {}

    def in_language(self, language: str | None) -> WhisperAligner:
        """The same net for words of this language; null: of the settings, else the one it hears."""
        other = copy.copy(self)
        other._language = self._settings.language or language
        return other

    def align(
        self,
        vocals_N: np.ndarray,
        words: Sequence[tuple[str, str]],
        lines: Sequence[Line] | None = None,
    ) -> list[Word]:
        """Times to 20 ms; see `Aligner.align`."""
        if not words:
            raise Refused("no_words", "there are no words to align")
        texts = [word for word, _ in words]
        if not all(text.strip() for text in texts):
            raise Refused("no_phones", "an empty word has nothing to listen for")
        duration_s = len(vocals_N) / SAMPLE_RATE_HZ
        within_W2 = bounds(lines or (), len(texts), self.line_tolerance_s, duration_s)
        by_lines = sum(line.last + 1 - line.first for line in lines or ()) == len(texts)
        heard = [] if by_lines else self._transcript(vocals_N)[0]
        likely_W2 = self._likely(texts, lines or (), heard, within_W2)
        times_W2, scores_W = self._laid(vocals_N, texts, likely_W2, duration_s)
        times_W2 = in_order(times_W2, within_W2)
        if not by_lines:
            scores_W = (scores_W * borne_out(texts, times_W2[:, 0], heard)).clip(LEAST_SCORE)
        return [
            Word(text, float(start_s), float(end_s), score=float(score))
            for text, (start_s, end_s), score in zip(texts, times_W2, scores_W, strict=True)
        ]

    def phones(self, vocals_N: np.ndarray, words: Sequence[Word]) -> list[list[Word]]:
        """Tokens are what the net knows: each phone gets an equal part of its word, and no score. See `Aligner.phones`."""
        return [spread(word, phones_of(word.phonemes or "")) for word in words]

    def _likely(
        self, texts: Sequence[str], lines: Sequence[Line], heard: Sequence[Word], within_W2: np.ndarray
    ) -> np.ndarray:
        """Where the words are to be looked for, [W, 2]: within their lines, else where they were heard."""
        likely_W2 = likely_times(texts, heard, within_W2[-1, 1])
        for line in lines:
            of_line = slice(line.first, line.last + 1)
            at_L2 = likely_times(texts[of_line], [], max(line.end_s - line.start_s, 0.02))
            likely_W2[of_line] = line.start_s + at_L2
        flat = np.maximum.accumulate(likely_W2.clip(within_W2[:, :1], within_W2[:, 1:]).ravel())
        return flat.reshape(-1, 2)

    def _transcript(self, vocals_N: np.ndarray) -> tuple[list[Word], str]:
        last = self._last_words.setdefault(self._language, LastHeard())
        return last(vocals_N, lambda heard_N: self._transcriber.words(heard_N, self._language))

    def _laid(
        self, vocals_N: np.ndarray, texts: Sequence[str], likely_W2: np.ndarray, duration_s: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Times and scores of the words, window by window."""
        audio_N = self._last_audio(vocals_N, lambda heard_N: vocals_at(heard_N, RATE_HZ))
        tokenizer = self._tokenizer(vocals_N)
        blank = "" if tokenizer.language_code in UNSPACED else " "
        tokens_W = [tokenizer.encode(f"{blank}{text}") for text in texts]
        times_W2, scores_W = likely_W2.copy(), np.zeros(len(texts))
        cut = list(windows(likely_W2, [len(tokens) for tokens in tokens_W], duration_s))
        for batch in batches(cut, self._settings.batch_size):
            given = [tokens_W[one.first : one.end] for one in batch]
            results = self._attended(audio_N, batch, given, tokenizer)
            for one, tokens, result in zip(batch, given, results, strict=True):
                times_K2, scores_K = word_times(result, [len(of_word) for of_word in tokens])
                times_W2[one.first : one.end] = one.start_s + times_K2
                scores_W[one.first : one.end] = scores_K
        return times_W2, scores_W.clip(LEAST_SCORE, 1.0)

    def _attended(
        self, audio_N: np.ndarray, batch: Sequence[Window], given: Sequence[list[list[int]]], tokenizer: Any
    ) -> list[Any]:
        """CTranslate2's alignments of the tokens of these windows."""
        from faster_whisper.audio import pad_or_trim

        net = self._transcriber.net
        parts = [audio_N[round(one.start_s * RATE_HZ) : round(one.stop_s * RATE_HZ)] for one in batch]
        features = np.stack([pad_or_trim(net.feature_extractor(part)) for part in parts])
        return net.model.align(
            net.encode(features),
            tokenizer.sot_sequence,
            [[token for of_word in tokens for token in of_word] for tokens in given],
            [max(2, round(len(part) / RATE_HZ * 100)) for part in parts],
            median_filter_width=MEDIAN_FRAMES,
        )

    def _tokenizer(self, vocals_N: np.ndarray) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        net = self._transcriber.net
        many = net.model.is_multilingual
        language = self._language if self._language or not many else self._transcript(vocals_N)[1]
        return Tokenizer(net.hf_tokenizer, many, "transcribe", language)


def word_times(result: Any, num_tokens_K: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Start and end of the words of a window in its seconds, [K, 2], and their scores, [K], from CTranslate2's path.

    The path leaves no pause between words: what is silent counts to the token that follows. The first token of a word that
    lasts longer than `LONGEST` times the median one is left the median's length, and the word starts with it.
    """
    path = np.array(result.alignments)
    bounds_B = np.concatenate([[0], np.cumsum(num_tokens_K)])
    firsts = np.searchsorted(path[:, 0], np.arange(bounds_B[-1] + 1))
    at_T = path[firsts.clip(None, len(path) - 1), 1] / FRAMES_A_SECOND
    times_K2 = np.stack([at_T[bounds_B[:-1]], at_T[bounds_B[1:]]], axis=1)
    usual_s = max(LEAST_TOKEN_S, float(np.median(np.diff(at_T))))
    heard_K = at_T[bounds_B[:-1] + 1]
    paused_K = heard_K - times_K2[:, 0] > LONGEST * usual_s
    times_K2[paused_K, 0] = heard_K[paused_K] - usual_s
    probability_T = np.array(result.text_token_probs)
    scores_K = np.array([probability_T[first:end].mean() for first, end in pairwise(bounds_B)])
    return times_K2, scores_K


def build(settings: WhisperModel, identity: str, line_tolerance_s: float) -> WhisperAligner:
    """The aligner that `models.aligner.whisper` sets up."""
    return WhisperAligner(Whisper(settings, identity, 0.0, CARD), settings, line_tolerance_s)
