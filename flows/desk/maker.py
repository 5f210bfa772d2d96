"""What the desk needs to have songs generated (`Maker`): checkpoint and config, lyrics laid with times, style and sent files checked, jobs asked and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.desk.queue import JobQueue
from flows.pipelines.checkpoints import checkpoint_at, kept_checkpoint
from flows.pipelines.control_makers import makers_of
from flows.pipelines.predictor import predictor_of
from flows.settings.project import Project
from jam_model.checkpoint import load_config, weights_hash
from jam_model.config import JamConfig
from jam_model.frames import frames_of_seconds, seconds_of_frames
from jam_model.lyric_grid import SUNG
from tasks.desk.candidates import job_facts, job_line
from tasks.desk.lay_words import LayParams, laid_words
from tasks.jobs.ask import MAX_CANDIDATES, MAX_STYLE_CHARS, Ask, check_seconds
from tasks.jobs.files import FOLLOWED, MAX_FILE_BYTES, MAX_FILE_SECONDS, file_of
from tasks.jobs.store import Job, add_job, job_called, jobs_of, lyrics_bytes
from tasks.models.style_encoder import build_style_encoder
from tasks.prompts.control_prompts import check_files, request_of

CHORDS = "chords"
ASKED_HERE = (CHORDS, *FOLLOWED)
"""Controls that can be asked for here."""


@dataclass
class Maker:
    """Generating of one desk. `given`: ``--checkpoint``; None: the kept one of the work folder."""

    project: Project
    given: Path | None
    queue: JobQueue
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def checkpoint(self) -> Path:
        """Raises ValueError where there is none."""
        return checkpoint_at(self.given) if self.given is not None else kept_checkpoint(self.project.work)

    @cached_property
    def config(self) -> JamConfig:
        """Of the model."""
        return load_config(self.checkpoint)

    @cached_property
    def weights(self) -> str:
        """The model's sha256."""
        return weights_hash(self.checkpoint)

    def open(self) -> None:
        """Go on with what waits, where there is a model to do it."""
        try:
            checkpoint = self.checkpoint
        except ValueError:
            return
        self.queue.start(checkpoint)

    def facts(self) -> dict[str, Any]:
        """What the page begins with: the model and its limits, or why there is none."""
        params = self.project.params
        try:
            longest_s = seconds_of_frames(self.config.max_frames)
            about = {"checkpoint": self.checkpoint.name, "weights": self.weights[:12], "why": ""}
        except (ValueError, OSError) as error:
            about, longest_s = {"checkpoint": "", "weights": "", "why": str(error)}, 0.0
        controls = list(self.config.controls) if longest_s else []
        limits = {
            "longest_s": longest_s,
            "max_candidates": MAX_CANDIDATES,
            "max_words": params.ingest.max_lyrics_words,
            "max_style": MAX_STYLE_CHARS,
            "max_file": MAX_FILE_BYTES,
        }
        predicted = bool(longest_s) and predictor_of(self.project, self.project.work, False) is not None
        return {**about, **limits, "controls": controls, "predicted": predicted, "seed": params.round.seed}

    def lay(self, value: Any) -> dict[str, Any]:
        """Words with times for lyrics.

        Raises:
            ValueError: see `laid_words`, or there is no model.
        """
        params = self.project.params
        laying = LayParams(
            params.audio,
            params.ingest,
            params.prompt.model_copy(update={"style": "text", "num_samples": None}),
            params.models.phonemizer,
            params.rough_times,
            params.phonemize.max_unknown_share,
        )
        with self.lock:
            predictor = predictor_of(self.project, self.project.work, self.config.filler == SUNG)
            return laid_words(value, laying, self.config, predictor)

    def ask(self, value: Any, style_audio: Any) -> Job:
        """A new job. `style_audio`: gives the sound file of a song by its id.

        Raises:
            KeyError: there is no song whose style was asked for.
            ValueError: it cannot be asked.
        """
        ask = Ask.from_json(value, self.weights)
        check_seconds(ask.duration_s, seconds_of_frames(self.config.max_frames))
        self._check_words(ask)
        self._check_style(ask.style)
        self._check_controls(ask)
        job = add_job(self.project.work.root, ask, style_audio(ask.style_song) if ask.style_song else None)
        self.queue.start(self.checkpoint)
        self.queue.look()
        return job

    def _check_words(self, ask: Ask) -> None:
        """Whether the job could read them, as any other lyrics."""
        limits = self.project.params.ingest
        if len(ask.words) > limits.max_lyrics_words:
            raise ValueError(f"words: {len(ask.words)}; give at most {limits.max_lyrics_words}")
        num_bytes = len(lyrics_bytes(ask))
        if num_bytes > limits.max_lyrics_bytes:
            raise ValueError(
                f"words: {num_bytes} bytes as lyrics, at most {limits.max_lyrics_bytes}; give fewer words, or no phones"
            )

    def check_file(self, name: str, digest: str) -> None:
        """Whether songs of this model can follow a file that was sent, as `jam generate` would.

        Raises:
            ValueError: they cannot; the line begins with the control.
        """
        self._follows(name)
        self._check_files({name: digest}, self.config.max_frames)

    def _check_controls(self, ask: Ask) -> None:
        """Whether the model follows what is asked for, and all of it can be read."""
        if ask.chords is not None:
            self._follows(CHORDS)
            request_of({CHORDS: ask.chords}, {}, ask.bpm)
        for name in ask.files:
            self._follows(name)
        self._check_files(ask.files, frames_of_seconds(ask.duration_s))

    def _follows(self, name: str) -> None:
        if name not in ASKED_HERE:
            raise ValueError(f"control: {name[:20]!r} is none of {', '.join(ASKED_HERE)}")
        if name not in self.config.controls:
            it = "it" if name == "melody" else "them"
            raise ValueError(
                f"{name}: this model follows none; leave {it} out, or choose another --checkpoint"
            )

    def _check_files(self, digests: Mapping[str, str], num_frames: int) -> None:
        paths = {name: file_of(self.project.work.root, name, digest) for name, digest in digests.items()}
        makers = makers_of(self.project)
        most_s = min(makers.audio.max_seconds, MAX_FILE_SECONDS)
        makers = replace(makers, audio=makers.audio.model_copy(update={"max_seconds": most_s}))
        try:
            with self.lock:  # one sound in memory at a time
                check_files(request_of({}, paths, None), num_frames, makers)
        except ValueError as error:
            line = str(error)
            for path in paths.values():
                line = line.replace(str(path), "the file")
            raise ValueError(line) from None

    def _check_style(self, style: str) -> None:
        """Whether it can be read; a real encoder reads any text, so none is loaded for it."""
        choice = self.project.params.models.style_encoder
        if not style or choice.settings is not None:
            return
        try:
            build_style_encoder(choice).embed_text(style)
        except ValueError as error:
            raise ValueError(f"style: {str(error).removeprefix('style text ')}") from error

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs, the newest first."""
        return [job_line(job) for job in reversed(jobs_of(self.project.work.root))]

    def job(self, name: str) -> Job:
        """Raises KeyError where there is none."""
        return job_called(self.project.work.root, name)

    def change(self, value: Any) -> dict[str, Any]:
        """Cancel a job or want it again.

        Raises:
            KeyError: there is no such job.
            ValueError: nothing else can be done to one.
        """
        if not isinstance(value, dict) or value.keys() != {"id", "do"} or not isinstance(value["id"], str):
            raise ValueError("job: give id and do")
        job = self.job(value["id"])
        if value["do"] == "cancel":
            job.cancel()
        elif value["do"] == "again":
            job.again()
        else:
            raise ValueError("do: give cancel or again")
        self.queue.look()
        return job_facts(job)
