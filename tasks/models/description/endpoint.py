"""One question over HTTP to an OpenAI-compatible endpoint (``POST <url>/chat/completions``): what came back, after how many tries, redirects and tokens.

Waiting helps against a server that is slow, busy or answers nonsense, so such tries are repeated with growing pauses. It helps neither
against a refusal, which is an answer and kept as one, nor against a key, an address or a model that is wrong: then nothing more is asked.
An address where nobody is after all tries is no fault of the song that asked, and ends the run too.
The key comes from the environment alone, travels only by https (or to this machine), and follows no redirect.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tasks.engine.stage import BadModel, Section

MAX_ANSWER_BYTES = 1 << 20
MAX_TEXT = 4000
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WRONG = {
    401: "the key is refused",
    403: "the key may not do this",
    404: "no such address or model",
    405: "no such address",
}
REFUSING = ("content_filter", "content_policy_violation", "moderation_blocked")
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
NOBODY_THERE = {
    ConnectionRefusedError: "the connection is refused",
    socket.gaierror: "the name of the host is not known",
    ssl.SSLCertVerificationError: "its certificate is not valid",
}
ANSWERED, REFUSED, FAILED = "answered", "refused", "failed"


class EndpointParams(Section):
    """`url`: up to ``/v1``. `key_variable`: of the environment, null for a server that wants none. A try lasts `timeout_s` at most; there are
    `tries` of them, with pauses of `pause_s`, twice that, and so on. Prices are for a million tokens, null = unknown. `again`: raised by one, it
    asks anew what failed before; what was answered stands.
    """

    url: str
    model: str
    key_variable: str | None
    prompt: str
    send: str
    audio_s: float = Field(gt=0, le=300)
    max_tokens: int = Field(ge=1)
    temperature: float = Field(ge=0)
    timeout_s: float = Field(gt=0)
    tries: int = Field(ge=1)
    pause_s: float = Field(ge=0)
    price_in: float | None
    price_out: float | None
    answers: str
    again: int = Field(ge=0)

    @field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
            return url.rstrip("/")
        raise ValueError(f"{url!r} is neither https nor on this machine; a key and songs would travel openly")

    @field_validator("send")
    @classmethod
    def _is_sent(cls, send: str) -> str:
        if send not in ("facts", "audio"):
            raise ValueError(f"{send!r} cannot be sent; choose facts or audio")
        return send

    def decides(self) -> dict[str, Any]:
        """What decides an answer and what is written of it; neither addresses nor patience."""
        names = {"model", "prompt", "send", "max_tokens", "temperature", "price_in", "price_out", "again"}
        return self.model_dump(mode="json", include=names | ({"audio_s"} if self.send == "audio" else set()))

    @property
    def longest_s(self) -> float:
        """Seconds that one question may take."""
        return self.tries * self.timeout_s + self.pause_s * (2 ** (self.tries - 1) - 1)


@dataclass(frozen=True)
class Answer:
    """What came of a question: `outcome` of answered, refused and failed; the text, or why there is none; tokens where they were told."""

    outcome: str
    text: str | None
    why: str | None
    tries: int
    tokens_in: int | None
    tokens_out: int | None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def key_of(params: EndpointParams) -> str | None:
    """The key in the environment.

    Raises:
        BadModel: it is not there.
    """
    if params.key_variable is None:
        return None
    key = os.environ.get(params.key_variable, "").strip()
    if not key:
        raise BadModel(
            f"caption.endpoint.key_variable names {params.key_variable}, which is not set; export it, or say null for a server that "
            "wants no key"
        )
    return key


def ask(params: EndpointParams, key: str | None, body: Mapping[str, Any]) -> Answer:
    """The answer to one question; failed after as many tries as `params` allow.

    Raises:
        BadModel: key, address or model are wrong, or nobody is at the address at the last try.
    """
    why, last = "", None
    for number in range(1, params.tries + 1):
        if number > 1:
            time.sleep(params.pause_s * 2 ** (number - 2))
        last = None
        try:
            return replace(read_answer(_post(params, key, body)), tries=number)
        except urllib.error.HTTPError as error:
            with error:
                told = _words_of_refusal(error)
            if error.code in WRONG:
                raise BadModel(
                    f"caption.endpoint: {params.url} says {error.code}, {WRONG[error.code]}; {told}"
                ) from error
            if any(word in told for word in REFUSING):
                return Answer(REFUSED, None, told, number, None, None)
            why = f"{error.code} {told}"
            if error.code not in RETRIED:
                return Answer(FAILED, None, why, number, None, None)
        except (OSError, HTTPException, ValueError) as error:
            why, last = f"{type(error).__name__}: {error}", error
    if absent := _nobody_there(last):
        tries = "one try" if params.tries == 1 else f"{params.tries} tries"
        raise BadModel(
            f"caption.endpoint.url: nobody answers at {params.url} after {tries}, {absent}; start the server or mend "
            "the address, then run it again: what was answered stands, and no song counts as failed by this"
        ) from last
    return Answer(FAILED, None, " ".join(why.split())[:200], params.tries, None, None)


def _nobody_there(error: Exception | None) -> str | None:
    """Why there is no server to ask; None where there is one, however badly it answers."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return next((told for kind, told in NOBODY_THERE.items() if isinstance(cause, kind)), None)


def _post(params: EndpointParams, key: str | None, body: Mapping[str, Any]) -> bytes:
    """The bytes of an answer within the limits on time and size."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    request = urllib.request.Request(f"{params.url}/chat/completions", json.dumps(body).encode(), headers)
    local = urlsplit(params.url).hostname in LOOPBACK
    handlers = [_NoRedirect(), *([urllib.request.ProxyHandler({})] if local else [])]
    until_s = time.monotonic() + params.timeout_s
    data = bytearray()
    with urllib.request.build_opener(*handlers).open(request, timeout=params.timeout_s) as response:
        while part := response.read1(1 << 16):
            data += part
            if len(data) > MAX_ANSWER_BYTES:
                raise ValueError(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
            if time.monotonic() > until_s:
                raise TimeoutError(f"no whole answer within {params.timeout_s:g} s")
    return bytes(data)


def read_answer(data: bytes) -> Answer:
    """An answer's text or refusal.

    Raises:
        ValueError: it is no answer of a chat.
    """
    try:
        value = json.loads(data)
    except RecursionError as error:
        raise ValueError("the answer is nested beyond reason") from error
    choices = value.get("choices") if isinstance(value, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    first = first if isinstance(first, dict) else {}
    message = first.get("message")
    if not isinstance(message, dict):
        raise ValueError("the answer has no message")
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    tokens = [_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens")]
    text, refusal = message.get("content"), message.get("refusal")
    if isinstance(refusal, str) and refusal.strip():
        return Answer(REFUSED, None, clean(refusal)[:200], 1, *tokens)
    if first.get("finish_reason") == "content_filter":
        return Answer(REFUSED, None, "content_filter", 1, *tokens)
    if not isinstance(text, str) or not clean(text):
        raise ValueError("the message has no text")
    return Answer(ANSWERED, clean(text)[:MAX_TEXT], None, 1, *tokens)


def clean(text: str) -> str:
    """One line of text that any file can hold."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", text.encode("utf-8", "ignore").decode()).split())


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _words_of_refusal(error: urllib.error.HTTPError) -> str:
    try:
        return clean(error.read(2000).decode("utf-8", "replace"))[:200] or str(error.reason)
    except (OSError, HTTPException):
        return str(error.reason)
