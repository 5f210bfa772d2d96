"""Captions by an endpoint, a real server on loopback that is slow, busy, refuses and answers nonsense: nothing lost, each counted."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from flows.pipelines.stages import prepare_stages
from flows.settings.params import load_params
from tasks.engine.song import Song
from tasks.engine.stage import BadModel
from tasks.models.description.captioner import CaptionParams, said_facts
from tasks.models.description.endpoint import EndpointParams
from tasks.models.style_encoder import StyleParams
from tasks.shards.described_songs import caption_counts, caption_lines, parts_of
from tasks.stages.description.caption import Caption, wav_of_middle
from tasks.stages.description.part_caption import PartCaption

PARAMS = load_params()
MUQ = PARAMS.models.style_encoder.muq_mulan
FACTS = [
    {"name": "tempo_bpm", "text": None, "number": 119.6, "source": "heard", "certainty": 0.9},
    {"name": "key", "text": "C minor", "number": None, "source": "heard", "certainty": 0.9},
    {"name": "metre", "text": None, "number": None, "source": "heard", "certainty": 0.1},
]
KEY = "a-key-that-nobody-may-see"


def answer(text: str | None, **message: object) -> bytes:
    said = {"choices": [{"message": {"content": text, **message}}]}
    return json.dumps(said | {"usage": {"prompt_tokens": 200, "completion_tokens": 10}}).encode()


class Server(ThreadingHTTPServer):
    """Does at each call what its list says, and counts the questions."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.acts: list[str] = []
        self.asked: Counter[str] = Counter()
        self.keys: set[str | None] = set()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked[body.decode()] += 1
        self.server.keys.add(self.headers["Authorization"])
        act = self.server.acts.pop(0) if self.server.acts else "well"
        if act == "slow":
            time.sleep(0.9)
        status, data = {
            "busy": (503, b"later"),
            "nonsense": (200, b"<html>"),
            "empty": (200, b'{"choices": []}'),
            "deep": (200, b"[" * 100_000),
            "endless": (200, b" " * (2 << 20)),
            "refuses": (200, answer(None, refusal="I cannot help with that.")),
            "filters": (400, b'{"error": {"code": "content_filter"}}'),
            "odd": (400, b'{"error": {"message": "too long"}}'),
            "no key": (401, b"who are you"),
            "elsewhere": (302, b""),
        }.get(act, (200, answer("bright pop,\n120 bpm\0")))
        self.send_response(status)
        if act == "elsewhere":
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data)
        except OSError:
            return  # nobody waited

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as served:
        threading.Thread(target=served.serve_forever, args=(0.01,), daemon=True).start()
        yield served
        served.shutdown()


def stage(server: Server, answers: Path) -> Caption:
    endpoint = EndpointParams(
        url=f"http://127.0.0.1:{server.server_port}/v1/",
        answers=str(answers),
        **{"model": "m", "key_variable": "OPENAI_API_KEY", "prompt": "Say what it is like: {facts}"},
        **{"send": "facts", "audio_s": 30, "max_tokens": 50, "temperature": 0, "again": 0},
        **{"timeout_s": 0.6, "tries": 3, "pause_s": 0.001, "price_in": 2.5, "price_out": 10.0},
    )
    limits = {"min_similarity": 0.9, "max_contradicted": None}
    params = CaptionParams(model="endpoint", **limits, by_part=True, endpoint=endpoint)
    made = Caption(params, StyleParams(model="embedded", muq_mulan=MUQ), has_facts=True)
    assert (
        made.models[0] == "endpoint/m" and KEY not in str(params.decides()) and "127" not in str(made.facts)
    )
    return made


def captions(made: Caption, tempo: float, style_text: str | None = None) -> list[dict[str, object]]:
    """Of a song that has a tempo of its own, and so is a question of its own."""
    style_NS = made.encoder.embed_audio(
        np.random.default_rng(0).standard_normal((2, 44_100)).astype(np.float32)
    )
    facts = [FACTS[0] | {"number": tempo}]
    song = Song("a", {"style_text": style_text, "style_embedding": style_NS.tolist(), "facts": facts})
    return made.one(song)["captions"]


def test_an_endpoint_that_fails_loses_no_song_and_nothing_answered_is_asked_twice(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(server, tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(BadModel, match="OPENAI_API_KEY, which is not set"):
        captions(made, 60)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    server.acts = [
        *("slow", "busy", "well"),  # the third try is answered
        *("nonsense", "empty", "deep"),  # nothing but nonsense
        *("endless", "elsewhere"),  # no redirect is followed
        *("refuses", "filters", "odd"),
    ]
    told = {tempo: captions(made, tempo)[0] for tempo in (61, 62, 63, 64, 65, 66)}
    assert [(row["outcome"], row["tries"]) for row in told.values()] == [
        ("answered", 3),
        ("failed", 3),
        ("failed", 2),
        *(("refused", 1), ("refused", 1), ("failed", 1)),
    ]
    assert told[61]["text"] == "bright pop, 120 bpm" and told[61]["cost"] == pytest.approx(0.0006)
    assert "ValueError" in str(told[62]["why"]) and "302" in str(told[63]["why"])
    assert told[64]["why"] == "I cannot help with that." and "content_filter" in str(told[65]["why"])
    assert all(row["text"] is None and row["similarity"] is None for t, row in told.items() if t != 61)
    assert server.keys == {f"Bearer {KEY}"} and not server.acts

    again = stage(server, tmp_path)  # a run that was killed behind any song and started anew
    assert captions(again, 61)[0] == told[61] and captions(again, 64)[0] == told[64]
    assert captions(again, 62)[0]["outcome"] == "answered", "what failed is asked anew"
    questions = [count for body, count in server.asked.items() if "61 bpm" in body or "64 bpm" in body]
    assert questions == [3, 1]
    assert all(KEY not in path.read_text() for path in tmp_path.iterdir())

    two = captions(again, 61, "dark ambient, no known word")
    assert [row["source"] for row in two] == ["file"], "what cannot be measured is believed"
    two = captions(again, 61, "rock")
    assert [row["source"] for row in two] == ["file", "endpoint"] and two[0]["similarity"] is not None
    rows = [{"captions": two}, {"captions": [told[62]]}, {"captions": [told[64]]}, {"captions": None}]
    counts = caption_counts(rows)
    assert counts["asked"] == {"answered": 1, "failed": 1, "refused": 1} and counts["second"]["songs"] == 1
    assert two[0]["contradicted"] == [] and "contradicted" not in counts and told[62]["contradicted"] is None

    held = made.params.model_copy(update={"min_similarity": None, "max_contradicted": 0})
    wrong = Caption(held, made.choices["encoder"], has_facts=True)
    two = captions(wrong, 120, "rock, 90 bpm")
    assert [row["contradicted"] for row in two] == [["tempo_bpm"], []], (
        "the second fits, however unlike it is"
    )
    assert [row["source"] for row in captions(wrong, 120, "rock, 120 bpm")] == ["file"]
    assert "contradict what was measured: tempo_bpm 1" in " ".join(
        caption_lines(caption_counts([{"captions": two}]))
    )
    assert "max_contradicted" in held.decides() and "max_contradicted" not in made.params.decides()
    assert counts["tokens_in"] == 400 and counts["not_told"] == 1
    assert "1 failed" in " ".join(caption_lines(counts)) and caption_lines({}) == []

    server.acts = ["no key"]
    with pytest.raises(BadModel, match="says 401, the key is refused"):
        captions(again, 67)
    before = list(tmp_path.iterdir())
    server.shutdown()
    server.server_close()
    monkeypatch.setattr("tasks.models.description.endpoint.time.sleep", lambda _: None)
    with pytest.raises(
        BadModel, match=r"nobody answers at http://127.* after 3 tries, the connection is refused"
    ):
        captions(again, 68)
    unknown = urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))
    for causes, outcome in (([unknown] * 3, None), ([unknown, unknown, TimeoutError()], "failed")):
        post = Mock(side_effect=causes)
        monkeypatch.setattr("tasks.models.description.endpoint._post", post)
        with nullcontext() if outcome else pytest.raises(BadModel, match="name of the host is not known"):
            assert captions(again, 68)[0]["outcome"] == outcome
        assert post.call_count == 3
    assert list(tmp_path.iterdir()) == before
    assert said_facts(FACTS) == ["120 bpm", "C minor"]
    assert wav_of_middle(np.zeros((2, 44_100), np.float32), 0.5)[:4] == b"RIFF"
    with pytest.raises(ValueError, match="neither https nor on this machine"):
        load_params(settings=["caption.endpoint.url=http://example.org/v1"])
    with pytest.raises(ValueError, match=r"may take 247 s for a song and engine.song_limit_s is 120"):
        load_params(settings=["caption.model=endpoint", "caption.endpoint.timeout_s=60"])
    asked = PARAMS.model_copy(update={"caption": made.params})
    names = [one.name for one in prepare_stages(asked)]
    place = [one.name for one in prepare_stages(PARAMS)].index("style")
    assert names[place + 1 : place + 3] == ["caption", "part_caption"]


def test_parts_have_captions_of_their_own_by_their_seconds_and_both_stay_where_the_first_is_unlike_it() -> (
    None
):
    loud, soft = (np.random.default_rng(seed).standard_normal((2, 3 * 44_100)) for seed in (0, 1))
    mix_CN = np.concatenate([loud, soft * np.linspace(1e-3, 0.1, soft.shape[1])], axis=1).astype(np.float32)
    described = PARAMS.describe.model_copy(update={"when": "always", "min_certainty": 0.0})
    params = PARAMS.caption.model_copy(update={"model": "facts", "min_similarity": 0.999, "by_part": True})
    made = PartCaption(params, PARAMS.models.style_encoder, described)
    texts = ("Verse: rock", None, "Chorus: dark ambient", "Outro")
    bounds_s = ((0, 3), (3, 6), (3, 6), (5.5, 6))
    sections = [
        {"label": "verse", "text": text, "start_s": first, "end_s": end, "source": "times"}
        for text, (first, end) in zip(texts, bounds_s, strict=True)
    ]
    first, second, third = made.one(replace(Song("a", {"sections": sections}), opened=mix_CN))[
        "part_captions"
    ]
    assert [one["source"] for one in first["captions"]] == ["file", "facts"]
    assert [one["source"] for one in second["captions"]] == ["facts"]
    assert [one["source"] for one in third["captions"]] == ["file"] and third["caption"] == "dark ambient"
    assert first["captions"][1]["text"] != second["caption"], "facts of another part"
    assert first["start_s"] == 0 and second["end_s"] == 6, "half a second is too little to describe"
    silent = made.one(Song("b", {"sections": None, "audio": None}))
    assert silent["part_captions"] is None
    row = {"part_captions": [first, second, third]}
    counts = caption_counts(parts_of([row, {"part_captions": None}]), "part")
    assert counts["parts"] == 3 and counts["template"] == 2 and "songs" not in counts
    assert counts["asked"] == {} and counts["not_told"] == 0, "nobody is asked with a template"
    said = "Captions of parts: 3 parts with one; by the template of facts: 2; asked for: none."
    assert caption_lines(counts, "part")[0] == said
    with pytest.raises(ValueError, match=r"describe.when is never, and nobody says the facts"):
        load_params(settings=["caption.model=facts", "caption.max_contradicted=0"])
    with pytest.raises(ValueError, match=r"by_part is true, but sections.model is none"):
        load_params(settings=["caption.model=facts", "caption.by_part=true"])
