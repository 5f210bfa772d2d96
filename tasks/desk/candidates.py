"""Candidates of a job for the page: what jamify's folder (metadata) says of each, its scores, its sound and outline."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tasks.audio.read import read_bytes
from tasks.desk.sounds import NoSound, outline
from tasks.jobs.files import FOLLOWED
from tasks.jobs.store import SCORES, Job
from tasks.prompts.output_folder import METADATA
from tasks.storage.files import write_bytes

MEDIA = {".flac": "audio/flac", ".mp3": "audio/mpeg", ".wav": "audio/wav"}


def job_line(job: Job) -> dict[str, Any]:
    """A job in the list."""
    ask = job.ask
    return {
        "id": job.id,
        "name": ask.name,
        "made_at": job.made_at,
        "state": job.state,
        "made": job.num_made,
        "candidates": ask.candidates,
        "duration_s": ask.duration_s,
        "style": ask.style or f"as {ask.style_song}",
        "seed": ask.seed,
        "why": job.why,
    }


def job_facts(job: Job) -> dict[str, Any]:
    """A job with its words, its candidates and what its process said."""
    ask, scores = job.ask, _json(job.folder / SCORES) or {}
    ends = [*ask.line_starts[1:], len(ask.words)]
    return {
        **job_line(job),
        "style_text": ask.style,
        "style_song": ask.style_song,
        "words": [
            {
                "text": text,
                "start_s": start_s,
                "end_s": end_s,
                "score": None,
                "unheard": False,
                "phonemes": None,
            }
            for text, start_s, end_s in ask.words
        ],
        "lines": [[first, end] for first, end in zip(ask.line_starts, ends, strict=True)],
        "language": ask.language,
        "phones": ask.phones,
        "chords": ask.chords,
        "bpm": ask.bpm,
        **{name: ask.files.get(name) for name in FOLLOWED},
        "songs": [_candidate(row, scores) for row in _json(job.out / METADATA) or []],
        "log": job.log(),
    }


def _candidate(row: dict[str, Any], scores: dict[str, Any]) -> dict[str, Any]:
    number = row["generation_index"]
    sampler = row.get("sample_kwargs") or {}
    return {
        "candidate": number,
        "reason": row["drop_reason"],
        "seed": row.get("seed"),
        "lufs": row.get("lufs"),
        "file": row.get("generated_audio_path"),
        "scores": scores.get(str(number), {}),
        "settings": {
            "seed": row.get("seed"),
            "candidate": number,
            "weights_sha256": row.get("weights_sha256"),
            **sampler,
        },
    }


def candidate_sound(job: Job, number: int) -> Path:
    """The sound file of a candidate.

    Raises:
        NoSound: it is not made, or was dropped.
    """
    for row in _json(job.out / METADATA) or []:
        if row["generation_index"] == number and not row["drop_reason"]:
            path: Path = job.out / row["generated_audio_path"]
            if path.is_file() and path.parent == job.out / "generated" and path.suffix in MEDIA:
                return path
    raise NoSound(f"sound: candidate {number} of the job is not made")


def candidate_outline(folder: Path, path: Path) -> Path:
    """The outline of a sound file, kept in `folder`."""
    status = path.stat()
    key = f"{path}/{status.st_size}/{status.st_mtime_ns}"
    kept = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.outline"
    if not kept.is_file():
        write_bytes(kept, outline(read_bytes(path.read_bytes())[0]))
    return kept


def _json(path: Path) -> Any:
    return json.loads(path.read_bytes()) if path.is_file() else None
