"""Who writes a caption of a song (`CaptionParams`): nobody, the song's own file alone, a template of its facts, or a language model behind an endpoint.

One protocol for all. Answers of an endpoint are kept by the hash of what was asked, the moment they come, so that a run that is killed and a
setting that is tried again ask nothing twice. Where a writer fails the song has no caption of it, and never another writer's in its place.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import Field

from tasks.models.base import ModelChoice
from tasks.models.description.endpoint import ANSWERED, FAILED, Answer, EndpointParams, ask, key_of
from tasks.storage.files import write_json

NONE, FILE, FACTS, ENDPOINT = "none", "file", "facts", "endpoint"
TEMPLATE_IDENTITY = "embedded/facts-template@1"
Fact = Mapping[str, Any]


class CaptionParams(ModelChoice):
    """`model`: who writes captions of songs that have none, or none that is like them: below `min_similarity` of text and sound a
    second one is asked for; null = a song's own caption is believed. `max_contradicted`: so it is where the text contradicts more of the
    song's facts (see `contradictions`), and of two captions the one that contradicts fewer is the song's. `by_part`: parts have captions
    of their own, too, by the same rules.
    """

    section: ClassVar = "caption"
    embedded: ClassVar = {NONE: NONE, FILE: FILE, FACTS: TEMPLATE_IDENTITY, ENDPOINT: ENDPOINT}
    real: ClassVar = {}

    min_similarity: float | None = Field(ge=-1, le=1)
    max_contradicted: int | None = Field(ge=0)
    by_part: bool
    endpoint: EndpointParams

    def shipped_identity(self) -> str:
        """Of the endpoint with the name of the model it is asked for."""
        return f"endpoint/{self.endpoint.model}" if self.model == ENDPOINT else super().shipped_identity()

    def decides(self) -> dict[str, Any]:
        """Of the endpoint only where it is asked; that parts have captions is a stage of its own."""
        chosen: dict[str, Any] = {"endpoint": self.endpoint.decides()} if self.model == ENDPOINT else {}
        if self.max_contradicted is not None:
            chosen["max_contradicted"] = self.max_contradicted
        return {"model": self.model, "min_similarity": self.min_similarity, **chosen}

    @property
    def sends_audio(self) -> bool:
        """Whether the song itself is sent."""
        return self.model == ENDPOINT and self.endpoint.send == "audio"


class Captioner(Protocol):
    """Writes captions."""

    identity: str

    def caption(self, facts: Sequence[Fact], wav: bytes | None) -> Answer | None:
        """A caption by the facts of a song, and its sound as a WAV file where it is sent; None: this writer has nothing to say."""


class OwnFileAlone:
    """Writes nothing."""

    identity = FILE

    def caption(self, facts: Sequence[Fact], wav: bytes | None) -> Answer | None:
        """See `Captioner.caption`."""
        return None


class FactsTemplate:
    """Says the facts that are sure enough, one behind the other."""

    identity = TEMPLATE_IDENTITY

    def caption(self, facts: Sequence[Fact], wav: bytes | None) -> Answer | None:
        """See `Captioner.caption`."""
        text = ", ".join(said_facts(facts))
        return Answer(ANSWERED, text, None, 0, None, None) if text else None


class EndpointCaptioner:
    """Asks a language model, once for every question."""

    def __init__(self, params: EndpointParams) -> None:
        self.params, self.identity = params, f"endpoint/{params.model}"
        self._folder = Path(params.answers)

    @cached_property
    def _key(self) -> str | None:
        return key_of(self.params)

    def caption(self, facts: Sequence[Fact], wav: bytes | None) -> Answer | None:
        """See `Captioner.caption`."""
        body = question(self.params, facts, wav)
        path = self._folder / f"{hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()}.json"
        if (kept := kept_answer(path)) is not None:
            return kept
        answer = ask(self.params, self._key, body)
        if answer.outcome != FAILED:  # refusals are kept too: asking again would not change them
            self._folder.mkdir(parents=True, exist_ok=True)
            write_json(path, asdict(answer))
        return answer


def kept_answer(path: Path) -> Answer | None:
    """An answer that was kept; None where there is none that can be read."""
    try:
        return Answer(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def question(params: EndpointParams, facts: Sequence[Fact], wav: bytes | None) -> dict[str, Any]:
    """The body of a request."""
    text = params.prompt.replace("{facts}", "; ".join(said_facts(facts)) or "none known")
    content: Any = text
    if params.send == "audio" and wav is not None:
        data = base64.b64encode(wav).decode("ascii")
        content = [
            {"type": "text", "text": text},
            {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        ]
    return {
        "model": params.model,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
    }


def said_facts(facts: Sequence[Fact]) -> list[str]:
    """Facts as people would say them; those without a value are left out."""
    said = []
    for fact in facts:
        name, text, number = fact["name"], fact["text"], fact["number"]
        if name == "tempo_bpm" and number is not None:
            said.append(f"{number:.0f} bpm")
        elif name == "loudness_range_lu" and number is not None:
            said.append(
                "steady in level"
                if number < 4
                else "changing in level"
                if number < 10
                else "from quiet to loud"
            )
        elif name == "register" and text:
            said.append(f"{text} voice")
        elif name in ("metre", "key", "instrument") and text:
            said.append(text)
    return list(dict.fromkeys(said))


def build_captioner(params: CaptionParams) -> Captioner:
    """The writer that `params` choose.

    Raises:
        ValueError: they choose none.
    """
    if params.model == NONE:
        raise ValueError("caption.model is none, which writes nothing; choose file, facts or endpoint")
    if params.model == ENDPOINT:
        return EndpointCaptioner(params.endpoint)
    return FactsTemplate() if params.model == FACTS else OwnFileAlone()
