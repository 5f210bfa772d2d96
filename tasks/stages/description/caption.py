"""Caption: what a song is like in words, how alike text and sound are, which facts the text contradicts; a second one where they do not fit. Only where it is asked for.

Both captions are kept. The one of them that fits better is the song's, which by itself raises the mean; who judges the gain
must use other measures than the style encoder and the facts, which chose.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pyarrow as pa
import soxr

from eval.metrics.style_similarity import style_similarity
from jam_model.frames import SAMPLE_RATE_HZ
from tasks.engine.columns import Column
from tasks.engine.song import Song
from tasks.engine.stage import Model
from tasks.models.description.captioner import (
    ENDPOINT,
    CaptionParams,
    Fact,
    build_captioner,
)
from tasks.models.description.contradictions import contradicted
from tasks.models.description.endpoint import ANSWERED, Answer
from tasks.models.style_encoder import StyleParams, build_style_encoder
from tasks.stages.bases import MixStage, mix_in

SENT_RATE_HZ = 22_050
MILLION = 1e6
CAPTION = pa.struct(
    [
        ("text", pa.string()),
        ("source", pa.string()),
        ("similarity", pa.float64()),
        ("contradicted", pa.list_(pa.string())),
        ("outcome", pa.string()),
        ("why", pa.string()),
        ("tries", pa.int32()),
        ("tokens_in", pa.int32()),
        ("tokens_out", pa.int32()),
        ("cost", pa.float64()),
    ]
)


@dataclass(frozen=True)
class Captioned:
    """A caption as the column holds it."""

    text: str | None
    source: str
    similarity: float | None
    outcome: str
    contradicted: Sequence[str] | None = None
    why: str | None = None
    tries: int = 0
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None

    def row(self) -> dict[str, Any]:
        """The row of the column."""
        return {name: getattr(self, name) for name in CAPTION.names}


class Caption(MixStage):
    """Takes a song's own text, measures it, and asks the writer where there is none or it is not like the song."""

    name = "caption"
    version = 2
    reads = frozenset({"style_text", "style_embedding"})
    params: CaptionParams
    captioner = Model(build_captioner)
    encoder = Model(build_style_encoder)
    writes = {
        "captions": Column(
            pa.list_(CAPTION),
            "captions of the song in the order they came: source `file`, `facts` or `endpoint`; similarity of text and sound by the style "
            "encoder, null = it knows no word of it; contradicted: names of the song's facts that the text contradicts, null = no facts; outcome answered, refused or failed, and why; what was asked for took tries, tokens "
            "and cost, null = not told",
        ),
        "caption": Column(
            pa.string(),
            "the one of them that is most like the song, with `caption.max_contradicted` of those that contradict fewest facts; the first of "
            "equals; null = none has a text",
        ),
    }

    def __init__(self, params: CaptionParams, style: StyleParams, has_facts: bool = False) -> None:
        """`has_facts`: whether a stage before writes `facts`."""
        super().__init__(params, params, style)
        self.reads = Caption.reads | ({"facts"} if has_facts else set())
        if params.sends_audio:
            self.reads |= MixStage.reads

    @property
    def facts(self) -> dict[str, Any]:
        """What chooses the encoder; the writer is this stage's own section."""
        return {"encoder": self.choices["encoder"].decides()}

    def open(self, song: Song) -> np.ndarray | None:
        """The mix, where it may be sent."""
        if "audio" not in self.reads:
            return None
        return mix_in(song)

    def one(self, song: Song) -> Song:
        """The song with its captions."""
        facts = (song["facts"] or []) if "facts" in self.reads else []
        mix_CN = self.opened(song) if self.params.sends_audio else None
        style_NS = np.asarray(song["style_embedding"], np.float32)
        captions = self.captions(song["style_text"], facts, mix_CN, style_NS)
        return song.with_columns(captions=[one.row() for one in captions], caption=self.chosen(captions))

    def captions(
        self, own: str | None, facts: Sequence[Fact], mix_CN: np.ndarray | None, style_NS: np.ndarray
    ) -> list[Captioned]:
        """Of a sound [2, N] with these styles [N, 512]: its own text, and what the writer says where that is missing or unlike it."""
        captions = []
        if own:
            captions.append(
                Captioned(own, "file", self._similarity(own, style_NS), ANSWERED, _contradicted(own, facts))
            )
        if not captions or self._too_unlike(captions[0]) or self._too_wrong(captions[0]):
            second = self._asked(facts, mix_CN, style_NS)
            captions += [] if second is None else [second]
        return captions

    def _too_unlike(self, caption: Captioned) -> bool:
        least = self.params.min_similarity
        return least is not None and caption.similarity is not None and caption.similarity < least

    def _too_wrong(self, caption: Captioned) -> bool:
        most = self.params.max_contradicted
        return most is not None and len(caption.contradicted or ()) > most

    def chosen(self, captions: Sequence[Captioned]) -> str | None:
        """The text that is the song's caption."""
        if self.params.max_contradicted is None:
            return most_alike(captions)
        told = [one for one in captions if one.text is not None]
        fewest = min((len(one.contradicted or ()) for one in told), default=0)
        return most_alike([one for one in told if len(one.contradicted or ()) == fewest])

    def _asked(
        self, facts: Sequence[Fact], mix_CN: np.ndarray | None, style_NS: np.ndarray
    ) -> Captioned | None:
        wav = None if mix_CN is None else wav_of_middle(mix_CN, self.params.endpoint.audio_s)
        answer = self.captioner.caption(facts, wav)
        if answer is None:
            return None
        similarity = None if answer.text is None else self._similarity(answer.text, style_NS)
        source = "endpoint" if self.params.model == ENDPOINT else "facts"
        return Captioned(
            answer.text,
            source,
            similarity,
            answer.outcome,
            None if answer.text is None else _contradicted(answer.text, facts),
            answer.why,
            answer.tries,
            answer.tokens_in,
            answer.tokens_out,
            self._cost(answer),
        )

    def _similarity(self, text: str, style_NS: np.ndarray) -> float | None:
        """Of a text and a sound; None where the encoder knows no word of the text."""
        try:
            text_S = self.encoder.embed_text(text)
        except ValueError:
            return None
        return style_similarity(style_NS, text_S)

    def _cost(self, answer: Answer) -> float | None:
        of = cast(CaptionParams, self.params).endpoint
        parts = ((answer.tokens_in, of.price_in), (answer.tokens_out, of.price_out))
        if any(tokens is None or price is None for tokens, price in parts):
            return None
        return sum(cast(int, tokens) * cast(float, price) / MILLION for tokens, price in parts)


def _contradicted(text: str, facts: Sequence[Fact]) -> list[str] | None:
    return contradicted(text, facts) if facts else None


def most_alike(captions: Sequence[Captioned]) -> str | None:
    """The text that is most like its sound, the first of equals; one that nobody could measure only where there is no other."""
    told = [one for one in captions if one.text is not None]
    best = max(told, key=lambda one: -2.0 if one.similarity is None else one.similarity, default=None)
    return best.text if best else None


def wav_of_middle(mix_CN: np.ndarray, seconds: float) -> bytes:
    """The middle of a mix as a 16-bit mono WAV file of 22.05 kHz; equal samples give equal bytes."""
    length = min(mix_CN.shape[1], round(seconds * SAMPLE_RATE_HZ))
    first = (mix_CN.shape[1] - length) // 2
    mono_N = soxr.resample(mix_CN[:, first : first + length].mean(axis=0), SAMPLE_RATE_HZ, SENT_RATE_HZ)
    steps_N = np.clip(np.rint(mono_N * 2**15), -(2**15), 2**15 - 1).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(SENT_RATE_HZ)
        writer.writeframes(steps_N.tobytes())
    return file.getvalue()
