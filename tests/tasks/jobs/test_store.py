"""Jobs of the desk: equal asks are one job, which is there whole or not at all; what is beyond its limits is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.jobs.ask import Ask
from tasks.jobs.store import DONE, add_job, forget_jobs, job_called, jobs_of, read_job

ASKED: dict[str, Any] = {
    "name": "moon",
    "words": [["moon", 0.0, 0.25], ["light", 0.5, 1.0]],
    "line_starts": [0, 1],
    "duration_s": 1.2,
    "style": " warm  pop ",
    "style_song": "",
    "candidates": 2,
    "seed": 7,
    "phones": [[["m", 0.0, 0.5], ["u", 0.5, 1.0]], [["l", 0, 1]]],
}


def test_a_job_is_what_was_asked_once_and_each_field_has_its_limits(tmp_path: Path) -> None:
    ask = Ask.from_json(ASKED, "weights")
    job = add_job(tmp_path, ask)
    assert (job.state, job.ask, job.ask.style) == ("waiting", ask, "warm pop")
    assert json.loads(job.manifest.read_text()) == [
        {"id": "moon", "lrc_path": "words.json", "duration": 1.2, "prompt_path": "style.txt"}
    ]
    words = json.loads((job.folder / "words.json").read_text())["word"]
    assert [(word["word"], word["start"], word["end"], word["line"]) for word in words] == [
        ("moon", 0.0, 0.25, 1),
        ("light", 0.5, 1.0, 2),
    ]
    assert words[0]["phones"][1] == {"phone": "u", "start": 0.125, "end": 0.25}  # phones move with their word
    job.cancel()
    assert job_called(tmp_path, job.id).state == "cancelled"
    assert (
        add_job(tmp_path, ask).state == "waiting" and len(jobs_of(tmp_path)) == 1
    )  # asked again, wanted again
    (tmp_path / "style.flac").write_bytes(b"sound")
    as_song = Ask.from_json({**ASKED, "style": "", "style_song": "song-1"}, "weights")
    other = add_job(tmp_path, as_song, tmp_path / "style.flac")
    job.ends(DONE, {})
    assert [one.state for one in jobs_of(tmp_path)] == ["done", "waiting"]
    assert forget_jobs(tmp_path, {"song-1"}) and [one.id for one in jobs_of(tmp_path)] == [job.id]
    assert not other.folder.exists()
    with pytest.raises(KeyError):
        job_called(tmp_path, "../../etc")
    followed = Ask.from_json({**ASKED, "chords": "C G | Am F", "bpm": 96}, "weights")
    row = json.loads(add_job(tmp_path, followed).manifest.read_text())[0]
    assert (row["chords"], row["bpm"], read_job(tmp_path / "jobs" / followed.id).ask) == (
        "C G | Am F",
        96.0,
        followed,
    )
    assert "chords" not in json.loads(job.manifest.read_text())[0] and followed.id != job.id
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"chords": "C"}, "bpm: chords need a tempo"),
        ({"chords": "C", "bpm": 1}, "beats a minute, 30"),
        ({"chords": ["C"], "bpm": 96}, "chords: give a text"),
        ({"name": "a/b"}, "name"),
        ({"words": []}, "words"),
        ({"words": [["a b", 0, 1]], "line_starts": [0]}, "words"),
        ({"words": [["a", 0.5, 1], ["b", 0.2, 1]]}, "in order"),
        ({"words": [["a", 0, 2]], "line_starts": [0]}, "within 1.2 s"),
        ({"words": [["a", 0, float("nan")]], "line_starts": [0]}, "no seconds"),
        ({"line_starts": [0, 5]}, "line_starts"),
        ({"style_song": "x"}, "one of the two"),
        ({"style": "x" * 501}, "at most 500"),
        ({"candidates": 17}, "candidates: 17; give a whole number, 1 to 16"),
        ({"candidates": 2.0}, "candidates"),
        ({"seed": -1}, "seed: -1; give a whole number, 0 to 2147483647"),
        ({"duration_s": 1e9}, "duration_s: 1000000000.0; give seconds, 0.1 to 3600"),
        ({"words": [["a", 0, 10**400]], "line_starts": [0]}, "no seconds; give 0 to 3600"),
        ({"language": "../x"}, "language"),
        ({"phones": [[["m", 0, 2]], []]}, "phones"),
        ({"phones": [1, []]}, "phones: give a list of those of each word"),
        ({"more": 1}, "job: give"),
    ]
    for change, told in wrong:
        with pytest.raises(ValueError, match=told):
            Ask.from_json({**ASKED, **change}, "weights")
    file = job.folder / "job.json"
    file.write_text(file.read_text().replace('"seed": 7', '"seed": 8'))
    with pytest.raises(ValueError, match="is not what its folder says"):
        read_job(job.folder)
    assert [one.id for one in jobs_of(tmp_path)] == [followed.id]
