"""Whisper in CTranslate2's form, by faster-whisper: words with times and a language, but no phones.

faster-whisper's `BatchedInferencePipeline` is used alone, for WhisperX puts pyannote, lightning and a second
alignment model around the same net, and the aligner of this project already does the latter's work.

Source: Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision, 2022.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch

from jam_model.frames import SAMPLE_RATE_HZ
from jam_model.words import Word
from tasks.engine.stage import BadModel
from tasks.models.aligner import mean_score
from tasks.models.phonemizer import normalise_words
from tasks.models.real.common import device_of, vocals_at
from tasks.models.released_weights import Card, weights_revision
from tasks.models.transcriber import Transcript, WhisperModel

VERSION = 2
CARD = Card(
    name="Whisper",
    section="models.transcriber.whisper",
    packages=("faster-whisper", "ctranslate2", "onnxruntime", "soxr"),
    files=(
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.json|vocabulary.txt",
        "preprocessor_config.json|config.json",  # the first releases have none
    ),
    released_at="hub Systran/faster-whisper-large-v3",
    licence="MIT",
)
CARDS = (CARD,)
RATE_HZ = 16_000
LANGUAGE_WINDOWS = 4  # listened to, one after the other, until one of them speaks for a language
NO_SPEECH, NO_SENSE = 0.6, -1.0  # Whisper's own: surer than this of silence, less sure of the words: no words
LEAST_SCORE = 1e-4
_NETS: WeakValueDictionary[tuple[str, str, str, int], Any] = WeakValueDictionary()


class Whisper:
    """A Whisper without temperatures above 0: the same sound gives the same words. A net of English alone (``tiny.en``)
    writes English whatever is sung, and so tells no language.
    """

    def __init__(
        self, settings: WhisperModel, identity: str, min_confidence: float, card: Card = CARD
    ) -> None:
        self.identity = identity
        self.min_confidence = min_confidence
        self._settings = settings
        self.net = load_net(settings, card)
        self._tells_language = self.net.model.is_multilingual
        self._window_s = self.net.feature_extractor.chunk_length

    def transcribe(self, vocals_N: np.ndarray) -> Transcript:
        """See `Transcriber.transcribe`; times to 20 ms."""
        words, language = self.words(vocals_N, self._settings.language)
        if not words or mean_score(words) < self.min_confidence:
            return Transcript([], None, None)
        return Transcript(words, None, language if self._tells_language else None)

    def words(self, vocals_N: np.ndarray, language: str | None) -> tuple[list[Word], str]:
        """The words that are heard, however unsure, and the language they are written in: this one, or the one heard."""
        from faster_whisper import BatchedInferencePipeline

        audio_N = vocals_at(vocals_N, RATE_HZ)
        duration_s = len(audio_N) / RATE_HZ
        starts_s = np.arange(0, duration_s, self._window_s).tolist()
        windows = [{"start": s, "end": min(s + self._window_s, duration_s)} for s in starts_s]
        segments, heard = BatchedInferencePipeline(self.net).transcribe(
            audio_N,
            language=language,
            beam_size=self._settings.beam_size,
            temperature=0.0,
            word_timestamps=True,
            vad_filter=self._settings.vad,
            clip_timestamps=None if self._settings.vad else windows,
            batch_size=self._settings.batch_size,
            language_detection_segments=LANGUAGE_WINDOWS,
        )
        return timed_words(segments, len(vocals_N) / SAMPLE_RATE_HZ), heard.language


build = Whisper


def load_net(settings: WhisperModel, card: Card) -> Any:
    """faster-whisper's model of these weights, one for all in this process that compute alike with them.

    Raises:
        BadModel: they cannot be loaded, do not compute so here, or do not know the language of the settings.
    """
    device = device_of(card.section, settings.device)
    _check_precision(card.section, device, settings.precision)
    revision = weights_revision(card, *settings.place(card))
    key = (revision, str(device), settings.precision, torch.get_num_threads())
    net = _NETS.get(key)
    if net is None:
        net = _NETS[key] = _loaded(settings, card, device)
    if settings.language not in (None, *net.supported_languages):
        raise BadModel(
            f"{card.section}.language is {settings.language!r}; "
            f"choose null or one of: {', '.join(net.supported_languages)}"
        )
    return net


def _loaded(settings: WhisperModel, card: Card, device: torch.device) -> Any:
    with settings.loading(card) as folder:
        import faster_whisper

        net = faster_whisper.WhisperModel(
            str(folder),
            device=device.type,
            device_index=device.index or 0,
            compute_type=settings.precision,
            cpu_threads=torch.get_num_threads(),
        )
        bands = len(net.feature_extractor.mel_filters)
        if bands != net.model.n_mels:
            raise ValueError(
                f"preprocessor_config.json gives {bands} bands, the net takes {net.model.n_mels}"
            )
    return net


def timed_words(segments: Iterable[Any], duration_s: float) -> list[Word]:
    """The words of faster-whisper's segments, normalised, in order and within the song.

    What was written as one word and normalises to several (``twenty-one``) shares its time evenly.
    """
    timed: list[Word] = []
    latest_s = 0.0
    for segment in segments:
        if segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < NO_SENSE:
            continue
        for written in segment.words:
            texts = normalise_words(written.word)
            if not texts:
                continue
            start_s, end_s = written.start, max(written.start, written.end)
            edges_s = np.linspace(start_s, end_s, len(texts) + 1).clip(latest_s, duration_s).tolist()
            score = float(np.clip(written.probability, LEAST_SCORE, 1.0))
            timed += [Word(text, edges_s[i], edges_s[i + 1], score=score) for i, text in enumerate(texts)]
            latest_s = timed[-1].end_s
    return timed


def _check_precision(section: str, device: torch.device, precision: str) -> None:
    import ctranslate2

    known = ctranslate2.get_supported_compute_types(device.type, device.index or 0)
    if precision not in known:
        usable = ", ".join(sorted(known & {"float32", "bfloat16", "float16"}))
        raise BadModel(
            f"{section}.precision is {precision!r}, which this {device.type} does not compute in; "
            f"choose one of: {usable}"
        )
