"""Files to follow that are sent to the desk: counted as they come, kept by their hash, checked as `jam generate` checks them."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from starlette.applications import Starlette

from flows.desk.app import maker_routes
from flows.desk.maker import Maker
from flows.desk.queue import JobQueue
from flows.settings.project import Project
from tasks.audio.read import flac_bytes
from tasks.desk.candidates import job_facts
from tasks.jobs import files
from tasks.jobs.files import file_of, receiving
from tests.tasks.stages.generated.test_generate import TINY

TUNE = bytes.fromhex(
    "4d546864000000060000000101e0 4d54726b0000000c 00903c5a 87403c00 00ff2f00"
)  # a C of two beats
ASKED = {
    "name": "moon",
    "words": [["moon", 0.5, 1.0]],
    "line_starts": [0],
    "duration_s": 4.0,
    "style": "pop",
    "style_song": "",
    "candidates": 1,
    "seed": 1,
}


def test_a_file_that_is_sent_is_kept_by_its_hash_or_refused_in_one_line_and_a_job_has_it_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = Maker(Project.as_run(tmp_path, None, []), tmp_path / "model", JobQueue(tmp_path, ()))
    vars(maker).update(config=replace(TINY, max_frames=96, controls=("melody", "drums")), weights="w")
    vars(maker).update(checkpoint=tmp_path / "model")
    monkeypatch.setattr(JobQueue, "start", lambda *given: None)
    place: Any = SimpleNamespace(root=tmp_path, kept_sounds=tmp_path)
    app = Starlette(routes=maker_routes(place, maker))
    sent = tmp_path / "jobs" / "files"

    def send(control: str, *pieces: bytes) -> tuple[int, dict[str, str]]:
        async def coming() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app), base_url="http://desk"
            ) as client:
                return await client.post("/api/file", params={"control": control}, content=coming())

        answer = asyncio.run(asked())
        return answer.status_code, answer.json()

    def sound(samples_CN: np.ndarray) -> bytes:
        return flac_bytes(samples_CN.astype(np.float32), 44_100)

    loud = sound(np.random.default_rng(0).uniform(-0.3, 0.3, (2, 4410)))
    for control, data, told in (
        ("melody", b"", "file: it has no bytes; choose another"),
        ("melody", b"MThd\0\0\0\6\0\0\0\1\0\0", "melody: the file: "),
        ("melody", loud, "melody: the file is a sound, and models.melody.model is none; choose"),
        ("drums", TUNE, "drums: the file: "),
        ("drums", sound(np.zeros((2, 4410))), "drums: the file is silent; give a sound to follow"),
        ("chords", TUNE, "chords: this model follows none; leave them out"),
        ("../x", TUNE, "control: '../x' is none of chords, melody, drums"),
    ):
        status, said = send(control, data)
        assert status == 422 and said["error"].startswith(told) and "\n" not in said["error"], (data, said)
        assert str(tmp_path) not in said["error"] and not list(sent.iterdir())
    (tune, drums) = (hashlib.sha256(data).hexdigest() for data in (TUNE, loud))
    assert send("melody", TUNE[:9], TUNE[9:]) == (201, {"file": tune})
    assert send("drums", loud) == (201, {"file": drums})
    assert {path.name for path in sent.iterdir()} == {tune, drums}
    job = maker.ask({**ASKED, "melody": tune, "drums": drums}, None)
    (row,) = json.loads(job.manifest.read_text())
    assert [(job.folder / row[name]).read_bytes() for name in ("melody", "drums")] == [TUNE, loud]
    assert job_facts(job)["melody"] == tune and job.id != maker.ask(ASKED, None).id
    monkeypatch.setattr(files, "MAX_KEPT", 1)
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 50)
    with (
        pytest.raises(ValueError, match=r"^file: over 50 bytes; cut or compress it"),
        receiving(tmp_path) as big,
    ):
        for _ in range(6):
            big.take(bytes(10))
    with receiving(tmp_path) as other:
        other.take(b"other")
        kept = other.keep()
    assert [path.name for path in sent.iterdir()] == [kept]
    assert file_of(tmp_path, "melody", tune) == job.folder / "melody"  # asked for again
    for digest in ("0" * 64, "../../x"):
        with pytest.raises(ValueError, match=r"^melody: its file is not here any more; choose it again"):
            file_of(tmp_path, "melody", digest)
